"""Motion files that are damaged, hostile or another's are read or refused with one clear error."""

import json
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moving_people import moving

from pstmo.errors import FormatError, PstmoError
from pstmo.motions import FORMATS, read_motions, write_motions

DAMAGE = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from(b'0918,.-e"[]{}:nx_ \t\n\x00\x01\x7f\xff\x80')), max_size=8
)
SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@cache
def content(format: str) -> bytes:
    with TemporaryDirectory() as folder:
        [path] = write_motions(Path(folder) / f"motion{FORMATS[format].ENDING}", [moving(frames=4, unseen=(1,))])
        return path.read_bytes()


def whole(folder: Path, format: str) -> Path:
    path = folder / f"motion{FORMATS[format].ENDING}"
    path.write_bytes(content(format))
    return path


def read_or_refused(path: Path) -> None:
    try:
        assert all(motion.frames > 0 for motion in read_motions(path))
    except PstmoError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=40, **SETTINGS)
@given(damage=DAMAGE, cut=st.none() | st.integers(0, 10**6))
def test_cut_and_flipped_bytes_are_read_or_refused(tmp_path_factory, format, early, damage, cut):
    """early: where formats say what they are."""
    folder = tmp_path_factory.getbasetemp() / f"{format}-{early}"
    folder.mkdir(exist_ok=True)
    path = whole(folder, format)
    data = bytearray(path.read_bytes())
    reach = min(len(data), 1500) if early else len(data)
    for place, byte in damage:
        data[place % reach] = byte
    path.write_bytes(data if cut is None else data[: cut % len(data)])
    read_or_refused(path)


VALUES = (
    st.none() | st.booleans() | st.integers(-2, 10**20) | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})
)


@pytest.mark.parametrize("format", ["json", "coco", "glb"])
@settings(max_examples=100, **SETTINGS)
@given(steps=st.lists(st.integers(0, 20), min_size=1, max_size=6), value=VALUES)
def test_any_value_in_a_document_may_be_another(tmp_path_factory, format, steps, value):
    folder = tmp_path_factory.getbasetemp() / f"values-{format}"
    folder.mkdir(exist_ok=True)
    path = whole(folder, format)
    document, write = opened(path)
    place = document
    for step in steps:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = keys[step % len(keys)]
        if not place[key] or not isinstance(place[key], dict | list):
            break
        parent, last, place = place, key, place[key]
    else:
        place, key = parent, last
    place[key] = value
    write(document)
    read_or_refused(path)


def opened(path: Path) -> tuple[dict, Callable[[dict], object]]:
    """The document in a file, and what puts another in its place."""
    data = path.read_bytes()
    if path.suffix != ".glb":
        return json.loads(data), lambda document: path.write_text(json.dumps(document))
    (length,) = struct.unpack_from("<I", data, 12)

    def write(document: dict) -> None:
        text = json.dumps(document).encode()
        path.write_bytes(data[:12] + struct.pack("<I4s", len(text), b"JSON") + text + data[20 + length :])

    return json.loads(data[20 : 20 + length]), write


