"""Pickled dicts of arrays: read as NumPy reads them, but nothing in them is run."""

import base64
import codecs
import copyreg
import ctypes
import functools
import os
import pickle
import pickletools
import struct
import zipfile
from collections import OrderedDict
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pstmo.errors import FormatError, PstmoError
from pstmo.files.objects import read_objects, write_objects

RNG = np.random.default_rng(0)
PLAIN = {
    "S1": {"Walking 1": [RNG.normal(size=(4, 17, 2)).astype("f4") for _ in range(2)], "empty": np.zeros((0, 3))},
    "symmetry": [[1, 2], (3, 4.5)],
    "fortran": np.asfortranarray(RNG.normal(size=(3, 4))),
    "axes": RNG.normal(size=(2, 3, 4)).transpose(1, 0, 2),
    "swapped": np.arange(5, dtype=">i2"),
    "words": np.array(["ein", "Wört"]),
    "flags": np.array([True, False]),
    "objects": np.array([[{"a": np.arange(3)}, None], ["x", 1 << 70]], object),
    "fortran objects": np.array([[1, None, "x"], [[], 2.5, {}]], object, order="F"),
    "bytes": b"\x00\xff",
}
NESTED = PLAIN | {"scalars": [np.float32(1.5), np.int64(-3), np.bool_(True), np.str_("x"), np.complex64(1j)]}

SCALAR = np.float64(1).__reduce__()[0]

BY_NUMPY_1_26 = {
    2: (
        "gAJjbnVtcHkuY29yZS5tdWx0aWFycmF5Cl9yZWNvbnN0cnVjdApxAGNudW1weQpuZGFycmF5CnEBSwCFcQJjX2NvZGVjcwplbmNv"
        "ZGUKcQNYAQAAAGJxBFgGAAAAbGF0aW4xcQWGcQZScQeHcQhScQkoSwEpY251bXB5CmR0eXBlCnEKWAIAAABPOHELiYiHcQxScQ0o"
        "SwNYAQAAAHxxDk5OTkr/////Sv////9LP3RxD2KJXXEQfXERKFgBAAAAYXESaABoAUsAhXETaAeHcRRScRUoSwFLA4VxFmgKWAIA"
        "AABmNHEXiYiHcRhScRkoSwNYAQAAADxxGk5OTkr/////Sv////9LAHRxG2KJaANYDQAAAAAAAAAAAMKAPwAAAEBxHGgFhnEdUnEe"
        "dHEfYlgBAAAAYnEgY251bXB5LmNvcmUubXVsdGlhcnJheQpzY2FsYXIKcSFoGWgDWAQAAAAAACBAcSJoBYZxI1JxJIZxJVJxJnVh"
        "dHEnYi4="
    ),
    3: (
        "gANjbnVtcHkuY29yZS5tdWx0aWFycmF5Cl9yZWNvbnN0cnVjdApxAGNudW1weQpuZGFycmF5CnEBSwCFcQJDAWJxA4dxBFJxBShL"
        "ASljbnVtcHkKZHR5cGUKcQZYAgAAAE84cQeJiIdxCFJxCShLA1gBAAAAfHEKTk5OSv////9K/////0s/dHELYoldcQx9cQ0oWAEA"
        "AABhcQ5oAGgBSwCFcQ9oA4dxEFJxEShLAUsDhXESaAZYAgAAAGY0cROJiIdxFFJxFShLA1gBAAAAPHEWTk5OSv////9K/////0sA"
        "dHEXYolDDAAAAAAAAIA/AAAAQHEYdHEZYlgBAAAAYnEaY251bXB5LmNvcmUubXVsdGlhcnJheQpzY2FsYXIKcRtoFUMEAAAgQHEc"
        "hnEdUnEedWF0cR9iLg=="
    ),
}
"""array({"a": arange(3, dtype="f4"), "b": float32(2.5)}, object), pickled by protocol."""


