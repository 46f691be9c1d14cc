"""People who move, for tests of motion files: bones of constant length that swing smoothly."""

from dataclasses import replace

import numpy as np

from pstmo.motion import Motion, Origins, World
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M, Skeleton

TILT = np.array([[1.0, 0.0, 0.0], [0.0, 0.28, 0.96], [0.0, -0.96, 0.28]])
"""Axes of a camera that looks down -> those of the world."""


def places(skeleton: Skeleton = HUMAN36M, frames: int = 30, seed: int = 0, sway: float = 1.0) -> np.ndarray:
    """(frames, joints, 3), metres, z up."""
    chance = np.random.default_rng(seed)
    time = np.linspace(0, 2, frames)[:, None]
    found = np.zeros((frames, len(skeleton), 3))
    for joint, parent in sorted(enumerate(skeleton.parents), key=lambda pair: depth(skeleton, pair[0])):
        way = chance.normal(size=3) + sway * np.sin(time * chance.uniform(1, 3, 3) + chance.uniform(0, 6, 3))
        step = chance.uniform(0.1, 0.4) * way / np.linalg.norm(way, axis=-1, keepdims=True)
        found[:, joint] = 0.3 * way if parent < 0 else found[:, parent] + step
    return found - [0, 0, found[..., 2].min()]


def depth(skeleton: Skeleton, joint: int) -> int:
    return 0 if skeleton.parents[joint] < 0 else 1 + depth(skeleton, skeleton.parents[joint])


def moving(
    skeleton: Skeleton = HUMAN36M,
    frames: int = 30,
    person: int = 1,
    *,
    timestamps: np.ndarray | None = None,
    unseen: tuple[int, ...] = (4, 5),
) -> Motion:
    """In a world, with keypoints; not observed in some frames."""
    positions = places(skeleton, frames, seed=person).astype(np.float32)
    observed = ~np.isin(np.arange(frames), unseen)
    poses = Poses.from_array(positions @ TILT, fps=25, skeleton=skeleton, observed=observed, model="m", mode="fast")
    xy = np.random.default_rng(person).uniform(1, 400, (frames, 17, 2))
    sure = np.where(observed[:, None], np.random.default_rng(person).uniform(0.1, 1, (frames, 17)), 0)
    known = {"image_size": (640, 480), "fps": 25, "skeleton": COCO}
    keypoints = Keypoints.from_array(xy, confidence=sure, timestamps=timestamps, **known)
    origins = Origins("given", "model", "body", "ankles", "reprojection")
    world = World(positions, skeleton, 25.0, observed, TILT, 1.5, 700.0, 1.1, float("nan"), origins)
    return Motion(replace(poses, smoothing=5.0), keypoints, world, person)
