"""Folders of motion capture to one file of motions, and back."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from cmu_files import walk, write_amc, write_bvh

from pstmo.datasets import clips, mocap, motions
from pstmo.errors import FormatError, PstmoError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Subjects of all splits, a clip in two forms, one to leave out and one that is broken."""
    folder = tmp_path_factory.mktemp("cmu")
    for name in ("07_01", "05_02", "16_03", "60_01", "127_32"):
        write_amc(folder / f"{name}.amc", *walk(121, 60.0))
    write_bvh(folder / "16_03.bvh", *walk(121, 60.0), fps=60.0)
    write_bvh(folder / "61_04.bvh", *walk(121, 60.0), fps=60.0)
    (folder / "02_01.amc").write_text("broken")
    (folder / "clips.csv").write_text('file,subject,fps,action\n07_01.amc,07,60.0,"walk, slow"\n')
    return folder


def test_what_was_converted_loads_as_it_was(folder: Path, tmp_path: Path):
    inventory = mocap.convert(folder, tmp_path / "new" / "mocap.npz")
    assert inventory.left_out == ("127_32",)
    assert list(inventory.failed) == ["02_01.amc"]
    assert {name: share.motions for name, share in inventory.splits.items()} == {"train": 3, "validation": 1, "test": 1}
    assert "test: 1 files" in str(inventory)
    corpus = motions.load(tmp_path / "new" / "mocap.npz")
    assert list(corpus.names) == ["05_02", "07_01", "16_03", "60_01", "61_04"]
    assert list(corpus.sources) == ["asf", "asf", "asf", "asf", "mb"]
    [wanted], found = clips.read_clip(folder / "07_01.amc", 60.0, "07", "walk, slow"), corpus.motion(1)
    np.testing.assert_array_equal(found.positions, wanted.positions)
    assert (found.action, found.subject, found.fps, found.frames) == ("walk, slow", "07", 50.0, 101)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["mocap.npz"]
    assert_splits_part(corpus)


def test_nothing_is_converted_twice(folder: Path, tmp_path: Path):
    out = tmp_path / "mocap.npz"
    first = mocap.convert(folder, out)
    stamp = out.stat().st_mtime_ns
    assert mocap.convert(folder, out) == first
    assert out.stat().st_mtime_ns == stamp
    out.write_bytes(out.read_bytes()[:5000])
    assert mocap.convert(folder, out) == first  # a file that is cut off is made again
    assert motions.load(out).clips == 5
    (folder / "02_01.amc").unlink()
    assert mocap.convert(folder, out).failed == {}


def assert_splits_part(corpus: motions.Corpus) -> None:
    splits = [corpus.split(name) for name in ("train", "validation", "test")]
    assert sorted(name for split in splits for name in split.names) == sorted(corpus.names)
    assert sum(split.frames for split in splits) == corpus.frames
    subjects = [set(split.subjects) for split in splits]
    assert sum(map(len, subjects)) == len(set.union(*subjects))
    for split in splits:
        assert [split.motion(i).frames for i in range(split.clips)] == np.diff(split.starts).tolist()
    with pytest.raises(PstmoError, match="validation"):
        corpus.split("dev")


def test_archives_are_read_and_other_things_refused(folder: Path, tmp_path: Path):
    with tarfile.open(tmp_path / "cmu.tar.xz", "w:xz") as archive:
        for name in ("07.asf", "07_01.amc", "clips.csv"):
            archive.add(folder / name, f"cmu/{name}")
    mocap.convert(tmp_path / "cmu.tar.xz", tmp_path / "mocap.npz")
    assert motions.load(tmp_path / "mocap.npz").actions.tolist() == ["walk, slow"]
    (tmp_path / "empty").mkdir()
    for wrong in ("empty", "mocap.npz", "nowhere"):
        with pytest.raises(FormatError, match=wrong):
            mocap.convert(tmp_path / wrong, tmp_path / "other.npz")
    np.savez(tmp_path / "other.npz", positions=np.zeros((3, 22, 3)))
    np.save(tmp_path / "pickled.npy", np.array([{}], object))
    (tmp_path / "text.npz").write_text("text")
    for wrong in ("other.npz", "pickled.npy", "text.npz", "missing.npz"):
        with pytest.raises(FormatError, match=wrong):
            motions.load(tmp_path / wrong)


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("walk, 90-degree left turn", "walk"),
        ("Start Hop Stop", "run and jump"),
        ("dance - small jetes, pirouette", "dance"),
        ("playground - climb, jump down", "climb"),
        ("Swing", "sports"),
        ("sit on stepstool, stand up, swing legs", "everyday"),
        ("cartwheels", "acrobatics"),
        ("", "other"),
    ],
)
def test_actions_have_classes(action: str, kind: str):
    assert motions.motion_class(action) == kind
