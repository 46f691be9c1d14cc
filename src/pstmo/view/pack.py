"""Arrays as small integers, and many of them as one compressed text; viewer/src/clip.js unpacks them."""

import base64
import zlib

import numpy as np

_ALIGNED = 4
"""Bytes; every array begins at a multiple of it."""


def integers(values: np.ndarray, dtype: type[np.signedinteger]) -> tuple[np.ndarray, float]:
    """Small integers and the scale that makes them the values again; the smallest integer stands for NaN."""
    values, limits = values.astype(np.float64), np.iinfo(dtype)
    scale = float(np.nanmax(np.abs(values), initial=0)) / limits.max or 1.0
    found = np.where(np.isnan(values), limits.min, np.rint(np.nan_to_num(values) / scale))
    return found.astype(dtype), scale


class Pack:
    """Arrays of the same frames. They are kept as differences from frame to frame, which compress well."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, values: np.ndarray, dtype: type[np.signedinteger]) -> dict[str, object]:
        """values: (frames, ...), NaN allowed. Returns what the script has to know to find and unpack them."""
        found, scale = integers(values, dtype)
        steps = np.diff(found, axis=0, prepend=np.zeros_like(found[:1]))  # they wrap around, here and there
        at = len(self._bytes)
        self._bytes += steps.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
        self._bytes += bytes(-len(self._bytes) % _ALIGNED)
        return {"type": dtype.__name__, "scale": scale, "at": at, "length": found.size}

    def text(self) -> str:
        """All of them: deflated, in base64."""
        return base64.b64encode(zlib.compress(self._bytes, 9)).decode()
