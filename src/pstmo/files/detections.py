"""What a detector saw in a video, as JSON lines that grow while it looks: nothing is lost when it is stopped.

The first line is {format: "pstmo detections 1", source, detector, skeleton, image_size, fps, focal}, and every decoded
picture has a line {seconds, people: [{score, joints: [x, y, confidence, ...]}]}, in order, also where nobody was seen.
Pictures after which the detector can go on hold its memory of each person, too.
The last line, {frames, fps, problem}, tells that this is all.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from pstmo.errors import FormatError, PstmoError
from pstmo.files.content import image_size, number, triples, want
from pstmo.files.lock import lock
from pstmo.people import Detection, People
from pstmo.skeleton import by_name

EXPECTED: str = 'pstmo\'s JSON lines: {format: "pstmo detections 1", ...}, then a line a frame'
FORMAT = "pstmo detections 1"


@dataclass(frozen=True)
class About:
    """source: what tells the pictures from others. detector: what tells it from others, settings and all. focal:
    pixels, None = unknown."""

    source: str
    detector: str
    skeleton: str
    image_size: tuple[int, int]
    fps: float
    focal: float | None = None


def recognises(content: object) -> bool:
    first = content[0] if isinstance(content, list) and content else content
    return isinstance(first, dict) and "format" in first and first["format"] == FORMAT


def read(content: object) -> People:
    """Of a run that was stopped, what it saw up to then. Raises FormatError."""
    first, *lines = want(content if isinstance(content, list) else [content], list, "content") or [None]
    about = want(first, dict, "the first line")
    frames = [want(line, dict, f"line {i}") for i, line in enumerate(lines, start=2)]
    end = frames.pop() if frames and "frames" in frames[-1] else {}
    skeleton = by_name(want(about.get("skeleton"), str, "'skeleton'"))
    seconds = [number(frame.get("seconds"), f"'seconds' of frame {i}") for i, frame in enumerate(frames)]
    if not seconds or (np.diff(seconds) <= 0).any():
        raise FormatError(f"found {len(seconds)} frames, expected one or more, each after the last")
    detections = [
        Detection(i, _joints(person, i, len(skeleton)), _score(person, i), memory=_memory(person, i))
        for i, frame in enumerate(frames)
        for person in want(frame.get("people"), list, f"'people' of frame {i}")
    ]
    return People(
        detections,
        range(len(frames)),
        {len(skeleton): skeleton.joints},
        image_size(about),
        number(end.get("fps", about.get("fps")), "'fps'"),
        timestamps=np.array(seconds),
        focal=None if about.get("focal") is None else number(about["focal"], "'focal'"),
    )


class DetectionsFile:
    """Such a file as it grows. Where it is there already, of the same pictures and detector, it goes on, after a number
    of frames that divides by `every`."""

    def __init__(self, path: Path, about: About, every: int = 1):
        """Raises PstmoError when the system refuses, and while another run writes there."""
        self.path = path
        head = _line({"format": FORMAT} | asdict(about))
        try:
            self._file = path.open("r+b" if path.exists() else "x+b")
            self._lock()
            there = self._file.read()
            whole = there[: there.rfind(b"\n") + 1] if there.startswith(head) else b""
            lines = whole.splitlines(keepends=True)[1:]
            self.finished = bool(lines) and b'{"frames":' in lines[-1]
            self.frames = len(lines) - self.finished  # that are in it
            if not self.finished:
                self.frames -= self.frames % every
                whole = whole[: len(whole) - sum(map(len, lines[self.frames :]))]
            self._file.truncate(len(whole))
            self._file.seek(len(whole))
            if not whole:
                self._file.write(head)
        except OSError as error:
            raise PstmoError(f"cannot write {path}: {error.strerror}") from error

    def _lock(self) -> None:
        try:
            lock(self._file.fileno(), self.path)
        except PstmoError:
            self._file.close()
            raise

    def add(self, seconds: float, people: Sequence[Detection]) -> None:
        """The next frame."""
        self._write({"seconds": round(seconds, 6), "people": [_person(person) for person in people]})
        self.frames += 1

    def finish(self, fps: float, problem: str | None) -> None:
        self._write({"frames": self.frames, "fps": fps, "problem": problem})
        self.finished = True

    def _write(self, record: dict[str, Any]) -> None:
        try:
            self._file.write(_line(record))
            self._file.flush()
        except OSError as error:
            raise PstmoError(f"cannot write {self.path}: {error.strerror}") from error

    def __enter__(self) -> "DetectionsFile":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._file.close()
        except OSError as failure:  # what could not be written before cannot now
            raise PstmoError(f"cannot write {self.path}: {failure.strerror}") from failure
        finally:
            if error and not self.frames:
                self.path.unlink()  # it tells of nothing


def _line(record: object) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _person(person: Detection) -> dict[str, Any]:
    found = {"score": _short(person.score), "joints": _numbers(person.joints)}
    return found | {"memory": person.memory} if person.memory else found


def _numbers(joints: np.ndarray) -> list[float]:
    return [_short(value) or 0.0 for value in np.nan_to_num(joints).ravel().tolist()]


def _short(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def _joints(person: object, frame: int, count: int) -> np.ndarray:
    joints = triples(want(person, dict, f"a person of frame {frame}").get("joints"), f"'joints' of frame {frame}")
    if len(joints) != count:
        raise FormatError(f"found {len(joints)} joints in frame {frame}, expected {count}")
    return joints


def _score(person: dict[str, Any], frame: int) -> float | None:
    return None if person.get("score") is None else number(person["score"], f"'score' of frame {frame}")


def _memory(person: dict[str, Any], frame: int) -> tuple[float, ...]:
    what = f"'memory' of frame {frame}"
    return tuple(float(number(value, what)) for value in want(person.get("memory", []), list, what))
