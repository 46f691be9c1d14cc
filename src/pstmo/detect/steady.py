"""A person's region from picture to picture, smoothed as MediaPipe does it: landmarks jump when their region does."""

from math import pi

import numpy as np

from pstmo.detect.region import Region
from pstmo.errors import FormatError

STILL = 0.01
"""Hz: what passes of somebody who doesn't move."""

MOVING = 10.0
"""Hz more for each region (twice its radius) a second."""

SPEED = 1.0
"""Hz that pass of the speed."""

REMEMBERED = 13
"""Numbers: the time, and two points of each of region, last region and speed."""


class SteadyRegion:
    """The One Euro filter of Casiez, Roussel and Vogel (CHI 2012): the faster something moves, the less it is smoothed.

    Cut-off frequencies are those of MediaPipe's graph pose_landmark_filtering.
    """

    def __init__(self, region: Region):
        self.region = region
        self._seconds: float | None = None
        self._last, self._speed = np.zeros((2, 2, 2))

    @classmethod
    def of(cls, memory: tuple[float, ...]) -> "SteadyRegion":
        """As it was when that was its memory. Raises FormatError for other numbers."""
        if len(memory) != REMEMBERED:
            raise FormatError(f"found {len(memory)} numbers of a person's region, expected {REMEMBERED}")
        seconds, *points = memory
        region, last, speed = np.reshape(points, (3, 2, 2))
        person = cls(Region(*region))
        person._seconds, person._last, person._speed = seconds, last, speed
        return person

    @property
    def memory(self) -> tuple[float, ...]:
        """Of a region that has been followed."""
        assert self._seconds is not None
        return float(self._seconds), *np.stack([*self.region, *self._last, *self._speed]).ravel().tolist()

    def follow(self, found: Region, seconds: float | int) -> None:
        """Where the person was at that time, for the next picture. A clock that does not go on starts anew."""
        points, passed = np.stack(found), 0.0 if self._seconds is None else seconds - self._seconds
        if passed <= 0:
            self.region, self._speed = found, np.zeros((2, 2))
        else:
            smooth, size = np.stack(self.region), max(2 * found.radius, 1.0)
            speed = (points - self._last) / (size * passed)
            self._speed += _share(SPEED, passed) * (speed - self._speed)
            self.region = Region(*(smooth + _share(STILL + MOVING * np.abs(self._speed), passed) * (points - smooth)))
        self._last, self._seconds = points, seconds


def _share(cutoff: np.ndarray | float, passed: float) -> np.ndarray | float:
    """Of the new value in a low-pass filter."""
    return 1 / (1 + 1 / (2 * pi * cutoff * passed))
