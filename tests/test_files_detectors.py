"""What files of detectors and tables tell beside one person's joints: names, people, sizes and times."""

import json
import logging
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from keypoint_files import (
    KNOWN,
    SIZE,
    assert_same,
    instances,
    person,
    rows,
    triples,
    write_detectron2,
    write_json,
    write_mmpose,
    write_mmpose_demo,
    write_npz,
    write_openpose,
    write_videopose3d,
    write_vitpose,
)
from keypoint_tables import (
    cells,
    write_deeplabcut_csv,
    write_deeplabcut_fixed,
    write_deeplabcut_h5,
    write_long,
    write_marks,
    write_rows,
    write_sleap,
    write_wide,
)

from pstmo.errors import FormatError, PstmoError, SkeletonError
from pstmo.files import FORMATS, read_keypoints
from pstmo.files.reader import read_people
from pstmo.options import Format
from pstmo.sequence import Keypoints
from pstmo.skeleton import COCO, MEDIAPIPE33


def test_the_command_line_knows_every_format():
    assert get_args(Format) == tuple(FORMATS)
    page = (Path(__file__).parents[1] / "docs/formats.md").read_text()
    assert all(f"`{name}`" in page for name in FORMATS)


def test_what_was_read_is_logged_in_one_line(tmp_path, caplog):
    path = write_npz(tmp_path, person())
    with caplog.at_level(logging.INFO, "pstmo.files"):
        read_keypoints(path)
        read_keypoints(write_vitpose(tmp_path, person()), **KNOWN)
        both = [one + two for one, two in zip(instances(person()), instances(person(seed=1)), strict=True)]
        read_keypoints(write_json(tmp_path / "two.json", both), **KNOWN)
    assert [record.name for record in caplog.records] == ["pstmo.files"] * 3
    assert caplog.messages == [
        f"{path}: npz, 640 x 480 pixels, 25 frames/s, coco17, 6 frames, 1 person",
        f"{tmp_path / 'vitpose.json'}: vitpose, 640 x 480 pixels, 25 frames/s, coco17, 6 frames, 1 person",
        f"{tmp_path / 'two.json'}: mmpose, 640 x 480 pixels, 25 frames/s, coco17, 6 frames, 2 people (1, 2)",
    ]


# Detectors


def test_mmpose_as_it_comes(tmp_path):
    clip = person(missing=())
    one = Keypoints.from_array(clip.xy[:1], confidence=clip.confidence[:1], **KNOWN)
    people = instances(one)[0]
    for value in (people, [people], {"instance_info": people}, [{"frame_id": 0, "instances": people}]):
        assert_same(read_keypoints(write_json(tmp_path / "image.json", value), **KNOWN), one)
    folder = tmp_path / "images"
    folder.mkdir()
    for i, frame in enumerate(instances(person())):
        write_json(folder / f"image{i:03}.json", frame)
    assert_same(read_keypoints(folder, **KNOWN), person())
    nobody = [{"frame_id": i, "instances": frame or None} for i, frame in enumerate(instances(person()))]
    assert_same(read_keypoints(write_json(tmp_path / "none.json", nobody), **KNOWN), person())


def test_mmpose_names_joints(tmp_path):
    halpe = person("halpe26")
    value = json.loads(write_mmpose_demo(tmp_path, halpe).read_text())
    value["meta_info"]["dataset_name"] = "halpe26"
    names = value["meta_info"]["keypoint_id2name"]
    value["meta_info"]["keypoint_id2name"] = {i: "head" if name == "head_top" else name for i, name in names.items()}
    assert_same(read_keypoints(write_json(tmp_path / "halpe.json", value), **KNOWN), halpe)


