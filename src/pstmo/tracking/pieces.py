"""Pieces of paths, and whether one goes on as another."""

from typing import NamedTuple

import numpy as np

from pstmo.tracking.likeness import Shapes, likeness
from pstmo.tracking.state import MEMORY, ahead, common_step

Path = np.ndarray
"""Places in a clip of one person's detections, in the order of time."""

WINDOW = 1.0
"""Seconds of a path's end that tell how it goes on and whose it is."""

GROWTH, SIZE, BUILD = 0.1, 0.1, 0.1
"""Tolerances, as logarithms: of size, a second and at once, and of proportions, which change with the view."""

MOST = 25
"""Frames from which somebody's proportions are taken."""


class Clip(NamedTuple):
    """All detections, in the order of time. seconds: (seen,). sure: (seen,), how sure the detector is.

    joints: (seen, joints, 2), pixels, NaN = not observed.
    """

    seconds: np.ndarray
    joints: np.ndarray
    sure: np.ndarray

    def end(self, path: Path) -> "End":
        """The last second, as it goes on."""
        seconds = self.seconds[path]
        last = path[seconds > seconds[-1] - WINDOW]
        return End.of(self.seconds[last], self.joints[last])

    def start(self, path: Path) -> "End":
        """The first second, as it came: backwards, by a clock that runs backwards."""
        seconds = self.seconds[path]
        first = path[seconds < seconds[0] + WINDOW][::-1]
        return End.of(-self.seconds[first], self.joints[first])


class End(NamedTuple):
    """joints: (1, joints, 2), where each was last, taken along with the body. velocity: (1, 2), of the body.

    seconds: of the last frame. build: (joints, joints), logarithms of the distances between joints.
    """

    seconds: float
    joints: np.ndarray
    velocity: np.ndarray
    build: np.ndarray

    @classmethod
    def of(cls, seconds: np.ndarray, joints: np.ndarray) -> "End":
        steps, passed = np.nan_to_num(common_step(np.diff(joints, axis=0))), np.diff(seconds)
        weights = passed * np.exp((seconds[1:] - seconds[-1]) / MEMORY)
        velocity = (weights / passed) @ steps / max(weights.sum(), 1e-12)
        way = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
        last = len(joints) - 1 - np.argmax(~np.isnan(joints[::-1, :, 0]), axis=0)
        places = joints[last, np.arange(joints.shape[1])] + way[-1] - way[last]
        return cls(float(seconds[-1]), places[None], velocity[None], _build(joints[-MOST:]))


def continues(before: End, after: End) -> float:
    """How likely the person of one end, then lost from view, is the one of the other: 0 to 1."""
    gap = np.array([-after.seconds - before.seconds])
    motion = (_expected(before, after, gap) + _expected(after, before, gap)) / 2
    return motion * alike(before, after, gap.item())


def _expected(one: End, other: End, gap: np.ndarray) -> float:
    return likeness(Shapes.of(one.joints + ahead(one.velocity, gap), gap), Shapes.of(other.joints)).item()


def alike(before: End, after: End, gap: float) -> float:
    """By size and proportions alone."""
    differences = before.build - after.build
    differences = np.sort(differences[~np.isnan(differences)])
    if len(differences) == 0:
        return 1.0
    size = differences[len(differences) // 2]
    build = np.sort(np.abs(differences - size))[len(differences) // 2]
    return float(np.exp(-0.5 * ((size / (SIZE + GROWTH * gap)) ** 2 + (build / BUILD) ** 2)))


def _build(joints: np.ndarray) -> np.ndarray:
    """What the distances were in three of four frames at most; NaN on and below the diagonal and where never seen."""
    distances = np.sort(np.linalg.norm(joints[:, :, None] - joints[:, None], axis=-1), axis=0)
    known = (~np.isnan(distances)).sum(0)
    chosen = np.take_along_axis(distances, (np.maximum(known - 1, 0) * 3 // 4)[None], 0)[0]
    lower = np.tri(joints.shape[1], dtype=bool)
    return np.log(np.where(lower | (chosen <= 0), np.nan, chosen))
