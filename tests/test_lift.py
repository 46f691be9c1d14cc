"""Keypoints in, poses out: laws of lifting, and the names that `import pstmo` gives."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import keypoints

import pstmo
from pstmo import checkpoint, modes, threads
from pstmo.camera import normalise_screen
from pstmo.checkpoint import Checkpoint, save
from pstmo.errors import CheckpointError, PstmoError, SkeletonError
from pstmo.framing import FOCAL, FRAMINGS
from pstmo.lift import Lifter
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.stmo import STMO
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M, MEDIAPIPE33

ROOT = HUMAN36M.root_index
WIDTH, HEIGHT = 640, 480


@pytest.fixture(scope="module")
def lifter(small_checkpoint: Path) -> Lifter:
    return pstmo.load(small_checkpoint)


@pytest.fixture
def gappy(walker: Keypoints) -> Keypoints:
    """The walker with a missed joint here and there, one that is never seen, and nobody in frames 20 to 24."""
    xy = walker.xy.copy()
    xy[np.random.default_rng(1).random(xy.shape[:2]) < 0.2] = np.nan
    xy[:, COCO.index("left_ankle")] = np.nan
    xy[20:25] = np.nan
    return changed(walker, xy)


def changed(seen: Keypoints, xy: np.ndarray, fps: float | None = None) -> Keypoints:
    return Keypoints.from_array(xy, skeleton=seen.skeleton, image_size=seen.image_size, fps=fps or seen.fps)


def by_hand(lifter: Lifter, xy: np.ndarray) -> np.ndarray:
    """The network's pose of one window of pixels, framed as "person" framing is defined, its root put at 0."""
    screen = np.stack([2 * xy[..., 0] / WIDTH - 1, 2 * xy[..., 1] / WIDTH - HEIGHT / WIDTH], -1).astype(np.float64)
    screen -= screen.mean((0, 1))
    screen /= np.sqrt((screen**2).sum(-1).mean())
    with torch.inference_mode():
        pose = lifter.network(torch.from_numpy(screen[None].astype(np.float32))).centre[0].numpy()
    pose[ROOT] = 0
    return pose


@pytest.mark.parametrize("frames", [1, 2, 5, 9, 40])
def test_a_frame_in_is_a_frame_out(lifter: Lifter, frames: int):
    poses = lifter.lift(keypoints(frames))
    assert poses.positions.shape == (frames, len(HUMAN36M), 3)
    assert poses.positions.dtype == np.float32
    assert np.isfinite(poses.positions).all()
    assert poses.observed.shape == (frames,)
    assert poses.observed.all()
    assert (poses.fps, poses.skeleton, poses.model) == (30.0, HUMAN36M, "small")


def test_the_root_is_exactly_at_0_and_nothing_else_is(lifter: Lifter, walker: Keypoints):
    positions = lifter.lift(walker).positions
    assert (positions[:, ROOT] == 0).all()
    others = np.delete(positions, ROOT, axis=1)
    assert (np.linalg.norm(others, axis=-1) > 0).all()
    assert np.ptp(others, axis=0).max() > 1e-3  # the pose follows the person


@pytest.mark.parametrize("mode", ["exact", "fast", "sequence", "live"])
@pytest.mark.parametrize("in_flight", [1, 63])
def test_how_many_windows_are_computed_at_once_changes_nothing(
    lifter: Lifter, gappy: Keypoints, mode: modes.Mode, in_flight: int, monkeypatch: pytest.MonkeyPatch
):
    together = lifter.lift(gappy, mode=mode)
    monkeypatch.setattr(threads, "IN_FLIGHT", in_flight)
    np.testing.assert_allclose(lifter.lift(gappy, mode=mode).positions, together.positions, atol=1e-5, rtol=0)


def test_a_mirrored_person_is_lifted_to_the_mirrored_pose(lifter: Lifter, gappy: Keypoints):
    xy = gappy.xy[:, list(COCO.mirrored)]
    flipped = changed(gappy, np.stack([WIDTH - xy[..., 0], xy[..., 1]], -1))

    def apart(mirror: bool) -> float:
        poses = lifter.lift(gappy, mirror=mirror).positions[:, list(HUMAN36M.mirrored)] * np.array([-1, 1, 1])
        return float(np.abs(poses - lifter.lift(flipped, mirror=mirror).positions).max())

    assert apart(mirror=True) < 1e-5
    assert apart(mirror=False) > 1e-2  # the law is the mirroring's doing, not this network's


def test_mirroring_averages_both_views(lifter: Lifter, walker: Keypoints):
    xy = walker.xy[:, list(COCO.mirrored)]
    flipped = changed(walker, np.stack([WIDTH - xy[..., 0], xy[..., 1]], -1))
    there = lifter.lift(walker, mirror=False).positions
    back = lifter.lift(flipped, mirror=False).positions[:, list(HUMAN36M.mirrored)] * np.array([-1, 1, 1])
    np.testing.assert_allclose(lifter.lift(walker).positions, (there + back) / 2, atol=1e-5)
    assert np.abs(lifter.lift(walker).positions - there).max() > 1e-2


