"""What detectors take for the other side: left and right of a body exchanged for some frames, put back.

Silhouettes and backs look much like fronts, so that detectors now and then call a whole body's left joints right. A
body cannot turn round within a frame or two, though: across shoulders and hips, from right to left, it points to where
it pointed before. Which frames are exchanged is found for the whole clip at once (Viterbi's algorithm).
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pstmo.errors import SkeletonError
from pstmo.sequence import Keypoints
from pstmo.skeleton import Skeleton

LAGS = 3
"""Frames up to which each frame is compared with those before."""

BROAD = 1.25
"""Shoulders and hips together, seen from the front, as a share of the trunk's length."""

PRICE = 2.0
"""Of an exchange that begins or ends, in broad bodies of change: more than a quick turn costs that is taken for one."""

DOUBT = 0.02
"""Price of a frame that is exchanged: most of what detectors say is right."""

TRUNK = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")

Across = Float[np.ndarray, "frames 2"]


class Repaired(NamedTuple):
    """frames: (frames,) bool, whose sides were exchanged and are back."""

    keypoints: Keypoints
    frames: Bool[np.ndarray, " frames"]


def put_back(keypoints: Keypoints) -> Repaired:
    """The same person with left and right as they are in most of the clip's frames. Of layouts without shoulders and
    hips, or without sides, nothing is known, and nothing changed."""
    skeleton = keypoints.skeleton
    try:
        mirrored = list(skeleton.mirrored)
    except SkeletonError:
        mirrored = []
    if not mirrored or not set(TRUNK) <= set(skeleton.joints):
        return Repaired(keypoints, np.zeros(keypoints.frames, bool))
    wrong = exchanged(_across(keypoints.xy.astype(np.float64), skeleton)) & np.asarray(keypoints.observed.any(1))
    xy, confidence = keypoints.xy.copy(), keypoints.confidence.copy()
    xy[wrong], confidence[wrong] = xy[wrong][:, mirrored], confidence[wrong][:, mirrored]
    return Repaired(replace(keypoints, xy=xy, confidence=confidence, drawn=None), wrong)


def exchanged(across: Across) -> Bool[np.ndarray, " frames"]:
    """Frames in which a body is the wrong way round. across: from right to left, 1 long where it is broad; NaN = not
    seen."""
    change = [_change(across, lag) for lag in range(1, LAGS + 1)]
    states = 1 << LAGS  # whether each of the last frames is exchanged, the newest in the lowest bit
    cost, came = [0.0 if state < 2 else np.inf for state in range(states)], []
    for frame in range(len(across)):
        best, whence = [np.inf] * states, [0] * states
        for before in range(states):
            for now in (0, 1):
                after = (before << 1 | now) & (states - 1)
                price = cost[before] + DOUBT * now + PRICE * ((before ^ now) & 1) * (frame > 0)
                for lag in range(1, min(LAGS, frame) + 1):
                    price += change[lag - 1][(before >> (lag - 1) ^ now) & 1][frame]
                if price < best[after]:
                    best[after], whence[after] = price, before
        cost = best
        came.append(whence)
    wrong, state = np.zeros(len(across), bool), int(np.argmin(cost))
    for frame in reversed(range(len(across))):
        wrong[frame] = state & 1
        state = came[frame][state]
    return wrong


def _change(across: Across, lag: int) -> tuple[list[float], list[float]]:
    """From `lag` frames before: as it is, and if one of both frames were exchanged."""
    before = np.concatenate([np.full((lag, 2), np.nan), across])[: len(across)]
    kept, turned = (np.linalg.norm(across - sign * before, axis=-1) for sign in (1, -1))
    return np.nan_to_num(kept).tolist(), np.nan_to_num(turned).tolist()


def _across(xy: Float[np.ndarray, "frames joints 2"], skeleton: Skeleton) -> Across:
    left_shoulder, right_shoulder, left_hip, right_hip = (xy[:, skeleton.index(joint)] for joint in TRUNK)
    trunk = np.linalg.norm(left_shoulder + right_shoulder - left_hip - right_hip, axis=-1) / 2
    usual = np.nanmedian(trunk) if np.isfinite(trunk).any() else 1.0
    size = BROAD * np.maximum(trunk, usual / 2).clip(1e-6)  # who bends towards the camera is no broader for it
    return (left_shoulder - right_shoulder + left_hip - right_hip) / size[:, None]
