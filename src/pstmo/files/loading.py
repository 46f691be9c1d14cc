"""A keypoint file's content, whatever it is: told apart by its first bytes."""

import csv
import io
from pathlib import Path

from pstmo.errors import FormatError
from pstmo.files import content
from pstmo.files.content import LARGEST_FILE, Table
from pstmo.files.hdf5 import SIGNATURE, load_tree
from pstmo.files.objects import members


def load(path: Path) -> object:
    """As `content.load`; besides, nested .npz files as dicts, an HDF5 file as a Tree, separated values as a Table.

    Nothing in the file is run. Raises FormatError, and PstmoError where a library is missing.
    """
    if path.is_dir():
        return content.load(path)
    start = content.first_bytes(path, len(SIGNATURE))
    if start.startswith(b"PK"):
        return members(path, LARGEST_FILE)
    if start == SIGNATURE:
        return load_tree(path)
    return _table(path) or content.load(path)


def _table(path: Path) -> Table | None:
    """The rows, or None of a file that is not separated values."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        return None
    first = text.lstrip()[:100_000].partition("\n")[0]
    separator = max(",;\t", key=first.count)
    if first.startswith(("{", "[")) or separator not in first:
        return None
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    except csv.Error as error:
        raise FormatError(f"not whole lines of separated values: {error}") from error
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise FormatError(f"row {i}: found {len(row)} fields, expected {len(rows[0])} as in the first")
    return Table(rows)
