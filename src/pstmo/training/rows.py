"""What training windows are gathered from: rows by number, out of one tensor, or out of files larger than memory."""

import zlib
from collections.abc import Iterable
from math import prod
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pstmo.errors import PstmoError

_DTYPES = {np.dtype(np.float32): torch.float32, np.dtype(bool): torch.bool}
_CHUNK = 2**22  # bytes


@runtime_checkable  # so that signatures can be checked when the tests run
class Rows(Protocol):
    """Rows of one shape: a tensor is such, and so are Shards."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Tensor, /) -> Tensor:
        """index: whole numbers in any shape. Gives index.shape + the shape of a row, on the device of the index."""
        ...


class Shards:
    """Arrays on disk, end to end. A gather reads the rows that it wants in the order in which they lie, and no others.

    arrays: (rows, *row) each, stored row by row, all float32 or all bool. Raises PstmoError for others.
    """

    def __init__(self, arrays: Iterable[np.ndarray]):
        arrays = list(arrays)
        kinds = {(array.dtype, array.shape[1:]) for array in arrays}
        if len(kinds) != 1 or not all(array.dtype in _DTYPES and array.flags.c_contiguous for array in arrays):
            found = ", ".join(sorted(f"{row} of {dtype}" for dtype, row in kinds)) or "none"
            raise PstmoError(f"found rows {found}; expected one shape in all arrays, of float32 or bool, row by row")
        [(dtype, self._row)] = kinds
        self._dtype, self._size = _DTYPES[dtype], dtype.itemsize * prod(self._row)
        # As bytes, because arrays inside of an .npz file begin anywhere: NumPy would copy them whole to align them.
        self._bytes = [np.asarray(array).reshape(len(array), prod(self._row)).view(np.uint8) for array in arrays]
        self._starts = np.cumsum([0, *(len(array) for array in arrays)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: Int[Tensor, "..."], /) -> Float[Tensor, "..."] | Bool[Tensor, "..."]:
        """Raises IndexError for numbers that are not those of a row."""
        wanted = index.flatten().cpu().numpy()
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"found rows {wanted.min()} to {wanted.max()}, there are {len(self)}")
        order = wanted.argsort()
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        rows = torch.empty((*index.shape, *self._row), dtype=self._dtype, pin_memory=index.is_cuda)
        bytes_of_rows = rows.numpy().reshape(len(wanted), prod(self._row)).view(np.uint8)
        np.take(self._in_order(wanted[order]), places, 0, bytes_of_rows, "clip")  # clip: without a buffer in between
        return rows.to(index.device, non_blocking=True)

    def _in_order(self, rows: Int[np.ndarray, " rows"]) -> np.ndarray:
        """(rows, bytes of a row) of rows that ascend."""
        found = np.empty((len(rows), self._size), np.uint8)
        cuts = np.searchsorted(rows, self._starts)
        for shard in np.flatnonzero(np.diff(cuts)):
            part = slice(cuts[shard], cuts[shard + 1])
            np.take(self._bytes[shard], rows[part] - self._starts[shard], 0, found[part], "clip")
        return found


def checksum(*parts: Rows) -> int:
    """CRC-32 of all rows, one part after another: the same wherever they lie. Reads a few megabytes at a time."""
    check = 0
    for rows in parts:
        row = rows[torch.zeros(min(1, len(rows)), dtype=torch.long)]
        step = max(1, _CHUNK // max(1, row.nbytes))
        for start in range(0, len(rows), step):
            chunk = rows[torch.arange(start, min(start + step, len(rows)))]
            check = zlib.crc32(chunk.cpu().numpy().data, check)
    return check
