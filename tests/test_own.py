"""Laws of the converter of one's own recordings: what was written comes back, what is wrong is named."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pstmo.datasets import own, paired
from pstmo.datasets.own import convert
from pstmo.errors import FormatError, PstmoError
from pstmo.files import write_motion
from pstmo.motion import Motion
from pstmo.sequence import Keypoints, Poses

FRAMES = 6
MARKERS = {"name": "markers5", "joints": list("abcde"), "bones": [["a", "b"], ["a", "c"]], "root": None}
BODY = {
    "name": "body4",
    "joints": ["hip", "head", "left_hand", "right_hand"],
    "bones": [["hip", "head"]],
    "root": "hip",
}
ABOUT = {"fps": 25, "image_size": [640, 480], "keypoints": MARKERS, "poses": BODY}
PAGE = Path(__file__).parents[1] / "docs" / "own-data.md"


def arrays(**changes: object) -> dict[str, object]:
    """A recording's arrays: five keypoints, four joints; a change of None leaves one out."""
    chance = np.random.default_rng(0)
    content = {
        "keypoints": chance.uniform(0, 400, (FRAMES, 5, 2)),
        "positions": chance.uniform(-1, 1, (FRAMES, 4, 3)) + (0, 0, 4),
    }
    return {key: value for key, value in (content | changes).items() if value is not None}