@pytest.mark.parametrize("several", ["mmpose", "vitpose", "deeplabcut.csv", "deeplabcut.h5", "fixed", "sleap", "csv"])
def test_people_with_tracks_are_told_apart(tmp_path, several):
    clips = [person(seed=i, missing=(i,)) for i in range(2)]
    match several:
        case "mmpose":
            frames = zip(*(instances(clip, track_id=i) for i, clip in enumerate(clips)), strict=True)
            path = write_json(tmp_path / "two.json", [{"instances": one + two} for one, two in frames])
        case "vitpose":
            files = [json.loads(write_vitpose(tmp_path, clip, track).read_text()) for track, clip in enumerate(clips)]
            frames = [one | two for one, two in zip(*(file["keypoints"] for file in files), strict=True)]
            path = write_json(tmp_path / "two.json", {"keypoints": frames, "skeleton": files[0]["skeleton"]})
        case "csv":
            values = zip(*map(cells, clips), strict=True)
            table = [[f"p{i}", frame, *row] for frame, pair in enumerate(values) for i, row in enumerate(pair)]
            heads = [f"{joint}_{part}" for joint in COCO.joints for part in "xyc"]
            path = write_rows(tmp_path / "two.csv", [["person", "frame", *heads], *table])
        case _:
            write = {
                "deeplabcut.csv": write_deeplabcut_csv,
                "deeplabcut.h5": write_deeplabcut_h5,
                "fixed": write_deeplabcut_fixed,
                "sleap": write_sleap,
            }[several]
            path = write(tmp_path, *clips)
    for track, clip in enumerate(clips):
        assert_same(read_keypoints(path, person=track, **KNOWN), clip)
    with pytest.raises(PstmoError, match="no person 2; persons in it: 0, 1"):
        read_keypoints(path, person=2, **KNOWN)


def test_detectron2_and_videopose3d_tell_the_size(tmp_path):
    clip = person(missing=())
    assert read_people(write_detectron2(tmp_path, clip)).image_size == SIZE
    full = person(missing=())
    full = Keypoints.from_array(np.nan_to_num(full.xy, nan=7.0), **KNOWN)
    assert_same(read_keypoints(write_videopose3d(tmp_path, full), fps=25), full)
    with pytest.raises(FormatError, match=r"'positions_2d': found clip0.mp4, clip1.mp4; expected one by its name"):
        read_keypoints(write_videopose3d(tmp_path, full, full), fps=25)


def test_vitpose_has_y_first(tmp_path):
    value = {"keypoints": [{"3": [[10, 20, 0.5]] * 17}], "skeleton": dict(enumerate(COCO.joints))}
    keypoints = read_keypoints(write_json(tmp_path / "one.json", value), person=3, **KNOWN)
    np.testing.assert_array_equal(keypoints.xy[0], [[20, 10]] * 17)


# Tables


@pytest.mark.parametrize("order", ["frame track node xy", "node frame xy track"])
def test_sleap_io_says_the_order_of_axes(tmp_path, order):
    assert_same(read_keypoints(write_sleap(tmp_path, person(), order=order), **KNOWN), person())


def test_columns_by_other_words(tmp_path):
    clip = person()
    path = write_wide(tmp_path, clip)
    text = path.read_text()
    variants = [
        text.replace("_x", ".X").replace("_y", ".Y").replace("_confidence", ".likelihood"),
        text.replace("left_", "L").replace("right_", "R").replace(",", ";"),
        text.replace("left_", "Left ").replace("frame,", "frame_idx,").replace("\r\n", "\n"),
        "\ufeff" + text.replace("_confidence", "_c").replace(",", "\t"),
        "\n".join(line.partition(",")[2] for line in text.splitlines()),  # no frames, times
        "\n".join(line.split(",", 2)[2] for line in text.splitlines()),  # nor those: each row is one
    ]
    for variant in variants:
        path.write_text(variant, "utf-8", newline="")
        assert_same(read_keypoints(path, **KNOWN), clip)


