"""Laws of lifting while it happens: the same poses as afterwards, as early as they can be had."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL, keypoints

import pstmo
from pstmo.errors import PstmoError, SkeletonError
from pstmo.lift import Lifter
from pstmo.sequence import Keypoints
from pstmo.skeleton import COCO, MEDIAPIPE33
from pstmo.stream import Pose, Stream

HALF = SMALL.frames // 2
FPS = 30.0


@pytest.fixture(scope="module")
def lifter(small_checkpoint: Path) -> Lifter:
    return pstmo.load(small_checkpoint)


def gappy(frames: int = 40) -> Keypoints:
    """Joints missed here and there, nobody in the first two frames and for longer than a window, one joint never."""
    xy = keypoints(frames).xy.copy()
    xy[np.random.default_rng(1).random(xy.shape[:2]) < 0.2] = np.nan
    xy[:2], xy[12:24], xy[:, 3] = np.nan, np.nan, np.nan
    return Keypoints.from_array(xy, image_size=(640, 480), fps=FPS)


def pushed(stream: Stream, seen: Keypoints) -> list[Pose]:
    times = [None] * seen.frames if seen.timestamps is None else seen.timestamps.tolist()
    poses = [pose for xy, time in zip(seen.xy, times, strict=True) for pose in stream.push(xy, timestamp=time)]
    return poses + stream.finish()


def assert_as_afterwards(lifter: Lifter, seen: Keypoints, lag: int, mirror: bool = False) -> None:
    stream = Stream(lifter, image_size=seen.image_size, fps=seen.fps, lag=lag, mirror=mirror, focal=seen.focal)
    poses, wanted = pushed(stream, seen), lifter.lift(seen, mode="live", lag=lag, mirror=mirror)
    times = np.arange(seen.frames) / seen.fps if seen.timestamps is None else seen.timestamps
    assert [pose.timestamp for pose in poses] == pytest.approx(times)
    assert [pose.observed for pose in poses] == wanted.observed.tolist()
    np.testing.assert_allclose([pose.positions for pose in poses], wanted.positions, atol=1e-5, rtol=0)


@pytest.mark.parametrize("framing", ["screen", "facing"])
@pytest.mark.parametrize("lag", [0, 2, HALF, 3 * HALF])
def test_a_stream_gives_what_lifting_the_finished_clip_gives(lifter: Lifter, framing: str, lag: int):
    framed = replace(lifter, checkpoint=replace(lifter.checkpoint, framing=framing))
    for seen in (keypoints(40), keypoints(1), keypoints(5), gappy(), replace(keypoints(20), focal=500.0)):
        assert_as_afterwards(framed, seen, lag)
    assert_as_afterwards(framed, gappy(), lag, mirror=True)


@pytest.mark.parametrize("framing", ["screen", "facing"])
@pytest.mark.parametrize("lag", [0, 3])
def test_clocks_may_be_irregular_and_frames_missing(lifter: Lifter, framing: str, lag: int):
    framed = replace(lifter, checkpoint=replace(lifter.checkpoint, framing=framing))
    chance, seen = np.random.default_rng(0), gappy()
    clocks = {
        "trembles": (np.arange(40) + chance.uniform(-0.4, 0.4, 40)) / FPS,
        "skips": np.sort(chance.choice(200, 40, replace=False)) / FPS,
        "is twice as fast": np.arange(40) / 2 / FPS,
        "stands still for a minute": np.arange(40) / FPS + 60 * (np.arange(40) > 20),
        "begins late": 1e6 + np.arange(40) / FPS,
    }
    for times in clocks.values():
        assert_as_afterwards(framed, replace(seen, timestamps=times), lag)


def test_windows_that_take_every_second_frame(lifter: Lifter):
    quick = replace(gappy(60), fps=100.0)
    assert lifter.step(quick.fps) == 2
    for lag in (0, 3, 9):
        assert_as_afterwards(lifter, quick, lag)


@pytest.mark.parametrize("lag", [0, 2, HALF])
def test_poses_come_as_early_as_they_can(lifter: Lifter, lag: int):
    stream = Stream(lifter, image_size=(640, 480), fps=FPS, lag=lag)
    counts = [len(stream.push(xy)) for xy in keypoints(20).xy]
    assert counts == [0] * lag + [1] * (20 - lag)
    assert len(stream.finish()) == lag
    assert stream.finish() == []


def test_a_gap_completes_all_that_waited(lifter: Lifter):
    stream = Stream(lifter, image_size=(640, 480), fps=FPS, lag=3)
    one, two, late, later = keypoints(4).xy
    assert stream.push(one, timestamp=0) == stream.push(two, timestamp=1 / FPS) == []
    assert [pose.timestamp for pose in stream.push(late, timestamp=1)] == [0, 1 / FPS]
    assert stream.push(later, timestamp=1 + 1 / FPS) == []


def test_nobody_may_come(lifter: Lifter):
    stream = Stream(lifter, image_size=(640, 480), fps=FPS)
    (first,) = stream.push(None)
    assert not first.observed
    assert np.isfinite(first.positions).all()
    (second,) = stream.push(keypoints(1).xy[0], confidence=np.ones(17))
    assert second.observed


def test_no_frame_is_kept_for_longer_than_a_window(lifter: Lifter):
    for fps, lag in ((30.0, 0), (30.0, HALF), (100.0, 4)):
        stream, most = Stream(lifter, image_size=(640, 480), fps=fps, lag=lag), 0
        for xy in np.tile(keypoints(50).xy, (4, 1, 1)):
            stream.push(xy)
            most = max(most, len(stream._frames))
        assert most <= (SMALL.frames - 1) * lifter.step(fps) + 2


def test_wrong_input_is_refused_and_leaves_the_stream_as_it_was(lifter: Lifter):
    seen = keypoints(12)
    stream, other = (Stream(lifter, image_size=(640, 480), fps=FPS) for _ in range(2))
    for xy in seen.xy[:6]:
        stream.push(xy)
        other.push(xy)
    for wrong, time, message in (
        (seen.xy[6], 5 / FPS, "found a frame at 0.166667 s after one at 0.166667 s: the clock must go forward"),
        (seen.xy[6], 0.0, "the clock must go forward"),
        (seen.xy[6], float("nan"), "the clock must go forward"),
        (seen.xy[6, :5], None, "keypoints have 5 joints"),
        (seen.xy[6, :, :1], None, "keypoints have shape"),
        (np.full((17, 2), np.inf), None, "infinite"),
    ):
        with pytest.raises(PstmoError, match=message):
            stream.push(wrong, timestamp=time)
    for xy in seen.xy[6:]:
        np.testing.assert_array_equal(stream.push(xy)[0].positions, other.push(xy)[0].positions)


def test_settings_are_checked_at_once(lifter: Lifter):
    with pytest.raises(PstmoError, match="a lag of -1 frames"):
        Stream(lifter, image_size=(640, 480), fps=FPS, lag=-1)
    with pytest.raises(PstmoError, match="frame rate"):
        Stream(lifter, image_size=(640, 480), fps=0)
    with pytest.raises(SkeletonError, match="h36m17"):
        Stream(lifter, image_size=(640, 480), fps=FPS, skeleton="h36m17")


def test_joints_are_taken_by_name(lifter: Lifter):
    seen = keypoints(10)
    xy = np.zeros((10, len(MEDIAPIPE33), 2), np.float32)
    xy[:, list(MEDIAPIPE33.select(COCO))] = seen.xy
    stream, other = (Stream(lifter, image_size=(640, 480), fps=FPS, skeleton=name) for name in (COCO, "mediapipe33"))
    for plain, more in zip(seen.xy, xy, strict=True):
        np.testing.assert_array_equal(stream.push(plain)[0].positions, other.push(more)[0].positions)


def test_a_frame_of_the_screen_goes_through_the_spatial_encoder_once(lifter: Lifter):
    """Its token is kept for as long as windows need it."""
    framed = replace(lifter, checkpoint=replace(lifter.checkpoint, framing="screen"))
    stream, seen = Stream(framed, image_size=(640, 480), fps=FPS), []
    framed.folded.encoder.spatial.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[:2].numel()))
    for xy in keypoints(30).xy:
        stream.push(xy)
    assert sum(seen) == 30


def test_lifting_while_it_happens_takes_no_gradients(lifter: Lifter):
    stream = Stream(lifter, image_size=(640, 480), fps=FPS)
    assert torch.is_grad_enabled()
    stream.push(keypoints(1).xy[0])
    assert torch.is_grad_enabled()
