"""One video that FFmpeg reads: a file, an address, a camera."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pstmo.errors import VideoError
from pstmo.extras import extra
from pstmo.video.focal import focal_pixels
from pstmo.video.opening import LIMIT, described, duration_of, opened, rate_of, video_of
from pstmo.video.upright import Upright

if TYPE_CHECKING:
    import av

SHORT = 1.0
"""Seconds that pictures may end before the time that the file tells: its sound may go on."""

BACKS = (1, 10)
"""Seconds before a wanted picture where one to start from is looked for; then it is started from the first."""


@dataclass
class Damage:
    """What was found wrong. lost: pictures that could not be decoded, broken: pictures that came out damaged."""

    lost: int = 0
    broken: int = 0
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ((self.lost, "lost, as they could not be decoded"), (self.broken, "damaged"))
        return "; ".join([f"pictures {what}: {count}" for count, what in counts if count] + self.notes)


class Recording:
    """A video, open at its first picture. Pictures are as FFmpeg gives them, until `image` makes an array of one.

    image_size: (width, height) as shown. rate: pictures a second, as the file tells. duration: seconds, frames: how
    many, focal: pixels; None = unknown. damage: found so far.
    """

    def __init__(self, name: str, address: str, **options: Any):
        """name: for messages. options: of av.open. Raises VideoError."""
        self._name, self._address, self._options = name, address, options
        self._restart()
        self._upright = Upright(self._first, self._stream.sample_aspect_ratio)
        self.image_size = width, height = self._upright.image_size
        if not 0 < width * height <= LIMIT:
            raise VideoError(
                f"{name}: found pictures of {width} x {height} pixels, expected no more than {LIMIT} in all"
            )
        self.rate = rate_of(self._stream, timed=self._first.pts is not None)
        self.duration = duration_of(self._stream, self._container)
        self.frames = self._stream.frames or None
        tags = self._container.metadata | self._stream.metadata | self._first.metadata
        self.focal = focal_pixels(tags, self.image_size)

    def pictures(self, start: float) -> "Iterator[tuple[float | None, av.VideoFrame]]":
        """Pictures with their time in seconds from the first one on, None where the file tells none.

        All from the first on, or, where that saves time, from one that lies before `start` seconds.
        """
        width, height = self.image_size
        for picture in self._from(start):
            found = self._upright.size_of(picture)
            if abs(found[0] * height / (found[1] * width) - 1) > 0.02:
                self.damage.notes.append(
                    f"the picture changes from {width} x {height} to {found[0]} x {found[1]} pixels"
                )
                return
            yield self._seconds(picture.pts), picture

    def image(self, picture: "av.VideoFrame | None" = None) -> np.ndarray:
        """(height, width, 3) uint8, RGB, upright, of the first picture's size. None: the first picture."""
        return self._upright(self._first if picture is None else picture)

    def close(self) -> None:
        self._container.close()

    def _restart(self) -> None:
        """Opens it and decodes the first picture. Raises VideoError."""
        self.damage = Damage()
        self._container = opened(self._name, self._address, self._options)
        self._stream = video_of(self._name, self._container)
        self._decoded = self._decode()
        first = next(self._decoded, None)
        if first is None:
            what = f"found {described(self._stream)} without a picture that can be decoded"
            raise VideoError(f"{self._name}: {what}, expected one or more")
        self._first = first

    def _decode(self) -> "Iterator[av.VideoFrame]":
        """The pictures from where the container stands to its end."""
        error, end = extra("av", "video").FFmpegError, 0
        try:
            for packet in self._container.demux(self._stream):
                end = max(end, (packet.pts or 0) + (packet.duration or 0))
                try:
                    pictures = packet.decode()
                except error:
                    self.damage.lost += 1
                    continue
                self.damage.broken += packet.is_corrupt or any(picture.is_corrupt for picture in pictures)
                yield from pictures
        except error as problem:
            self.damage.notes.append(f"reading stopped: {problem.strerror}")
        seconds = self._seconds(end)
        if seconds is not None and self.duration is not None and seconds < self.duration - SHORT:
            self.damage.notes.append(f"the pictures end after {seconds:.1f} of {self.duration:.1f} seconds")

    def _seconds(self, pts: int | None) -> float | None:
        """From the first picture on; None where one of them has no time."""
        if pts is None or self._first.pts is None or self._stream.time_base is None:
            return None
        return float((pts - self._first.pts) * self._stream.time_base)

    def _from(self, start: float) -> "Iterator[av.VideoFrame]":
        """Pictures from one on that needs no other and lies before `start`; all of them where none is found."""
        moved = False
        for back in BACKS:
            if start <= back or not self._seek(start - back):
                break
            moved = True
            decoded = self._decode()
            key = next((picture for picture in decoded if picture.key_frame), None)
            seconds = self._seconds(key.pts if key else None)
            if key and seconds is not None and seconds <= start:
                self.damage = Damage()  # what there was lies before the part wanted
                return chain([key], decoded)
        if moved:
            self.close()
            self._restart()
        return chain([self._first], self._decoded)

    def _seek(self, seconds: float) -> bool:
        """To a place near that time, as files are searched by other times than the pictures'. False: it cannot be."""
        if self._first.pts is None or self._stream.time_base is None:
            return False
        try:
            self._container.seek(self._first.pts + round(seconds / self._stream.time_base), stream=self._stream)
        except extra("av", "video").FFmpegError:
            return False
        return True