STRANGERS = {
    "motion.bvh": ("HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\n}\nMOTION\n"
                   "Frames: 1\nFrame Time: 0.04\n0 0 0\n", "found joints a; expected all of one of h36m17: hip"),
    "other.bvh": ("nothing", "not a readable BVH file"),
    "motion.glb": ("glTF", "not a whole GLB file"),
    "motion.trc": ("PathFileType\n", "found no header of a TRC file"),
    "units.trc": ("PathFileType\nUnits\nfeet\n\n\n", "found Units 'feet', expected one of m, cm, mm"),
    "motion.c3d": ("\x02\x50", "not a whole C3D file"),
    "other.c3d": ("text", "found no C3D file"),
    "motion.csv": ("a,b\n1,2\n", "found no column person, frame, time, observed, fps, skeleton"),
    "motion.parquet": ("PAR1", "not a whole Parquet file"),
    "motion.json": ('{"format": "2"}', "'format': found the text '2', expected 'pstmo motion 1'"),
    "empty.json": ('{"format": "pstmo motion 1", "people": []}', "found nobody"),
    "motion.coco.json": ("[]", "content: found a list of 0"),
    "deep.json": ("[" * 100_000, "not whole JSON"),
    "motion.npz": ("PK\x03\x04", "not a whole .npz file"),
    "nothing.trc": ("", "the file is empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers_are_named(tmp_path, name):
    text, message = STRANGERS[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError, match=rf"{name}: .*{message}"):
        read_motions(tmp_path / name)


def test_what_is_not_there_is_named(tmp_path):
    (tmp_path / "folder.bvh").mkdir()
    for format in FORMATS.values():
        with pytest.raises(FormatError, match=r"none\..*: cannot be read: No such file"):
            read_motions(tmp_path / f"none{format.ENDING}")
    with pytest.raises(FormatError, match="found a folder"):
        read_motions(tmp_path / "folder.bvh")


def test_other_processors_numbers_are_named(tmp_path):
    path = whole(tmp_path, "c3d")
    data = bytearray(path.read_bytes())
    data[512 + 3] = 85
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"found numbers of processor type 85, expected 84 \(Intel\)"):
        read_motions(path)


def test_arrays_larger_than_their_record_are_not_tried(tmp_path):
    """Texts of no length, as many as there are atoms."""
    path = whole(tmp_path, "c3d")
    data = path.read_bytes()
    place = data.index(b"LABELS") + 6 + 2
    path.write_bytes(data[:place] + bytes([255, 60, 0, *[255] * 59]) + data[place + 62 :])
    with pytest.raises(FormatError, match=r"not whole parameters|found 0 labels of 17 points"):
        read_motions(path)
    path.write_bytes(data[:place] + bytes([255, 60, *[255] * 60]) + data[place + 62 :])
    with pytest.raises(FormatError, match=r"not whole parameters of a C3D file: found an array of \(255"):
        read_motions(path)


def test_few_bytes_that_name_much_are_refused_at_once(tmp_path, monkeypatch):
    """Each would take minutes or more memory than there is."""
    path = whole(tmp_path, "csv")
    head, row, *_ = path.read_text().splitlines()
    path.write_text("\n".join([head, *(f"{i},{row.partition(',')[2]}" for i in range(1001))]))
    with pytest.raises(FormatError, match="found 1,001 people, expected 1,000 at most"):
        read_motions(path)

    document, write = opened(path := whole(tmp_path, "coco"))
    [one, *_], [image, *_] = document["annotations"], document["images"]
    document["annotations"] = [one | {"image_id": 0, "track_id": i} for i in range(900)]
    document["images"] = [image | {"id": i, "time": i / 25} for i in range(2500)]
    write(document)
    with pytest.raises(FormatError, match="found 900 people in 2,500 images"):
        read_motions(path)

    path = whole(tmp_path, "trc")
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace("right_wrist", "\t" * 2**20 + "right_wrist")
    path.write_text("\n".join([*lines[:5], *["1\t0"] * 200]))
    with pytest.raises(FormatError, match="found 200 frames of 1,048,630 columns"):
        read_motions(path)

    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(path := whole(tmp_path, "parquet"))
    parquet.write_table(table.take([0] * 1000), path)
    monkeypatch.setattr("pstmo.motions.parquet.LARGEST_FILE", 2**18)
    assert path.stat().st_size < 2**17
    with pytest.raises(FormatError, match="GiB unpacked"):
        read_motions(path)


@pytest.mark.parametrize(
    ("joints", "frames", "message"), [(300, 4, "more than 255 joints"), (10, 5, "and 5 of .observed.")]
)
def test_glb_of_more_than_its_buffer_tells_is_refused(tmp_path, joints, frames, message):
    document, write = opened(path := whole(tmp_path, "glb"))
    nodes = document["nodes"]
    hip = next(node for node in nodes if node["name"] == "hip")
    hip["children"] += range(len(nodes), len(nodes) + joints)
    nodes += [{"name": f"joint {i}", "translation": [0, 0, 0]} for i in range(joints)]
    next(node for node in nodes if "extras" in node)["extras"]["observed"] = [1] * frames
    write(document)
    with pytest.raises(FormatError, match=message):
        read_motions(path)


def test_c3d_in_whole_numbers(tmp_path):
    """As older programs write them: 16 bits times a scale."""
    path = whole(tmp_path, "c3d")
    data = path.read_bytes()
    start = (struct.unpack_from("<H", data, 16)[0] - 1) * 512
    points = np.frombuffer(data, "<f4", offset=start).reshape(-1, 4) / [0.1, 0.1, 0.1, 1]
    path.write_bytes(data[:12] + struct.pack("<f", 0.1) + data[16:start] + points.round().astype("<i2").tobytes())
    [found] = read_motions(path)
    motion = moving(frames=4, unseen=(1,))
    np.testing.assert_array_equal(found.observed, motion.observed)
    np.testing.assert_allclose(found.positions[[0, 2, 3]], motion.positions[[0, 2, 3]], atol=1e-4)