def assert_same(found: Any, wanted: Any) -> None:
    assert type(found) is type(wanted)
    if isinstance(wanted, np.ndarray) and not wanted.dtype.hasobject:
        assert found.dtype.newbyteorder("=") == wanted.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found, wanted)
    elif isinstance(wanted, np.ndarray):
        assert_same(found.tolist(), wanted.tolist())
    elif isinstance(wanted, dict):
        assert_same(list(found), list(wanted))
        assert_same(list(found.values()), list(wanted.values()))
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_same(one, other)
    else:
        assert found == wanted


def npz(path: Path, pickled: bytes, name: str = "data.npy") -> Path:
    """An .npz file with that pickle in place of an array of objects."""
    with zipfile.ZipFile(path, "w") as archive, archive.open(name, "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
        file.write(pickled)
    return path


def wrapped(value: object) -> np.ndarray:
    array = np.empty((), object)
    array[()] = value
    return array


def as_numpy_1(pickled: bytes) -> bytes:
    """With the names of before NumPy 2; and without the length of the frame, which no longer holds."""
    for module in (b"multiarray", b"numeric"):
        new, old = b"numpy._core." + module, b"numpy.core." + module
        pickled = pickled.replace(bytes([0x8C, len(new)]) + new, bytes([0x8C, len(old)]) + old)
        pickled = pickled.replace(b"c" + new + b"\n", b"c" + old + b"\n")
    return pickled[:2] + pickled[11:] if pickled[2:3] == b"\x95" else pickled


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


class Calls:
    """Pickled, an order to call a function; with a state, to then set that on what it returned."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None):
        self.order = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.order


def creating(path: Path) -> dict[str, Calls]:
    """By the name that it asks for: what creates that file when it is unpickled."""
    name, code = str(path), f"open({str(path)!r}, 'w').close()"
    return {
        f"{os.system.__module__}.system": Calls(os.system, f"echo > {name}"),
        "builtins.eval": Calls(eval, code),
        "builtins.exec": Calls(exec, code),
        "numpy.savetxt": Calls(np.savetxt, name, [0]),
        "numpy.memmap": Calls(np.memmap, name, "u1", "w+", 0, (1,)),
        "numpy.lib.format.open_memmap": Calls(np.lib.format.open_memmap, name, "w+", "u1", (1,)),
    }


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("asked", creating(Path("path")))
def test_nothing_is_run(asked: str, inside: bool, tmp_path: Path):
    made, call = tmp_path / "made", creating(tmp_path / "made")[asked]
    pickled = pickle.dumps(wrapped({"S1": [np.array([1, call], object)]} if inside else call), 4)
    pickle.loads(pickled)
    made.unlink()  # so it does work where it is run
    with pytest.raises(FormatError, match=rf"file.npz: holds a pickle that wants '{asked}', which was not run"):
        read_objects(npz(tmp_path / "file.npz", pickled))
    assert not made.exists()


REFUSED = {
    "functools.partial": functools.partial(print),
    "copyreg._reconstructor": Calls(copyreg._reconstructor, dict, dict, {}),
    "ctypes.CDLL": Calls(ctypes.CDLL, None),
    "builtins.getattr": Calls(getattr, "text", "upper"),
    "builtins.object": object(),
    "numpy.load": Calls(np.load, "file.npy"),
    "numpy.fromfile": Calls(np.fromfile, "file.npy"),
    "numpy.ma.core._mareconstruct": np.ma.array([1]),
    "collections.OrderedDict": OrderedDict(a=1),
}


@pytest.mark.parametrize("asked", REFUSED)
def test_other_names_are_refused(asked: str, tmp_path: Path):
    for protocol in (2, 4, 5):
        path = npz(tmp_path / "file.npz", pickle.dumps(wrapped([REFUSED[asked]]), protocol, fix_imports=False))
        with pytest.raises(FormatError, match=f"wants '{asked}'"):
            read_objects(path)
    for name in ("fromfile", "frombuffer", "set_typeDict", "ndarray.tofile"):
        with pytest.raises(FormatError, match=f"wants 'numpy.core.multiarray.{name}'"):
            read_objects(npz(tmp_path / "file.npz", f"cnumpy.core.multiarray\n{name}\n.".encode()))


def state_of(array: np.ndarray, **changes: Any) -> Calls:
    """The array, as NumPy pickles it, with another shape, dtype or values."""
    function, arguments, (version, shape, dtype, fortran, values) = array.__reduce__()
    parts = {"shape": shape, "dtype": dtype, "fortran": fortran, "values": values} | changes
    return Calls(function, *arguments, state=(version, *parts.values()))


def inside(operations: bytes) -> bytes:
    """An array of one object, which these operations make."""
    return pickle.dumps(wrapped("this"), 2).replace(b"X\4\0\0\0this", operations)


DTYPE = b"cnumpy\ndtype\n"
BROKEN = {
    "a function": inside(DTYPE),
    "a function as a value": inside(b"}K\x01" + DTYPE + b"s"),
    "a function as a key": inside(b"}" + DTYPE + b"K\x01s"),
    "a type": inside(DTYPE + b"X\2\0\0\0f4\x85R"),
    "a type as a key": inside(b"}" + DTYPE + b"X\2\0\0\0f4\x85RK\x01s"),
    "a function with another state": inside(b"]" + DTYPE + b"N}X\4\0\0\0makeNs\x86b0"),
    "a function as a class": inside(DTYPE + b")\x81"),
    "a function as an old class": inside(b"(inumpy\ndtype\n"),
    "a function in place of a type": inside(b"cnumpy.core.multiarray\nscalar\n" + DTYPE + b"C\0\x86R"),
    "a persistent id": inside(b"Pid\n"),
    "a registered extension": inside(b"\x82\x01"),
    "a buffer from elsewhere": inside(b"\x97"),
    "another protocol": inside(b"\x80\x09N"),
    "no array": b"}.",
    "no end": b"}",
    "nothing": b"",
    "no pickle": b"text",
    "a list within itself": inside(b"]r\xff\0\0\0j\xff\0\0\0a"),
    "bytes in another code": pickle.dumps(wrapped(Calls(codecs.encode, "text", "rot13")), 2),
    "something after the end": pickle.dumps(wrapped(1)) + b"N.",
    "pointers as objects": pickle.dumps(wrapped(Calls(SCALAR, np.dtype("O"), b"8 bytes!"))),
    "pointers as an array": pickle.dumps(state_of(np.zeros(1), dtype=np.dtype("O"))),
    "few values": pickle.dumps(state_of(np.zeros(3), shape=(4,))),
    "many values": pickle.dumps(state_of(np.zeros(3), shape=(2,))),
    "negative axes": pickle.dumps(state_of(np.zeros(4), shape=(-2, -2))),
    "values in a text": pickle.dumps(state_of(np.zeros(1), values="8 values")),
    "few objects": pickle.dumps(state_of(np.array([None, 1]), shape=(3,))),
    "a byte order that is a shape": pickle.dumps(state_of(np.zeros(4, "f4"), shape=(2,)), 2).replace(
        b"X\1\0\0\0<", b"X\1\0\0\0002"
    ),
    "a composed dtype": pickle.dumps(np.zeros(2, [("a", "f4")])),
    "dates": pickle.dumps(np.array(["2020-01-01"], "M8[D]")),
}


def test_what_is_made_by_hand_is_read_where_nothing_is_wrong(tmp_path: Path):
    assert read_objects(npz(tmp_path / "file.npz", inside(b"}K\x01K\2s")))["data"] == {1: 2}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_pickles_are_format_errors(what: str, tmp_path: Path):
    with pytest.raises(FormatError, match=r"file\.npz: "):
        read_objects(npz(tmp_path / "file.npz", BROKEN[what]))
    assert_same(read_objects(npz(tmp_path / "file.npz", pickle.dumps(wrapped(NESTED))))["data"], NESTED)


def test_what_an_extension_stands_for_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(copyreg._inverted_registry, 200, ("os", "system"))
    with pytest.raises(FormatError, match=r"wants 'os\.system'"):
        read_objects(npz(tmp_path / "file.npz", inside(b"\x82\xc8")))


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
    with pytest.raises(FormatError, match="unpacks to 20 GiB, expected 16 at most"):
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
