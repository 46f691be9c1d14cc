"""MATLAB's files of version 5: arrays of numbers, and cells of them. A damaged file is an error, whatever is in it.

A file is a header, then elements: a tag with type and size, and the content. The elements of an array are its flags,
its shape, its name and its values; a cell's values are arrays. Numbers may be stored in a smaller type than their own.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.errors import FormatError

Value = np.ndarray | list[Any]

_HEADER, _VERSION_5 = 128, b"\0\1IM"
_ARRAY, _COMPRESSED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
_NUMBERS = dict(enumerate(("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"), 6))
_OTHERS = {1: "a cell", 2: "a struct", 3: "an object", 4: "a text", 5: "a sparse array"}
_CELL, _COMPLEX = 1, 0x08
_LARGEST = 2**30
"""Bytes of an array, unpacked: many times what the data set's largest takes."""

_START = 1024
"""Bytes of an array in which its name, which has up to 63 letters, comes to its end."""


def read(path: Path, names: tuple[str, ...]) -> dict[str, Value]:
    """The variables of these names: an array in MATLAB's shape, or a cell's arrays in a list, column by column.

    Raises FormatError for a file that is not whole, and for a variable that is not there or of another kind.
    """
    try:
        content = memoryview(path.read_bytes())
        if content[_HEADER - 4 : _HEADER] != _VERSION_5:
            raise ValueError("it has another header, or none")
        found = {_name(kind, raw): (kind, raw) for kind, raw in _elements(content[_HEADER:])}
        for name in names:
            if name not in found:
                raise FormatError(f"found no variable {name!r}; there are: {', '.join(found) or 'none'}")
        return {name: _value(*found[name], repr(name)) for name in names}
    except (OSError, ValueError, struct.error, zlib.error) as error:
        raise FormatError(f"not a whole MATLAB v5 file: {error}") from error


def _elements(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Type and content, one after another."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        start = at + 8
        at = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if kind >> 16:  # up to 4 bytes lie in the tag itself
            kind, size, start, at = kind & 0xFFFF, kind >> 16, start - 4, start
        if start + size > len(data):
            raise ValueError(f"an element ends {start + size - len(data)} bytes after the end")
        yield kind, data[start : start + size]


def _name(kind: int, raw: memoryview) -> str:
    if kind == _COMPRESSED:
        raw = memoryview(zlib.decompressobj().decompress(raw, _START))[8:]
    _, _, (_, name) = islice(_elements(raw), 3)
    return bytes(name).decode("latin1")


def _unpacked(raw: memoryview, what: str) -> memoryview:
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(raw, _LARGEST)
    if unpacking.unconsumed_tail:
        raise ValueError(f"{what} unpacks to more than {_LARGEST / 2**30:g} GiB")
    return memoryview(content)


def _value(kind: int, raw: memoryview, what: str, inside: bool = False) -> Value:
    """An array, or outside of cells a cell's. Raises FormatError for another kind of value, ValueError for damage."""
    if kind == _COMPRESSED:
        [(kind, raw)] = _elements(_unpacked(raw, what))
    if kind != _ARRAY:
        raise ValueError(f"{what} is an element of type {kind}")
    if not raw:
        return np.zeros((0, 0))
    (_, flags), (_, sides), _, *values = _elements(raw)
    number, more, *_ = flags
    shape = np.frombuffer(sides, "<u4").tolist()
    if number == _CELL and not inside:
        if len(values) != math.prod(shape):
            raise ValueError(f"{what} has {len(values)} cells, not {shape}")
        return [_value(*value, f"{what}{{{i + 1}}}", inside=True) for i, value in enumerate(values)]
    if number not in _NUMBERS or more & _COMPLEX:
        other = "complex numbers" if number in _NUMBERS else _OTHERS.get(number, "another kind of value")
        raise FormatError(f"{what}: found {other}, expected an array of numbers")
    [(stored, raw)] = values
    if stored not in _STORED:
        raise ValueError(f"{what} has values of type {stored}")
    return np.frombuffer(raw, _STORED[stored]).astype(_NUMBERS[number], copy=False).reshape(shape, order="F")
