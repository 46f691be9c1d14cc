"""Files that are damaged, hostile or absurd are read or refused, whatever their format."""

import sys

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keypoint_files import KNOWN, assert_same, person, triples, write_detectron2, write_json
from keypoint_tables import WRITERS, write_deeplabcut_csv, write_deeplabcut_h5, write_rows, write_sleap, write_wide

from pstmo.errors import FormatError, PstmoError
from pstmo.files import content, read_keypoints
from pstmo.skeleton import COCO

WHOLE = {write.__name__: (write, skeleton) for format, write, skeleton in WRITERS if format != "openpose"}
DAMAGE = st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(b'0918,.-e"[]{}:nx_ \n\x00\xff\x80')), max_size=8)


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=DAMAGE, cut=st.none() | st.integers(0, 10**6))
def test_cut_and_flipped_bytes_are_read_or_refused(tmp_path_factory, name, damage, cut):
    write, skeleton = WHOLE[name]
    folder = tmp_path_factory.getbasetemp() / name
    folder.mkdir(exist_ok=True)
    path = write(folder, person(skeleton))
    data = bytearray(path.read_bytes())
    for place, byte in damage:
        data[place % len(data)] = byte
    path.write_bytes(data if cut is None else data[: cut % len(data)])
    try:
        assert read_keypoints(path, **KNOWN).frames > 0
    except PstmoError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017


INSTANCE = {"keypoints": [[1, 2]] * 17, "keypoint_scores": [1] * 17}
YXC = [[1, 2, 0.5]]

