"""Poses of many recordings in one file: what goes in comes out, and what is wrong is named."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from pstmo.errors import FormatError, PstmoError, SkeletonError
from pstmo.files.predictions import Predictions, writing
from pstmo.sequence import Poses
from pstmo.skeleton import HUMAN36M

NAME = "S9/Walk 1/54138969"
POSES = Poses.from_array(np.random.default_rng(0).normal(0, 1, (7, 17, 3)), fps=50, model="net")


def read(path: Path, name: str = NAME) -> Poses:
    return Predictions(path).poses(name, HUMAN36M, 50.0)


def test_what_is_written_comes_back(tmp_path: Path):
    path = tmp_path / "net.npz"
    with writing(path) as file:
        file.add(NAME, POSES)
        file.add("S9/Sit/54138969", Poses.from_array(2 * POSES.positions, fps=50))
    np.testing.assert_array_equal(read(path).positions, POSES.positions)
    np.testing.assert_array_equal(read(path, "S9/Sit/54138969").positions, 2 * POSES.positions)
    assert read(path).model == "net"  # the file's name
    with np.load(path) as others:  # as anybody opens it
        np.testing.assert_array_equal(others[NAME], POSES.positions)


def test_what_others_write_is_made_root_relative(tmp_path: Path):
    np.savez(tmp_path / "theirs.npz", **{NAME: POSES.positions.astype(np.float64) + 3})
    np.testing.assert_allclose(read(tmp_path / "theirs.npz").positions, POSES.positions, atol=1e-6)


def test_a_run_that_fails_leaves_no_file(tmp_path: Path):
    def torn():
        with writing(tmp_path / "net.npz") as file:
            file.add(NAME, POSES)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        torn()
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_is_named(tmp_path: Path):
    path = tmp_path / "net.npz"
    np.savez(path, **{NAME: POSES.positions, "b": POSES.positions[:, :5], "c": np.full((7, 17, 3), np.nan)})
    with pytest.raises(
        FormatError, match=r"net\.npz: no predictions for 'S9/Sit/1'; found 3: S9/Walk 1/54138969, b, c"
    ):
        read(path, "S9/Sit/1")
    with pytest.raises(SkeletonError, match=r"net\.npz: poses have 5 joints, but skeleton 'h36m17' has 17"):
        read(path, "b")
    with pytest.raises(FormatError, match=r"'c': found .* with NaN, expected a pose in every frame"):
        read(path, "c")
    np.savez(path, **{NAME: 1000 * POSES.positions})
    with pytest.raises(FormatError, match=r"found joints \d{4} from the root, expected metres; divide by 1000\?"):
        read(path)
    np.savez(path, **{NAME: np.array([{}], object)})
    with pytest.raises(FormatError, match="cannot be read: Object arrays cannot be loaded"):
        read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{NAME}.npy", b"prose")
    with pytest.raises(PstmoError, match=r"net\.npz"):
        read(path)
    np.save(tmp_path / "bare.npy", POSES.positions)
    with pytest.raises(FormatError, match="found a bare array"):
        read(tmp_path / "bare.npy")
    path.write_bytes(b"PK half")
    with pytest.raises(FormatError, match=r"not a whole \.npz file"):
        read(path)
    with pytest.raises(FormatError, match=r"missing\.npz"):
        read(tmp_path / "missing.npz")
