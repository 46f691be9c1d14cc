"""Tables that pandas wrote to HDF5 by PyTables, whose columns have names of several levels.

Format "table" keeps rows in an array of records and a pickle of the columns' names in its attributes; format "fixed"
keeps an array of values, and of each level the names there are and which of them each column has.
"""

import io
from typing import Any, NamedTuple

import numpy as np

from pstmo.errors import FormatError, PstmoError
from pstmo.files.content import Tree, describe, want
from pstmo.files.npz import numeric
from pstmo.files.pickles import unpickled


class Frame(NamedTuple):
    """heads: each column's names, one a level. rows: the number or name of each. values: (rows, columns)."""

    heads: list[tuple[str, ...]]
    rows: list[int | str]
    values: np.ndarray


def path_of(tree: Tree, level: str) -> str | None:
    """The path of the first table that has a level of that name, if any."""
    for path, texts in tree.attributes.items():
        kind = _text(texts.get("pandas_type"))
        levels = [_text(tree.attributes.get(f"{path}/axis0_level{i}", {}).get("name")) for i in range(4)]
        if (kind == "frame_table" and level in _text(texts.get("info"))) or (kind == "frame" and level in levels):
            return path
    return None


def read_frame(tree: Tree, path: str) -> Frame:
    """Raises FormatError for a table that is not of numbers, or whose parts don't fit together."""
    arrays = {name.removeprefix(f"{path}/"): array for name, array in tree.arrays.items()}
    fixed = _text(tree.attributes[path].get("pandas_type")) == "frame"
    if fixed:
        heads: Any = list(zip(*_levels(arrays, "block0_items"), strict=True))
        rows, values = arrays.get("axis1"), numeric(arrays, "block0_values")
        rows = np.array(_levels(arrays, "axis1")[-1]) if rows is None else rows
    else:
        fields = _fields(arrays)
        kind = tree.attributes[f"{path}/table"].get("values_block_0_kind", b"")
        heads, rows, values = _unpickled(_text(kind)), fields["index"], numeric(fields, "values_block_0")
    names = rows.ndim == 1 and [
        name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in rows.tolist()
    ]
    if not names or values.shape != (len(names), len(heads)) or not all(isinstance(name, int | str) for name in names):
        found = f"{describe(values)}, rows {describe(rows)} and {len(heads)} columns"
        raise FormatError(f"{path}: found {found}, expected a number or name for each row, and a name for each column")
    return Frame([tuple(map(str, head)) for head in heads], names, values)


def _fields(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns of a table's records."""
    table = want(arrays.get("table"), np.ndarray, "'table'")
    if not {"index", "values_block_0"} <= set(table.dtype.names or ()):
        raise FormatError(f"'table': found {describe(table)}, expected records with index and values_block_0")
    return {name: table[name] for name in ("index", "values_block_0")}


def _unpickled(text: str) -> list[tuple[object, ...]]:
    """The names of the columns."""
    try:
        heads = unpickled(io.BytesIO(text.encode("latin1")))
    except PstmoError:
        raise
    except Exception as error:  # a pickle that is cut raises a dozen kinds
        raise FormatError(f"names of the columns: not a whole pickle: {error!r}"[:300]) from error
    heads = want(heads, list, "names of the columns")
    if not all(isinstance(head, tuple) for head in heads):
        raise FormatError(f"names of the columns: found {describe(heads)}, expected names of several levels each")
    return heads


def _levels(arrays: dict[str, np.ndarray], name: str) -> list[list[str]]:
    """The levels of the index of that name, each as long as the index."""
    levels: list[list[str]] = []
    while (names := arrays.get(f"{name}_level{len(levels)}")) is not None:
        labels = want(arrays.get(f"{name}_label{len(levels)}"), np.ndarray, f"'{name}_label{len(levels)}'")
        fit = names.ndim == labels.ndim == 1 and labels.dtype.kind in "iu" and names.dtype.kind in "Siu"
        if not fit or not ((labels >= 0) & (labels < len(names))).all():
            raise FormatError(
                f"{name}: found {describe(labels)} into {describe(names)}, expected places in a list of names"
            )
        words = [word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word) for word in names.tolist()]
        levels.append([words[label] for label in labels.tolist()])
    if not levels or len(set(map(len, levels))) > 1:
        raise FormatError(f"{name}: found {len(levels)} levels, expected some, all equally long")
    return levels


def _text(value: str | bytes | None) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else value or ""
