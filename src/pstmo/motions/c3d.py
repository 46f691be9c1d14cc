"""C3D: markers of several people, millimetres, z up, a regular clock.

Our own reader and writer: the usual one is C++ that damaged files crash. Where a person was not observed, the markers'
residual is -1 and their place 0, which is how the format says that a marker is missing. Of several people the labels
begin with the person ("person1:hip"), and SUBJECTS lists them.
"""

import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pstmo.errors import FormatError, PstmoError
from pstmo.files.content import LARGEST_FILE, first_bytes
from pstmo.motion import WORLD_AXES, Motion
from pstmo.motions.c3d_parameters import BLOCK, Value, packed, unpacked
from pstmo.motions.clock import beats, on_clock
from pstmo.motions.facts import motion_of, named, program

ENDING: str = ".c3d"
SEVERAL: bool = True

MOST_POINTS = 255
"""That LABELS has room for."""

UNITS = {"mm": 0.001, "cm": 0.01, "m": 1.0}

_FLOATS, _INTEGERS = "<f4", "<i2"


def write(path: Path, people: Sequence[Motion]) -> None:
    """Raises PstmoError for too many people."""
    times, fps = beats(people), max(motion.fps for motion in people)
    labels = [f"{_prefix(motion, people)}{joint}" for motion in people for joint in motion.skeleton.joints]
    if len(labels) > MOST_POINTS:
        raise PstmoError(f"found {len(labels)} joints of {len(people)} people, expected {MOST_POINTS} at most")
    tracks = [on_clock(motion, times) for motion in people]
    known = np.concatenate([np.isfinite(at).all(-1) & seen[:, None] for at, seen in tracks], axis=1)
    points = np.zeros((*known.shape, 4), _FLOATS)
    points[..., :3] = np.where(known[..., None], np.concatenate([at for at, _ in tracks], axis=1) * 1000, 0)
    points[..., 3] = np.where(known, 0, -1)
    about = _parameters(people, labels, len(times), fps)
    data = 2 + len(packed(about)) // BLOCK
    about["POINT"]["DATA_START"] = _whole(data)
    parameters = packed(about)
    numbers = (2, 0x50, len(labels), 0, 1, min(len(times), 0xFFFF), 0, -1.0, data, 0, fps)
    header = struct.pack("<BBHHHHHfHHf", *numbers)
    path.write_bytes(header.ljust(BLOCK, b"\0") + parameters + points.tobytes())


def _prefix(motion: Motion, people: Sequence[Motion]) -> str:
    return f"person{motion.person}:" if len(people) > 1 else ""


def _whole(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.uint16).view(np.int16)


def _real(number: float | int) -> np.ndarray:
    return np.array([number], np.float32)


def _parameters(people: Sequence[Motion], labels: list[str], frames: int, fps: float) -> dict[str, dict[str, Value]]:
    prefixes = [_prefix(motion, people) for motion in people]
    return {
        "POINT": {
            "USED": _whole(len(labels)),
            "FRAMES": _whole(min(frames, 0xFFFF)),
            "SCALE": _real(-1),
            "RATE": _real(fps),
            "DATA_START": _whole(0),
            "UNITS": ["mm"],
            "X_SCREEN": ["+X"],
            "Y_SCREEN": ["+Z"],
            "LABELS": labels,
            "DESCRIPTIONS": [" "] * len(labels),
        },
        "ANALOG": {"USED": _whole(0), "RATE": _real(0)},
        "TRIAL": {
            "ACTUAL_START_FIELD": _whole(1, 0),
            "ACTUAL_END_FIELD": _whole(frames & 0xFFFF, frames >> 16),
            "CAMERA_RATE": _real(fps),
        },
        "SUBJECTS": {
            "IS_STATIC": _whole(*[0] * len(people)),
            "USED": _whole(len(people)),
            "NAMES": [f"person{motion.person}" for motion in people],
            "LABEL_PREFIXES": [prefix or " " for prefix in prefixes],
            "USES_PREFIXES": _whole(*[int(bool(prefix)) for prefix in prefixes]),
        },
        "MANUFACTURER": {"COMPANY": ["pstmo"], "SOFTWARE": [program()], "AXES": [WORLD_AXES]},
    }


