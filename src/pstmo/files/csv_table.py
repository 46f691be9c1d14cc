"""Tables of keypoints as people write them, SLEAP's and MediaPipe users' among them; the first row names the columns.

Wide: a row for each frame, or for each frame and person, with columns nose_x, nose_y, nose_confidence (or nose.x as
SLEAP has it; or x1, y1, z1, v1 for MediaPipe's landmarks by number). Long: a row for each joint, with columns joint, x,
y, confidence. Besides frame, person, time (seconds; time_ms, timestamp_ms: milliseconds), in any order. `csv_columns`
has the words that are known.

Without frames, each new time is one; without either, each row. Without confidence a joint is sure. x and y are pixels,
unless confidence is called visibility: that is MediaPipe's word, whose x and y are fractions of the image.
"""

import re
from typing import NamedTuple

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.cells import values_of, whole
from pstmo.files.clock import clock
from pstmo.files.content import Table, describe, span, want
from pstmo.files.csv_columns import Columns, columns_of, landmarks
from pstmo.files.names import joint_names
from pstmo.people import Detection, People

EXPECTED: str = "CSV with columns frame, nose_x, nose_y, nose_confidence, ..., or frame, joint, x, y, confidence"

FARTHEST = 100
"""Images away from the image that a fraction may be: values beyond are pixels."""

NEAREST = 2
"""Pixels: where no joint is farther from the corner than this, they are fractions."""

LARGEST = 2**27
"""Joints in all frames of all people."""


class Seen(NamedTuple):
    """joints: (people in frames, joints, 3) by these names; frames, persons and scores: of each; times: by frame."""

    names: list[str]
    joints: np.ndarray
    frames: list[int]
    persons: list[int | None]
    scores: np.ndarray
    times: dict[int, float]


def recognises(content: object) -> bool:
    return isinstance(content, Table) and columns_of(content) is not None


def read(content: object) -> People:
    table = want(content, Table, "content")
    columns = columns_of(table)
    if columns is None:
        raise FormatError(f"found {describe(table)}, expected columns with x and y of joints")
    seen = (_wide if columns.joint is None else _long)(table.rows[1:], columns)
    _check_units(seen.joints[..., :2], columns.visibility)
    names, joints, named = _named(seen, columns.visibility)
    frames = span(seen.frames, counted=True)
    fps, timestamps = clock(seen.times, frames)
    scores = [None if np.isnan(score) else float(score) for score in seen.scores]
    found = list(map(Detection, seen.frames, joints, scores, seen.persons))
    layouts = {len(names): names} if named else {}
    return People(found, frames, layouts, None, fps, columns.visibility, timestamps, named=named)


def _named(seen: Seen, visibility: bool) -> tuple[tuple[str, ...], np.ndarray, bool]:
    """The joints' names, the joints that have one, and whether the file says them."""
    marks = landmarks(seen.names, visibility)
    if marks:
        return tuple(marks.values()), seen.joints[:, [name in marks for name in seen.names]], True
    if all(re.search("[A-Za-z]", name) is None for name in seen.names):
        return tuple(seen.names), seen.joints, False
    return joint_names(seen.names), seen.joints, True


def _check_units(xy: np.ndarray, fractions: bool) -> None:
    reach = np.nanmax(np.abs(xy), initial=0)
    if fractions and reach > FARTHEST:
        raise FormatError(
            f"found coordinates up to {reach:.0f} beside a visibility, expected fractions of the image, as MediaPipe's "
            "are; if these are pixels, call it confidence"
        )
    if not fractions and 0 < reach <= NEAREST:
        raise FormatError(
            f"found no coordinate above {reach:g}, expected pixels; if these are fractions of the image, "
            "call the confidence visibility"
        )


def _wide(body: list[list[str]], columns: Columns) -> Seen:
    """A row for each person in a frame."""
    x, y, sure = (list(part) for part in zip(*columns.joints.values(), strict=True))
    confidence = np.ones((len(body), len(x)))
    told = [i for i, column in enumerate(sure) if column is not None]
    confidence[:, told] = values_of(body, [sure[i] for i in told])
    joints = np.stack([values_of(body, x), values_of(body, y), confidence], -1)
    scores = _cells(body, columns.score)
    frames, times = _frames(body, columns)
    return Seen(list(columns.joints), joints, frames, _persons(body, columns.person), scores, times)


def _long(body: list[list[str]], columns: Columns) -> Seen:
    """A row for each joint."""
    if columns.frame is None and columns.time is None:
        raise FormatError("found a row for each joint but no column frame, expected one")
    x, y, sure = columns.joints[""]
    frames, times = _frames(body, columns)
    persons = _persons(body, columns.person)
    places: dict[tuple[int, int | None], int] = {}
    rows = [places.setdefault(who, len(places)) for who in zip(frames, persons, strict=True)]
    names: dict[str, int] = {}
    joints_of = [names.setdefault(row[columns.joint or 0].strip(), len(names)) for row in body]
    if len(places) * len(names) > LARGEST:
        raise FormatError(f"found {len(names)} joints in {len(places)} frames of people, expected fewer")
    if len(set(zip(rows, joints_of, strict=True))) < len(body):
        raise FormatError("found a joint twice in a frame, expected a column person that tells whose they are")
    joints = np.full((len(places), len(names), 3), np.nan)
    joints[rows, joints_of] = np.stack([_cells(body, x), _cells(body, y), _cells(body, sure, otherwise=1)], -1)
    who = list(places)
    scores = np.full(len(who), np.nan)
    return Seen(list(names), joints, [frame for frame, _ in who], [person for _, person in who], scores, times)


def _cells(body: list[list[str]], column: int | None, otherwise: float | int = np.nan) -> np.ndarray:
    """(rows,) numbers of a column, or one number where there is no such column."""
    return np.full(len(body), otherwise) if column is None else values_of(body, [column])[:, 0]


def _frames(body: list[list[str]], columns: Columns) -> tuple[list[int], dict[int, float]]:
    """The number of each row's frame, and seconds by frame."""
    times = _cells(body, columns.time) * columns.unit
    if columns.frame is not None:
        frames = [whole(frame, f"frame of row {i}") for i, frame in enumerate(_cells(body, columns.frame))]
    elif columns.time is not None:
        order = {time: i for i, time in enumerate(np.unique(times).tolist())}
        frames = [order[time] for time in times.tolist()]
    else:
        frames = list(range(len(body)))
    return frames, {frame: time for frame, time in zip(frames, times.tolist(), strict=True) if not np.isnan(time)}


def _persons(body: list[list[str]], column: int | None) -> list[int | None]:
    """Whole numbers stand for themselves, names for their order; empty is nobody known."""
    if column is None:
        return [None] * len(body)
    texts = [row[column].strip() for row in body]
    names = list(dict.fromkeys(filter(None, texts)))
    plain = all(re.fullmatch(r"[0-9]{1,18}(\.0)?", name) for name in names)
    numbers = {name: int(name.removesuffix(".0")) if plain else i for i, name in enumerate(names)}
    return [numbers.get(text) for text in texts]
