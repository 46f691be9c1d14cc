"""BlazePose's second network: the landmarks of one person, in a square picture of 256 x 256 pixels about it.

Numbers are those of MediaPipe's graphs pose_landmark_by_roi_cpu and tensors_to_pose_landmarks_and_segmentation.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from pstmo.detect.litert import Network, sigmoid
from pstmo.detect.region import Region, cut
from pstmo.skeleton import MEDIAPIPE33

SIDE = 256
MARKS = 39
"""The landmarks, then the two points of the region, then four that nobody needs."""

MAP = 64
REACH = 4
"""Cells of a heat map to each side of a landmark that say where it is more exactly. 3 in MediaPipe's sources, but its
release 0.10.21 does this."""

HOT = 0.5
"""Such cells say something if one of them is as sure as that."""


class Body(NamedTuple):
    """One person in one picture.

    joints: (33, 3) x, y in pixels, confidence. world: (33, 3) metres, hips at 0, axes of the camera.
    score: 0 to 1, that there is a person. region: where it is.
    """

    joints: np.ndarray
    world: np.ndarray
    score: float
    region: Region


class Landmarker:
    """Finds the landmarks of the person in a region."""

    def __init__(self, path: Path, threads: int | None = None):
        outputs = [(1, 5 * MARKS), (1, 3 * MARKS), (1, 1), (1, MAP, MAP, MARKS)]
        self._network = Network(path, (1, SIDE, SIDE, 3), outputs, threads)

    def __call__(self, image: np.ndarray, region: Region) -> Body:
        affine = region.affine(SIDE)
        marks, world, flag, heat = self._network(cut(image, affine, SIDE) / 255)
        marks = marks.reshape(MARKS, 5)
        xy = _refined(marks[:, :2], heat) @ affine[:, :2].T + affine[:, 2]
        count = len(MEDIAPIPE33)
        confidence = sigmoid(marks[:count, 3]) * sigmoid(marks[:count, 4])
        metres = world.reshape(MARKS, 3)[:count].copy()
        metres[:, :2] = metres[:, :2] @ region.axes.T
        joints = np.column_stack([xy[:count], confidence])
        return Body(joints, metres, float(flag[0]), Region(xy[count], xy[count + 1]))


def _refined(xy: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """(marks, 2): each moved to the middle of what its heat map shows around it, where that is sure of something."""
    refined = xy.copy()
    for i, (column, row) in enumerate((xy * MAP / SIDE).astype(int)):
        if not (0 <= column < MAP and 0 <= row < MAP):
            continue
        left, upper = max(0, column - REACH), max(0, row - REACH)
        warmth = sigmoid(heat[upper : row + REACH + 1, left : column + REACH + 1, i])
        if warmth.max() >= HOT:
            across, along = warmth.sum(0), warmth.sum(1)
            middle = (
                left + across @ np.arange(len(across)) / across.sum(),
                upper + along @ np.arange(len(along)) / along.sum(),
            )
            refined[i] = np.array(middle) * SIDE / MAP
    return refined
