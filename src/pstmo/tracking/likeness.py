"""How much two people in the picture are alike: their boxes, and their joints where both show them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Joints = Float[np.ndarray, "people joints 2"]
Boxes = Float[np.ndarray, "people 4"]

NEAR, FAR = 0.1, 0.5
"""How far a joint may be from where it is expected, as shares of the person's size: at once, and more a second."""

LONGEST = 1.0
"""Seconds after which expectations become no vaguer."""

MARGIN = 0.05
"""How much wider than its joints a box is on every side, over the person's size."""

TINY = 1e-9
"""Pixels: the least tolerance, where somebody is a single point."""


class Shapes(NamedTuple):
    """People: joints in pixels, NaN = not known; boxes: left, top, right, bottom; seconds since they were seen."""

    joints: Joints
    boxes: Boxes
    age: Float[np.ndarray, " people"]

    @classmethod
    def of(cls, joints: Joints, age: Float[np.ndarray, " people"] | float = 0.0) -> "Shapes":
        return cls(joints, boxes(joints), np.broadcast_to(np.asarray(age), len(joints)))

    @property
    def size(self) -> Float[np.ndarray, " people"]:
        """The longer sides of the boxes."""
        return (self.boxes[:, 2:] - self.boxes[:, :2]).max(-1)


def boxes(joints: Joints) -> Boxes:
    """NaN where no joint is known."""
    return np.concatenate([np.fmin.reduce(joints, 1), np.fmax.reduce(joints, 1)], -1)


def likeness(expected: Shapes, seen: Shapes) -> Float[np.ndarray, "expected seen"]:
    """From 0, nothing in common, to 1, the same: the mean of both measures.

    Joints are compared as in COCO's object keypoint similarity: mean of exp(-distance^2 / 2 tolerance^2), with a
    tolerance that grows with the person and with the time since.
    """
    size = np.maximum(expected.size[:, None], seen.size)
    tolerance = size * (NEAR + FAR * np.minimum(expected.age, LONGEST))[:, None]
    margin = MARGIN * size[..., None] * np.array([-1, -1, 1, 1])
    overlap = intersection_over_union(expected.boxes[:, None] + margin, seen.boxes + margin)
    return (overlap + similarity(expected.joints, seen.joints, tolerance)) / 2


def similarity(
    first: Float[np.ndarray, "first joints 2"],
    second: Float[np.ndarray, "second joints 2"],
    tolerance: Float[np.ndarray, "first second"],
) -> Float[np.ndarray, "first second"]:
    """Of the joints that both show; 0 where there are none."""
    squares = np.square(first[:, None] - second).sum(-1)
    alike = np.exp(squares * (-0.5 / np.square(np.maximum(tolerance, TINY)))[..., None])
    both = ~np.isnan(squares)
    return np.where(both, alike, 0).sum(-1) / np.maximum(both.sum(-1), 1)


def intersection_over_union(
    first: Float[np.ndarray, "*#batch 4"], second: Float[np.ndarray, "*#batch 4"]
) -> Float[np.ndarray, "*batch"]:
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.maximum(sides, 0).prod(-1)
    union = (first[..., 2:] - first[..., :2]).prod(-1) + (second[..., 2:] - second[..., :2]).prod(-1) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