@pytest.mark.parametrize(("fps", "step"), [(10.0, 1), (50.0, 1), (74.0, 1), (100.0, 2), (240.0, 5)])
def test_windows_are_the_frames_around_their_centre(lifter: Lifter, walker: Keypoints, fps: float, step: int):
    """The network was trained on 50 frames a second; of faster clips a window takes every second, third... frame."""
    poses = lifter.lift(changed(walker, walker.xy, fps), mirror=False, mode="exact")
    assert (lifter.step(fps), poses.fps, poses.frames) == (step, fps, 40)
    for centre in (0, 1, 20, 39):
        rows = [min(max(centre + step * offset, 0), 39) for offset in range(-4, 5)]
        np.testing.assert_allclose(poses.positions[centre], by_hand(lifter, walker.xy[rows]), atol=1e-5)


def test_person_framing_forgets_place_and_size(lifter: Lifter, walker: Keypoints):
    poses = lifter.lift(walker)
    elsewhere = lifter.lift(changed(walker, 0.5 * walker.xy + np.array([30, 70], np.float32)), mirror=False)
    np.testing.assert_allclose(elsewhere.positions, lifter.lift(walker, mirror=False).positions, atol=1e-4)
    on_screen = replace(lifter, checkpoint=replace(lifter.checkpoint, framing="screen"))
    assert np.abs(on_screen.lift(walker).positions - poses.positions).max() > 1e-2


def test_frames_where_nobody_was_seen_say_so(lifter: Lifter, walker: Keypoints, gappy: Keypoints):
    poses = lifter.lift(gappy, mode="exact")
    assert np.flatnonzero(~poses.observed).tolist() == [20, 21, 22, 23, 24]
    assert np.isfinite(poses.positions).all()
    xy = walker.xy.copy()
    xy[20:25] = np.nan
    part, whole = lifter.lift(changed(walker, xy), mode="exact").positions, lifter.lift(walker, mode="exact").positions
    untouched = [frame for frame in range(40) if frame + 4 < 20 or frame - 4 > 24]
    np.testing.assert_allclose(part[untouched], whole[untouched], atol=1e-6)
    assert np.abs(part[20:25] - whole[20:25]).max() > 1e-4


def test_what_was_not_observed_is_not_read(lifter: Lifter, walker: Keypoints, gappy: Keypoints):
    wanted = lifter.lift(gappy).positions
    for value in (0.0, -1e6, 1e30):
        xy = np.where(gappy.observed[..., None], gappy.xy, np.float32(value))
        doubtful = Keypoints.from_array(xy, confidence=gappy.confidence, image_size=(WIDTH, HEIGHT), fps=30)
        np.testing.assert_array_equal(lifter.lift(doubtful).positions, wanted)
        np.testing.assert_array_equal(lifter.lift(replace(gappy, xy=xy)).positions, wanted)
    unsure = Keypoints.from_array(walker.xy, confidence=np.full((40, 17), 0.01), image_size=(WIDTH, HEIGHT), fps=30)
    np.testing.assert_array_equal(lifter.lift(unsure).positions, lifter.lift(walker).positions)


def test_a_clip_without_anybody_is_refused(lifter: Lifter, walker: Keypoints):
    with pytest.raises(PstmoError, match="nobody was observed: no joint in any of the 40 frames"):
        lifter.lift(changed(walker, np.full_like(walker.xy, np.nan)))


def test_other_joints_are_refused_though_they_are_as_many(lifter: Lifter, walker: Keypoints):
    other = Keypoints.from_array(walker.xy, skeleton="h36m17", image_size=(WIDTH, HEIGHT), fps=30)
    with pytest.raises(SkeletonError, match=r"h36m17.*coco17.*lacks nose, left_eye"):
        lifter.lift(other)


def test_joints_are_taken_by_name(lifter: Lifter, gappy: Keypoints):
    xy = np.random.default_rng(2).uniform(0, 400, (40, 33, 2)).astype(np.float32)
    for i, joint in enumerate(COCO.joints):
        xy[:, MEDIAPIPE33.joints.index(joint)] = gappy.xy[:, i]
    poses = lifter.lift(Keypoints.from_array(xy, skeleton="mediapipe33", image_size=(WIDTH, HEIGHT), fps=30))
    wanted = lifter.lift(gappy)
    np.testing.assert_array_equal(poses.positions, wanted.positions)
    np.testing.assert_array_equal(poses.observed, wanted.observed)  # a seen finger is nothing the network reads


