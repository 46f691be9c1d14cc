"""Laws of the MPI-INF-3DHP converter, on small files of the data set's true forms."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from mpi_inf_3dhp_files import (
    Body,
    body,
    camera_cells,
    write_processed_test,
    write_processed_training,
    write_test,
    write_training,
)

from pstmo.datasets import mpi_inf_3dhp, mpi_inf_3dhp_files, paired
from pstmo.datasets.mpi_inf_3dhp import convert
from pstmo.datasets.recording import Recording
from pstmo.errors import FormatError
from pstmo.skeleton import MPI_INF_3DHP

SHARED = Path(os.environ.get("PSTMO_SHARED", Path(__file__).parents[2] / "shared"))
CAMERAS = ("0", "1", "2", "4", "5", "6", "7", "8")
FRAMES = 7
VALID = np.array([0, 1, 1, 0, 1, 0, 0])
ACTIVITY = np.array([1, 1, 7, 7, 3, 0, 2])


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """The published lengths, cut to a few frames."""
    for sequence, facts in {"S1 Seq1": (FRAMES, 25.0), "S8 Seq2": (FRAMES - 2, 50.0)}.items():
        monkeypatch.setitem(mpi_inf_3dhp_files.TRAINING, sequence, facts)
    monkeypatch.setitem(mpi_inf_3dhp_files.TEST, "TS1", int(VALID.sum()))


def assert_same(found: Recording, wanted: Body) -> None:
    """Keypoints as they are; positions in metres from the pelvis, which is the root."""
    metres, pelvis = wanted.positions / 1000, MPI_INF_3DHP.index("pelvis")
    np.testing.assert_array_equal(found.keypoints["gt"].xy, wanted.keypoints.astype(np.float32))
    np.testing.assert_allclose(found.poses.positions, metres - metres[:, [pelvis]], atol=2e-6)
    np.testing.assert_allclose(found.root, metres[:, pelvis], atol=2e-6)
    assert (found.poses.skeleton, found.keypoints["gt"].skeleton, found.lens) == (MPI_INF_3DHP, MPI_INF_3DHP, None)


def test_training_files_become_what_they_say_camera_by_camera(tmp_path):
    source = tmp_path / "download" / "mpi_inf_3dhp"
    bodies = {name: write_training(source, name, FRAMES + 3) for name in ("S1 Seq1", "S8 Seq2")}
    data = convert(tmp_path / "download", tmp_path / "out")
    assert data.frames == 8 * FRAMES + 8 * (FRAMES - 2)
    for subject, take, split, fps, frames in (
        ("S1", "Seq1", "train", 25.0, FRAMES),
        ("S8", "Seq2", "validation", 50.0, FRAMES - 2),
    ):
        recordings = list(data.split(split).recordings())
        assert [r.name for r in recordings] == [f"{subject}/{take}/{camera}" for camera in CAMERAS]
        for found in recordings:
            seen = bodies[f"{subject} {take}"][int(found.camera)]
            assert_same(found, Body(seen.keypoints[:frames], seen.positions[:frames]))
            assert (found.action, found.poses.fps, found.keypoints["gt"].image_size) == (take, fps, (2048, 2048))
            assert found.poses.observed.all()
            assert set(found.activity.tolist()) == {paired.NO_ACTIVITY}


def test_test_files_say_valid_frames_and_activities(tmp_path):
    bodies = {name: body(FRAMES, seed) for seed, name in enumerate(("TS1", "TS5"))}
    for name, seen in bodies.items():
        write_test(tmp_path / "mpi_inf_3dhp_test_set", name, seen, VALID, ACTIVITY)
    data = convert(tmp_path, tmp_path / "out")
    recordings = list(data.recordings())
    assert [(r.name, r.action, r.split) for r in recordings] == [
        ("TS1/test/0", "TS1", "test"),
        ("TS5/test/0", "TS5", "test"),
    ]
    assert [r.keypoints["gt"].image_size for r in recordings] == [(2048, 2048), (1920, 1080)]
    for found in recordings:
        assert_same(found, bodies[found.subject])
        np.testing.assert_array_equal(found.poses.observed, VALID > 0)
        named = [data.activities[i] if i != paired.NO_ACTIVITY else "" for i in found.activity]
        walk, misc, sit, exercise = "Standing/Walking", "Miscellaneous", "Sitting", "Exercising"
        assert named == [walk, walk, misc, misc, sit, "", exercise]


def test_facts_say_what_is_missing_and_what_differs(tmp_path):
    write_test(tmp_path, "TS1", body(FRAMES), VALID, ACTIVITY)
    write_test(tmp_path, "TS2", body(FRAMES), VALID, ACTIVITY)
    cameras = {camera: body(FRAMES) for camera in CAMERAS if camera != "4"}
    write_processed_training(tmp_path / "data_train_3dhp.npz", {"S1 Seq1": (cameras, 25)})
    facts = convert(tmp_path, tmp_path / "out").facts
    assert facts["missing"][:3] == ["S1 Seq1 camera 4", "S1 Seq2", "S2 Seq1"]
    assert facts["missing"][-4:] == ["TS3", "TS4", "TS5", "TS6"]
    assert len(facts["missing"]) == 1 + 15 + 4
    assert [note for note in facts["notes"] if "published" in note] == ["TS2: found 3 valid frames, published are 540"]
    assert any("frame rate" in note for note in facts["notes"])
    assert "non-commercial" in facts["licence"]


def test_processed_files_give_the_same_as_the_original_ones(tmp_path):
    bodies, seen = write_training(tmp_path / "original", "S1 Seq1", FRAMES), body(FRAMES, 20)
    write_test(tmp_path / "original", "TS1", seen, VALID, ACTIVITY)
    (tmp_path / "processed").mkdir()
    cameras = {camera: bodies[int(camera)] for camera in CAMERAS}
    write_processed_training(tmp_path / "processed" / "data_train_3dhp.npz", {"S1 Seq1": (cameras, 25)})
    write_processed_test(tmp_path / "processed" / "data_test_3dhp.npz", {"TS1": (seen, VALID)})
    original, processed = (convert(tmp_path / name, tmp_path / f"out-{name}") for name in ("original", "processed"))
    assert original.entries == processed.entries
    for name, *shape in (("poses", 17, 3), ("root", 3), ("observed",), ("keypoints-gt", 17, 3)):
        np.testing.assert_array_equal(original.array(name, *shape), processed.array(name, *shape))
    assert set(processed.array("activity").tolist()) == {paired.NO_ACTIVITY}
    alone = convert(tmp_path / "processed" / "data_test_3dhp.npz", tmp_path / "out-alone")
    assert [entry.name for entry in alone.entries] == ["TS1/test/0"]


def test_original_files_win_over_processed_ones(tmp_path):
    write_training(tmp_path, "S1 Seq1", FRAMES)
    write_processed_training(tmp_path / "data_train_3dhp.npz", {"S2 Seq1": ({"0": body(FRAMES)}, 25)})
    assert {entry.subject for entry in convert(tmp_path, tmp_path / "out").entries} == {"S1"}


def test_an_unchanged_source_is_not_read_again(tmp_path, monkeypatch):
    write_test(tmp_path / "in", "TS1", body(FRAMES), VALID, ACTIVITY)
    first = convert(tmp_path / "in", tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(mpi_inf_3dhp, "READERS", dict.fromkeys(mpi_inf_3dhp.READERS))
        assert convert(Path("in"), tmp_path / "out").entries == first.entries
    write_test(tmp_path / "in", "TS2", body(FRAMES), VALID, ACTIVITY)
    assert len(convert(tmp_path / "in", tmp_path / "out").entries) == 2


def test_frames_without_numbers_are_not_observed(tmp_path):
    seen = body(FRAMES)
    seen.positions[1, 3] = np.nan
    seen.keypoints[2, 5] = np.nan
    write_test(tmp_path, "TS1", seen, VALID, ACTIVITY)
    [found] = convert(tmp_path, tmp_path / "out").recordings()
    assert found.poses.observed.tolist() == [False, False, True, False, True, False, False]
    assert np.argwhere(~found.keypoints["gt"].observed).tolist() == [[2, 5]]


def cells(frames: int = FRAMES, **changes: object) -> dict[str, object]:
    """Both annotations, with other content in camera 2."""
    found, _ = camera_cells(frames)
    for name, content in changes.items():
        found[name][2, 0] = content
    return dict(found)


BAD_TRAINING = {
    "no variable": (
        {"univ_annot3": None},
        "found no variable 'univ_annot3'; there are: annot3, frames, cameras, annot2",
    ),
    "no cells": (
        {"annot2": np.zeros((14, 1))},
        r"'annot2': found an array of shape \(14, 1\).*expected 14 cells",
    ),
    "cells": ({"annot2": cells()["annot2"][:8]}, r"'annot2': found a list of 8,.*expected 14 cells"),
    "joints": (cells(univ_annot3=np.zeros((FRAMES, 51))), "'univ_annot3 of camera 2': .*28 joints x 3"),
    "axes": (cells(annot2=np.zeros((FRAMES, 84))), "'annot2 of camera 2': .*28 joints x 2"),
    "short": (cells(annot2=np.zeros((FRAMES - 1, 56))), f"'annot2 of camera 2': .*expected .{FRAMES} or more frames"),
    "empty": (cells(annot2=np.zeros((0, 0))), "'annot2 of camera 2'"),
    "text": (cells(annot2="pixels"), r"'annot2'\{3\}: found a text, expected an array of numbers"),
    "struct": (cells(annot2={"x": 1}), r"'annot2'\{3\}: found a struct, expected an array of numbers"),
    "infinite": (cells(annot2=np.full((FRAMES, 56), np.inf)), "'annot2 of camera 2': found infinite"),
}


def assert_refused(source: Path, file: str, message: str) -> None:
    """With an error that names the file, once; and nothing is left behind."""
    with pytest.raises(FormatError, match=rf"(?s){file}: {message}") as caught:
        convert(source, source.parent / "out")
    assert str(caught.value).count(file) == 1
    assert [path.name for path in source.parent.iterdir()] == [source.name]


@pytest.mark.parametrize("case", BAD_TRAINING)
def test_training_files_of_another_form_are_named(tmp_path, case):
    changes, message = BAD_TRAINING[case]
    write_training(tmp_path / "in", "S1 Seq1", FRAMES, **changes)
    assert_refused(tmp_path / "in", "annot.mat", message)


def replace(name: str, **dataset: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, **dataset)

    return change


def link(kind: type, *args: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file["annot2"]
        file["annot2"] = kind(*args)

    return change


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((FRAMES, 1, 17, 2), "f8")
    layout[:] = h5py.VirtualSource("elsewhere.mat", "annot2", (FRAMES, 1, 17, 2))
    del file["annot2"]
    file.create_virtual_dataset("annot2", layout)


def references(file: h5py.File) -> None:
    values = np.full((FRAMES, 1, 17, 2), file["valid_frame"].ref, h5py.ref_dtype)
    replace("annot2", data=values)(file)


def group(file: h5py.File) -> None:
    del file["annot2"]
    file.create_group("annot2")


ELSEWHERE = {"shape": (FRAMES, 1, 17, 2), "dtype": "f8", "external": "elsewhere.bin"}
BAD_TEST = {
    "no variable": (
        lambda file: file.pop("valid_frame"),
        "found no variable 'valid_frame'; there are: activity_annotation",
    ),
    "group": (group, "'annot2': found a group"),
    "link": (link(h5py.ExternalLink, "elsewhere.mat", "annot2"), "'annot2': found a link, which is not followed"),
    "soft link": (link(h5py.SoftLink, "/univ_annot3"), "'annot2': found a link, which is not followed"),
    "virtual": (virtual, "'annot2': found an array kept in other files"),
    "elsewhere": (replace("annot2", **ELSEWHERE), "'annot2': found an array kept in other files"),
    "references": (references, "'annot2': .*expected an array of numbers"),
    "nothing": (replace("annot2", data=h5py.Empty("f8")), "'annot2': .*expected an array of numbers"),
    "order": (
        replace("annot2", data=np.zeros((2, 17, 1, FRAMES))),
        r"'annot2': .*expected \(frames, 1, 17 joints, 2\)",
    ),
    "joints": (replace("univ_annot3", data=np.zeros((FRAMES, 1, 28, 3))), "'univ_annot3': .*17 joints"),
    "frames": (replace("annot2", data=np.zeros((6, 1, 17, 2))), "annot2 and univ_annot3: found 6 and 7 frames"),
    "valid": (replace("valid_frame", data=np.ones(6, bool)), r"'valid_frame': found .*\(6,\).*expected 7 \(frames\)"),
    "activity": (replace("activity_annotation", data=ACTIVITY + 1), "'activity_annotation': .*8; .*from 0 to 7"),
}


@pytest.mark.parametrize("case", BAD_TEST)
def test_test_files_of_another_form_are_named(tmp_path, case):
    change, message = BAD_TEST[case]
    path = write_test(tmp_path / "in", "TS1", body(FRAMES), VALID, ACTIVITY)
    with h5py.File(path, "r+") as file:
        change(file)
    assert_refused(tmp_path / "in", "annot_data.mat", message)


def test_a_link_is_refused_even_where_it_leads_to_the_array(tmp_path):
    outside = write_test(tmp_path / "outside", "TS1", body(FRAMES), VALID, ACTIVITY)
    path = write_test(tmp_path / "in", "TS1", body(FRAMES), VALID, ACTIVITY)
    with h5py.File(path, "r+") as file:
        link(h5py.ExternalLink, str(outside), "annot2")(file)
    with pytest.raises(FormatError, match="'annot2': found a link, which is not followed"):
        convert(tmp_path / "in", tmp_path / "out")


def test_files_cut_short_or_of_another_kind_are_named(tmp_path):
    write_training(tmp_path / "whole", "S1 Seq1", FRAMES)
    whole = {
        "S1/Seq1/annot.mat": (tmp_path / "whole" / "S1" / "Seq1" / "annot.mat").read_bytes(),
        "TS1/annot_data.mat": write_test(tmp_path / "whole", "TS1", body(FRAMES), VALID, ACTIVITY).read_bytes(),
    }
    (first, second), text = whole.values(), b"Moved to another server.\n" * 40
    swapped = dict(zip(whole, (second, first), strict=True))
    for number, (name, content) in enumerate(whole.items()):
        path = tmp_path / str(number) / "in" / name
        path.parent.mkdir(parents=True)
        cuts = [content[: int(len(content) * part)] for part in (0, 0.01, 0.1, 0.5, 0.9, 0.999)]
        for wrong in (*cuts, text, swapped[name]):
            path.write_bytes(wrong)
            assert_refused(tmp_path / str(number) / "in", path.name, "(not a whole MATLAB|found no variable)")


GOOD = {"data_2d": np.zeros((5, 17, 2)), "data_3d": np.zeros((5, 17, 3))}
BAD_PROCESSED = {
    "member": ("train", {"poses": np.zeros(3)}, "found no member 'data'; there are: poses"),
    "numbers": ("train", {"data": np.zeros(3)}, r"'data': found an array of shape \(3,\).*expected a mapping"),
    "sequence": (
        "train",
        {"data": {"S9 Seq1": [{}, 25]}},
        "found 'S9 Seq1' as sequence in 'data', expected one of S1 Seq1, S1 Seq2",
    ),
    "entry": (
        "train",
        {"data": {"S1 Seq1": {"0": GOOD}}},
        "S1 Seq1: found a mapping.*expected a list of cameras and fps",
    ),
    "parts": ("train", {"data": {"S1 Seq1": [{"0": GOOD}]}}, "S1 Seq1: found a list of 1"),
    "camera": (
        "train",
        {"data": {"S1 Seq1": [{"3": GOOD}, 25]}},
        "found '3' as camera of S1 Seq1, expected one of 0, 1, 2, 4",
    ),
    "fps": ("train", {"data": {"S1 Seq1": [{"0": GOOD}, "slow"]}}, "'fps of S1 Seq1': found the text 'slow'"),
    "rate": ("train", {"data": {"S1 Seq1": [{"0": GOOD}, -1]}}, "'fps of S1 Seq1': found -1"),
    "array": ("train", {"data": {"S1 Seq1": [{"0": GOOD | {"data_2d": [1]}}, 25]}}, "'data_2d of S1 Seq1 camera 0'"),
    "joints": ("test", {"data": {"TS1": GOOD | {"data_3d": np.zeros((5, 28, 3))}}}, "'data_3d of TS1': .*17 joints, 3"),
    "frames": (
        "test",
        {"data": {"TS1": GOOD | {"data_2d": np.zeros((4, 17, 2))}}},
        "data_2d and data_3d of TS1: found 4 and 5 frames",
    ),
    "no frames": (
        "test",
        {"data": {"TS1": {k: v[:0] for k, v in GOOD.items()}}},
        "data_2d and data_3d of TS1: found 0 and 0 frames",
    ),
    "no valid": ("test", {"data": {"TS1": GOOD}}, "'valid of TS1'"),
    "valid": ("test", {"data": {"TS1": GOOD | {"valid": np.arange(5.0)}}}, "'valid of TS1': .*holding 0, 1, 2, 3, 4;"),
    "code": ("test", {"data": {"TS1": print}}, ".*builtins.print"),
}


@pytest.mark.parametrize("case", BAD_PROCESSED)
def test_processed_files_of_another_form_are_named(tmp_path, case):
    part, content, message = BAD_PROCESSED[case]
    (tmp_path / "in").mkdir()
    np.savez(tmp_path / "in" / f"data_{part}_3dhp.npz", **{key: np.array(value) for key, value in content.items()})
    assert_refused(tmp_path / "in", f"data_{part}_3dhp.npz", message)


def test_folders_without_the_data_set_are_refused(tmp_path):
    (tmp_path / "in").mkdir()
    for source in (tmp_path / "in", tmp_path / "nowhere", tmp_path / "nowhere" / "annot.mat"):
        with pytest.raises(FormatError, match=rf"{source}: found no file .*S1/Seq1/annot.mat.*data_test_3dhp.npz"):
            convert(source, tmp_path / "out")
    write_training(tmp_path / "in" / "copy", "S1 Seq1", FRAMES)
    write_training(tmp_path / "in", "S1 Seq1", FRAMES)
    with pytest.raises(FormatError, match="the same sequence in"):
        convert(tmp_path / "in", tmp_path / "out")
    write_training(tmp_path / "in" / "another", "S1 Seq3", FRAMES)
    with pytest.raises(FormatError, match=r"found 'S1 Seq3' as sequence, .*, expected one of S1 Seq1"):
        convert(tmp_path / "in", tmp_path / "out")


@pytest.mark.skipif(not (SHARED / "facts").is_dir(), reason="needs the published facts")
def test_numbers_are_those_published(monkeypatch):
    monkeypatch.undo()
    facts = json.loads((SHARED / "facts" / "mpi_inf_3dhp.json").read_text())
    published = {name: (entry["frames"], entry["fps"]) for name, entry in facts["training_sequences"].items()}
    assert published == mpi_inf_3dhp_files.TRAINING
    assert facts["valid_test_frames"] == mpi_inf_3dhp_files.TEST
    assert tuple(facts["activities"]) == mpi_inf_3dhp_files.ACTIVITIES
    assert tuple(map(str, facts["cameras"])) == CAMERAS == mpi_inf_3dhp_files.CAMERAS
