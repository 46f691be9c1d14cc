"""The field's nested files: .npz archives whose members are pickled dicts of arrays, read without running anything.

`pickles` says what such a member may hold.
"""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.errors import FormatError, PstmoError
from pstmo.files.atomic import replacing
from pstmo.files.content import describe, naming
from pstmo.files.pickles import unpickled

LARGEST_FILE = 2**33
"""Bytes of all members, unpacked: the largest file of the field, many times over."""


def read_objects(path: Path) -> dict[str, Any]:
    """The members of an .npz file by name. Arrays of objects without axes are unwrapped: nested dicts, lists, arrays.

    Arrays that were pickled are read-only. Raises FormatError for a file that is not whole, that is too large, and for
    pickles that hold or call anything but arrays of numbers and text, numbers, text and plain containers.
    """
    with naming(path):
        return members(path, LARGEST_FILE)


def members(path: Path, largest: int) -> dict[str, Any]:
    """As `read_objects`, of a file that unpacks to so many bytes at most; errors don't name it."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > largest:
                raise FormatError(f"unpacks to {size / 2**30:.0f} GiB, expected {largest / 2**30:.0f} at most")
            return {name.removesuffix(".npy"): _read_member(archive, name) for name in archive.namelist()}
    except PstmoError:
        raise
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}") from error
    except Exception as error:  # zipfile, zlib, pickle and numpy raise two dozen kinds between them
        raise FormatError(f"not a whole .npz file of arrays and plain containers: {error!r}"[:300]) from error


def write_objects(path: Path, **values: Any) -> None:
    """Writes an .npz file that NumPy 1 and 2 read with `allow_pickle`: arrays of numbers and text as they are,
    anything else (nested dicts and lists of arrays, numbers, text) as a pickle, to be had with `.item()`.

    The same values make the same bytes. Raises PstmoError where the system refuses, and for NumPy's scalars.
    """
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, value in values.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # of 1980, whenever it is written
            member.create_system = 3
            with archive.open(member, "w", force_zip64=True) as file:
                _write_member(file, value)


def _read_member(archive: zipfile.ZipFile, name: str) -> Any:
    if not name.endswith(".npy"):
        raise FormatError(f"holds a member {name!r}, expected only .npy members")
    with archive.open(name) as file:
        if _header(file).hasobject:
            return _unpickled(file)
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)


def _header(file: Any) -> np.dtype:
    """Reads up to where the values begin."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)[2]
    return np.lib.format.read_array_header_2_0(file)[2]


def _unpickled(file: Any) -> Any:
    array = unpickled(file)
    if file.read(1):
        raise FormatError("goes on after the end of a pickle")
    if not isinstance(array, np.ndarray):
        raise FormatError(f"pickles {describe(array)}, expected an array")
    return array if array.ndim else array.item()


class _Pickler(pickle.Pickler):
    """Writes arrays by NumPy's public names only: the private ones moved between NumPy 1 and 2."""

    def __init__(self, file: Any):
        super().__init__(file, protocol=4)
        self.fast = True  # remembers nothing: the bytes follow from the values, and no copy of an array is kept

    def reducer_override(self, value: Any) -> Any:
        if type(value) is np.ndarray:
            return np.ndarray, ((0,), "b"), value.__reduce__()[2]
        if isinstance(value, np.generic):
            raise PstmoError(f"found NumPy's scalar {value!r}, which NumPy 1 and 2 write differently; make it a number")
        return NotImplemented


def _write_member(file: Any, value: Any) -> None:
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        np.lib.format.write_array(file, value, allow_pickle=False)
        return
    array = np.fromiter([value], object, 1).reshape(())
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
    _Pickler(file).dump(array)
