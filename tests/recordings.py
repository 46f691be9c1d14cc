"""Recordings of made-up people for the tests: random keypoints and poses, of any layout and length."""

import numpy as np
import torch

from pstmo.camera import Intrinsics
from pstmo.datasets.recording import Recording
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M, Skeleton

SIZE = (640, 480)


def recording(
    take: str = "Walk 1",
    frames: int = 12,
    *,
    split: str = "test",
    kinds: dict[str, Skeleton] | None = None,
    layout: Skeleton = HUMAN36M,
    observed: np.ndarray | None = None,
    **more,
) -> Recording:
    """Random poses about 0.5 m around the root, and keypoints that have nothing to do with them."""
    chance = np.random.default_rng(len(take) + frames)
    seen = {
        kind: Keypoints.from_array(
            chance.uniform(20, 460, (frames, len(skeleton), 2)),
            confidence=chance.uniform(0.2, 1, (frames, len(skeleton))),
            skeleton=skeleton,
            image_size=SIZE,
            fps=50,
        )
        for kind, skeleton in (kinds or {"gt": COCO}).items()
    }
    poses = Poses.from_array(
        chance.normal(0, 0.3, (frames, len(layout), 3)), fps=50, skeleton=layout, observed=observed
    )
    labels = {"subject": "S9", "action": take.split(maxsplit=1)[0], "camera": "cam"} | more
    return Recording(take=take, split=split, keypoints=seen, poses=poses, **labels)


def lens() -> Intrinsics:
    return Intrinsics(torch.tensor([2.3, 2.2]), torch.tensor([0.02, -0.01]), torch.zeros(3), torch.zeros(2))
