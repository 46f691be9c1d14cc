"""A .npy file that grows."""

from pathlib import Path
from typing import BinaryIO

import numpy as np


class Column:
    """Rows as they come, and at the end the header with their number. Use with `with`."""

    def __init__(self, path: Path):
        self.path, self.shape, self.dtype = path, (0,), np.dtype(np.float32)
        self.file: BinaryIO

    def __enter__(self) -> "Column":
        self.file = self.path.open("wb")
        return self

    def append(self, rows: np.ndarray) -> None:
        if self.shape == (0,):
            self.shape, self.dtype = (0, *rows.shape[1:]), rows.dtype
            self._header()
        rows.tofile(self.file)
        self.shape = (self.shape[0] + len(rows), *self.shape[1:])

    def __exit__(self, *_: object) -> None:
        self.file.seek(0)
        self._header()  # NumPy leaves room in it for the first axis to grow
        self.file.close()

    def _header(self) -> None:
        facts = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(self.file, facts)
