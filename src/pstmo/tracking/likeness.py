"""How much two people in the picture are alike: their boxes, and their joints where both show them."""

from typing import NamedTuple

import numpy as np

NEAR, FAR = 0.1, 0.5
"""How far a joint may be from where it is expected, as shares of the person's size: at once, and more a second."""

LONGEST = 1.0
"""Seconds after which expectations become no vaguer."""

MARGIN = 0.05
"""How much wider than its joints a box is on every side, over the person's size."""

TINY = 1e-9
"""Pixels: the least tolerance, where somebody is a single point."""


class Shapes(NamedTuple):
    """People. joints: (people, joints, 2), pixels, NaN = not known. boxes: (people, 4), left, top, right, bottom.

    age: (people,), seconds since they were seen.
    """

    joints: np.ndarray
    boxes: np.ndarray
    age: np.ndarray

    @classmethod
    def of(cls, joints: np.ndarray, age: np.ndarray | float = 0.0) -> "Shapes":
        return cls(joints, boxes(joints), np.broadcast_to(np.asarray(age), len(joints)))

    @property
    def size(self) -> np.ndarray:
        """(people,), the longer sides of the boxes."""
        return (self.boxes[:, 2:] - self.boxes[:, :2]).max(-1)


def boxes(joints: np.ndarray) -> np.ndarray:
    """(people, joints, 2) -> (people, 4), NaN where no joint is known."""
    return np.concatenate([np.fmin.reduce(joints, 1), np.fmax.reduce(joints, 1)], -1)


def likeness(expected: Shapes, seen: Shapes) -> np.ndarray:
    """(expected, seen), from 0, nothing in common, to 1, the same: the mean of both measures.

    Joints are compared as in COCO's object keypoint similarity: mean of exp(-distance^2 / 2 tolerance^2), with a
    tolerance that grows with the person and with the time since.
    """
    size = np.maximum(expected.size[:, None], seen.size)
    tolerance = size * (NEAR + FAR * np.minimum(expected.age, LONGEST))[:, None]
    margin = MARGIN * size[..., None] * np.array([-1, -1, 1, 1])
    overlap = intersection_over_union(expected.boxes[:, None] + margin, seen.boxes + margin)
    return (overlap + similarity(expected.joints, seen.joints, tolerance)) / 2


def similarity(first: np.ndarray, second: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """(first, second), of the joints that both show; 0 where there are none. tolerance: (first, second), pixels."""
    squares = np.square(first[:, None] - second).sum(-1)
    alike = np.exp(squares * (-0.5 / np.square(np.maximum(tolerance, TINY)))[..., None])
    both = ~np.isnan(squares)
    return np.where(both, alike, 0).sum(-1) / np.maximum(both.sum(-1), 1)


def intersection_over_union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of boxes (..., 4), which may broadcast."""
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.maximum(sides, 0).prod(-1)
    union = (first[..., 2:] - first[..., :2]).prod(-1) + (second[..., 2:] - second[..., :2]).prod(-1) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
