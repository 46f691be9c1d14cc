"""Videos from wherever they are: what they are, and their pictures one after another."""

import logging
import re
from collections.abc import Generator, Iterator
from math import inf
from pathlib import Path
from typing import Any

from pstmo.errors import PstmoError, VideoError
from pstmo.frame import Frame
from pstmo.video.ahead import ahead
from pstmo.video.clock import Clock
from pstmo.video.folder import Folder
from pstmo.video.opening import EXPECTED, alone
from pstmo.video.recording import Recording

AHEAD = 3
"""Pictures that wait for the caller, at most."""

TIMEOUT = 30.0
"""Seconds without an answer after which an address is given up."""

logger = logging.getLogger(__name__)


class Video:
    """Pictures in order, once: `for frame in video`. They are decoded in a thread of its own, ahead of need.

    image_size: (width, height) in pixels, upright, with square pixels. duration: of the whole source, seconds. frames:
    how many to expect. focal: length in pixels, as the camera tells. None = unknown.
    fps: frames a second, as the source tells; after the pictures, their true mean.
    problem: after the pictures, what was wrong with the source; None = nothing that shows.
    """

    def __init__(self, name: str, source: Recording | Folder, start: float, end: float):
        self._name, self._source, self._start, self._end = name, source, start, end
        self._begun = False
        self.image_size, self.duration, self.focal = source.image_size, source.duration, source.focal
        self.fps, self.frames = source.rate, _count(source, start, end)
        self.problem: str | None = None

    def __iter__(self) -> Iterator[Frame]:
        """Closing it early, as `break` does, ends the thread. Raises VideoError, also where there is no picture."""
        if self._begun:
            raise PstmoError(f"{self._name}: its pictures were taken already; open it again")
        self._begun = True
        return ahead(self._frames(), AHEAD)

    def _frames(self) -> Generator[Frame, None, None]:
        number, first, last = 0, inf, 0.0
        try:
            for seconds, picture in self._timed():
                yield Frame(number, seconds, self._source.image(picture))
                number, first, last = number + 1, min(first, seconds), seconds
        finally:
            self._source.close()
            self._conclude((number - 1) / (last - first) if number > 1 else self.fps)
        if not number:
            length = "unknown" if self.duration is None else f"{self.duration:g} s"
            wanted = f"from {self._start:g} " + ("s on" if self._end == inf else f"to {self._end:g} s")
            raise VideoError(f"{self._name}: found no picture {wanted}; its length is {length}")

    def _timed(self) -> Iterator[tuple[float, Any]]:
        """The pictures asked for and their times, which rise."""
        clock = Clock(1 / self.fps)
        for told, picture in self._source.pictures(self._start):
            seconds = clock(told)
            if seconds >= self._end:
                return
            if seconds >= self._start:
                yield seconds, picture

    def _conclude(self, fps: float) -> None:
        """What is known once the pictures were seen."""
        self.fps, self.problem = fps, str(self._source.damage) or None
        if self.problem:
            logger.warning("%s: %s", self._name, self.problem)


def open_video(
    source: str | Path,
    start: float | int | None = None,
    end: float | int | None = None,
    fps: float | int | None = None,
) -> Video:
    """A video file, a folder of pictures, an address that FFmpeg opens, or "-" for standard input.

    start, end: only pictures from the one to before the other, seconds from the first picture of the source on.
    fps: frames a second of a folder, whose pictures have no clock of their own.
    Raises VideoError for what is no video, and PstmoError where PyAV is not installed. Cameras: see `camera`.
    """
    name, since, until = str(source), float(start or 0), inf if end is None else float(end)
    if not 0 <= since < until:
        raise VideoError(
            f"{name}: found start {start} and end {end}, expected seconds from 0 on, the end after the start"
        )
    if Path(source).is_dir():
        return Video(name, Folder(Path(source), fps), since, until)
    if fps is not None:
        raise VideoError(f"{name}: found {fps} frames per second for a video, which has a clock of its own")
    return Video(name, _recording(name), since, until)


def _recording(name: str) -> Recording:
    """Raises VideoError."""
    if name == "-":
        return Recording("standard input", "pipe:0")
    if Path(name).is_file():
        if not Path(name).stat().st_size:
            raise VideoError(f"{name}: found an empty file, expected {EXPECTED}")
        return Recording(name, f"file:{name}", options=alone())
    if name.isdecimal():
        raise VideoError(f"{name}: found the number of a camera, expected a video; for cameras there is `pstmo live`")
    if re.match(r"[a-z][a-z0-9]+://", name):
        return Recording(name, name, timeout=TIMEOUT)
    raise VideoError(f"{name}: there is no such file")


def _count(source: Recording | Folder, start: float, end: float) -> int | None:
    """How many pictures there are from start to end, by the rate."""
    if source.frames and start == 0 and end == inf:
        return source.frames
    seconds = min(inf if source.duration is None else source.duration, end) - start
    return max(0, round(seconds * source.rate)) if seconds < inf else None
