"""Human3.6M's files, the field's and the original ones, to a data set."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from human36m_files import KEPT, motion, seen, takes_of, write_2d, write_3d, write_cdf

from pstmo.camera import camera_to_world
from pstmo.datasets import human36m, paired
from pstmo.datasets.human36m import convert, field_recordings
from pstmo.datasets.human36m_cameras import human36m_cameras
from pstmo.datasets.paired import PairedDataset
from pstmo.errors import FormatError, PstmoError
from pstmo.skeleton import COCO, HUMAN36M

TAKES = {"S11": ["Directions", "Directions 1"], "S1": ["WalkTogether 2"], "S8": ["Photo 1"]}
CAMERAS = ("54138969", "55011271", "58860488", "60457274")


@pytest.fixture
def positions() -> dict[str, dict[str, np.ndarray]]:
    return takes_of(TAKES)


def assert_true(dataset: PairedDataset, positions: dict[str, dict[str, np.ndarray]]) -> None:
    """Poses, root and projected keypoints are those of the world, seen through each camera."""
    for recording in dataset.recordings():
        [camera] = [c for c in human36m_cameras(recording.subject) if c.name == recording.camera]
        world = torch.from_numpy(positions[recording.subject][recording.take][:, KEPT])
        pixels, _ = camera.see(world)
        np.testing.assert_allclose(recording.keypoints["gt"].xy, pixels, atol=1e-3)
        assert recording.root is not None
        points = torch.from_numpy(recording.poses.positions + recording.root[:, None])
        torch.testing.assert_close(
            camera_to_world(points, camera.orientation, camera.position), world, atol=1e-5, rtol=0
        )
        np.testing.assert_array_equal(recording.poses.positions[:, 0], 0)
        assert recording.poses.observed.all()
        assert recording.lens is not None
        for found, wanted in zip(recording.lens, camera.lens, strict=True):
            torch.testing.assert_close(found, wanted)
        assert recording.keypoints["gt"].image_size == camera.image_size
        assert recording.keypoints["gt"].fps == recording.poses.fps == 50


def test_world_and_cameras_become_recordings(tmp_path: Path, positions: Any):
    write_3d(tmp_path, positions)
    dataset = convert(tmp_path, tmp_path / "out")
    assert_true(dataset, positions)
    rows = [(e.split, e.subject, e.take, e.action, e.camera) for e in dataset.entries]
    takes = [
        ("train", "S1", "WalkTogether 2", "WalkTogether"),
        ("validation", "S8", "Photo 1", "Photo"),
        ("test", "S11", "Directions 1", "Directions"),  # and not the other one, whose video is corrupt
    ]
    assert rows == [(*take, camera) for take in takes for camera in CAMERAS]
    assert (dataset.poses, dataset.keypoints) == (HUMAN36M, {"gt": HUMAN36M})
    assert [entry.frames for entry in dataset.entries[::4]] == [7, 8, 6]
    assert "agreement" in dataset.facts["licence"]


def test_17_joints_are_those_of_the_32(tmp_path: Path, positions: Any):
    write_3d(tmp_path, {s: {t: world[:, KEPT].astype(float) for t, world in of.items()} for s, of in positions.items()})
    assert_true(convert(tmp_path, tmp_path / "out"), positions)


def test_keypoints_are_those_of_the_files(tmp_path: Path, positions: Any):
    kinds = {
        "cpn_ft_h36m_dbb": ("h36m", seen(positions)),
        "detectron_pt_coco": ("coco", seen(positions, later=3, scores=True)),  # longer than the poses
        "gt": ("h36m", seen(positions, later=1)),  # a file goes before projection
    }
    kinds["detectron_pt_coco"][1]["S1"]["WalkTogether 2"][2][4, 5, 2] = 0  # the score says not observed
    kinds["detectron_pt_coco"][1]["S1"]["Loitering"] = []
    write_3d(tmp_path, positions)
    for kind, (layout, keypoints) in kinds.items():
        write_2d(tmp_path, kind, keypoints, layout)
    dataset = convert(tmp_path, tmp_path / "out")
    assert dataset.keypoints == {"cpn_ft_h36m_dbb": HUMAN36M, "detectron_pt_coco": COCO, "gt": HUMAN36M}
    assert dataset.facts["notes"] == [
        "data_2d_h36m_detectron_pt_coco.npz: 1 takes have no positions, the first S1/Loitering"
    ]
    for recording in dataset.recordings():
        place = CAMERAS.index(recording.camera)
        for kind, (_, keypoints) in kinds.items():
            found, wanted = recording.keypoints[kind], keypoints[recording.subject][recording.take][place]
            observed = np.ones((recording.frames, 17), bool)
            if (kind, recording.subject, place) == ("detectron_pt_coco", "S1", 2):
                observed[4, 5] = False
            np.testing.assert_array_equal(found.observed, observed)
            np.testing.assert_array_equal(found.xy[observed], wanted[: recording.frames, :, :2][observed])
            scores = wanted[: recording.frames, :, 2] if wanted.shape[2] == 3 else np.ones(observed.shape)
            np.testing.assert_array_equal(found.confidence, scores)


def test_original_files_say_the_same(tmp_path: Path):
    names = {"Photo 1": "TakingPhoto 1", "WalkDog": "WalkingDog", "Walking 2": "Walking 2", "Directions": "Directions"}
    positions = takes_of({"S5": list(names), "S11": ["Directions", "Photo"]})
    for subject, takes in positions.items():
        folder = tmp_path / "cdf" / f"Poses_D3_Positions_{subject}" / subject / "MyPoseFeatures"
        for i, (take, world) in enumerate(takes.items()):
            write_cdf(folder / "D3_Positions" / f"{names.get(take, take)}.cdf", world, axes=2 + i % 2)
        write_cdf(folder / "D3_Positions" / "_ALL 1.cdf", motion(3, 0))
        write_cdf(folder / "D3_Positions_mono" / "Eating.cdf", motion(3, 0))
    dataset = convert(tmp_path / "cdf", tmp_path / "out")
    assert {(e.subject, e.take) for e in dataset.entries} == {*(("S5", take) for take in names), ("S11", "Photo")}
    assert_true(dataset, positions)
    write_2d(tmp_path / "cdf", "cpn_ft_h36m_dbb", seen(positions))
    assert list(convert(tmp_path / "cdf", tmp_path / "out").keypoints) == ["gt", "cpn_ft_h36m_dbb"]
    write_3d(tmp_path / "cdf", takes_of({"S9": ["Eating"]}))  # goes before the original files
    (tmp_path / "cdf" / "data_2d_h36m_cpn_ft_h36m_dbb.npz").unlink()
    assert {entry.subject for entry in convert(tmp_path / "cdf", tmp_path / "out").entries} == {"S9"}


def test_the_facts_say_what_is_missing(tmp_path: Path):
    takes = [f"{action}{number}" for action in human36m.ACTIONS for number in (" 1", " 2")]
    write_3d(tmp_path, takes_of({"S11": takes[1:], "S9": [take for take in takes if take != "Photo 1"]}, frames=1))
    missing = convert(tmp_path, tmp_path / "out").facts["missing"]
    everything = [f"{subject}: everything" for subject in ("S1", "S5", "S6", "S7", "S8")]
    assert missing == [*everything, "S9/Photo: 1 of 2 takes"]
    write_3d(tmp_path, takes_of({"S11": takes[2:]}, frames=1))
    assert "S11/Directions: 0 of 1 takes" in convert(tmp_path, tmp_path / "out").facts["missing"]


def marks(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in [folder, *folder.iterdir()]}


def test_a_second_run_does_nothing_until_the_source_changes(tmp_path: Path, positions: Any):
    write_3d(tmp_path, positions)
    convert(tmp_path, tmp_path / "out")
    before = marks(tmp_path / "out")
    assert len(convert(tmp_path, tmp_path / "out").entries) == 12
    assert marks(tmp_path / "out") == before
    write_2d(tmp_path, "cpn_ft_h36m_dbb", seen(positions))
    assert "cpn_ft_h36m_dbb" in convert(tmp_path, tmp_path / "out").keypoints
    write_3d(tmp_path, {"S1": positions["S1"]})
    assert len(convert(tmp_path, tmp_path / "out").entries) == 4


def test_a_conversion_that_fails_leaves_nothing(tmp_path: Path, positions: Any):
    write_3d(tmp_path, positions)
    keypoints = seen(positions)
    keypoints["S11"]["Directions 1"] = []  # the last one
    path = write_2d(tmp_path, "cpn", keypoints)
    with pytest.raises(FormatError, match="Directions 1"):
        convert(tmp_path, tmp_path / "out")
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".npz", ".npz"]
    path.unlink()
    convert(tmp_path, tmp_path / "out")
    before = marks(tmp_path / "out")
    write_2d(tmp_path, "cpn", keypoints)
    with pytest.raises(FormatError, match="Directions 1"):
        convert(tmp_path, tmp_path / "out")
    assert marks(tmp_path / "out") == before
    assert len(paired.load(tmp_path / "out").entries) == 12


def test_other_data_in_the_same_layout(tmp_path: Path, positions: Any):
    write_3d(tmp_path, positions, name="cmu4")
    write_2d(tmp_path, "noisy_coco", seen(positions, scores=True), "coco", name="cmu4")
    write_2d(tmp_path, "cpn", {}, name="h36m")
    splits = {"S11": "train", "S1": "test", "S8": "test", "S9": "test"}
    found = list(field_recordings(tmp_path, "cmu4", splits))
    assert [(r.split, r.subject, r.take) for r in found[::4]] == [
        *(("train", "S11", take) for take in ("Directions", "Directions 1")),
        ("test", "S1", "WalkTogether 2"),
        ("test", "S8", "Photo 1"),
    ]
    assert all(list(recording.keypoints) == ["gt", "noisy_coco"] for recording in found)


def put(keypoints: Any, subject: str, take: str, view: Any, place: int = 1) -> None:
    keypoints[subject][take][place] = view


WRONG_2D: dict[str, tuple[Callable[[Any], object], str]] = {
    "a take": (lambda k: k["S1"].pop("WalkTogether 2"), "S1/WalkTogether 2: found nothing, expected a list of 4"),
    "a subject": (lambda k: k.pop("S8"), "S8/Photo 1: found nothing"),
    "a camera": (lambda k: k["S1"]["WalkTogether 2"].pop(), "S1/WalkTogether 2: found a list of 3.*4.*54138969, 5501"),
    "a view": (lambda k: put(k, "S1", "WalkTogether 2", None), "S1/WalkTogether 2/55011271'?: found nothing"),
    "frames": (
        lambda k: put(k, "S8", "Photo 1", np.zeros((7, 17, 2)), 3),
        "S8/Photo 1/60457274: found 7 frames, expected 8 or more",
    ),
    "joints": (lambda k: put(k, "S8", "Photo 1", np.zeros((8, 16, 2))), "S8/Photo 1/55011271: .*16, 2.*17 joints"),
    "axes": (lambda k: put(k, "S8", "Photo 1", np.zeros((8, 17, 4))), r"found an array of shape \(8, 17, 4\)"),
    "text": (lambda k: put(k, "S8", "Photo 1", np.full((8, 17, 2), "x")), "expected an array of numbers"),
    "a list": (lambda k: k.update(S1=[1]), "'positions_2d' of 'S1': found a list of 1.*expected a mapping"),
    "a name": (lambda k: k["S1"].update({3: []}), "found the key 3, expected a name"),
}


@pytest.mark.parametrize("what", WRONG_2D)
def test_wrong_keypoints_have_one_clear_error(what: str, tmp_path: Path, positions: Any):
    spoil, message = WRONG_2D[what]
    keypoints = seen(positions)
    spoil(keypoints)
    write_3d(tmp_path, positions)
    write_2d(tmp_path, "cpn", keypoints)
    with pytest.raises(FormatError, match=f"data_2d_h36m_cpn.npz: .*{message}"):
        convert(tmp_path, tmp_path / "out")


WRONG_3D: dict[str, tuple[Any, str]] = {
    "a stranger": ({"S2": {"Photo": motion(2, 0)}}, "subject 'S2', expected only S1, S5, S6, S7, S8, S9, S11"),
    "joints": ({"S1": {"Photo": np.zeros((2, 25, 3))}}, r"S1/Photo: found .*\(2, 25, 3\).*32 or 17 joints"),
    "frames": ({"S1": {"Photo": np.zeros((0, 32, 3))}}, "S1/Photo: found"),
    "millimetres": ({"S1": {"Photo": motion(2, 0) * 1000}}, "S1/Photo: found joints .* expected metres"),
    "a list": ({"S1": [motion(2, 0)]}, "'positions_3d' of 'S1': found a list"),
    "no mapping": (motion(2, 0), "'positions_3d': found an array"),
    "nobody": ({}, "found no recordings"),
}


@pytest.mark.parametrize("what", WRONG_3D)
def test_wrong_positions_have_one_clear_error(what: str, tmp_path: Path):
    positions, message = WRONG_3D[what]
    write_3d(tmp_path, positions)
    with pytest.raises(PstmoError, match=message):
        convert(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


WRONG_METADATA: dict[str, tuple[Any, str]] = {
    "layout": ({"layout_name": "humaneva15"}, "layout_name 'humaneva15', expected one of h36m, coco"),
    "sides": ({"layout_name": "h36m", "keypoints_symmetry": [[1, 2], [4, 5]]}, r"keypoints_symmetry \[\[1, 2\]"),
    "a text": ("h36m", "'metadata': found"),
}


@pytest.mark.parametrize("what", WRONG_METADATA)
def test_wrong_metadata_has_one_clear_error(what: str, tmp_path: Path, positions: Any):
    metadata, message = WRONG_METADATA[what]
    write_3d(tmp_path, positions)
    np.savez(tmp_path / "data_2d_h36m_x.npz", positions_2d=seen(positions), metadata=np.array(metadata, object))
    with pytest.raises(FormatError, match=f"data_2d_h36m_x.npz: .*{message}"):
        convert(tmp_path, tmp_path / "out")


def test_without_metadata_the_name_says_the_layout(tmp_path: Path, positions: Any):
    write_3d(tmp_path, positions)
    for kind in ("mine_coco", "mine"):
        np.savez(tmp_path / f"data_2d_h36m_{kind}.npz", positions_2d=seen(positions))
    found = convert(tmp_path, tmp_path / "out").keypoints
    assert found == {"gt": HUMAN36M, "mine": HUMAN36M, "mine_coco": COCO}


def test_files_that_are_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out, archive = tmp_path / "out", tmp_path / "data_3d_h36m.npz"
    for nowhere in (tmp_path, tmp_path / "missing"):
        with pytest.raises(FormatError, match=r"found neither data_3d_h36m\.npz nor S1/MyPoseFeatures"):
            convert(nowhere, out)
    np.savez(archive, positions=np.zeros(3))
    with pytest.raises(FormatError, match=r"no member 'positions_3d'; there are: positions"):
        convert(tmp_path, out)
    np.savez(archive, positions_3d=np.array({"S1": shutil.rmtree}, object))
    with pytest.raises(FormatError, match=r"data_3d_h36m\.npz: .*wants 'shutil.rmtree'"):
        convert(tmp_path, out)
    archive.unlink()
    path = write_cdf(tmp_path / "S1" / "D3_Positions" / "Photo.cdf", motion(3, 0))
    again = write_cdf(tmp_path / "more" / "S1" / "D3_Positions" / "TakingPhoto.cdf", motion(3, 0))
    with pytest.raises(FormatError, match=r"S1/Photo is in .* too"):
        convert(tmp_path, out)
    again.unlink()
    monkeypatch.setitem(sys.modules, "cdflib", None)
    with pytest.raises(PstmoError, match=r"pip install 'pstmo\[data\]'"):
        convert(tmp_path, out)
    assert not out.exists()
    assert path.exists()


def test_corrupt_original_files(tmp_path: Path):
    path = tmp_path / "S1" / "D3_Positions" / "Photo.cdf"
    whole = write_cdf(path, motion(3, 0)).read_bytes()
    for broken in (b"", b"text", whole[: len(whole) // 2], whole[:400]):
        path.write_bytes(broken)
        with pytest.raises(FormatError, match=r"Photo\.cdf: "):
            convert(tmp_path, tmp_path / "out")
    path.unlink()
    write_cdf(path, motion(3, 0), variable="Position")
    with pytest.raises(FormatError, match=r"Photo\.cdf: found no variable 'Pose'; there are: Position"):
        convert(tmp_path, tmp_path / "out")
    stranger = tmp_path / "new" / "D3_Positions" / "Photo.cdf"
    write_cdf(stranger, motion(3, 0))
    with pytest.raises(FormatError, match="in no folder of a subject"):
        convert(tmp_path / "new", tmp_path / "out")


def test_a_detector_of_other_joints_is_left_out_with_a_note(tmp_path: Path):
    """VideoPose3D's folder also holds stacked hourglass detections of 16 joints."""
    positions = takes_of({"S1": ["Walking"]})
    write_3d(tmp_path, positions)
    write_2d(tmp_path, "cpn_ft_h36m_dbb", seen(positions))
    metadata = {"layout_name": "h36m", "num_joints": 16, "keypoints_symmetry": [[4, 5, 6], [1, 2, 3]]}
    other = {"S1": {"Walking": [np.zeros((5, 16, 2))] * 4}}
    np.savez_compressed(tmp_path / "data_2d_h36m_sh_ft_h36m.npz", positions_2d=other, metadata=metadata)
    found = human36m.convert(tmp_path, tmp_path / "out")
    assert set(found.keypoints) == {"gt", "cpn_ft_h36m_dbb"}
    assert "data_2d_h36m_sh_ft_h36m.npz left out: 16 joints, not 17" in found.facts["notes"]