def write(folder: Path, name: str, about: object = ABOUT, **changes: object) -> Path:
    """A recording in the folder, and dataset.json beside it unless `about` is None."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    np.savez(folder / name, **arrays(**changes))
    if about is not None:
        (folder / "dataset.json").write_text(json.dumps(about))
    return folder


def test_what_was_written_comes_back(tmp_path):
    said = {
        "fps": 50,
        "image_size": (800, 600),
        "camera": "left",
        "keypoints_skeleton": "markers5",
        "skeleton": "body4",
    }
    source, content = write(tmp_path / "in", "train/x.npz", **said), arrays()
    data = convert(source, tmp_path / "out")
    [found] = data.recordings()
    positions = content["positions"].astype(np.float32)
    np.testing.assert_array_equal(found.keypoints["own"].xy, content["keypoints"].astype(np.float32))
    np.testing.assert_array_equal(found.poses.positions, positions - positions[:, :1])
    np.testing.assert_array_equal(found.root, positions[:, 0])
    assert (found.keypoints["own"].image_size, found.poses.fps, found.camera) == ((800, 600), 50.0, "left")
    assert (data.poses.joints, data.keypoints["own"].joints) == (tuple(BODY["joints"]), tuple("abcde"))
    assert (data.name, data.poses.root, data.facts["licence"]) == ("in", "hip", "not said")


def test_splits_and_names_come_from_folders_and_files(tmp_path):
    write(tmp_path / "in", "train/walk_02.npz", ABOUT | {"name": "mine", "licence": "ours"})
    write(tmp_path / "in", "train/.walk_03.npz", None, keypoints=None)
    write(tmp_path / "in", "validation/anna/monday/jump 1.npz", None)
    write(tmp_path / "in", "test/ben/7.npz", None)
    write(tmp_path / "in", "test/ben/8.npz", None, subject="carla", take="Sit 3", action="sit", camera="1")
    data = convert(tmp_path / "in", tmp_path / "out")
    assert [(e.split, e.name, e.action) for e in data.entries] == [
        ("train", "1/walk_02/0", "walk"),
        ("validation", "anna/jump 1/0", "jump"),
        ("test", "ben/7/0", "7"),
        ("test", "carla/Sit 3/1", "sit"),
    ]
    assert (data.name, data.facts["licence"]) == ("mine", "ours")


@pytest.mark.parametrize("apart", [True, False])
def test_confidence_and_observed_say_what_counts(tmp_path, apart: bool):
    xy, confidence = arrays()["keypoints"], np.full((FRAMES, 5), 0.5)
    confidence[1, 2], xy[3, 4] = 0, np.nan
    positions, observed = arrays()["positions"], np.arange(FRAMES) != 2
    positions[4, 1] = np.nan
    seen = (
        {"keypoints": xy, "confidence": confidence} if apart else {"keypoints": np.dstack([xy, confidence[..., None]])}
    )
    source = write(tmp_path / "in", "train/x.npz", positions=positions, observed=observed, **seen)
    [found] = convert(source, tmp_path / "out").recordings()
    assert np.argwhere(found.keypoints["own"].confidence == 0).tolist() == [[1, 2], [3, 4]]
    assert found.keypoints["own"].confidence.max() == 0.5
    assert found.poses.observed.tolist() == [True, True, False, True, False, True]


def test_a_motion_file_is_a_recording(tmp_path):
    chance = np.random.default_rng(0)
    seen = Keypoints.from_array(chance.uniform(0, 400, (FRAMES, 17, 2)), image_size=(640, 480), fps=30)
    poses = Poses.from_array(chance.normal(size=(FRAMES, 17, 3)), fps=30, observed=np.arange(FRAMES) > 0)
    (tmp_path / "in" / "test").mkdir(parents=True)
    write_motion(tmp_path / "in" / "test" / "motion.npz", Motion(poses, seen))
    [found] = convert(tmp_path / "in", tmp_path / "out").recordings()
    np.testing.assert_array_equal(found.keypoints["own"].xy, seen.xy)
    np.testing.assert_array_equal(found.poses.positions, poses.positions)
    np.testing.assert_array_equal(found.poses.observed, poses.observed)
    assert (found.keypoints["own"].skeleton, found.poses.skeleton) == (seen.skeleton, poses.skeleton)
    assert (found.poses.fps, found.root) == (30.0, None)


def test_the_file_wins_over_dataset_json(tmp_path):
    about = ABOUT | {"keypoints": "coco17", "poses": BODY}
    keypoints = np.zeros((FRAMES, 26, 2))
    source = write(
        tmp_path / "in", "train/x.npz", about, keypoints=keypoints, keypoints_skeleton="halpe26", skeleton="body4"
    )
    data = convert(source, tmp_path / "out")
    assert (data.keypoints["own"].name, data.poses.name) == ("halpe26", "body4")


def test_unchanged_files_are_not_read_again(tmp_path, monkeypatch):
    source = write(tmp_path / "in", "train/x.npz")
    first = convert(source, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(own, "load", None)
        patch.chdir(tmp_path)
        assert convert(Path("in"), Path("out")).entries == first.entries
    (source / "dataset.json").write_text(json.dumps(ABOUT | {"fps": 100}))
    assert convert(source, tmp_path / "out").entries[0].fps == 100.0
    write(source, "train/y.npz")
    assert len(convert(source, tmp_path / "out").entries) == 2


def test_the_recordings_are_never_replaced(tmp_path):
    source = write(tmp_path / "in", "train/x.npz")
    for out in (source, tmp_path, source / "train"):
        with pytest.raises(PstmoError, match=re.escape(str(out))):
            convert(source, out)
    convert(source, tmp_path / "out")
    inside = source.rename(tmp_path / "out" / "in")
    with pytest.raises(PstmoError, match="out holds the recordings themselves, expected another folder"):
        convert(inside, tmp_path / "out")
    assert sorted(path.name for path in inside.rglob("*")) == ["dataset.json", "train", "x.npz"]


LONG = np.zeros((FRAMES + 1, 5, 2))
NOWHERE = np.full((FRAMES, 5, 2), np.nan)
BAD_FILES = {
    "no keypoints": ({"keypoints": None}, "'keypoints': found nothing, expected an array"),
    "no positions": ({"positions": None}, "'positions': found nothing, expected an array"),
    "axes": ({"positions": np.zeros((FRAMES, 4, 2))}, r"'positions': .*expected \(frames, 4 joints, 3\)"),
    "joints": ({"positions": np.zeros((FRAMES, 5, 3))}, "poses have 5 joints, but skeleton 'body4' has 4"),
    "more joints": (
        {"keypoints": np.zeros((FRAMES, 17, 2))},
        "keypoints have 17 joints, but skeleton 'markers5' has 5",
    ),
    "frames": ({"keypoints": LONG}, "found 7 frames in 'keypoints' and 6 in 'positions', expected as many"),
    "no frames": ({"keypoints": LONG[:0]}, "'keypoints': found zero frames"),
    "no poses": ({"positions": np.zeros((0, 4, 3))}, "poses have zero frames"),
    "nobody": ({"keypoints": NOWHERE}, "'keypoints': found no joint observed in any frame"),
    "doubted": ({"confidence": np.zeros((FRAMES, 5))}, "'keypoints': found no joint observed in any frame"),
    "confidence": ({"confidence": np.ones(FRAMES)}, r"'confidence': .*expected \(6, 5\)"),
    "no pose": ({"observed": np.zeros(FRAMES)}, "'positions': found no pose observed in any frame"),
    "observed": ({"observed": np.ones((FRAMES, 4))}, r"'observed': .*expected \(6,\)"),
    "millimetres": ({"positions": arrays()["positions"] * 1000}, "'positions': found joints .* expected metres"),
    "text": ({"positions": "far"}, "'positions': .*expected an array of numbers"),
    "objects": ({"subject": np.array({"name": "anna"})}, "holds Python objects"),
    "subject": ({"subject": 5}, "'subject': .*expected one text"),
    "fps": ({"fps": np.nan}, "the frame rate is nan"),
    "size": ({"image_size": (640, 0)}, "the image size is 640 x 0"),
    "unknown": ({"skeleton": "body5"}, "unknown skeleton 'body5'; available: h36m17"),
    "rootless": ({"positions": np.zeros((FRAMES, 17, 3)), "skeleton": "coco17"}, "'coco17' has no root joint"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_recordings_that_are_wrong_are_named(tmp_path, case):
    changes, message = BAD_FILES[case]
    source = write(tmp_path / "in", "train/x.npz", **changes)
    with pytest.raises(PstmoError, match=f"(?s)^{source / 'train' / 'x.npz'}: .*{message}"):
        convert(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("fps", "'fps': found neither in the file nor in dataset.json"),
        ("image_size", "'image_size': found neither in the file nor in dataset.json"),
        (
            "keypoints",
            "'keypoints_skeleton': neither the file nor dataset.json says which; available: h36m17, .*coco17",
        ),
        ("poses", "'skeleton': neither the file nor dataset.json says which; available: h36m17, .*coco17"),
    ],
)
def test_what_nobody_says_is_asked_for(tmp_path, key: str, message: str):
    source = write(tmp_path / "in", "train/x.npz", {name: value for name, value in ABOUT.items() if name != key})
    with pytest.raises(PstmoError, match=rf"x\.npz: {message}"):
        convert(source, tmp_path / "out")


BAD_ABOUT = {
    "list": ([1], "found a list of 1.*expected a mapping"),
    "key": ({"image-size": [1, 1]}, "found the key 'image-size', expected only name, fps, image_size"),
    "converted": ({"format": paired.FORMAT}, "found the key 'format', expected only name"),
    "name": ({"name": 5}, "'name': found 5, expected a text"),
    "fps": ({"fps": "fast"}, "'fps': found the text 'fast', expected a number"),
    "size": ({"image_size": [640]}, "'image_size': found a list of 1.*expected 2"),
    "unknown": ({"poses": "body9"}, "unknown skeleton 'body9'; available: h36m17"),
    "skeleton": ({"poses": 17}, "'poses': found 17, expected a mapping"),
    "part": ({"poses": {"name": "body4"}}, "a skeleton needs name, joints"),
    "bones": ({"poses": BODY | {"bones": [["hip", "tail"]]}}, "skeleton 'body4' has no joint 'tail'"),
    "no root": ({"poses": BODY | {"root": None}}, "skeleton 'body4' has no root joint"),
    "taken": ({"keypoints": MARKERS | {"name": "coco17"}}, "pstmo knows another skeleton 'coco17'"),
}


@pytest.mark.parametrize("case", BAD_ABOUT)
def test_a_dataset_json_that_is_wrong_is_named(tmp_path, case):
    about, message = BAD_ABOUT[case]
    source = write(tmp_path / "in", "train/x.npz", about)
    with pytest.raises(PstmoError, match=rf"^{source}.dataset\.json: .*{message}"):
        convert(source, tmp_path / "out")


def test_folders_without_recordings_and_names_given_twice_are_refused(tmp_path):
    source = write(tmp_path / "in", "other/x.npz")
    for folder in (source, tmp_path / "nowhere"):
        with pytest.raises(FormatError, match=rf"{folder}: found no recordings, expected any of train/\*\.npz, valid"):
            convert(folder, tmp_path / "out")
    write(source, "train/x.npz")
    write(source, "test/x.npz")
    with pytest.raises(FormatError, match=r"test.x\.npz: found 1/x/0 .* in .*train.x\.npz too"):
        convert(source, tmp_path / "out")
    write(source, "test/x.npz", subject="2", keypoints=np.zeros((FRAMES, 17, 2)), keypoints_skeleton="coco17")
    with pytest.raises(PstmoError, match=r"coco17.*expected the same in all"):
        convert(source, tmp_path / "out")


def test_the_pages_example_runs_and_converts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exec(compile(example, PAGE, "exec"), {})
    data = convert(Path("mydata"), Path("data", "mine"))
    assert [(e.split, e.name, e.action, e.frames) for e in data.entries] == [
        ("train", "anna/waving 1/0", "waving", 500),
        ("validation", "ben/waving 1/0", "waving", 500),
        ("test", "carla/waving 1/0", "waving", 500),
    ]
    assert (len(data.keypoints["own"]), len(data.poses), data.facts["licence"]) == (5, 4, "ours")
    for found in data.recordings():
        both = [data.keypoints["own"].index("head"), data.poses.index("head")]
        head = found.poses.positions[:, both[1]] + found.root
        pixels = 1500 * head[:, :2] / head[:, 2:] + (960, 540)
        np.testing.assert_allclose(found.keypoints["own"].xy[:, both[0]], pixels, atol=0.01)
