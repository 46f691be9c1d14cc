"""HDF5 files: the arrays of numbers and short texts in them, and the texts of their attributes."""

from pathlib import Path
from typing import Any

import numpy as np

from pstmo.errors import FormatError, PstmoError
from pstmo.extras import extra
from pstmo.files.content import LARGEST_FILE, Tree

SIGNATURE = b"\x89HDF\r\n\x1a\n"

DEEPEST = 4
"""Groups in groups; links can run in circles."""

MOST = 1000
"""Groups and arrays of a file, and texts of an array."""

LONGEST = 1000
"""Bytes of a text in an array; the rest is left out."""


def load_tree(path: Path) -> Tree:
    """What lies in the file itself: links to others are not followed. Raises PstmoError where h5py is missing, and
    FormatError for a file that is damaged or too large."""
    h5py = extra("h5py", "data")
    tree = Tree({}, {})
    try:
        with h5py.File(path, "r") as file:
            _collect(h5py, file, "", tree)
    except PstmoError:
        raise
    except Exception as error:  # the HDF5 library's errors come as any of a dozen kinds
        raise FormatError(f"not a whole HDF5 file: {error}") from error
    return tree


def _collect(h5py: Any, group: Any, path: str, tree: Tree) -> None:
    """Everything below a group whose path ends in a slash, unless it is the first."""
    tree.attributes[path.rstrip("/")] = _texts(group)
    for name in group:
        if len(tree.attributes) > MOST:
            raise FormatError(f"found more than {MOST} groups and arrays, expected a file of keypoints")
        if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            continue
        found = group[name]
        if isinstance(found, h5py.Group) and path.count("/") < DEEPEST:
            _collect(h5py, found, f"{path}{name}/", tree)
        if isinstance(found, h5py.Dataset) and _readable(h5py, found):
            tree.attributes[path + name] = _texts(found)
            _take(found, path + name, tree)


def _texts(found: Any) -> dict[str, str | bytes]:
    """The attributes that are texts; those of other kinds are never needed, nor read."""
    texts = {}
    for name in found.attrs:
        kind = found.attrs.get_id(name).dtype.kind
        value = found.attrs[name] if kind in "SO" else None
        if isinstance(value, str | bytes):
            texts[name] = value
    return texts


def _readable(h5py: Any, found: Any) -> bool:
    if found.is_virtual or found.external:
        return False
    texts = h5py.check_string_dtype(found.dtype) is not None and found.ndim == 1 and found.size <= MOST
    return texts or not found.dtype.hasobject


def _take(found: Any, name: str, tree: Tree) -> None:
    size = found.nbytes + sum(array.nbytes for array in tree.arrays.values())
    if size > LARGEST_FILE:
        raise FormatError(f"{name!r}: arrays of {size / 2**30:.1f} GiB, expected {LARGEST_FILE / 2**30:g} at most")
    array = np.asarray(found[()])
    tree.arrays[name] = np.array([text[:LONGEST] for text in array], "S") if array.dtype.hasobject else array