def test_frames_without_anybody_are_not_in_a_table(tmp_path):
    for write, skeleton in ((write_wide, "coco17"), (write_marks, "mediapipe33"), (write_long, "coco17")):
        path = write(tmp_path, person(skeleton))
        kept = [line for line in path.read_text().splitlines() if not line.startswith("2,")]
        assert_same(read_keypoints(write_rows(path, [line.split(",") for line in kept]), **KNOWN), person(skeleton))


def test_long_tables_of_mediapipe_have_names_or_numbers(tmp_path):
    clip = person("mediapipe33")
    for names in (MEDIAPIPE33.joints, [name.upper() for name in MEDIAPIPE33.joints], range(33)):
        table = [
            [frame, 1000 * frame / 25, name, x / SIZE[0], y / SIZE[1], c]
            for frame, joints in enumerate(triples(clip))
            for name, (x, y, c) in zip(names, joints, strict=True)
        ]
        heads = ["frame", "timestamp_ms", "landmark", "x", "y", "visibility"]
        path = write_rows(tmp_path / "marks.csv", [heads, *table])
        assert_same(read_keypoints(path, image_size=SIZE), clip)


def test_clocks_of_files(tmp_path):
    marks = [{"x": 0.5, "y": 0.5}] * 33
    frames = [{"timestamp_ms": time, "landmarks": marks} for time in (0, 40, 80, 200)]
    keypoints = read_keypoints(write_json(tmp_path / "marks.json", frames), image_size=SIZE)
    assert keypoints.fps == pytest.approx(25)
    np.testing.assert_allclose(keypoints.timestamps, [0, 0.04, 0.08, 0.2])
    path = write_wide(tmp_path, person(missing=()))
    assert (read_keypoints(path, image_size=SIZE).fps, read_people(path).timestamps) == (25.0, None)


# Joints by name


def test_joints_that_a_file_with_names_lacks_are_left_unseen_when_told_to(tmp_path):
    clip = person()
    table = [line.split(",") for line in write_wide(tmp_path, clip).read_text().splitlines()]
    faceless = write_rows(tmp_path / "faceless.csv", [row[:2] + row[2 + 5 * 3 :] for row in table])
    with pytest.raises(SkeletonError, match=r"of coco17, .* nose, .*right_ear are missing; to .*skeleton coco17"):
        read_keypoints(faceless, **KNOWN)
    found = read_keypoints(faceless, skeleton="coco17", **KNOWN)
    assert not found.observed[:, :5].any()
    np.testing.assert_array_equal(found.xy[:, 5:], clip.xy[:, 5:])
    mouse = write_rows(tmp_path / "mouse.csv", [["snout_x", "snout_y", "nose_x", "nose_y"], [10, 20, 30, 40]])
    with pytest.raises(SkeletonError, match=r"found joints snout, nose; expected all of a skeleton"):
        read_keypoints(mouse, **KNOWN)
    with pytest.raises(SkeletonError, match=r"found 2 joints, but skeleton 'coco17' has 17"):
        read_keypoints(mouse, skeleton="coco17", **KNOWN)


def test_named_joints_are_never_taken_by_their_number(tmp_path):
    clip = person(missing=())
    for write in (write_deeplabcut_csv, write_wide):
        text = write(tmp_path, clip).read_text().replace("nose", "snout").replace("left_ear", "tail")
        (tmp_path / "17.csv").write_text(text, newline="")
        found = read_keypoints(tmp_path / "17.csv", skeleton="coco17", **KNOWN)
        assert not found.observed[:, [0, 3]].any()
    openpose = read_keypoints(write_openpose(tmp_path, person("body25")), **KNOWN)
    assert openpose.skeleton.name == "body25"
    names = {"keypoints": [{"0": rows(clip)[0:1]}], "skeleton": {}}
    with pytest.raises(PstmoError):
        read_keypoints(write_json(tmp_path / "no.json", names), **KNOWN)
    assert read_keypoints(write_mmpose(tmp_path, clip), skeleton="h36m17", **KNOWN).skeleton.name == "h36m17"
