"""What a file holds, before anyone knows its format, and the checks that every format makes on it."""

import json
import re
import reprlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any, TypeVar

import numpy as np

from pstmo.errors import FormatError, PstmoError

T = TypeVar("T")

LARGEST = 1e9
"""No coordinate, size or rate is larger; it also fits float32."""

MOST_FRAMES = 2_000_000
"""More than nine hours at 60 fps."""

LONGEST_GAP = 100_000
"""Frames without anybody in a row: an hour at 30 fps. Numbers further apart are not the frames of one video."""

LARGEST_FILE = 2**31
"""Bytes of a file, and of what it unpacks to."""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of separated values, at least one, all with as many fields."""

    rows: list[list[str]]

    def __str__(self) -> str:
        return f"a table of {len(self.rows)} rows, the first {', '.join(map(reprlib.repr, self.rows[0][:10]))}"


@dataclass(frozen=True, eq=False)
class Tree:
    """An HDF5 file: arrays, and attributes that are texts, by paths of arrays and groups ("a/b", the file's is "")."""

    arrays: dict[str, np.ndarray]
    attributes: dict[str, dict[str, str | bytes]]

    def __str__(self) -> str:
        return f"an HDF5 file with arrays {', '.join(list(self.arrays)[:10]) or 'none'}"


LINES = b'"format":"pstmo '
"""In the first of them."""

_KINDS = {
    list: "a list", dict: "a mapping", str: "a text", int: "a whole number", np.ndarray: "an array",
    Table: "separated values", Tree: "an HDF5 file",
}  # fmt: skip


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Puts the file's name in front of the message of every PstmoError raised inside."""
    try:
        yield
    except PstmoError as error:
        raise type(error)(f"{path}: {error}") from error


def load(path: Path) -> object:
    """A JSON file's value, an .npz file's arrays by name, or a folder's JSON files by name; told apart by content.

    Nothing is unpickled. Raises FormatError for anything else.
    """
    if path.is_dir():
        documents = {}
        for file in sorted(path.glob("*.json")):
            with naming(Path(file.name)):
                documents[file.name] = load(file)
        if not documents:
            raise FormatError("found a folder without .json files, expected one a frame")
        return documents
    start = first_bytes(path, 8)
    if start.startswith(b"\x93NUMPY"):
        raise FormatError("found a bare .npy array, expected an .npz: np.savez(path, keypoints=array, fps=30)")
    return _load_arrays(path) if start.startswith(b"PK") else _load_json(path)


def first_bytes(path: Path, count: int) -> bytes:
    """Raises FormatError for a file that is empty, too large or not to be read."""
    try:
        with path.open("rb") as file:
            start = file.read(count)
        size = path.stat().st_size
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror}") from error
    if not start:
        raise FormatError("the file is empty")
    if size > LARGEST_FILE:
        raise FormatError(f"found {size / 2**30:.1f} GiB, expected {LARGEST_FILE / 2**30:g} at most")
    return start


