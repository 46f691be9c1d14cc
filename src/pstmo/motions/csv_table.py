"""CSV: `table` as text; observed is 1 or 0."""

import csv
from collections.abc import Sequence
from math import isnan
from pathlib import Path

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.cells import values_of
from pstmo.files.content import Table, describe
from pstmo.files.loading import load
from pstmo.motion import Motion
from pstmo.motions.table import TEXTS, columns_of, numeric_columns, people_in

ENDING: str = ".csv"
SEVERAL: bool = True


def write(path: Path, people: Sequence[Motion]) -> None:
    columns = columns_of(people)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(zip(*map(_cells, columns.values()), strict=True))


def _cells(column: np.ndarray) -> list[str]:
    match column.dtype.kind:
        case "f":
            return ["" if isnan(value) else f"{value:.6f}" for value in column.tolist()]
        case "b":
            return [str(int(value)) for value in column]
    return [str(value) for value in column]


def read(path: Path) -> list[Motion]:
    content = load(path)
    if not isinstance(content, Table):
        raise FormatError(f"found {describe(content)}, expected separated values")
    names, *body = content.rows
    numeric = numeric_columns(names)
    values = values_of(body, [names.index(name) for name in numeric])
    texts = {name: np.array([row[names.index(name)] for row in body], object) for name in TEXTS}
    return people_in(dict(zip(numeric, values.T, strict=True)), texts)