BAD_JSON = {
    "scores": ([INSTANCE | {"keypoint_scores": [1]}], "found 1 scores of 17 joints"),
    "no scores": ([{"keypoints": [[1, 2]]}], "found a list of 2, the first 1, expected x, y, score"),
    "3D": ([INSTANCE | {"keypoints": [[1, 2, 3]] * 17}], "found a list of 3, the first 1, expected x, y"),
    "ragged": ([INSTANCE | {"keypoints": [[1, 2], 3]}], "a joint of person 0 of frame 0: found 3, expected a list"),
    "track": ([INSTANCE | {"track_id": "a"}], "'track_id' of person 0 of frame 0: found the text 'a'"),
    "frame": ([{"frame_id": "a", "instances": []}], "'frame_id' of entry 0: found the text 'a'"),
    "names": ({"instance_info": [INSTANCE], "meta_info": {"keypoint_id2name": {"0": 5}}}, "joint name: found 5"),
    "vitpose": ({"keypoints": [{"a": YXC}], "skeleton": {}}, "frame 0: found the track 'a', expected a number"),
    "vitpose names": ({"keypoints": [{"0": YXC}], "skeleton": {"5": "nose"}}, "joint name: found nothing"),
    "vitpose joint": (
        {"keypoints": [{"0": [[1, 2]]}], "skeleton": {}},
        "found a list of 2, the first 1, expected y, x",
    ),
    "too long": (
        [{"image_id": 90_000 * i, "keypoints": [1, 2, 1] * 17} for i in range(30)],
        "expected 2,000,000 at most",
    ),
    "time": ([{"timestamp_ms": 5, "landmarks": [{"x": 0, "y": 0}] * 33}] * 2, "found 0.005 s, then 0.005 s"),
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_json_of_the_wrong_shape_is_named(tmp_path, case):
    value, message = BAD_JSON[case]
    with pytest.raises(FormatError, match=rf"bad\.json: .*{message}"):
        read_keypoints(write_json(tmp_path / "bad.json", value), **KNOWN)


SCORER, PARTS = ["scorer", "a", "a"], ["bodyparts", "nose", "nose"]

BAD_TABLES = {
    "ragged": ("frame,nose_x,nose_y\n1,2\n", "row 1: found 2 fields, expected 3 as in the first"),
    "text": ("frame,nose_x,nose_y\n1,2,left\n", "row 0, column 2: found 'left', expected a number"),
    "infinite": ("frame,nose_x,nose_y\n1,2,inf\n", "found inf, expected a finite number"),
    "frame": ("frame,nose_x,nose_y\n1.5,20,30\n", "frame of row 0: found 1.5, expected a whole number"),
    "no frame": ("frame,nose_x,nose_y\n,20,30\n", "frame of row 0: found nan, expected a whole number"),
    "no rows": ("frame,nose_x,nose_y\n", "found zero frames"),
    "fractions": ("frame,nose_x,nose_y\n1,0.2,0.3\n", "found no coordinate above 0.3, expected pixels"),
    "pixels": (
        "frame,nose_x,nose_y,nose_visibility\n1,200,300,1\n",
        "up to 300 beside a visibility, expected fractions",
    ),
    "twice": ("frame,joint,x,y\n1,nose,20,30\n1,nose,20,30\n", "a joint twice in a frame, expected a column person"),
    "same joint": ("frame,Nose_x,Nose_y,nose.x,nose.y\n1,20,30,1,2\n", "2 joints that mean nose: Nose, nose"),
    "no frames": ("joint,x,y\nnose,20,30\n", "a row for each joint but no column frame"),
    "clock": ("time,nose_x,nose_y\n1,20,30\n1e99,20,30\n", "found 1e99, expected a finite number"),
    "far apart": ("frame,nose_x,nose_y\n1,20,30\n1e8,20,30\n", "found no frame between 0?1 and 100000000"),
    "deeplabcut": (
        "scorer,a,a\nbodyparts,nose,nose\ncoords,x,z\n0,1,2\n",
        "column 1: .* expected bodypart and one of x",
    ),
    "half a joint": ("scorer,a\nbodyparts,nose\ncoords,x\n0,1\n", "bodypart 'nose': found no column y"),
    "levels alone": ("scorer,a,a\nbodyparts,nose,nose\ncoords,x,y\n", "found 0 rows and 2 columns"),
    "image": ("scorer,a,a\nbodyparts,nose,nose\ncoords,x,y\na.png,1,2\nb.png,1,2\n", "'a.png' has no frame number"),
    "quotes": ('frame,nose_x,nose_y\n1,2,"' + "3" * 200_000, "not whole lines of separated values"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_tables_of_the_wrong_shape_are_named(tmp_path, case):
    text, message = BAD_TABLES[case]
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(FormatError, match=rf"(?s)bad\.csv: .*{message}"):
        read_keypoints(tmp_path / "bad.csv", **KNOWN)


def test_arrays_of_trees_must_fit_each_other(tmp_path):
    for name, value, message in (
        ("node_names", [b"nose"], r"'tracks': found \(6, 1, 17, 2\)"),
        ("track_names", [b"a", b"b"], ".* of 17 nodes, 2 tracks"),
        ("point_scores", np.zeros((1, 17, 5)), r"'point_scores': found \(5, 1, 17\), expected \(6, 1, 17\)"),
        ("tracks", np.zeros((1, 2)), "'tracks': found an array of shape"),
        ("node_names", np.zeros(17), "'node_names': .* expected names"),
    ):
        path = write_sleap(tmp_path, person())
        with h5py.File(path, "a") as file:
            del file[name]
            file[name] = value
        with pytest.raises(FormatError, match=rf"analysis\.h5: {message}"):
            read_keypoints(path, **KNOWN)


def test_links_out_of_a_tree_are_not_followed(tmp_path):
    write_sleap(tmp_path, person()).rename(tmp_path / "other.h5")
    path = tmp_path / "links.h5"
    with h5py.File(path, "w") as file:
        file["tracks"] = h5py.ExternalLink("other.h5", "/tracks")
        file["node_names"] = h5py.SoftLink("/nowhere")
        file.create_group("loop")["loop"] = file["/"]
    with pytest.raises(FormatError, match="found an HDF5 file with arrays none"):
        read_keypoints(path, **KNOWN)


def test_a_pickle_in_a_tree_is_not_run(tmp_path):
    path = write_deeplabcut_h5(tmp_path, person())
    for pickled, message in (
        (b"cos\nsystem\n(S'ls'\ntR.", "wants 'os.system', which was not run"),
        (b"(l", "whole"),
    ):
        with h5py.File(path, "a") as file:
            file["df_with_missing/table"].attrs["values_block_0_kind"] = np.bytes_(pickled)
        with pytest.raises(FormatError, match=message):
            read_keypoints(path, **KNOWN)


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    path = write_sleap(tmp_path, person())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(PstmoError, match=r"this needs h5py: pip install 'pstmo\[data\]'"):
        read_keypoints(path, **KNOWN)


@pytest.mark.parametrize("write", [write_wide, write_detectron2, write_sleap, write_deeplabcut_csv])
def test_large_files_are_refused(tmp_path, monkeypatch, write):
    path = write(tmp_path, person())
    for module in ("content", "loading", "hdf5"):
        monkeypatch.setattr(sys.modules[f"pstmo.files.{module}"], "LARGEST_FILE", 1000)
    with pytest.raises(FormatError, match=r"GiB, expected .* at most"):
        read_keypoints(path, **KNOWN)
    assert content.LARGEST_FILE == 1000


def test_things_are_left_out_and_images_have_numbers(tmp_path):
    clip = person(missing=())
    rows = [line.split(",") for line in write_deeplabcut_csv(tmp_path, clip, clip).read_text().splitlines()]
    rows = [row + [extra] * 2 for row, extra in zip(rows, ["a", "single", "corner", "x", *"123456"], strict=True)]
    rows[3] = [*rows[3][:-1], "y"]
    assert_same(read_keypoints(write_rows(tmp_path / "things.csv", rows), person=1, **KNOWN), clip)
    heads = [[level, "", "", *names] for level, names in (
        ("scorer", ["me"] * 34),
        ("bodyparts", [joint for joint in COCO.joints for _ in "xy"]),
        ("coords", ["x", "y"] * 17),
    )]  # fmt: skip
    labels = [
        ["labeled-data", "walk", f"img{i:04}.png", *(n or "" for x, y, _ in joints for n in (x, y))]
        for i, joints in enumerate(triples(clip))
    ]
    found = read_keypoints(write_rows(tmp_path / "labels.csv", [*heads, *labels]), **KNOWN)
    np.testing.assert_array_equal(found.xy, clip.xy)
    np.testing.assert_array_equal(found.confidence, clip.observed)
