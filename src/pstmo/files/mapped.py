"""Arrays that stay on disk: those of an .npz file, mapped where they lie, and several of them read as one."""

import zipfile
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import naming

_LOCAL_HEADER = 30
"""Bytes in front of a zip member's name; the last four are the lengths of the name and of what comes after it."""

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def member(path: Path, name: str) -> np.ndarray:
    """One array of an .npz file, mapped read-only: only what is looked at is read. (`np.load` would read all of it.)

    That takes an array stored as it is, row by row, which is what np.savez writes. Raises FormatError for one that is
    compressed, cut off, of objects, in Fortran order, without axes, or not as long as its header says. The archive's
    checksum is not checked: that would read everything.
    """
    with naming(path):
        try:
            with path.open("rb") as file, zipfile.ZipFile(file) as archive:
                return _mapped(file, archive.getinfo(f"{name}.npy"))
        except FormatError as error:
            raise FormatError(f"{name!r}: {error}") from None
        except KeyError:
            raise FormatError(f"has no array {name!r}") from None
        except Exception as error:  # zipfile and numpy raise a dozen kinds between them
            raise FormatError(f"{name!r} cannot be mapped: {error}") from None


def _mapped(file: IO[bytes], info: zipfile.ZipInfo) -> np.ndarray:
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
        raise FormatError("found it compressed or encrypted, expected it as np.savez stores it")
    start = _to_start(file, info.header_offset)
    version = np.lib.format.read_magic(file)
    if version not in _READERS:
        raise FormatError(f"found an array of format {version}, expected 1.0 or 2.0")
    shape, fortran, dtype = _READERS[version](file)
    if dtype.hasobject:
        raise FormatError("holds Python objects (a pickle), which can run code; expected numbers")
    if not shape or min(shape) < 0 or (fortran and len(shape) > 1):
        order = "column by column" if fortran else "row by row"
        raise FormatError(f"found shape {shape}, stored {order}; expected axes and rows one after another")
    rows, end = file.tell(), start + info.file_size
    if end - rows != prod(shape) * dtype.itemsize:
        raise FormatError(f"found {end - rows} bytes, expected {shape} of {dtype}")
    if end > file.seek(0, 2):
        raise FormatError(f"ends at byte {end}, the file at byte {file.tell()}: it is cut off")
    if rows == end:
        return np.empty(shape, dtype)  # nothing cannot be mapped
    return np.memmap(file, dtype, "r", rows, shape)


def _to_start(file: IO[bytes], header_offset: int) -> int:
    """Goes to the first byte of a member's content, behind its header there, which may differ from the central one."""
    file.seek(header_offset)
    header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
        raise FormatError(f"found no member at byte {header_offset}: the file is damaged")
    name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    return file.seek(name + extra, 1)


class Joined:
    """Arrays of like rows, one after another, as one that is never put together: `joined[3:7]` copies these rows.

    arrays: (rows, *row), each with its own number of rows.
    """

    def __init__(self, arrays: Iterable[np.ndarray]):
        self.arrays = tuple(arrays)
        self.starts = np.cumsum([0, *(len(array) for array in self.arrays)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self.arrays[0].shape[1:])

    @property
    def dtype(self) -> np.dtype:
        return self.arrays[0].dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(len(self))
        return np.concatenate([self.arrays[0][:0], *self._views(start, stop)])

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def only(self, ranges: Iterable[tuple[int, int]]) -> "Joined":
        """Some ranges of the rows, each from its start up to its end; nothing is read."""
        views = [view for start, stop in ranges for view in self._views(start, stop)]
        return Joined(views or [self.arrays[0][:0]])

    def _views(self, start: int, stop: int) -> list[np.ndarray]:
        first = max(int(np.searchsorted(self.starts, start, "right")) - 1, 0)
        last = int(np.searchsorted(self.starts, stop))
        near = zip(self.arrays[first:last], self.starts[first:last].tolist(), strict=True)
        return [array[max(start - at, 0) : stop - at] for array, at in near]
