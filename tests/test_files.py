"""Laws of the readers and writers: what is written in any format reads back as the same person."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from keypoint_files import (
    KNOWN,
    SIZE,
    assert_same,
    landmarks,
    person,
    results,
    rows,
    write_alphapose,
    write_cmu,
    write_coco,
    write_json,
    write_npz,
    write_openpose,
    write_results,
)
from keypoint_tables import WRITERS

from pstmo.errors import PstmoError
from pstmo.files import FORMATS, read_keypoints
from pstmo.files.openpose import OPENPOSE18
from pstmo.sequence import Keypoints
from pstmo.skeleton import SKELETONS

SAMPLE = Path(os.environ.get("PSTMO_SHARED", Path(__file__).parents[2] / "shared")) / "samples"


@pytest.mark.parametrize(("format", "write", "skeleton"), WRITERS)
def test_what_is_written_reads_back_the_same(tmp_path, format, write, skeleton):
    keypoints = person(skeleton)
    path = write(tmp_path, keypoints)
    assert_same(read_keypoints(path, **KNOWN), keypoints)
    assert_same(read_keypoints(str(path), format=format, skeleton=skeleton, **KNOWN), keypoints)


@pytest.mark.parametrize(("format", "write", "skeleton"), WRITERS)
def test_content_tells_the_format_and_other_formats_refuse_it(tmp_path, format, write, skeleton):
    path = write(tmp_path, person(skeleton))
    if path.is_file():
        path = path.rename(tmp_path / "no_extension")
    for other in FORMATS.keys() - {format, "alphapose" if format == "coco" else "coco"}:
        with pytest.raises(PstmoError, match=path.name):
            read_keypoints(path, format=other, skeleton=skeleton, **KNOWN)
    assert read_keypoints(path, **KNOWN).frames == 6


def test_the_callers_values_win_over_the_files(tmp_path):
    path = write_npz(tmp_path, person("h36m17"))
    keypoints = read_keypoints(path, skeleton="3dhp17", image_size=(1000, 900), fps=50)
    assert (keypoints.skeleton.name, keypoints.image_size, keypoints.fps) == ("3dhp17", (1000, 900), 50.0)


def test_plain_npz_with_a_third_column(tmp_path):
    keypoints = person()
    np.savez(tmp_path / "plain.npz", keypoints=np.concatenate([keypoints.xy, keypoints.confidence[..., None]], -1))
    assert_same(read_keypoints(tmp_path / "plain.npz", skeleton="coco17", **KNOWN), keypoints)
    np.savez(tmp_path / "bare.npz", keypoints=keypoints.xy)
    bare = read_keypoints(tmp_path / "bare.npz", skeleton="coco17", **KNOWN)
    np.testing.assert_array_equal(bare.confidence, keypoints.observed)


@pytest.mark.skipif(not SAMPLE.exists(), reason="the shared samples are not here")
def test_a_real_file(tmp_path):
    sample = SAMPLE / "sports2d_demo_mediapipe33.npz"
    keypoints = read_keypoints(sample, skeleton="mediapipe33")
    assert (keypoints.frames, keypoints.image_size, keypoints.fps) == (200, (1768, 994), 30.0)
    assert (~keypoints.observed).all(1).sum() == 1
    with pytest.raises(PstmoError, match=r"33 joints.*--skeleton.*mediapipe33"):
        read_keypoints(sample)


# Frames


@pytest.mark.parametrize("write", [write_coco, write_results, write_alphapose])
def test_frames_are_in_the_order_of_their_numbers(tmp_path, write):
    keypoints = person(frames=12, missing=())
    path = write(tmp_path, keypoints)
    value = json.loads(path.read_text())
    entries = value["annotations"] if isinstance(value, dict) else value
    entries.sort(key=lambda entry: str(entry["image_id"]))
    assert [str(entry["image_id"])[:2] for entry in entries[1:4]] != ["1", "2", "3"]
    assert_same(read_keypoints(write_json(path, value), **KNOWN), keypoints)


@pytest.mark.parametrize(
    ("images", "frames"),
    [
        (["3.jpg", "5.jpg"], 6),  # a video's frames, counted from 0
        (["1.jpg", "3.jpg"], 3),  # from 1
        (["a/000003.jpg", "a/000005.jpg"], 3),  # images of a folder
        ([7, 9], 3),
    ],
)
def test_missing_frames_are_rows_without_anybody(tmp_path, images, frames):
    row = rows(person(missing=()))[0]
    entries = [{"image_id": image, "keypoints": row, "score": 1.0} for image in images]
    keypoints = read_keypoints(write_json(tmp_path / "r.json", entries), **KNOWN)
    assert np.flatnonzero(keypoints.observed.any(1)).tolist() == [frames - 3, frames - 1]


def test_an_openpose_frame_that_is_not_there_is_a_row_without_anybody(tmp_path):
    keypoints = person("body25", missing=())
    folder = write_openpose(tmp_path, keypoints)
    (folder / "clip2_000000000003_keypoints.json").unlink()
    assert_same(read_keypoints(folder, **KNOWN), person("body25", missing=(3,)))
    one = read_keypoints(folder / "clip2_000000000001_keypoints.json", **KNOWN)
    np.testing.assert_array_equal(one.xy, keypoints.xy[1:2])


def test_coco_images_without_people_are_frames(tmp_path):
    keypoints = person(missing=(0, 4, 5))
    assert_same(read_keypoints(write_coco(tmp_path, keypoints), fps=25), keypoints)


# Layouts


def test_coco_joints_are_picked_by_name(tmp_path):
    keypoints = person("halpe26")
    path = write_coco(tmp_path, keypoints)
    value = json.loads(path.read_text())
    order = np.random.default_rng(1).permutation(26)
    for entry in value["annotations"]:
        entry["keypoints"] = np.reshape(entry["keypoints"], (26, 3))[order].ravel().tolist()
    value["categories"] = [{"id": 1, "keypoints": [keypoints.skeleton.joints[i] for i in order]}]
    path = write_json(path, value)
    assert_same(read_keypoints(path, fps=25), keypoints)
    assert_same(read_keypoints(path, fps=25, skeleton="coco17"), keypoints.to("coco17"))


def test_coco_flags(tmp_path):
    flags = np.arange(17) % 3
    annotation = {"image_id": 5, "keypoints": [n for flag in flags for n in (100, 100, int(flag))]}
    value = {"images": [{"id": 5}], "annotations": [annotation]}
    keypoints = read_keypoints(write_json(tmp_path / "flags.json", value), **KNOWN)
    np.testing.assert_array_equal(keypoints.confidence[0], flags > 0)


@pytest.mark.parametrize(("joints", "skeleton"), [(133, "coco17"), (136, "halpe26")])
def test_whole_bodies_start_with_the_body(tmp_path, joints, skeleton):
    row = [float(i) for i in range(1, 3 * joints + 1)]
    path = write_json(tmp_path / "whole.json", [{"image_id": "0.jpg", "keypoints": row}])
    keypoints = read_keypoints(path, **KNOWN)
    assert keypoints.skeleton.name == skeleton
    np.testing.assert_array_equal(keypoints.xy[0, :, 0], 1 + 3 * np.arange(len(keypoints.skeleton)))


@pytest.mark.parametrize("write", [write_openpose, write_cmu])
def test_openpose_with_a_neck_is_read_as_coco(tmp_path, write):
    coco = person()
    eighteen = SKELETONS["halpe26"].joints  # any layout with these names will do to pick the columns from
    wide = read_keypoints(write_alphapose(tmp_path, person("halpe26")), **KNOWN)
    pick = [eighteen.index(joint) for joint in OPENPOSE18]
    narrow = Keypoints(wide.xy[:, pick], wide.confidence[:, pick], coco.skeleton, SIZE, 25.0)
    assert_same(read_keypoints(write(tmp_path, narrow), **KNOWN), wide.to("coco17"))


@pytest.mark.parametrize("key", ["pose_landmarks", "landmarks", "landmark"])
def test_mediapipe_as_scripts_write_it(tmp_path, key):
    keypoints = person("mediapipe33", missing=(0, 1, 3))
    marks = list(map(landmarks, rows(keypoints)))
    ways = [
        marks,
        [[frame] if frame else [] for frame in marks],
        [{key: frame or None} for frame in marks],
        [{key: {"landmark": frame}} for frame in marks],
        [{"frame": i, key: frame} for i, frame in enumerate(marks) if frame],
        {"width": 640, "height": 480, "fps": 25, "frames": [{key: [frame] if frame else []} for frame in marks]},
    ]
    for way in ways:
        assert_same(read_keypoints(write_json(tmp_path / "way.json", way), **KNOWN), keypoints)


# People


def test_the_person_seen_most_often_is_taken_unless_another_is_asked_for(tmp_path):
    often, rarely = person(seed=1, missing=(3,)), person(seed=2, missing=(0, 1, 5))
    entries = results(rarely, track_id=7) + results(often, track_id=2)
    path = write_json(tmp_path / "two.json", entries)
    assert_same(read_keypoints(path, **KNOWN), often)
    assert_same(read_keypoints(path, person=7, **KNOWN), rarely)
    with pytest.raises(PstmoError, match=r"two.json.*no person 3; persons in it: 2, 7"):
        read_keypoints(path, person=3, **KNOWN)


def test_alphapose_and_openpose_tracks(tmp_path):
    first, second = person(seed=1, missing=(0,)), person(seed=2, missing=())
    entries = results(first, "{}.jpg", idx=[[3.0], [3.0]]) + results(second, "{}.jpg", idx=4)
    assert_same(read_keypoints(write_json(tmp_path / "a.json", entries), person=3, **KNOWN), first)
    frames = {
        f"clip_{i:012d}_keypoints.json": {
            "people": [{"person_id": [j], "pose_keypoints_2d": row} for j, row in enumerate(pair)]
        }
        for i, pair in enumerate(zip(rows(person("body25", seed=1)), rows(person("body25", seed=2)), strict=True))
    }
    path = write_json(tmp_path / "o.json", frames)
    assert_same(read_keypoints(path, person=1, **KNOWN), person("body25", seed=2))


def test_without_tracks_people_are_told_apart_and_the_one_in_the_middle_is_taken(tmp_path):
    far = np.array([1000, 0], np.float32)
    left, right = person(seed=1, missing=(3,)), person(seed=2, missing=(3,))
    right = Keypoints.from_array(right.xy + far, confidence=right.confidence, **KNOWN)
    path = write_json(tmp_path / "two.json", results(right) + results(left))
    assert_same(read_keypoints(path, **KNOWN), left)
    assert_same(read_keypoints(path, person=2, **KNOWN), right)
    same_track = [
        entry | {"image_id": f"{entry['image_id']}.jpg", "idx": 0} for entry in results(right) + results(left)
    ]
    assert_same(read_keypoints(write_json(path, same_track), person=2, **KNOWN), right)


def test_a_person_not_seen_at_all_is_left_to_the_lifter(tmp_path):
    nobody = person(missing=tuple(range(6)))
    assert_same(read_keypoints(write_npz(tmp_path, nobody), **KNOWN), nobody)
