"""What the columns of a table of keypoints are, by their heads."""

import re
from dataclasses import dataclass

from pstmo.files.content import Table
from pstmo.skeleton import MEDIAPIPE33

FRAME = ("frame", "frame_idx", "frame_id", "frame_number", "frame_index", "frame_num")
PERSON = ("person", "person_id", "track", "track_id", "individual", "individuals")
TIME = {"time": 1.0, "timestamp": 1.0, "time_s": 1.0, "timestamp_s": 1.0, "time_ms": 1e-3, "timestamp_ms": 1e-3}
SCORE = ("instance.score", "person_score")
JOINT = (
    "joint", "joint_name", "keypoint", "keypoint_name", "landmark", "landmark_name", "bodypart", "bodyparts", "node",
    "landmark_id", "landmark_index", "joint_id", "keypoint_id",
)  # fmt: skip
VISIBILITY = ("visibility", "vis", "v")
"""MediaPipe's word: beside it, x and y are fractions of the image's width and height, not pixels."""
CONFIDENCE = ("confidence", "conf", "score", "likelihood", "probability", "prob", "c", "p", *VISIBILITY)

_JOINT_FIRST = re.compile(rf"(.*[^._ ])[._ ](x|y|{'|'.join(CONFIDENCE)})", re.IGNORECASE)
_NUMBER_LAST = re.compile(r"(x|y|v)_?([0-9]{1,3})", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:landmark|lm|keypoint|kp|joint|point)?[_ ]?([0-9]{1,3})", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """Where in a row what is.

    joints: columns of x, y and confidence (None: not told) of each joint; one entry "" where `joint` is the column of
    its name. frame, time, person, score: None where there is no such column. unit: of time, in seconds.
    visibility: that is what confidence is called.
    """

    joints: dict[str, tuple[int, int, int | None]]
    joint: int | None
    frame: int | None
    time: int | None
    unit: float
    person: int | None
    score: int | None
    visibility: bool


def columns_of(table: Table) -> Columns | None:
    """None where the first row names no x and y of a joint."""
    heads = [head.strip() for head in table.rows[0]]
    lower = [head.lower() for head in heads]

    def find(*names: str) -> int | None:
        return next((lower.index(name) for name in names if name in lower), None)

    joint, time = find(*JOINT), find(*TIME)
    if joint is not None:
        parts = {"": {word: column for column, word in enumerate(lower) if word in ("x", "y", *CONFIDENCE)}}
    else:
        parts = _wide(heads, find(*SCORE))
    joints = {name: _triple(words) for name, words in parts.items() if {"x", "y"} <= set(words)}
    if not joints:
        return None
    visibility = all(any(word in parts[name] for word in VISIBILITY) for name in joints)
    unit = 1.0 if time is None else TIME[lower[time]]
    return Columns(joints, joint, find(*FRAME), time, unit, find(*PERSON), find(*SCORE), visibility)


def landmarks(names: list[str], visibility: bool) -> dict[str, str]:
    """MediaPipe's names of joints that are merely numbered, from 0 or 1, beside a visibility; {} for any others.

    Numbers after the 33rd, a holistic model's face and hands, have none.
    """
    found = {name: _NUMBERED.fullmatch(name) for name in names}
    if not visibility or not all(found.values()):
        return {}
    numbers = {name: int(match.group(1)) for name, match in found.items() if match}
    first = 0 if 0 in numbers.values() or 33 not in numbers.values() else 1
    places = {name: number - first for name, number in numbers.items()}
    return {name: MEDIAPIPE33.joints[place] for name, place in places.items() if place < len(MEDIAPIPE33)}


def _wide(heads: list[str], score: int | None) -> dict[str, dict[str, int]]:
    """The columns of each joint, by the word that says what is in them, of heads nose_x, nose.x, x1."""
    parts: dict[str, dict[str, int]] = {}
    for column, head in enumerate(heads):
        if column == score:
            continue
        if match := _NUMBER_LAST.fullmatch(head):
            parts.setdefault(match.group(2), {})[match.group(1).lower()] = column
        elif match := _JOINT_FIRST.fullmatch(head):
            parts.setdefault(match.group(1), {})[match.group(2).lower()] = column
    return parts


def _triple(words: dict[str, int]) -> tuple[int, int, int | None]:
    return words["x"], words["y"], next((words[word] for word in CONFIDENCE if word in words), None)
