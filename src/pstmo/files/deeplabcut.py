"""DeepLabCut's keypoints, https://deeplabcut.github.io/DeepLabCut: the .csv or .h5 of an analysed video, or of labels.

Columns have names of several levels: scorer, individuals (where there can be several animals), bodyparts, coords (x, y,
likelihood; labels have none). A row is a frame, numbered from 0, or an image with a number in its name. In the .csv the
levels are its first lines; the .h5 is a table of pandas. Individuals are tracks, by their order in the file, from 0;
those without the first one's bodyparts, like DeepLabCut's "single", are things and left out.
"""

import re

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.cells import values_of
from pstmo.files.content import Table, Tree, describe, numbered, span, want
from pstmo.files.frame import Frame, path_of, read_frame
from pstmo.files.names import joint_names
from pstmo.people import Detection, People

EXPECTED: str = "DeepLabCut .csv or .h5 with columns (scorer, individuals, bodyparts, coords)"

LEVELS = (("scorer", "bodyparts", "coords"), ("scorer", "individuals", "bodyparts", "coords"))

COORDS = ("x", "y", "likelihood")


def recognises(content: object) -> bool:
    if isinstance(content, Table):
        return _heads(content) > 0
    return isinstance(content, Tree) and path_of(content, "bodyparts") is not None


def read(content: object) -> People:
    frame = _of_table(content) if isinstance(content, Table) else _of_tree(want(content, Tree, "content"))
    columns = _columns(frame)
    parts = {name: list(dict.fromkeys(part for other, part, _ in columns if other == name)) for name, _, _ in columns}
    individuals = list(parts)
    names = parts[individuals[0]]
    numbers = numbered(frame.rows)
    found = []
    for track, individual in enumerate(individuals):
        if parts[individual] == names:
            joints = np.stack([_joint(frame.values, columns, individual, part) for part in names], 1)
            who = track if individual else None
            found += [
                Detection(numbers[row], person, track=who) for row, person in zip(frame.rows, joints, strict=True)
            ]
    counted = all(isinstance(row, int) for row in frame.rows)
    return People(found, span(numbers.values(), counted=counted), {len(names): joint_names(names)}, named=True)


def _columns(frame: Frame) -> dict[tuple[str, str, str], int]:
    """The column of each individual's ("" where there is but one), bodypart's and coordinate's values."""
    columns = {}
    for place, head in enumerate(frame.heads):
        if len(head) not in (3, 4) or head[-1] not in COORDS:
            raise FormatError(
                f"column {place}: found {describe(head)}, expected bodypart and one of {', '.join(COORDS)}"
            )
        columns["" if len(head) == 3 else head[1], head[-2], head[-1]] = place
    if not columns or not frame.rows:
        raise FormatError(f"found {len(frame.rows)} rows and {len(columns)} columns, expected some")
    return columns


def _joint(values: np.ndarray, columns: dict[tuple[str, str, str], int], individual: str, part: str) -> np.ndarray:
    """(rows, 3): x, y and likelihood, which is 1 in labels."""
    x, y, likelihood = (columns.get((individual, part, coord)) for coord in COORDS)
    if x is None or y is None:
        raise FormatError(f"bodypart {part!r}: found no column {'x' if x is None else 'y'}")
    sure = np.ones(len(values)) if likelihood is None else values[:, likelihood]
    return np.stack([values[:, x], values[:, y], sure], 1)


def _heads(table: Table) -> int:
    """How many lines are names of the columns; 0 in other tables."""
    first = tuple(row[0] for row in table.rows[:4])
    return next((len(levels) for levels in LEVELS if first[: len(levels)] == levels), 0)


def _of_table(table: Table) -> Frame:
    count = _heads(table)
    if not count:
        raise FormatError(f"found {describe(table)}, expected lines that begin with {', '.join(LEVELS[0])}")
    start = next((i for i, coord in enumerate(table.rows[count - 1]) if coord in COORDS), 1)
    heads = list(zip(*(row[start:] for row in table.rows[:count]), strict=True))
    rows = [row[start - 1] for row in table.rows[count:]]
    values = values_of(table.rows[count:], list(range(start, start + len(heads))))
    return Frame(heads, [int(row) if re.fullmatch("[0-9]{1,18}", row) else row for row in rows], values)


def _of_tree(tree: Tree) -> Frame:
    path = path_of(tree, "bodyparts")
    if path is None:
        raise FormatError(f"found {describe(tree)}, expected a table of pandas with bodyparts")
    return read_frame(tree, path)
