"""Clocks that go forward."""

from fractions import Fraction

import numpy as np

TICK = Fraction(1, 90_000)
"""Seconds, of the clock of MP4; usual frame rates are whole numbers of them."""

BACK = 1.0
"""Seconds; a clock that goes back by more was set anew."""


class Clock:
    """Gives every picture a time after the last one's. Times that rise are left as they are.

    A picture without a time comes one step after the last. One whose time is not after the last one's comes half a step
    after it; if that is more than a second too early, the source's clock was set anew (recordings joined, a camera
    started again): the picture comes one step after the last, and the new clock goes on from there.
    """

    def __init__(self, step: float):
        """step: the usual time from picture to picture, seconds."""
        self._step, self._shift = step, 0.0
        self._last: float | None = None

    def __call__(self, seconds: float | None) -> float:
        """The picture's time; seconds: what the source says, None = nothing."""
        self._last = (seconds or 0.0) if self._last is None else self._next(seconds, self._last)
        return self._last

    def _next(self, seconds: float | None, last: float) -> float:
        if seconds is None:
            return last + self._step
        if seconds + self._shift < last - BACK:
            self._shift = last + self._step - seconds
        now = seconds + self._shift
        return now if now > last else last + self._step / 2


def ticks_of(times: np.ndarray, tick: Fraction = TICK) -> list[int]:
    """Of rising times in a file that counts ticks: from 0 on, each after the last."""
    ticks = np.rint((times - times[0]) / float(tick)).astype(int)
    order = np.arange(len(ticks))
    return (np.maximum.accumulate(ticks - order) + order).tolist()
