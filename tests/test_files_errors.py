"""Bad files: one PstmoError that names the file, and nothing executed."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pstmo.errors import FormatError, PstmoError, SkeletonError
from pstmo.files import FORMATS, read_keypoints, read_motion, write_keypoints
from pstmo.sequence import Keypoints

KNOWN = {"image_size": (640, 480), "fps": 25.0}
ROW = [100.0, 200.0, 0.5] * 17
FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def entry(**changes: object) -> dict[str, object]:
    return {"image_id": 0, "keypoints": ROW, "score": 1.0} | changes


def annotated(images: object = None, **changes: object) -> dict[str, object]:
    return {"images": [{"id": 0}] if images is None else images, "annotations": [entry()]} | changes


def openpose(*people: object) -> dict[str, object]:
    return {"people": list(people)}


MARK = {"x": 0.5, "y": 0.5, "visibility": 1.0}

BAD_JSON = {
    "not known": (5, r"found 5: no format that is known here; expected one of:\n  npz:"),
    "nothing": ([], "a list of 0"),
    "keys": ([{"pose": 1}], "the first a mapping with keys 'pose'"),
    "joints, but no image": ([{"keypoints": ROW}], r"keys 'keypoints' \('keypoints': a list of 51\)"),
    "two formats": (annotated() | {"people": []}, "could be coco or openpose: say which with --format"),
    "ragged": ([entry(), entry(image_id=1, keypoints=ROW[:-3])], "16 joints in frame 1, but 17 in frame 0"),
    "cut triples": ([entry(keypoints=ROW[:-1])], "found 50 numbers, expected 3 a joint"),
    "texts": ([entry(keypoints=["1", "2", "3"])], "found the text '1', expected finite numbers"),
    "nulls": ([entry(keypoints=[None] * 51)], "'keypoints' of entry 0: found nothing"),
    "truths": ([entry(keypoints=[True] * 51)], "found True"),
    "infinite": ([entry(keypoints=[float("inf")] * 51)], "found inf"),
    "absurd": ([entry(keypoints=[10**400] * 51)], "expected finite numbers"),
    "no keypoints": ([entry(), {"image_id": 1}], "'keypoints' of entry 1: found nothing"),
    "no mapping": ([entry(), 7], "entry 1: found 7, expected a mapping"),
    "score": ([entry(score="high")], "'score' of entry 0: found the text 'high'"),
    "track": ([entry(track_id="a")], "'track_id': found the text 'a'"),
    "far apart": ([entry(), entry(image_id=10**12)], "no frame between 0 and 1000000000000"),
    "no number": ([entry(image_id="a.jpg"), entry(image_id="b.jpg")], "'a.jpg' has no frame number"),
    "one number": ([entry(image_id="a1.jpg"), entry(image_id="b1.jpg")], "both carry the frame number 1"),
    "unknown image": (annotated([{"id": 3}]), "image 0, which 'images' does not list"),
    "sizes": (annotated([{"id": 0, "width": 1, "height": 1}, {"id": 1, "width": 2, "height": 2}]), "2 sizes"),
    "half a size": (annotated([{"id": 0, "width": 640}]), "height: found nothing"),
    "zero frames": (annotated([], annotations=[]), "zero frames"),
    "nobody": (annotated(annotations=[]), "nobody in any of its 1 frames"),
    "category": (annotated(categories=[{"keypoints": [1]}]), "joint name: found 1"),
    "openpose nobody": (openpose(), "nobody in any of its 1 frames"),
    "openpose person": (openpose([1, 2]), "person 0 of frame: found a list of 2"),
    "openpose joints": (openpose({"pose": []}), "'pose_keypoints_2d' of person 0 of frame: found nothing"),
    "openpose id": (openpose({"pose_keypoints_2d": ROW, "person_id": ["a"]}), "'person_id'"),
    "mediapipe frame": ({"frames": [{"landmarks": [MARK]}, {"pose": 1}]}, "expected one of the keys pose_landmarks"),
    "mediapipe mark": ([[MARK], [5]], "a landmark of frame 1: found 5"),
    "mediapipe axis": ([[{"x": 0.5}]], "frame 0: found nothing"),
    "mediapipe pixels": ([[{"x": 300, "y": 200}] * 33], "expected fractions of the image"),
    "mediapipe size": ({"frames": [[MARK] * 33], "image_size": [1]}, "'image_size': found a list of 1"),
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_json_of_the_wrong_shape_is_named(tmp_path, case):
    value, message = BAD_JSON[case]
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(value))
    with pytest.raises(FormatError, match=rf"(?s)bad\.json: .*{message}"):
        read_keypoints(path, **KNOWN)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"left,right\n1,2\n", "(no format that is known here|neither an .npz file nor whole JSON)"),
        (json.dumps([entry()]).encode()[:200], "at character 200 of 200"),
        (b"\xff\xfe\x00\x01", "neither"),
        (b"[" * 200_000, "neither"),
        (b"9" * 5000, "neither"),
        (b"PK\x03\x04 and no more", "not a whole .npz"),
        (pickle.dumps({"keypoints": 1}), "neither"),
    ],
)
def test_no_file_of_ours(tmp_path, data, message):
    path = tmp_path / "clip.dat"
    path.write_bytes(data)
    for read in (lambda: read_keypoints(path, **KNOWN), lambda: read_motion(path)):
        with pytest.raises(FormatError, match=f"clip.dat: .*{message}"):
            read()


def test_no_file_at_all(tmp_path):
    for read in (read_keypoints, read_motion):
        with pytest.raises(FormatError, match=r"absent\.npz: cannot be read: No such file"):
            read(tmp_path / "absent.npz")
        with pytest.raises(FormatError, match=rf"{tmp_path.name}: found a folder without .json files"):
            read(tmp_path)


def test_a_bad_file_in_a_folder_is_named(tmp_path):
    (tmp_path / "a_1_keypoints.json").write_text(json.dumps(openpose({"pose_keypoints_2d": ROW})))
    (tmp_path / "a_2_keypoints.json").write_text('{"people": [')
    with pytest.raises(FormatError, match=r"a_2_keypoints\.json: neither"):
        read_keypoints(tmp_path, **KNOWN)


def test_unknown_format_and_skeleton(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps([entry()]))
    with pytest.raises(FormatError, match="unknown format 'xml'; available: npz, detections, coco"):
        read_keypoints(path, format="xml", **KNOWN)
    with pytest.raises(SkeletonError, match=r"r.json: found 17 joints, but skeleton 'body25' has 25"):
        read_keypoints(path, skeleton="body25", **KNOWN)
    with pytest.raises(SkeletonError, match="unknown skeleton 'dog'"):
        read_keypoints(path, skeleton="dog", **KNOWN)


def test_joints_without_names_ask_for_the_skeleton(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps([entry(keypoints=ROW[:45])]))
    with pytest.raises(
        SkeletonError, match=r"15 joints without known names, expected 17.*--skeleton.*none that is known"
    ):
        read_keypoints(path, **KNOWN)


@pytest.mark.parametrize("missing", ["image_size", "fps"])
def test_what_neither_file_nor_caller_gives_is_asked_for(tmp_path, missing):
    path = tmp_path / "r.json"
    path.write_text(json.dumps([entry()]))
    flag = {"image_size": "--image-size", "fps": "--fps"}[missing]
    with pytest.raises(PstmoError, match=f"r.json: .*missing.*{flag}"):
        read_keypoints(path, **{key: value for key, value in KNOWN.items() if key != missing})
    with pytest.raises(PstmoError, match=r"no person 2; persons in it: 1"):
        read_keypoints(path, person=2, **KNOWN)


XY = np.zeros((3, 17, 2))

BAD_ARRAYS = {
    "no keypoints": ({"poses": XY}, "keys 'poses'"),
    "axes": ({"keypoints": np.zeros((3, 17, 4))}, r"array of shape \(3, 17, 4\)"),
    "texts": ({"keypoints": np.full((3, 17, 2), "a")}, "expected an array of numbers"),
    "complex": ({"keypoints": XY + 1j}, "expected an array of numbers"),
    "infinite": ({"keypoints": XY + np.inf}, "'keypoints': found infinite"),
    "confidence": ({"keypoints": XY, "confidence": XY}, r"expected \(3, 17\) \(frames, joints\)"),
    "size": ({"keypoints": XY, "image_size": [1, 2, 3]}, "'image_size': .*expected 2 numbers"),
    "no size": ({"keypoints": XY, "image_size": [np.nan, 2]}, "'image_size': found"),
    "fps": ({"keypoints": XY, "fps": "fast"}, "'fps': .*expected 1 numbers"),
    "skeleton": ({"keypoints": XY, "skeleton": 17}, "'skeleton': .*expected one text"),
    "zero frames": ({"keypoints": XY[:0]}, "nobody in any of its 0 frames"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_arrays_of_the_wrong_shape_are_named(tmp_path, case):
    arrays, message = BAD_ARRAYS[case]
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(FormatError, match=rf"(?s)bad\.npz: .*{message}"):
        read_keypoints(tmp_path / "bad.npz", **KNOWN)


class Trap:
    """What a pickle can do: create a file as soon as it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_pickle_is_refused_and_not_executed(tmp_path):
    sprung = tmp_path / "sprung"
    trap = np.array([Trap(sprung)], dtype=object)
    np.savez(tmp_path / "trap.npz", keypoints=XY, notes=trap)
    np.save(tmp_path / "trap.npy", trap)
    (tmp_path / "trap.json").write_bytes(pickle.dumps(Trap(sprung)))
    reasons = "holds a pickle that wants 'pathlib.Path.touch', which was not run", r"holds Python objects \(a pickle\)"
    for read, reason in zip((read_keypoints, read_motion), reasons, strict=True):
        with pytest.raises(FormatError, match=rf"trap\.npz: {reason}"):
            read(tmp_path / "trap.npz")
        with pytest.raises(FormatError, match=r"trap\.npy: found a bare \.npy"):
            read(tmp_path / "trap.npy")
        with pytest.raises(FormatError, match=r"trap\.json: neither"):
            read(tmp_path / "trap.json")
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))
    assert sprung.exists()  # the trap was a real one


