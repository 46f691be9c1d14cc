"""Turns as angles about single axes, for formats that have nothing better."""

import numpy as np
from jaxtyping import Float

from pstmo.datasets import rotations

ORDER = "zxy"
"""Rz Rx Ry: angles are about the joint's own axes as they are after the turns before."""

Angles = Float[np.ndarray, "frames joints 3"]


def to_euler(turns: Float[np.ndarray, "frames joints 4"]) -> Angles:
    """Degrees about z, x and y, without jumps from frame to frame.

    Every turn has two sets of angles, each with any number of full circles: the one nearest to the frame before is
    taken. Where the x angle is +-90 degrees, only a sum of the others is told: z keeps its angle from the frame before.
    """
    turned = rotations.to_matrix(turns)
    up = np.clip(turned[..., 2, 1], -1, 1)
    flat = np.hypot(turned[..., 0, 1], turned[..., 1, 1]) < 1e-6
    z = np.arctan2(-turned[..., 0, 1], turned[..., 1, 1])
    y = np.arctan2(-turned[..., 2, 0], turned[..., 2, 2])
    both = np.arctan2(turned[..., 1, 0], turned[..., 0, 0])
    angles = np.stack([z, np.arcsin(up), y], -1)
    before = np.zeros_like(angles[0])
    for frame, found in enumerate(angles):
        lock = flat[frame]
        found[lock, 0] = before[lock, 0]
        found[lock, 2] = np.sign(up[frame, lock]) * (both[frame, lock] - before[lock, 0])
        before = angles[frame] = _nearest(found, before)
    return np.rad2deg(angles)


def _nearest(angles: Float[np.ndarray, "joints 3"], before: Float[np.ndarray, "joints 3"]) -> np.ndarray:
    """(joints, 3): the angles of the same turns that are nearest to those."""
    other = angles * (1, -1, 1) + np.pi
    choices = np.stack([angles, other])
    choices += 2 * np.pi * np.rint((before - choices) / (2 * np.pi))
    far = np.abs(choices - before).sum(-1)
    return np.where((far[0] <= far[1])[:, None], choices[0], choices[1])
