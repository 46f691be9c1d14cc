"""Pickles that would run something, and broken ones: refused, and nothing of them is run."""

import codecs
import copyreg
import ctypes
import functools
import os
import pickle
import resource
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from object_files import NESTED, Calls, assert_same, npz, wrapped

from pstmo.errors import FormatError
from pstmo.files.objects import read_objects

SCALAR = np.float64(1).__reduce__()[0]


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


@pytest.mark.parametrize(
    "asking",
    [
        b"]r" + (2**27).to_bytes(4, "little"),  # the value is remembered under a large number
        pickle.BYTEARRAY8 + (2**30).to_bytes(8, "little") + b"abc",
    ],
)
def test_a_few_bytes_cannot_ask_for_much_memory(asking: bytes, tmp_path: Path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FormatError):
        read_objects(npz(tmp_path / "small.npz", b"\x80\x05" + asking + b"."))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def doubled(depth: int) -> tuple:
    """A few objects that are a tree of 2 ** depth leaves."""
    tree: tuple = ()
    for _ in range(depth):
        tree = (tree, tree)
    return tree


@pytest.mark.parametrize("place", ["a key", "a type", "a codec", "the whole"])
def test_trees_that_grow_when_they_are_walked_are_refused_at_once(place: str, tmp_path: Path):
    tree, dtype = doubled(60), np.dtype("f4")
    pickled = {
        "a key": lambda: pickle.dumps(wrapped({"S1": 0}), 4).replace(
            pickle.dumps("S1", 4)[11:-1], pickle.dumps(tree, 4)[11:-1]
        ),
        "a type": lambda: pickle.dumps(Calls(np.dtype, tree), 4),
        "a codec": lambda: pickle.dumps(Calls(codecs.encode, "text", tree), 4),
        "the whole": lambda: pickle.dumps(tree, 4),
    }[place]()
    assert len(pickled) < 2000
    assert dtype.itemsize == 4
    started = time.perf_counter()
    with pytest.raises(FormatError) as raised:
        read_objects(npz(tmp_path / "tree.npz", pickled))
    assert time.perf_counter() - started < 2
    assert len(str(raised.value)) < 1000
