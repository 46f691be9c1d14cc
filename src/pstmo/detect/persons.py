"""BlazePose's first network: where there are people. An SSD over a picture of 224 x 224 pixels that looks for faces and
tells the body's place from them.

Numbers are those of MediaPipe's graph pose_detection_cpu.
"""

from pathlib import Path

import numpy as np

from pstmo.detect.litert import Network, sigmoid
from pstmo.detect.region import Region, cut

SIDE = 224
GRIDS = ((28, 2), (14, 2), (7, 6))
"""Cells a side, and answers a cell."""

SURE = 0.5
OVERLAP = 0.3
"""Share of two boxes' union: what overlaps more is the same person."""

HIPS, TOP = slice(4, 6), slice(6, 8)


class PersonFinder:
    """Finds people anywhere in a picture."""

    def __init__(self, path: Path, threads: int | None = None):
        self._cells = _cells()
        answers = len(self._cells)
        self._network = Network(path, (1, SIDE, SIDE, 3), [(1, answers, 12), (1, answers, 1)], threads)

    def __call__(self, image: np.ndarray) -> list[Region]:
        """The surest first."""
        affine = _whole(image)
        found, logits = self._network(_letterbox(image, affine))
        score = sigmoid(logits[:, 0])
        sure = score > SURE
        points = found[sure] / SIDE
        points[:, :2] += self._cells[sure]
        points[:, 4:] += np.tile(self._cells[sure], 4)
        people = SIDE * _merged(points, score[sure])
        scale, shift = affine[0, 0], affine[:, 2]
        return [Region(scale * person[HIPS] + shift, scale * person[TOP] + shift) for person in people]


def _whole(image: np.ndarray) -> np.ndarray:
    """(2, 3): from the pixels of the network's picture to those of the image, which is in its middle."""
    height, width = image.shape[:2]
    longest = max(height, width)
    return np.array([[longest / SIDE, 0, (width - longest) / 2], [0, longest / SIDE, (height - longest) / 2]])


def _letterbox(image: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """(224, 224, 3), -1 to 1; black from one pixel beyond the edges on, and in between up to there."""
    place = np.outer(np.diag(affine), np.arange(SIDE)) + affine[:, 2:]
    size = np.array(image.shape[1::-1])[:, None]
    across, along = np.minimum(place + 1, size - place).clip(0, 1).astype(np.float32)
    return cut(image, affine, SIDE) * (along[:, None] * across)[..., None] / 127.5 - 1


def _cells() -> np.ndarray:
    """(answers, 2): the middle of each answer's cell, as a share of the picture."""
    middles = []
    for cells, answers in GRIDS:
        y, x = (np.mgrid[:cells, :cells] + 0.5) / cells
        middles.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), answers, 0))
    return np.concatenate(middles).astype(np.float32)


def _merged(people: np.ndarray, score: np.ndarray) -> np.ndarray:
    """(people, 12): each the mean of the answers whose boxes overlap with the surest one's, by their scores."""
    order = np.argsort(-score, kind="stable")
    merged = []
    while len(order):
        same = _overlap(people[order[0]], people[order]) > OVERLAP
        same[0] = True  # even if its box is empty
        merged.append(np.average(people[order[same]], axis=0, weights=score[order[same]]))
        order = order[~same]
    return np.array(merged).reshape(-1, 12)


def _overlap(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes that begin with x and y of their middle, width and height."""
    low = np.maximum(one[:2] - one[2:4] / 2, others[:, :2] - others[:, 2:4] / 2)
    high = np.minimum(one[:2] + one[2:4] / 2, others[:, :2] + others[:, 2:4] / 2)
    shared = (high - low).clip(0).prod(1)
    return shared / (one[2:4].prod() + others[:, 2:4].prod(1) - shared).clip(1e-9)
