"""Left and right that a detector exchanged come back; who turns round is left alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pstmo.sequence import Keypoints
from pstmo.sides import put_back
from pstmo.skeleton import COCO, Skeleton

HEIGHT = {"shoulder": 100.0, "elbow": 140.0, "wrist": 180.0, "hip": 200.0, "knee": 270.0, "ankle": 340.0}
HALF = {"shoulder": 40.0, "elbow": 50.0, "wrist": 55.0, "hip": 25.0, "knee": 28.0, "ankle": 30.0}


def person(yaw: np.ndarray, legs: np.ndarray | float = 0.0, fps: float = 30.0) -> Keypoints:
    """Somebody who faces the camera at yaw 0 and walks. yaw: radians, of each frame; legs: how far they are apart."""
    xy = np.full((len(yaw), len(COCO), 2), np.nan)
    for i, joint in enumerate(COCO.joints):
        side, _, part = joint.partition("_")
        if part in HEIGHT:
            sign = 1 if side == "left" else -1
            stride = legs * sign * np.sin(yaw) if part in ("knee", "ankle") else 0
            xy[:, i] = np.stack([320 + sign * HALF[part] * np.cos(yaw) + stride, np.full(len(yaw), HEIGHT[part])], -1)
    return Keypoints.from_array(xy, image_size=(640, 480), fps=fps)


def exchanged(keypoints: Keypoints, frames: np.ndarray) -> Keypoints:
    xy, order = keypoints.xy.copy(), list(COCO.mirrored)
    xy[frames] = xy[frames][:, order]
    return Keypoints.from_array(xy, image_size=(640, 480), fps=30)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-0.8, 0.8))
def test_what_was_exchanged_comes_back(seed: int, yaw: float):
    """Single frames and runs of them, less than half; the person looks at the camera or away, not across."""
    chance = np.random.default_rng(seed)
    true = person(yaw + 0.2 * np.sin(np.arange(80) / 9))
    wrong = np.zeros(80, bool)
    for start in chance.choice(9, 3, replace=False) * 8 + 2:
        wrong[start : start + chance.integers(1, 6)] = True
    found = put_back(exchanged(true, wrong))
    np.testing.assert_array_equal(found.frames, wrong)
    np.testing.assert_array_equal(found.keypoints.xy, true.xy)


@pytest.mark.parametrize("seconds", [0.6, 1.0, 3.0])
def test_who_turns_round_is_left_alone(seconds: float):
    yaw = np.pi * np.clip((np.arange(120) / 30 - 0.5) / seconds, 0, 1)
    assert not put_back(person(yaw)).frames.any()
    assert not put_back(person(2 * np.pi * np.arange(240) / 30)).frames.any()  # a pirouette a second


def test_legs_that_cross_are_left_alone():
    walk = person(np.full(90, np.pi / 2), legs=60 * np.sin(np.arange(90) / 3))
    assert not put_back(walk).frames.any()


def test_gaps_and_single_frames_are_borne():
    nobody = Keypoints.from_array(np.full((5, 17, 2), np.nan), image_size=(640, 480), fps=30)
    assert not put_back(nobody).frames.any()
    true = person(np.zeros(30))
    wrong = np.isin(np.arange(30), [10, 11, 14])
    seen = exchanged(true, wrong)
    xy = seen.xy.copy()
    xy[12:14] = np.nan
    found = put_back(Keypoints.from_array(xy, image_size=(640, 480), fps=30))
    np.testing.assert_array_equal(np.flatnonzero(found.frames), [10, 11, 14])


def test_layouts_without_shoulders_stay():
    one = Skeleton("one", ("left_hand", "right_hand"), ())
    hands = Keypoints.from_array(np.ones((4, 2, 2)), skeleton=one, image_size=(64, 48), fps=30)
    assert put_back(hands).keypoints is hands
    one_armed = Skeleton("one-armed", ("hip", "left_wrist"), (("hip", "left_wrist"),))
    arm = Keypoints.from_array(np.ones((4, 2, 2)), skeleton=one_armed, image_size=(64, 48), fps=30)
    assert put_back(arm).keypoints is arm
    assert not put_back(arm).frames.any()
