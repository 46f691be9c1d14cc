"""The time of frames."""

from collections.abc import Mapping

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import number

STRAYS = 0.05
"""Of a frame's duration: a clock that never strays by more from a regular one is regular; milliseconds are rounded."""


def clock(times: Mapping[int, float], frames: range) -> tuple[float | None, np.ndarray | None]:
    """Frames per second, and (frames,) seconds where the clock is irregular, of frames of which some have times.

    times: seconds by number of the frame. Frames without are put between those that have one, or before and after them
    at the usual pace. Raises FormatError where time doesn't go forward.
    """
    if len(times) < 2:
        return None, None
    places = np.array(sorted(times))
    seconds = np.array([number(times[place], f"time of frame {place}") for place in places])
    if not (np.diff(seconds) > 0).all():
        place = int(np.argmin(np.diff(seconds)))
        found = f"{seconds[place]:g} s, then {seconds[place + 1]:g} s"
        raise FormatError(
            f"times of frames {places[place]} and {places[place + 1]}: found {found}, expected later ones"
        )
    steps = np.diff(seconds) / np.diff(places)
    mean, usual = (seconds[-1] - seconds[0]) / (places[-1] - places[0]), float(np.median(steps))
    regular = seconds[0] + mean * (places - places[0])
    if np.abs(seconds - regular).max() <= STRAYS * mean:
        return float(1 / mean), None
    wanted = np.arange(frames.start, frames.stop)
    outside = usual * (np.minimum(wanted - places[0], 0) + np.maximum(wanted - places[-1], 0))
    return 1 / usual, np.interp(wanted, places, seconds) + outside
