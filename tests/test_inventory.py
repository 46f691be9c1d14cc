"""The tables of what is in a data set say what is in it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pstmo.datasets import inventory as module
from pstmo.datasets import paired
from pstmo.datasets.inventory import inventory
from pstmo.datasets.paired import PairedDataset
from pstmo.datasets.recording import Recording
from pstmo.errors import FormatError
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M


def recording(subject: str, take: str, camera: str, split: str, frames: int) -> Recording:
    """Every keypoint in the middle of the picture, every joint half a metre below the root, 3 m from the camera."""
    xy = np.tile([320.0, 240.0], (frames, 17, 1))
    positions = np.tile([0, 0.5, 0], (frames, 17, 1))
    positions[:, 0] = 0
    return Recording(
        subject=subject,
        take=take,
        action=take.split(maxsplit=1)[0],
        camera=camera,
        split=split,
        keypoints={
            "gt": Keypoints.from_array(xy, image_size=(640, 480), fps=50, skeleton=HUMAN36M),
            "detected": Keypoints.from_array(xy, image_size=(640, 480), fps=50, skeleton=COCO),
        },
        poses=Poses.from_array(positions, fps=50),
        root=np.tile(np.array([0, 0, 3], np.float32), (frames, 1)),
    )


def written(folder: Path, recordings: Iterable[Recording], **facts: Any) -> PairedDataset:
    folder.mkdir()
    return paired.write(folder, "tiny", recordings, facts=facts)


def cells(text: str, first: str) -> list[str]:
    """The line that begins with those words, without them, cell by cell."""
    [line] = [line for line in text.splitlines() if line.startswith(first + " ")]
    return [cell.strip() for cell in line[len(first) :].split("  ") if cell.strip()]


def test_who_is_there_is_counted(tmp_path: Path):
    cast = [("S9", "test", 100), ("S11", "test", 1000), ("S1", "train", 3000)]
    dataset = written(
        tmp_path / "data",
        [
            recording(subject, take, camera, split, frames)
            for subject, split, frames in cast
            for take in ("Walking 1", "Walking 2", "Eating")
            for camera in ("a", "b")
        ],
    )
    text = inventory(dataset)
    heading = ["subject", "recordings", "takes", "actions", "cameras", "frames", "minutes"]
    assert cells(text, "split") == heading
    assert cells(text, "train") == ["S1", "6", "3", "2", "2", "18,000", "6.0"]
    assert cells(text, "test") == ["S9", "6", "3", "2", "2", "600", "0.2"]  # before S11
    assert cells(text, "all") == ["3", "18", "9", "2", "2", "24,600", "8.2"]
    assert "missing" not in text
    some = inventory(dataset.split("test").only(subjects=["S11"], cameras=["b"]))
    assert cells(some, "all") == ["1", "3", "3", "2", "1", "3,000", "1.0"]
    assert all(len(line) <= 100 and line == line.rstrip() for line in text.splitlines())


def test_where_keypoints_and_poses_lie_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one, other = recording("S1", "A", "a", "train", 5), recording("S1", "B", "a", "train", 5)
    xy = np.array(one.keypoints["detected"].xy)
    xy[0, 0], xy[4, 1], xy[1], xy[2, 2] = (-12, 240), (320, 600), (np.nan, 0), (640, 480)
    seen = Keypoints.from_array(xy, image_size=(640, 480), fps=50, skeleton=COCO)
    positions, root = np.array(other.poses.positions), np.array(other.root)
    positions[1, 3], positions[2, 3] = (0, 0, 70), (3, 4, 0)
    root[4, 2], root[1, 2] = 7.25, 90
    observed = np.array([True, False, True, True, True])
    changes = {"poses": Poses.from_array(positions, fps=50, observed=observed), "root": root}
    dataset = written(
        tmp_path / "data", [replace(one, keypoints={**one.keypoints, "detected": seen}), replace(other, **changes)]
    )
    whole = inventory(dataset)
    assert cells(whole, "gt") == ["h36m17", "100.00%", "320 to 320", "240 to 240", "0.00%"]
    assert cells(whole, "detected") == ["coco17", "90.00%", "-12 to 640", "240 to 600", "1.31%"]  # 2 of 153
    assert cells(whole, "h36m17") == ["90.00%", "5.00 m", "3.0 to 7.2 m"]
    assert "farthest from hip" in whole
    monkeypatch.setattr(module, "_CHUNK", 2)
    assert inventory(dataset) == whole


def test_what_is_missing_and_notes_are_listed(tmp_path: Path):
    missing = [f"S1/Action{i}: 1 of 2 takes" for i in range(25)]
    rootless = replace(recording("S1", "A", "a", "train", 5), root=None)
    text = inventory(written(tmp_path / "some", [rootless], missing=missing, notes=["a word " * 30, "the end"]))
    assert cells(text, "h36m17") == ["100.00%", "0.50 m", "unknown"]
    words = " ".join(text.split())
    assert ", ".join(missing[:20]) + " and 5 more" in words
    assert "Action20" not in words
    assert "note: the end" in words
    assert max(map(len, text.splitlines())) <= 100
    nothing = inventory(written(tmp_path / "none", [rootless], missing=[]))
    assert nothing.endswith("missing: nothing")


def test_an_index_that_says_something_else_is_refused(tmp_path: Path):
    written(tmp_path / "data", [recording("S1", "A", "a", "train", 5)])
    path = tmp_path / "data" / paired.INDEX
    index = json.loads(path.read_text())
    index["recordings"][0]["frames"] = 6
    path.write_text(json.dumps(index))
    with pytest.raises(FormatError, match="S1/A/a has rows 0 to 6 of 5"):
        inventory(paired.load(tmp_path / "data"))
    index["recordings"][0]["frames"] = 5
    path.write_text(json.dumps(index))
    np.save(tmp_path / "data" / "poses.npy", np.zeros((5, 16, 3), "f4"))
    with pytest.raises(FormatError, match=r"poses\.npy"):
        inventory(paired.load(tmp_path / "data"))
