"""Laws of keypoints and poses, and each mistake in what they are made from."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pstmo.errors import PstmoError, SkeletonError
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M, Skeleton

quick = settings(max_examples=40, deadline=None)
SIZE = {"image_size": (640, 480), "fps": 30}
finite = st.floats(-1e4, 1e4, width=32)
tracks = st.integers(1, 4).flatmap(lambda n: arrays(np.float32, (n, 17, 2), elements=finite | st.just(np.nan)))
scores = arrays(np.float32, (4, 17), elements=st.sampled_from([0, 0.25, 1, np.nan, -1]))
motions = st.integers(1, 3).flatmap(lambda n: arrays(np.float32, (n, 17, 3), elements=st.floats(-9, 9, width=32)))


def points(frames: int = 3, joints: int = 17, axes: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 50, (frames, joints, axes))


@quick
@given(tracks, scores)
def test_confidence_is_zero_exactly_where_the_joint_is_nan(xy, confidence):
    confidence = confidence[: len(xy)]
    keypoints = Keypoints.from_array(xy, confidence=confidence, **SIZE)
    seen = np.isfinite(xy).all(-1) & (confidence > 0)
    np.testing.assert_array_equal(keypoints.observed, seen)
    np.testing.assert_array_equal(keypoints.confidence, np.where(seen, confidence, 0))
    assert np.isnan(keypoints.xy[~seen]).all()
    np.testing.assert_array_equal(keypoints.xy[seen], xy[seen])


@quick
@given(tracks)
def test_without_confidence_what_is_there_is_certain(xy):
    keypoints = Keypoints.from_array(xy, **SIZE)
    np.testing.assert_array_equal(keypoints.confidence, np.isfinite(xy).all(-1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_keypoints_leave_their_input_alone_and_do_not_follow_it(dtype):
    xy, confidence = points().astype(dtype), np.ones((3, 17), np.float32)
    confidence[1, 2] = 0
    before = xy.copy(), confidence.copy()
    keypoints = Keypoints.from_array(xy, confidence=confidence, **SIZE)
    np.testing.assert_array_equal(xy, before[0])
    np.testing.assert_array_equal(confidence, before[1])
    xy[:], confidence[:] = 7, 0.5
    assert keypoints.xy.dtype == keypoints.confidence.dtype == np.float32
    np.testing.assert_allclose(keypoints.xy[0], before[0][0].astype(np.float32))
    assert (keypoints.confidence[0] == 1).all()


def test_keypoints_keep_what_they_were_told():
    keypoints = Keypoints.from_array(points(5), image_size=(640, 480), fps=29.97)
    assert (keypoints.frames, keypoints.image_size, keypoints.fps) == (5, (640, 480), 29.97)
    assert keypoints.skeleton == COCO
    with pytest.raises(FrozenInstanceError):
        keypoints.fps = 30.0


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"xy": points()[0]}, PstmoError, r"\(17, 2\).*expected \(frames, joints, 2\)"),
        ({"xy": points(axes=3)}, PstmoError, r"\(3, 17, 3\).*expected \(frames, joints, 2\)"),
        ({"xy": points(joints=25)}, SkeletonError, "25 joints.*coco17.*17"),
        ({"xy": points(), "skeleton": "body25"}, SkeletonError, "17 joints.*body25.*25"),
        ({"skeleton": "body26"}, SkeletonError, "body26.*body25"),
        ({"xy": points(frames=0)}, PstmoError, "zero frames"),
        ({"xy": np.where(np.arange(2) == 1, np.inf, points())}, PstmoError, "infinite"),
        ({"xy": np.where(np.arange(2) == 1, -np.inf, points())}, PstmoError, "infinite"),
        ({"image_size": None}, PstmoError, "image size is missing"),
        ({"image_size": (-640, 480)}, PstmoError, "-640 x 480"),
        ({"image_size": (640, 0)}, PstmoError, "640 x 0"),
        ({"fps": None}, PstmoError, "frame rate is missing"),
        ({"fps": 0}, PstmoError, "frame rate is 0"),
        ({"fps": -30}, PstmoError, "frame rate is -30"),
        ({"fps": float("nan")}, PstmoError, "frame rate is nan"),
        ({"fps": float("inf")}, PstmoError, "frame rate is inf"),
        ({"confidence": np.full((3, 17), np.inf)}, PstmoError, "confidence holds infinite values"),
        ({"confidence": np.ones((3, 16))}, PstmoError, r"\(3, 16\), expected \(3, 17\)"),
        ({"confidence": np.ones((3, 17, 1))}, PstmoError, r"\(3, 17, 1\), expected \(3, 17\)"),
        ({"confidence": np.ones(17)}, PstmoError, r"\(17,\), expected \(3, 17\)"),
    ],
)
def test_each_mistake_in_keypoints_is_said(change, error, said):
    with pytest.raises(error, match=said):
        Keypoints.from_array(**({"xy": points()} | SIZE | change))


@quick
@given(motions, st.tuples(*[st.integers(-8, 8)] * 3))
def test_poses_are_relative_to_the_root_and_forget_where_the_person_stood(positions, moved):
    poses = Poses.from_array(positions, fps=30)
    assert (poses.positions[:, HUMAN36M.root_index] == 0).all()
    np.testing.assert_allclose(np.diff(poses.positions, axis=1), np.diff(positions, axis=1), atol=1e-4)
    elsewhere = Poses.from_array(positions + np.float32(moved), fps=30)
    np.testing.assert_allclose(elsewhere.positions, poses.positions, atol=1e-4)


def test_poses_leave_their_input_alone_and_do_not_follow_it():
    positions = points(axes=3).astype(np.float32)
    before = positions.copy()
    poses = Poses.from_array(positions, fps=30)
    np.testing.assert_array_equal(positions, before)
    positions[:] = 0
    assert np.abs(poses.positions[:, 1:]).min() > 0


def test_frames_with_a_nan_count_as_not_observed_unless_told():
    positions = points(axes=3)
    positions[1, 5, 0] = np.nan
    assert Poses.from_array(positions, fps=30).observed.tolist() == [True, False, True]
    told = np.array([False, True, True])
    assert Poses.from_array(positions, fps=30, observed=told).observed.tolist() == told.tolist()


def test_poses_in_another_layout_are_relative_to_its_root():
    arm = Skeleton("arm", ("left_elbow", "left_wrist"), (("left_elbow", "left_wrist"),), root="left_elbow")
    poses = Poses.from_array(points(axes=3), fps=25, observed=np.array([True, False, True]), model="some")
    moved = poses.to(arm)
    elbow, wrist = (poses.positions[:, HUMAN36M.index(joint)] for joint in arm.joints)
    assert (moved.positions[:, 0] == 0).all()
    np.testing.assert_allclose(moved.positions[:, 1], wrist - elbow, atol=1e-4)
    assert (moved.fps, moved.model, moved.observed.tolist()) == (25, "some", [True, False, True])


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"positions": points()}, PstmoError, r"\(3, 17, 2\).*expected \(frames, joints, 3\)"),
        ({"positions": points(joints=16, axes=3)}, SkeletonError, "16 joints.*h36m17.*17"),
        ({"positions": points(frames=0, axes=3)}, PstmoError, "zero frames"),
        ({"positions": np.full((1, 17, 3), np.inf)}, PstmoError, "infinite"),
        ({"skeleton": "coco17"}, SkeletonError, "coco17.*no root"),
        ({"skeleton": "h36m16"}, SkeletonError, "h36m16.*h36m17"),
        ({"fps": None}, PstmoError, "frame rate is missing"),
        ({"fps": -1}, PstmoError, "frame rate is -1"),
        ({"observed": np.ones(2, bool)}, PstmoError, r"\(2,\), expected \(3,\)"),
    ],
)
def test_each_mistake_in_poses_is_said(change, error, said):
    with pytest.raises(error, match=said):
        Poses.from_array(**({"positions": points(axes=3), "fps": 30} | change))


def test_a_camera_held_upright_has_the_same_lens():
    xy = np.ones((1, 17, 2))
    wide, tall = (Keypoints.from_array(xy, image_size=size, fps=30) for size in ((1920, 1080), (1080, 1920)))
    assert wide.lens(2.0) * 1920 == pytest.approx(tall.lens(2.0) * 1080)
    assert wide.lens(2.0) == 2.0
    known = Keypoints.from_array(xy, image_size=(1080, 1920), fps=30, focal=540.0)
    assert known.lens(2.0) == pytest.approx(1.0)