KEYS = st.sampled_from(
    [
        "image_id",
        "keypoints",
        "score",
        "idx",
        "track_id",
        "images",
        "annotations",
        "categories",
        "id",
        "width",
        "height",
    ]
    + ["people", "bodies", "joints", "pose_keypoints_2d", "person_id", "image_size", "fps"]
    + ["frames", "frame", "landmarks", "pose_landmarks", "landmark", "x", "y", "visibility"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.integers()
    | st.floats()
    | st.sampled_from(["3.jpg", "a", ""])
    | st.sampled_from([ROW, ROW[:3], ROW + ROW[:24], [MARK] * 33])
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


def read_or_refuse(path: Path, **given: object) -> None:
    try:
        read_keypoints(path, **given)
    except PstmoError as error:
        message = str(error)
    else:
        return
    assert message.startswith(f"{path}: ")


@FUZZ
@given(JSON, st.sampled_from([None, *FORMATS]), st.sampled_from([None, "coco17"]))
def test_any_json_is_read_or_refused(tmp_path, value, format, skeleton):
    (tmp_path / "fuzz.json").write_text(json.dumps(value))
    read_or_refuse(tmp_path / "fuzz.json", format=format, skeleton=skeleton, **KNOWN)


NEAR = st.fixed_dictionaries(
    {"image_id": st.integers(0, 5) | st.sampled_from(["2.jpg", "11.jpg"]) | LEAVES, "keypoints": st.just(ROW) | JSON},
    optional={"score": LEAVES, "idx": JSON, "track_id": LEAVES, "people": JSON, "landmarks": JSON},
)


@FUZZ
@given(st.lists(NEAR, max_size=4) | st.builds(annotated, st.lists(st.fixed_dictionaries({"id": LEAVES}), max_size=3)))
def test_almost_good_json_is_read_or_refused(tmp_path, value):
    (tmp_path / "fuzz.json").write_text(json.dumps(value))
    read_or_refuse(tmp_path / "fuzz.json", **KNOWN)


@FUZZ
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=8), st.booleans())
def test_a_damaged_archive_is_read_or_refused(tmp_path, place, noise, cut):
    path = tmp_path / "fuzz.npz"
    write_keypoints(path, Keypoints.from_array(np.ones((2, 17, 2)), **KNOWN))
    data = path.read_bytes()
    place = place % len(data)
    path.write_bytes(data[:place] + noise + (b"" if cut else data[place + len(noise) :]))
    read_or_refuse(path)
