"""Numbers in the cells of a table."""

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import LARGEST

_EMPTY = {"", "nan", "na", "n/a", "none", "null"}


def values_of(rows: list[list[str]], columns: list[int]) -> np.ndarray:
    """(rows, columns) float64 of those columns; NaN where a cell is empty or says so. Raises FormatError."""
    values = np.empty((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            values[i, j] = _number(row[column], i, column)
    return values


def _number(cell: str, row: int, column: int) -> float:
    try:
        value = float(cell)
    except ValueError:
        if cell.strip().lower() not in _EMPTY:
            raise FormatError(f"row {row}, column {column}: found {cell[:40]!r}, expected a number") from None
        return np.nan
    if abs(value) > LARGEST:
        raise FormatError(f"row {row}, column {column}: found {cell[:40]}, expected a finite number")
    return value


def whole(value: float, what: str) -> int:
    """Raises FormatError for a number with a fraction, and for none."""
    if not value.is_integer():
        raise FormatError(f"{what}: found {value}, expected a whole number")
    return int(value)
