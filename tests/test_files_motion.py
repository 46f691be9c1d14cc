"""Our own files: motion that says what it is, read strictly, written whole or not at all."""

import sys
from dataclasses import replace
from pathlib import Path
from subprocess import run

import numpy as np
import pytest

from pstmo.errors import PstmoError
from pstmo.files import read_keypoints, read_motion, write_keypoints, write_motion
from pstmo.files.atomic import replacing
from pstmo.motion import Motion, Origins, World
from pstmo.sequence import Drawn, Keypoints, Poses


def person(frames: int) -> Keypoints:
    xy = np.random.default_rng(0).uniform(0, 400, (frames, 17, 2))
    return Keypoints.from_array(xy, image_size=(640, 480), fps=25)


def test_motion_reads_back_the_same(tmp_path):
    positions = np.random.default_rng(0).normal(size=(5, 17, 3))
    poses = Poses.from_array(positions, fps=30, observed=np.arange(5) != 2, model="pstmo-s-27")
    write_motion(tmp_path / "motion.npz", Motion(poses, person(frames=5)))
    again = read_motion(tmp_path / "motion.npz").poses
    np.testing.assert_array_equal(again.positions, poses.positions)
    np.testing.assert_array_equal(again.observed, poses.observed)
    assert (again.skeleton, again.fps, again.model) == (poses.skeleton, poses.fps, poses.model)


def test_a_motion_file_holds_the_keypoints_it_was_made_from(tmp_path):
    path, seen = tmp_path / "motion.npz", person(frames=5)
    write_motion(path, Motion(Poses.from_array(np.zeros((5, 17, 3)), fps=25), seen))
    again = read_keypoints(path)
    np.testing.assert_array_equal(again.xy, seen.xy)
    assert (again.skeleton, again.image_size, again.fps) == (seen.skeleton, seen.image_size, seen.fps)
    with pytest.raises(PstmoError, match="5 frames of keypoints for 4 of poses"):
        Motion(Poses.from_array(np.zeros((4, 17, 3)), fps=25), seen)


def test_a_motion_file_says_what_its_numbers_are(tmp_path):
    poses = Poses.from_array(np.zeros((3, 17, 3)), fps=50, model="m")
    write_motion(tmp_path / "motion.npz", Motion(poses))
    with np.load(tmp_path / "motion.npz", allow_pickle=False) as file:
        assert file["positions"].dtype == np.float32
        assert file["timestamps"].tolist() == [0, 0.02, 0.04]
        assert tuple(file["joints"]) == poses.skeleton.joints
        assert tuple(file["parents"]) == poses.skeleton.parents
        texts = {key: file[key].item() for key in ("skeleton", "root", "units", "model")}
        assert texts == {"skeleton": "h36m17", "root": "hip", "units": "metres", "model": "m"}
        assert "x right, y down, z forward" in file["axes"].item()
        assert file["version"].item()


def motion(path: Path, **changes: object) -> Path:
    write_motion(path, Motion(Poses.from_array(np.zeros((3, 17, 3)), fps=30)))
    with np.load(path) as file:
        np.savez(path, **dict(file) | changes)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": "millimetres"}, "'units': found 'millimetres', expected 'metres'"),
        ({"axes": "y up"}, "'axes': found 'y up'"),
        ({"skeleton": "dog"}, "unknown skeleton 'dog'"),
        ({"skeleton": "3dhp17"}, "'joints': found others than those of skeleton '3dhp17'"),
        ({"positions": np.zeros((3, 16, 3))}, "16 joints"),
        ({"fps": np.nan}, "frame rate is nan"),
        ({"observed": [True]}, "observed has shape"),
    ],
)
def test_motion_is_read_strictly(tmp_path, changes, message):
    with pytest.raises(PstmoError, match=rf"motion\.npz: .*{message}"):
        read_motion(motion(tmp_path / "motion.npz", **changes))


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "motion.npz"
    path.write_text("old")

    def write_half():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_success_replaces_the_old_file(tmp_path):
    path = tmp_path / "motion.npz"
    path.write_text("old")
    with replacing(path) as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".npz")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "plain").write_text("")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("place", ["missing/motion.npz", "file/motion.npz", "folder", ""])
def test_where_nothing_can_be_written_it_says_so(tmp_path, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(PstmoError, match=f"cannot write .*{place}"):
        write_keypoints(tmp_path / place, person(frames=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_the_import_is_light():
    run([sys.executable, "-c", "import pstmo.files, sys; assert 'torch' not in sys.modules"], check=True)


def test_a_whole_motion_reads_back_the_same(tmp_path):
    """Keypoints with what was drawn, an irregular clock and a world."""
    chance = np.random.default_rng(1)
    seen = replace(person(frames=5), focal=700.0, timestamps=np.array([0, 0.04, 0.09, 0.12, 0.3]))
    error = np.where(chance.random((5, 17)) < 0.2, np.float32(np.inf), np.float32(0))
    seen = replace(seen, drawn=Drawn(seen.xy + 1, error))
    poses = replace(Poses.from_array(chance.normal(size=(5, 17, 3)), fps=25, mode="fast"), smoothing=5.0)
    world = World(
        poses.positions + 1,
        poses.skeleton,
        25.0,
        np.arange(5) > 0,
        np.eye(3),
        *(1.5, 700.0, 1.1, float("nan")),
        Origins("given", "model", "body", "ankles", "reprojection"),
    )
    write_motion(tmp_path / "motion.npz", Motion(poses, seen, world, person=3))
    again = read_motion(tmp_path / "motion.npz")
    assert (again.person, again.poses.mode, again.poses.smoothing) == (3, "fast", 5.0)
    for name in ("xy", "confidence", "timestamps", "focal", "skeleton", "image_size"):
        np.testing.assert_array_equal(getattr(again.keypoints, name), getattr(seen, name))
    np.testing.assert_array_equal(again.keypoints.drawn.xy, seen.drawn.xy)
    np.testing.assert_array_equal(again.keypoints.drawn.error, error)
    for name in ("positions", "observed", "orientation", "camera_height", "focal", "scale", "error", "origins"):
        np.testing.assert_array_equal(getattr(again.world, name), getattr(world, name))


def test_without_a_world_a_motion_stands_as_if_the_camera_was_level():
    positions = np.zeros((2, 17, 3))
    positions[:, 3] = (0.1, 0.9, 0.2)  # an ankle: right, down, forward
    there = Motion(Poses.from_array(positions, fps=25)).positions
    np.testing.assert_allclose(there[:, 0], [[0, 0, 0.9]] * 2, atol=1e-6)
    np.testing.assert_allclose(there[:, 3], [[0.1, 0.2, 0]] * 2, atol=1e-6)
