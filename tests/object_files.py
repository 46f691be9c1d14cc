"""Pickled dicts of arrays for the tests: what NumPy writes, and what it would not."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

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


class Calls:
    """Pickled, an order to call a function; with a state, to then set that on what it returned."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None):
        self.order = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.order