def test_the_python_interface(small_checkpoint: Path, walker: Keypoints):
    xy, c = walker.xy, np.full((40, 17), 0.9)
    lifter = pstmo.load(small_checkpoint)
    poses = lifter.lift(pstmo.Keypoints.from_array(xy, confidence=c, skeleton="coco17", image_size=(640, 480), fps=30))
    assert isinstance(lifter, pstmo.Lifter)
    assert isinstance(poses, pstmo.Poses)
    assert isinstance(poses.skeleton, pstmo.Skeleton)
    np.testing.assert_array_equal(poses.positions, pstmo.load(str(small_checkpoint)).lift(walker).positions)
    assert issubclass(CheckpointError, pstmo.PstmoError)
    assert pstmo.checkpoint is checkpoint
    assert all(hasattr(pstmo, name) for name in pstmo.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = pstmo.nonsense
    assert Poses is pstmo.Poses


def test_importing_pstmo_does_not_import_torch():
    code = """
import sys, pstmo
pstmo.Keypoints, pstmo.Poses, pstmo.Skeleton, pstmo.PstmoError
assert "torch" not in sys.modules and "tyro" not in sys.modules, "too early"
pstmo.load
assert "torch" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_lifters_are_loaded(tmp_path: Path, small, small_checkpoint: Path):
    save(tmp_path / "stage1.safetensors", Checkpoint(MaskedPoseModel(small), COCO, HUMAN36M, "stage 1"))
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(CheckpointError, match="is a stage I checkpoint, expected a lifter"):
        pstmo.load(tmp_path / "stage1.safetensors")
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        pstmo.load(tmp_path / "text.safetensors")
    with pytest.raises(CheckpointError, match="no-such-weights: no such file, and no weights of that name; available"):
        pstmo.load("no-such-weights")
    network = pstmo.load(small_checkpoint).network
    assert isinstance(network, STMO)
    assert not network.training


def test_a_joint_seen_only_outside_a_window_does_not_touch_its_pose(small_checkpoint: Path):
    """Frames 0 to 19 do not see the wrist, and their windows of 9 frames end before it appears."""
    clip, lifter = keypoints(frames=60), pstmo.load(small_checkpoint, draws=False)
    wrist = COCO.index("left_wrist")
    clip.xy[:30, wrist], clip.confidence[:30, wrist] = np.nan, 0
    before = lifter.lift(clip).positions
    clip.xy[30:, wrist] += 100
    after = lifter.lift(clip).positions
    np.testing.assert_array_equal(before[:20], after[:20])
    assert np.abs(before[30:] - after[30:]).max() > 1e-4


def test_the_view_that_faces_a_person_is_turned_back(lifter: Lifter, walker: Keypoints):
    """A person beside the middle of a wide lens: the pose is that of the view, turned by the angle to the person."""
    facing = replace(lifter, checkpoint=replace(lifter.checkpoint, framing="facing"))
    wide, long = (replace(walker, focal=focal) for focal in (0.6 * WIDTH, 50.0 * WIDTH))
    straight = lifter.lift(walker, mirror=False, mode="exact").positions
    far = facing.lift(long, mirror=False, mode="exact").positions
    np.testing.assert_allclose(far, straight, atol=2e-2)  # as through a telescope
    poses, middle = facing.lift(wide, mirror=False, mode="exact").positions, wide.xy.mean((0, 1))
    view = FRAMINGS["facing"](
        normalise_screen(torch.from_numpy(wide.xy[16:25]), *wide.image_size)[None], torch.tensor([1.2])
    )
    with torch.inference_mode():
        pose = lifter.network(view.keypoints).centre
    pose = view.back(pose)[0].numpy()
    pose[ROOT] = 0
    np.testing.assert_allclose(poses[20], pose, atol=1e-5)
    aside = math.atan2(middle[0] / WIDTH * 2 - 1, 1.2)
    assert abs(math.atan2(float(view.turn[0, 2, 0]), float(view.turn[0, 2, 2])) - aside) < 0.05
    unknown, usual = facing.lift(walker).positions, replace(walker, focal=FOCAL * WIDTH / 2)
    np.testing.assert_allclose(facing.lift(usual).positions, unknown, atol=1e-6)


def test_a_lens_is_told_by_what_it_shows(walker: Keypoints):
    assert walker.focal is None
    assert walker.with_view(90).focal == pytest.approx(WIDTH / 2)
    assert walker.with_view(60).to("coco17").focal == pytest.approx(WIDTH / 2 * 3**0.5)
    for degrees in (0, 180, float("nan")):
        with pytest.raises(PstmoError, match="found a field of view of"):
            walker.with_view(degrees)
    for focal in (0.0, -3.0, float("nan"), float("inf")):
        with pytest.raises(PstmoError, match="the focal length is"):
            Keypoints.from_array(walker.xy, image_size=(640, 480), fps=30, focal=focal)
