"""Pickled dicts of arrays are read as NumPy reads them, and written as it reads them."""

import base64
import pickle
import pickletools
import struct
import zipfile
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from object_files import BY_NUMPY_1_26, NESTED, PLAIN, as_numpy_1, assert_same, npz, wrapped

from pstmo.errors import FormatError, PstmoError
from pstmo.files.objects import read_objects, write_objects


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_every_protocol_reads_as_it_was_written(protocol: int, tmp_path: Path):
    new = pickle.dumps(wrapped(NESTED), protocol)
    old = as_numpy_1(new)
    assert b"_core" in new
    assert b"_core" not in old
    for pickled in (new, old):
        assert_same(read_objects(npz(tmp_path / "file.npz", pickled))["data"], NESTED)


def test_what_numpy_saves_reads_back(tmp_path: Path):
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "file.npz", data=NESTED, plain=np.arange(6).reshape(2, 3), several=np.array([{}, [1]], object))
        found = read_objects(tmp_path / "file.npz")
        assert_same(found["data"], NESTED)
        assert_same(found["plain"], np.arange(6).reshape(2, 3))
        assert_same(found["several"], np.array([{}, [1]], object))
    for pickled in BY_NUMPY_1_26.values():
        found = read_objects(npz(tmp_path / "old.npz", base64.b64decode(pickled)))["data"]
        assert_same(found, {"a": np.arange(3, dtype="f4"), "b": np.float32(2.5)})


def test_what_is_shared_is_made_once(tmp_path: Path):
    shared, doubled = np.arange(3), []
    for _ in range(60):
        doubled = [doubled, doubled]
    found = read_objects(npz(tmp_path / "file.npz", pickle.dumps(wrapped([shared, shared, doubled]))))["data"]
    assert found[0] is found[1]
    assert found[2][0] is found[2][1]


def test_damage_anywhere_is_a_format_error(tmp_path: Path):
    """Of the pickle, under a right checksum: whatever it makes of it, nothing else comes out, and nothing crashes."""
    pickled, rng, refused = pickle.dumps(wrapped(NESTED), 4), np.random.default_rng(0), 0
    for _ in range(300):
        damaged = bytearray(pickled)
        damaged[rng.integers(len(pickled))] = rng.choice([i for i in range(256) if i not in b"jr"])
        try:
            read_objects(npz(tmp_path / "file.npz", bytes(damaged)))
        except FormatError:
            refused += 1
    assert refused > 30


def test_files_that_are_not_whole(tmp_path: Path):
    path = tmp_path / "file.npz"
    write_objects(path, data=PLAIN, plain=np.arange(100))
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 20).astype(int):
        path.write_bytes(whole[:length])
        with pytest.raises(FormatError, match=r"file\.npz: not a whole"):
            read_objects(path)
    for place in (whole.index(b"S1") + 200, whole.index(np.arange(100).tobytes()) + 700):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(FormatError, match="CRC"):
            read_objects(path)
    for wrong, why in ((tmp_path, "cannot be read"), (tmp_path / "none.npz", "cannot be read: No such file")):
        with pytest.raises(FormatError, match=why):
            read_objects(wrong)
    with pytest.raises(FormatError, match=r"member 'notes\.txt', expected only \.npy"):
        read_objects(npz(path, b"N.", name="notes.txt"))


def test_files_that_would_fill_the_memory_are_refused(tmp_path: Path):
    path = tmp_path / "file.npz"
    np.savez_compressed(path, **{f"a{i}": np.zeros(10) for i in range(5)})
    data, place = bytearray(path.read_bytes()), 0
    while (place := data.find(b"PK\1\2", place + 1)) > 0:
        struct.pack_into("<I", data, place + 24, 2**32 - 2)  # what the member says to unpack to
    path.write_bytes(data)
    with pytest.raises(FormatError, match="unpacks to 20 GiB, expected 8 at most"):
        read_objects(path)


def test_what_is_written_reads_back_here_and_in_numpy(tmp_path: Path):
    path = tmp_path / "file.npz"
    write_objects(path, data=PLAIN, listed=[1, [np.arange(2)]], plain=np.arange(3), objects=PLAIN["objects"])
    found = read_objects(path)
    assert_same(found["data"], PLAIN)
    assert_same(found["listed"], [1, [np.arange(2)]])
    assert_same(found["plain"], np.arange(3))
    with np.load(path, allow_pickle=True) as stored:
        assert_same(stored["data"].item(), PLAIN)
        assert_same(stored["listed"].item(), [1, [np.arange(2)]])
        assert stored["data"].item()["S1"]["Walking 1"][0].flags.writeable
    with np.load(path, allow_pickle=False) as stored:
        assert_same(stored["plain"], np.arange(3))


def test_what_is_written_names_nothing_private_and_follows_from_the_values(tmp_path: Path):
    same = [PLAIN["S1"], PLAIN["S1"]]
    write_objects(tmp_path / "one.npz", data=same)
    write_objects(tmp_path / "two.npz", data=[PLAIN["S1"], deepcopy(PLAIN["S1"])])
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.npz") as archive, archive.open("data.npy") as file:
        [member] = archive.infolist()
        assert (member.date_time[0], member.compress_type) == (1980, zipfile.ZIP_STORED)
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        operations = [(operation.name, argument) for operation, argument, _ in pickletools.genops(file)]
    texts = {argument for _, argument in operations if isinstance(argument, str)}
    assert operations[0] == ("PROTO", 4)
    assert {text for text in texts if "numpy" in text or text in ("ndarray", "dtype")} == {"numpy", "ndarray", "dtype"}


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path):
    write_objects(tmp_path / "file.npz", data=1)
    with pytest.raises(PstmoError, match="NumPy's scalar"):
        write_objects(tmp_path / "file.npz", data={"a": np.float32(1)})
    assert read_objects(tmp_path / "file.npz") == {"data": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["file.npz"]