class _Header(NamedTuple):
    parameters: int
    points: int
    analog: int
    first: int
    last: int
    scale: float
    data: int
    fps: float


def read(path: Path) -> list[Motion]:
    """Also others' files, of Intel's numbers, with labels of a skeleton that is known here. z is taken to be up."""
    if first_bytes(path, 2)[1:] != b"\x50":
        raise FormatError("found no C3D file, expected one whose second byte is 80")
    content = path.read_bytes()
    try:
        header = _Header._make(struct.unpack_from("<BxHHHH2xfH2xf", content))
    except struct.error as error:
        raise FormatError(f"not a whole C3D file: {error}") from error
    groups = unpacked(content[(header.parameters - 1) * BLOCK :] if header.parameters else b"")
    point, trial = groups.get("POINT", {}), groups.get("TRIAL", {})
    unit = _texts(point, "UNITS")[:1]
    if not unit or unit[0] not in UNITS:
        raise FormatError(f"found POINT:UNITS {unit}, expected one of {', '.join(UNITS)}")
    values = _points(content, header, _frames(header, trial)) * np.array([*[UNITS[unit[0]]] * 3, 1])
    labels = _texts(point, "LABELS")
    if len(labels) < header.points:
        raise FormatError(f"found {len(labels)} labels of {header.points} points")
    positions = np.where(values[..., 3:] < 0, np.nan, values[..., :3])
    people: dict[str, list[int]] = {}
    for i, label in enumerate(labels[: header.points]):
        people.setdefault(label.rpartition(":")[0], []).append(i)
    numbered = _numbered(list(people))
    return [
        _motion([labels[i].rpartition(":")[2] for i in at], positions[:, at], round(header.fps, 4), numbered[name])
        for name, at in people.items()
    ]


def _motion(labels: list[str], positions: np.ndarray, fps: float, person: int) -> Motion:
    skeleton, places = named(labels)
    return motion_of(skeleton, positions[:, places], fps=fps, person=person)


def _numbered(names: list[str]) -> dict[str, int]:
    """A number for each: that in its name, or where two would have the same, in their order."""
    found = [re.search(r"[0-9]{1,9}$", name) for name in names]
    numbers = [int(match.group()) if match else 1 for match in found]
    return dict(zip(names, numbers if len(set(numbers)) == len(numbers) else range(1, len(names) + 1), strict=True))


def _texts(point: dict[str, Value], key: str) -> list[str]:
    value = point.get(key, [])
    return value if isinstance(value, list) else []


def _frames(header: _Header, trial: dict[str, Value]) -> int:
    """Where there are more than the header can say, TRIAL has their numbers in two words, the lower one first."""
    first, last = trial.get("ACTUAL_START_FIELD"), trial.get("ACTUAL_END_FIELD")
    if header.last < 0xFFFF or not isinstance(first, np.ndarray) or not isinstance(last, np.ndarray):
        return header.last - header.first + 1
    if first.dtype != _INTEGERS or last.dtype != _INTEGERS or (first.size, last.size) != (2, 2):
        raise FormatError("found frames of a TRIAL that are not two words, from and to")
    start, end = (int.from_bytes(words.tobytes("F"), "little") for words in (first, last))
    return end - start + 1


def _points(content: bytes, header: _Header, frames: int) -> np.ndarray:
    """(frames, points, 4): x, y, z, residual, in the file's unit. Raises FormatError."""
    kind = np.dtype(_FLOATS if header.scale < 0 else _INTEGERS)
    width = header.points * 4 + header.analog
    start = (header.data - 1) * BLOCK
    size = frames * width * kind.itemsize
    if frames < 1 or not header.points or start < BLOCK or start + size > min(len(content), LARGEST_FILE):
        raise FormatError(
            f"found {frames} frames of {header.points} points from byte {start}, in a file of {len(content)} bytes"
        )
    values = np.frombuffer(content, kind, frames * width, start).reshape(frames, width)
    points = values[:, : header.points * 4].reshape(frames, -1, 4)
    with np.errstate(invalid="ignore"):  # numbers that are none stay so, and are refused as such
        points = points.astype(np.float64)
        points[..., :3] *= 1 if header.scale < 0 else header.scale
    return points
