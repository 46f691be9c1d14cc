"""Parquet: `table` as columns, through pyarrow (pstmo[parquet])."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.extras import extra
from pstmo.files.content import LARGEST_FILE, first_bytes
from pstmo.motion import Motion
from pstmo.motions.table import TEXTS, columns_of, numeric_columns, people_in

ENDING: str = ".parquet"
SEVERAL: bool = True


def write(path: Path, people: Sequence[Motion]) -> None:
    arrow = extra("pyarrow", "parquet")
    extra("pyarrow.parquet", "parquet").write_table(arrow.table(columns_of(people)), path)


def read(path: Path) -> list[Motion]:
    first_bytes(path, 1)
    parquet = extra("pyarrow.parquet", "parquet")
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            names = list(file.schema_arrow.names)
            numeric = numeric_columns(names)
            _check_size(file.metadata, len(numeric) + len(TEXTS))
            columns = file.read([*numeric, *TEXTS])
        numbers = {name: columns[name].to_numpy().astype(np.float64) for name in numeric}
        texts = {name: np.array(columns[name].to_pylist(), object) for name in TEXTS}
    except FormatError:
        raise
    except Exception as error:  # Arrow's own kinds, and those of Python that they come as
        raise FormatError(f"not a whole Parquet file with numbers where they are expected: {error}") from error
    return people_in(numbers, texts)


def _check_size(metadata: Any, columns: int) -> None:
    """Values that repeat take no room in the file."""
    told = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    size = max(told, 8 * metadata.num_rows * columns)
    if size > LARGEST_FILE:
        raise FormatError(f"found {size / 2**30:.1f} GiB unpacked, expected {LARGEST_FILE / 2**30:g} at most")
