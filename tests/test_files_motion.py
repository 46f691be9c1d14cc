"""Our own files: motion that says what it is, read strictly, written whole or not at all."""

import sys
from pathlib import Path
from subprocess import run

import numpy as np
import pytest

from pstmo.errors import PstmoError
from pstmo.files import read_keypoints, read_motion, write_keypoints, write_motion
from pstmo.files.atomic import replacing
from pstmo.sequence import Keypoints, Poses


def person(frames: int) -> Keypoints:
    xy = np.random.default_rng(0).uniform(0, 400, (frames, 17, 2))
    return Keypoints.from_array(xy, image_size=(640, 480), fps=25)


def test_motion_reads_back_the_same(tmp_path):
    positions = np.random.default_rng(0).normal(size=(5, 17, 3))
    poses = Poses.from_array(positions, fps=30, observed=np.arange(5) != 2, model="pstmo-s-27")
    write_motion(tmp_path / "motion.npz", poses, person(frames=5))
    again = read_motion(tmp_path / "motion.npz")
    np.testing.assert_array_equal(again.positions, poses.positions)
    np.testing.assert_array_equal(again.observed, poses.observed)
    assert (again.skeleton, again.fps, again.model) == (poses.skeleton, poses.fps, poses.model)


def test_a_motion_file_holds_the_keypoints_it_was_made_from(tmp_path):
    path, seen = tmp_path / "motion.npz", person(frames=5)
    write_motion(path, Poses.from_array(np.zeros((5, 17, 3)), fps=25), seen)
    again = read_keypoints(path)
    np.testing.assert_array_equal(again.xy, seen.xy)
    assert (again.skeleton, again.image_size, again.fps) == (seen.skeleton, seen.image_size, seen.fps)
    with pytest.raises(PstmoError, match="5 frames of keypoints for 4 of poses"):
        write_motion(path, Poses.from_array(np.zeros((4, 17, 3)), fps=25), seen)


def test_a_motion_file_says_what_its_numbers_are(tmp_path):
    poses = Poses.from_array(np.zeros((3, 17, 3)), fps=50, model="m")
    write_motion(tmp_path / "motion.npz", poses)
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
    write_motion(path, Poses.from_array(np.zeros((3, 17, 3)), fps=30))
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
