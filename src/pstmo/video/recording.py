"""One video that FFmpeg reads: a file, an address, standard input."""

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pstmo.errors import VideoError
from pstmo.video.decoder import Damage, Decoder
from pstmo.video.focal import focal_pixels
from pstmo.video.opening import LIMIT, described, duration_of, rate_of
from pstmo.video.upright import Upright

if TYPE_CHECKING:
    import av

SHORT = 0.5
"""Seconds that pictures may end before the time that the file tells: its sound may go on."""

STRETCH = 0.02
"""How much the shape of a picture may differ from the first one's, as a part of it."""

BACKS = (1, 10)
"""Seconds before a wanted picture where one to start from is looked for; then it is started from the first."""


class Recording:
    """A video, open at its first picture. Pictures are as FFmpeg gives them, until `image` makes an array of one.

    image_size: (width, height) as shown. rate: pictures a second, as the file tells. duration: seconds, frames: how
    many, focal: pixels; None = unknown.
    """

    def __init__(self, name: str, address: str, **options: Any):
        """name: for messages. options: of av.open. Raises VideoError."""
        self._name, self._address, self._options = name, address, options
        self._restart()
        stream, metadata = self._decoder.stream, self._decoder.container.metadata
        self._upright = Upright(self._first, stream.sample_aspect_ratio)
        self.image_size = width, height = self._upright.image_size
        if not 0 < width * height <= LIMIT:
            raise VideoError(f"{name}: found pictures of {width} x {height} pixels, expected {LIMIT} in all at most")
        self.rate = rate_of(stream, timed=self._first.pts is not None)
        self.duration = duration_of(stream, self._decoder.container)
        self.frames = stream.frames or None
        self.focal = focal_pixels(metadata | stream.metadata | self._first.metadata, self.image_size)

    @property
    def damage(self) -> Damage:
        """What was found so far."""
        return self._decoder.damage

    def pictures(self, start: float) -> "Iterator[tuple[float | None, av.VideoFrame]]":
        """Pictures with their time in seconds from the first one on, None where the file tells none.

        All from the first on, or, where that saves time, from one that lies before `start` seconds.
        """
        width, height = self.image_size
        for picture in self._to_the_end(start):
            found = self._upright.size_of(picture)
            if abs(found[0] * height - found[1] * width) > STRETCH * found[1] * width:
                was, now = f"{width} x {height}", f"{found[0]} x {found[1]}"
                self.damage.notes.append(f"reading stopped, as the picture changes from {was} to {now} pixels")
                return
            yield self._seconds(picture.pts), picture
        end = self._seconds(self._decoder.end)
        if end is not None and self.duration is not None and end < self.duration - SHORT:
            self.damage.notes.append(f"the pictures end after {end:.1f} of {self.duration:.1f} seconds")

    def image(self, picture: "av.VideoFrame | None" = None) -> np.ndarray:
        """(height, width, 3) uint8, RGB, upright, of the first picture's size. None: the first picture."""
        return self._upright(self._first if picture is None else picture)

    def close(self) -> None:
        self._decoder.container.close()

    def _restart(self, threads: str = "AUTO") -> None:
        """Opens it and decodes the first picture. Raises VideoError."""
        self._decoder = Decoder(self._name, self._address, self._options, threads)
        self._decoded = self._decoder.pictures()
        first = next(self._decoded, None)
        if first is None:
            what = (
                f"found {described(self._decoder.stream)} without a picture that can be decoded, expected one or more"
            )
            hint = "; an MP4 read from a pipe must begin with its table of contents (ffmpeg -movflags +faststart)"
            raise VideoError(f"{self._name}: {what}{hint if self._address.startswith('pipe:') else ''}")
        self._first = first

    def _seconds(self, pts: int | None) -> float | None:
        """From the first picture on; None where one of them has no time."""
        base = self._decoder.stream.time_base
        if pts is None or self._first.pts is None or not base:
            return None
        return float((pts - self._first.pts) * base)

    def _to_the_end(self, start: float) -> "Iterator[av.VideoFrame]":
        """All pictures from one before `start` on.

        FFmpeg's threads hold some pictures back; when there is damage at the end, PyAV does not give them. They are
        decoded once more then, without threads.
        """
        last = None
        for picture in self._from(start):
            yield picture
            last = picture.pts
        since = self._seconds(last)
        if last is None or since is None or last >= self._decoder.latest or not self._address.startswith("file:"):
            return
        damage = self.damage
        self.close()
        self._restart("NONE")
        yield from (picture for picture in self._from(since) if picture.pts is not None and picture.pts > last)
        self.damage.lost = max(self.damage.lost, damage.lost)
        self.damage.broken = max(self.damage.broken, damage.broken)

    def _from(self, start: float) -> "Iterator[av.VideoFrame]":
        """Pictures from one on that needs no other and lies before `start`; all of them where none is found."""
        moved = False
        for back in BACKS:
            if start <= back or not self._seek(start - back):
                break
            moved, decoded = True, self._decoder.pictures()
            key = next((picture for picture in decoded if picture.key_frame), None)
            seconds = self._seconds(key.pts if key else None)
            if key and seconds is not None and seconds <= start:
                self._decoder.damage = Damage()  # what there was lies before the part wanted
                return chain([key], decoded)
        if moved:
            self.close()
            self._restart(self._decoder.threads)
        return chain([self._first], self._decoded)

    def _seek(self, seconds: float) -> bool:
        """Near that time. False: it cannot be."""
        base = self._decoder.stream.time_base
        if self._first.pts is None or not base:
            return False
        return self._decoder.seek(self._first.pts + round(seconds / base))
