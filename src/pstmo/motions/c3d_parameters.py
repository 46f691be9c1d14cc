"""The parameters of a C3D file, https://www.c3d.org/HTML/default.htm?parameterformat.htm: groups of named arrays."""

import struct
from collections.abc import Iterator, Mapping
from math import prod

import numpy as np

from pstmo.errors import FormatError

BLOCK = 512
"""Bytes in which files are counted."""

INTEL = 84
"""Processors whose numbers begin with the lowest byte."""

Value = list[str] | np.ndarray
"""Texts, or numbers in Fortran's order, the first axis being the quickest."""

_TYPES = {1: "u1", 2: "<i2", 4: "<f4"}

_CODES = {np.dtype(np.int16): 2, np.dtype(np.float32): 4}


def packed(groups: Mapping[str, Mapping[str, Value]]) -> bytes:
    """Whole blocks."""
    records = []
    for number, (group, parameters) in enumerate(groups.items(), start=1):
        records.append(_record(-number, group, b"\0"))
        records += [_record(number, name, _value(value) + b"\0") for name, value in parameters.items()]
    content = b"".join(records) + bytes(2)
    blocks = -(-(len(content) + 4) // BLOCK)
    return (struct.pack("<4B", 1, 0x50, blocks, INTEL) + content).ljust(blocks * BLOCK, b"\0")


def _record(group: int, name: str, content: bytes) -> bytes:
    """Its head says where the next one begins."""
    return struct.pack("<bb", len(name), group) + name.encode("ascii") + struct.pack("<h", len(content) + 2) + content


def _value(value: Value) -> bytes:
    if isinstance(value, np.ndarray):
        return struct.pack(f"<bB{value.ndim}B", _CODES[value.dtype], value.ndim, *value.shape) + value.tobytes("F")
    texts = [text.encode("ascii", "replace")[:255] for text in value]
    width = max(map(len, texts))
    return struct.pack("<bBBB", -1, 2, width, len(texts)) + b"".join(text.ljust(width) for text in texts)


def unpacked(content: bytes) -> dict[str, dict[str, Value]]:
    """Of the parameter section on. Raises FormatError."""
    try:
        if content[3] != INTEL:
            raise FormatError(f"found numbers of processor type {content[3]}, expected {INTEL} (Intel)")
        return _groups(content[: content[2] * BLOCK])
    except (IndexError, struct.error, ValueError) as error:
        raise FormatError(f"not whole parameters of a C3D file: {error}") from error


def _groups(content: bytes) -> dict[str, dict[str, Value]]:
    names: dict[int, str] = {}
    found: dict[int, dict[str, Value]] = {}
    for group, name, record in _records(content):
        if group < 0:
            names[-group] = name
        else:
            found.setdefault(group, {})[name] = _read_value(record)
    return {name: found.get(group, {}) for group, name in names.items()}


def _records(content: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Group (negative where the record is the group itself), name and content."""
    place = 4
    while place + 2 <= len(content) and content[place]:
        size, group = struct.unpack_from("<bb", content, place)
        start = place + 2 + abs(size)  # negative in a locked record
        (onward,) = struct.unpack_from("<h", content, start)
        yield group, content[place + 2 : start].decode("ascii", "replace").upper(), content[start + 2 :]
        if onward <= 0:
            return
        place = start + onward


def _read_value(record: bytes) -> Value:
    kind, axes = struct.unpack_from("<bB", record)
    shape = struct.unpack_from(f"<{axes}B", record, 2)
    start, count = 2 + axes, prod(shape)
    if start + count * abs(kind) > len(record):
        raise ValueError(f"found an array of {shape} in {len(record)} bytes")
    if kind == -1:
        width = shape[0] if shape else 1
        texts = count // width if width else 0
        found = (record[start + i * width : start + (i + 1) * width] for i in range(texts))
        return [text.decode("utf-8", "replace").strip(" \0") for text in found]
    if kind not in _TYPES:
        raise ValueError(f"found an array of type {kind}")
    return np.frombuffer(record, _TYPES[kind], count, start).reshape(shape, order="F")