def _load_arrays(path: Path) -> dict[str, Any]:
    """The arrays of an .npz file, by name. Python objects are refused, not unpickled. Raises FormatError."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            size = sum(member.file_size for member in archive.zip.filelist)
            if size > LARGEST_FILE:
                raise ValueError(f"{size / 2**30:.1f} GiB once unpacked, expected {LARGEST_FILE / 2**30:g} at most")
            arrays = dict(archive)
            for name in [name for name, array in arrays.items() if array.dtype.kind == "U"]:
                _check_text(name, arrays[name])
            return arrays
    except Exception as error:  # zipfile, zlib and numpy raise a dozen kinds between them
        if "allow_pickle" in str(error):
            raise FormatError(
                "holds Python objects (a pickle), which can run code when they are loaded, so it was not loaded; "
                "expected arrays of numbers and text"
            ) from error
        raise FormatError(f"not a whole .npz file: {error}") from error


def _check_text(name: str, array: np.ndarray) -> None:
    """Raises ValueError for numbers that stand for no character: Python breaks on them."""
    codes = np.ascontiguousarray(array).view(np.uint8).view(array.dtype.byteorder.replace("|", "=") + "u4")
    if codes.size and codes.max() > sys.maxunicode:
        raise ValueError(f"{name!r} holds text that is none")


def _load_json(path: Path) -> object:
    """Of pstmo's JSON lines, the list of them; a last one that was cut off is left out."""
    text = path.read_bytes()
    try:
        if LINES in text.partition(b"\n")[0]:
            return [json.loads(line) for line in text[: text.rfind(b"\n")].split(b"\n")]
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatError(
            f"neither an .npz file nor whole JSON: {error.msg} at character {error.pos} of {len(error.doc)}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"neither an .npz file nor JSON: {error}") from error


def describe(value: object, depth: int = 2) -> str:
    """A few words on a value: its type, and what is in it."""
    match value:
        case dict():
            keys = ", ".join(map(reprlib.repr, list(value)[:10]))
            inside = f" ('keypoints': {describe(value['keypoints'], 0)})" if "keypoints" in value and depth else ""
            return f"a mapping with keys {keys}{inside}" if value else "an empty mapping"
        case list():
            inside = f", the first {describe(value[0], depth - 1)}" if value and depth else ""
            return f"a list of {len(value)}{inside}"
        case np.ndarray():
            return f"an array of shape {value.shape} and type {value.dtype}"
        case Table() | Tree():
            return str(value)
        case str():
            return f"the text {value[:40]!r}"
    return "nothing" if value is None else reprlib.repr(value)


def want(value: object, kind: type[T], what: str) -> T:
    """The value, if it is of that kind; `what` names it in the FormatError otherwise."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FormatError(f"{what}: found {describe(value)}, expected {_KINDS[kind]}")
    return value


def number(value: object, what: str) -> float:
    """A finite number, not absurdly large. Raises FormatError."""
    if not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise FormatError(f"{what}: found {describe(value)}, expected a number")
    return float(value)


def triples(values: object, what: str) -> np.ndarray:
    """[x, y, c, x, y, c, ...] -> (joints, 3) float64; NaN stays. Raises FormatError."""
    values = want(values, list, what)
    if len(values) % 3:
        raise FormatError(f"{what}: found {len(values)} numbers, expected 3 a joint: x, y, confidence")
    strangers = [value for value in values if type(value) not in (int, float) or abs(value) > LARGEST]
    if strangers:
        raise FormatError(f"{what}: found {describe(strangers[0])}, expected finite numbers or NaN")
    return np.array(values, np.float64).reshape(-1, 3)


def image_size(record: dict[str, Any]) -> tuple[int, int] | None:
    """(width, height) of a record that may say them, as those two keys or as `image_size`. Raises FormatError."""
    size = record.get("image_size", [record.get("width"), record.get("height")])
    if size in (None, [None, None]):
        return None
    if len(want(size, list, "'image_size'")) != 2:
        raise FormatError(f"'image_size': found {describe(size)}, expected 2: width, height")
    return int(number(size[0], "width")), int(number(size[1], "height"))


def numbered(ids: Iterable[int | str]) -> dict[int | str, int]:
    """Each image id's frame number: a number stands for itself, a file name for the last number in it.

    A single name needs no number. Raises FormatError for a name without one, and for two names with the same.
    """
    names: dict[int, int | str] = {}
    unique = list(dict.fromkeys(ids))
    for name in unique:
        number = name if isinstance(name, int) else _number_in(name)
        if number is None and len(unique) > 1:
            raise FormatError(f"image {name!r} has no frame number in its name")
        if names.setdefault(number or 0, name) != name:
            raise FormatError(f"images {names[number or 0]!r} and {name!r} both carry the frame number {number}")
    return {name: number for number, name in names.items()}


def _number_in(name: str) -> int | None:
    found = re.search(r"([0-9]{1,18})[^0-9]*$", PurePath(name).stem)
    return int(found.group(1)) if found else None


def plain(numbers: Mapping[int | str, int]) -> bool:
    """Whether the names are nothing but numbers without zeros in front ("12.jpg"), as a video's frames are called."""
    return all(isinstance(name, str) and PurePath(name).stem == str(number) for name, number in numbers.items())


def span(numbers: Iterable[int], *, counted: bool = False) -> range:
    """All frame numbers from the first to the last, also those in between that are missing.

    counted: the numbers count a video's frames from 0 (or 1), so that frames before the first one here are frames too.
    Raises FormatError when there are none, or too many in between.
    """
    ordered = sorted(numbers)
    if not ordered:
        raise FormatError("found zero frames, expected at least 1")
    if counted and ordered[0] > 1:
        ordered.insert(0, 0)
    for before, after in pairwise(ordered):
        if after - before > LONGEST_GAP:
            raise FormatError(f"found no frame between {before} and {after}, expected the frames of one video")
    if ordered[-1] - ordered[0] >= MOST_FRAMES:
        raise FormatError(f"found frames {ordered[0]} to {ordered[-1]}, expected {MOST_FRAMES:,} at most")
    return range(ordered[0], ordered[-1] + 1)
