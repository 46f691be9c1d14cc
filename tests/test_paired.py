"""A data set on disk: what is written comes back, what is broken is named, what failed is not there."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from recordings import lens, recording

from pstmo.datasets import paired
from pstmo.datasets.paired import PairedDataset
from pstmo.datasets.recording import Recording
from pstmo.errors import PstmoError
from pstmo.files.atomic import filling
from pstmo.skeleton import COCO, HUMAN36M, MPI_INF_3DHP

KINDS = {"gt": HUMAN36M, "detected": COCO}


def people() -> list[Recording]:
    chance = np.random.default_rng(0)
    return [
        recording("Walk 1", 7, split="train", kinds=KINDS, subject="S1", camera="left", lens=lens()),
        recording("Walk 1", 7, split="train", kinds=KINDS, subject="S1", camera="right"),
        recording("Sit 1", 1, split="validation", kinds=KINDS, subject="S8", camera="left"),
        recording(
            "Run", 300, kinds=KINDS, camera="left", observed=chance.random(300) < 0.8,
            root=chance.normal(0, 1, (300, 3)).astype(np.float32), activity=chance.integers(0, 2, 300).astype(np.uint8),
        ),
    ]  # fmt: skip


def write(folder: Path, recordings: list[Recording], **facts) -> PairedDataset:
    with filling(folder, paired.INDEX) as new:
        paired.write(new, "people", recordings, ("stand", "jump"), facts)
    return paired.load(folder)


def same(a: Recording, b: Recording) -> None:
    for name in ("name", "subject", "take", "action", "camera", "split"):
        assert getattr(a, name) == getattr(b, name)
    assert a.keypoints.keys() == b.keypoints.keys()
    for kind, seen in a.keypoints.items():
        other = b.keypoints[kind]
        np.testing.assert_array_equal(seen.xy, other.xy)
        np.testing.assert_array_equal(seen.confidence, other.confidence)
        assert (seen.skeleton, seen.image_size, seen.fps) == (other.skeleton, other.image_size, other.fps)
    np.testing.assert_array_equal(a.poses.positions, b.poses.positions)
    np.testing.assert_array_equal(a.poses.observed, b.poses.observed)


def test_what_is_written_comes_back(tmp_path: Path):
    found = write(tmp_path / "data", people(), licence="mine")
    assert (found.name, found.frames, len(found.entries)) == ("people", 315, 4)
    assert (found.facts["licence"], found.activities) == ("mine", ("stand", "jump"))
    assert found.keypoints == KINDS
    for before, after in zip(people(), found.recordings(), strict=True):
        same(before, after)
    first, *_, last = found.recordings()
    assert first.lens is not None
    assert all(torch.equal(*pair) for pair in zip(first.lens, lens(), strict=True))
    assert (first.root, last.lens) == (None, None)
    np.testing.assert_array_equal(last.root, people()[-1].root)
    np.testing.assert_array_equal(last.activity, people()[-1].activity)


def test_the_arrays_open_with_numpy_alone(tmp_path: Path):
    write(tmp_path / "data", people())
    arrays = {path.stem: np.load(path) for path in (tmp_path / "data").glob("*.npy")}
    shapes = {"poses": (315, 17, 3), "root": (315, 3), "observed": (315,), "activity": (315,)}
    shapes |= {"keypoints-gt": (315, 17, 3), "keypoints-detected": (315, 17, 3)}
    assert {name: array.shape for name, array in arrays.items()} == shapes
    np.testing.assert_array_equal(arrays["poses"][15:], people()[-1].poses.positions)


def test_parts_can_be_picked(tmp_path: Path):
    found = write(tmp_path / "data", people())
    assert [entry.name for entry in found.split("train").entries] == ["S1/Walk 1/left", "S1/Walk 1/right"]
    assert found.split("train", "validation").frames == 15
    assert [entry.take for entry in found.only(actions=("Sit", "Run")).entries] == ["Sit 1", "Run"]
    assert found.only(subjects=["S1"], cameras=["right"]).frames == 7
    [part] = found.only(cameras=["right"]).recordings(["detected"])
    assert list(part.keypoints) == ["detected"]
    for ask, message in (
        (lambda: found.only(subjects=["S5"]), "no subject S5; available: S1, S8, S9"),
        (lambda: found.only(actions=["Swim"]), "no action Swim; available: Walk, Sit, Run"),
        (lambda: found.split("train").split("test"), "no split test; available: train"),
        (lambda: next(found.recordings(["cpn"])), r"no keypoints 'cpn'; available: gt \(h36m17\), detected \(coco17\)"),
    ):
        with pytest.raises(PstmoError, match=message):
            ask()


def test_which_keypoints_when_nobody_says(tmp_path: Path):
    both = write(tmp_path / "both", people())
    assert both.kind(None, COCO) == "detected"
    assert both.kind("gt") == "gt"
    with pytest.raises(PstmoError, match="say which: --keypoints KIND"):
        both.kind(None)
    with pytest.raises(PstmoError, match="none of them with the joints of 3dhp17"):
        both.kind(None, MPI_INF_3DHP)
    only = write(tmp_path / "one", [recording()])
    assert only.kind(None) == "gt"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "found no recordings"),
        ([recording(), recording()], "S9/Walk 1/cam is there twice"),
        ([recording(), recording("Sit", kinds={"gt": HUMAN36M})], r"S9/Sit/cam: found gt \(h36m17\), .*gt \(coco17\)"),
        ([recording(), recording("Sit", layout=MPI_INF_3DHP)], r"found .*poses \(3dhp17\)"),
        ([recording(), recording("Sit", kinds=KINDS)], "expected the same in all"),
        ([replace(recording(), keypoints={})], "found no keypoints"),
    ],
)
def test_recordings_that_do_not_go_together(wrong, message: str, tmp_path: Path):
    with pytest.raises(PstmoError, match=message):
        write(tmp_path / "data", wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_checked():
    seen = recording(frames=5).keypoints
    with pytest.raises(PstmoError, match="found 5 frames of keypoints 'gt' and 12 of poses"):
        replace(recording(), keypoints=seen)
    with pytest.raises(PstmoError, match=r"root has shape \(5, 3\), expected \(12, 3\)"):
        replace(recording(), root=np.zeros((5, 3)))
    with pytest.raises(PstmoError, match="unknown split 'dev'; available: train, validation, test"):
        recording(split="dev")


def break_index(folder: Path, **changes) -> None:
    index = json.loads((folder / paired.INDEX).read_text())
    (folder / paired.INDEX).write_text(json.dumps(index | changes))


BREAKS = {
    "no index": (lambda f: (f / paired.INDEX).unlink(), "it has no dataset.json; `pstmo data` makes one"),
    "half an index": (lambda f: (f / paired.INDEX).write_text('{"format":'), "dataset.json: cannot be understood"),
    "another format": (lambda f: break_index(f, format="x"), "format 'x', expected"),
    "no recordings": (lambda f: break_index(f, recordings=[{}]), "cannot be understood"),
    "a skeleton's bone to nowhere": (
        lambda f: break_index(f, poses={"name": "a", "joints": ["hip"], "bones": [["hip", "toe"]], "root": "hip"}),
        "has no joint 'toe'",
    ),
    "half an array": (
        lambda f: (f / "poses.npy").write_bytes((f / "poses.npy").read_bytes()[:5000]),
        "poses.npy: not a whole array",
    ),
    "no array": (lambda f: (f / "keypoints-gt.npy").unlink(), "keypoints-gt.npy: not a whole array"),
    "another array": (lambda f: np.save(f / "root.npy", np.zeros((2, 3))), r"found shape \(2, 3\) of float64"),
    "objects": (lambda f: np.save(f / "root.npy", np.array([{}]), allow_pickle=True), "not a whole array"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_named(name: str, tmp_path: Path):
    write(tmp_path, people())
    harm, message = BREAKS[name]
    harm(tmp_path)
    with pytest.raises(PstmoError, match=message):
        list(paired.load(tmp_path).recordings())


def test_a_run_that_fails_leaves_the_old_data(tmp_path: Path):
    def torn():
        yield recording("Sit")
        raise KeyboardInterrupt

    write(tmp_path / "data", people())
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "data", torn())
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert len(paired.load(tmp_path / "data").entries) == 4
    write(tmp_path / "data", [recording("Sit")])
    assert [entry.name for entry in paired.load(tmp_path / "data").entries] == ["S9/Sit/cam"]


def test_what_a_killed_run_left_is_swept(tmp_path: Path):
    (tmp_path / ".data.partial").mkdir()
    (tmp_path / ".data.partial" / "poses.npy").touch()
    write(tmp_path / "data", people())
    (tmp_path / "data").rename(tmp_path / ".data.old")  # killed between the two renames
    with pytest.raises(PstmoError):
        write(tmp_path / "data", [replace(recording(), keypoints={})])
    assert len(paired.load(tmp_path / "data").entries) == 4


def test_other_peoples_folders_are_not_replaced(tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.tex").write_text("years of work")
    with pytest.raises(PstmoError, match=r"holds something else, expected a new folder or one with dataset\.json"):
        write(tmp_path / "data", people())
    assert (tmp_path / "data" / "thesis.tex").read_text() == "years of work"
    with pytest.raises(PstmoError, match="holds something else"):
        write(tmp_path / "data" / "thesis.tex", people())


def test_made_from_knows_its_sources(tmp_path: Path):
    source = tmp_path / "source.npz"
    source.write_text("one")
    marks = paired.fingerprint([source])
    assert paired.made_from(tmp_path / "data", marks) is None
    write(tmp_path / "data", people(), sources=marks)
    found = paired.made_from(tmp_path / "data", marks)
    assert found is not None
    assert found.frames == 315
    (tmp_path / "data" / "root.npy").write_bytes(b"")
    assert paired.made_from(tmp_path / "data", marks) is None  # it has to be made again
    write(tmp_path / "data", people(), sources=marks)
    source.write_text("another")
    assert paired.made_from(tmp_path / "data", paired.fingerprint([source])) is None
