"""Laws of the reader of MATLAB's files: what SciPy and MATLAB wrote comes back, and damage is one error."""

import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from pstmo.datasets.matlab import read
from pstmo.errors import FormatError

MATLABS_OWN = Path(scipy.io.__file__).parent / "matlab" / "tests" / "data"
NUMBERS = np.arange(24).reshape(4, 6)


def cell(*values: object) -> np.ndarray:
    cells = np.empty((len(values), 1), object)
    cells[:, 0] = values
    return cells


@pytest.mark.parametrize("packed", [True, False])
def test_what_was_written_comes_back(tmp_path, packed: bool):
    types = ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
    arrays = {f"of_{kind}": NUMBERS.astype(kind) for kind in types} | {
        "deep": NUMBERS.reshape(2, 3, 4) / 7,
        "s": NUMBERS[:1, :1],
    }
    written = {**arrays, "cells": cell(*arrays.values()), "no": np.zeros((0, 5)), "word": "spine", "a" * 31: NUMBERS}
    scipy.io.savemat(tmp_path / "a.mat", written, do_compression=packed)
    found = read(tmp_path / "a.mat", (*arrays, "cells", "no", "a" * 31))
    for one, other in zip(found["cells"], arrays.values(), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    for name in (*arrays, "no", "a" * 31):
        np.testing.assert_array_equal(found[name], written[name], strict=True)


@pytest.mark.skipif(not MATLABS_OWN.is_dir(), reason="needs the files that come with SciPy's tests")
@pytest.mark.parametrize("version", ["6.5.1", "7.1", "7.4"])
@pytest.mark.parametrize("name", ["matrix", "double", "minus", "3dmatrix", "emptycell"])
def test_what_matlab_itself_wrote_is_what_scipy_reads(name: str, version: str):
    path = MATLABS_OWN / f"test{name}_{version}_GLNX86.mat"
    found, wanted = read(path, (f"test{name}",)), scipy.io.loadmat(path, mat_dtype=True)[f"test{name}"]
    if wanted.dtype != object:
        np.testing.assert_array_equal(found[f"test{name}"], wanted, strict=True)
    else:
        for one, other in zip(found[f"test{name}"], wanted.ravel("F"), strict=True):
            np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("spine", "'a': found a text, expected an array of numbers"),
        ({"x": 1}, "'a': found a struct, expected an array of numbers"),
        (NUMBERS * 1j, "'a': found complex numbers, expected an array of numbers"),
        (cell(NUMBERS, "spine"), r"'a'\{2\}: found a text, expected an array of numbers"),
        (cell(cell(NUMBERS)), r"'a'\{1\}: found a cell, expected an array of numbers"),
    ],
)
def test_other_values_are_named(tmp_path, value: object, message: str):
    scipy.io.savemat(tmp_path / "a.mat", {"b": NUMBERS, "a": value})
    with pytest.raises(FormatError, match=f"^{message}"):
        read(tmp_path / "a.mat", ("b", "a"))
    with pytest.raises(FormatError, match="found no variable 'c'; there are: b, a"):
        read(tmp_path / "a.mat", ("c",))


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def one_array(number: int, shape: tuple[int, ...], *values: bytes) -> bytes:
    """A file with the array `a` of that class and shape."""
    parts = (
        element(6, bytes([number, *[0] * 7])) + element(5, struct.pack(f"<{len(shape)}i", *shape)) + element(1, b"a")
    )
    return bytes(124) + b"\0\1IM" + element(14, parts + b"".join(values))


def test_an_empty_cell_is_an_empty_array(tmp_path):
    (tmp_path / "a.mat").write_bytes(one_array(1, (2, 1), element(14, b""), element(14, b"")))
    assert [value.shape for value in read(tmp_path / "a.mat", ("a",))["a"]] == [(0, 0), (0, 0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (one_array(1, (3, 1), element(14, b""), element(14, b"")), r"'a' has 2 cells, not \[3, 1\]"),
        (one_array(1, (1, 1), element(9, bytes(8))), r"'a'\{1\} is an element of type 9"),
        (one_array(6, (-1, -2), element(9, bytes(16))), "cannot reshape|negative|too large"),
        (one_array(6, (2, 3), element(9, bytes(16))), "cannot reshape"),
        (one_array(6, (1, 2), element(8, bytes(16))), "'a' has values of type 8"),
        (one_array(6, (1, 2), element(9, bytes(16)))[:-8], "an element ends 8 bytes after the end"),
        (b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF", "it has another header"),
        (b"", "it has another header"),
    ],
)
def test_files_that_contradict_themselves_are_named(tmp_path, content: bytes, message: str):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(FormatError, match=f"not a whole MATLAB v5 file: .*({message})"):
        read(tmp_path / "a.mat", ("a",))


@pytest.mark.parametrize("packed", [True, False])
def test_damage_is_one_error_wherever_it_is(tmp_path, packed: bool):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"a": cell(NUMBERS[:2] / 7, NUMBERS[:1])}, do_compression=packed)
    whole, wanted = path.read_bytes(), read(path, ("a",))["a"]
    damaged = [whole[:end] for end in range(len(whole))]
    damaged += [bytes([*whole[:at], other, *whole[at + 1 :]]) for at in range(124, len(whole)) for other in (0, 3, 255)]
    errors = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            found = read(path, ("a",))["a"]
        except FormatError:
            errors += 1
        else:
            assert not packed or str(found) == str(wanted), "what is packed has a checksum"
    assert errors > len(whole)
    for missing in (tmp_path, tmp_path / "nowhere.mat"):
        with pytest.raises(FormatError, match="not a whole MATLAB v5 file"):
            read(missing, ("a",))
