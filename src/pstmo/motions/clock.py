"""Motion on the regular clock that some formats need: straight lines between frames."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pstmo.errors import PstmoError
from pstmo.files.clock import STRAYS
from pstmo.files.content import MOST_FRAMES
from pstmo.motion import Motion


class Track(NamedTuple):
    """Where the joints are, metres, axes of the world; NaN where nobody knows. observed: as `Motion.observed`."""

    positions: Float[np.ndarray, "frames joints 3"]
    observed: Bool[np.ndarray, " frames"]


def beats(people: Sequence[Motion]) -> Float[np.ndarray, " frames"]:
    """Seconds of a regular clock from the first frame of all to the last, at the highest frame rate among them.

    Raises PstmoError where that would be too many frames.
    """
    fps = max(motion.fps for motion in people)
    start, end = min(motion.times[0] for motion in people), max(motion.times[-1] for motion in people)
    count = (end - start) * fps + STRAYS
    if count >= MOST_FRAMES:
        raise PstmoError(f"found {end - start:.0f} s at {fps:g} frames/s, expected {MOST_FRAMES:,} frames at most")
    return start + np.arange(int(count) + 1) / fps


def on_clock(motion: Motion, times: Float[np.ndarray, " frames"]) -> Track:
    """At those times: straight lines between frames, NaN and not observed before the first and after the last.

    A clock that never strays from a regular one by more than `STRAYS` of a frame's duration counts as regular. Between
    frames, what both of them observed is observed.
    """
    count, slack = np.arange(motion.frames), STRAYS / motion.fps
    regular = motion.times[0] + count / motion.fps
    clock = regular if np.abs(motion.times - regular).max() <= slack else motion.times
    place = np.interp(times, clock, count.astype(float))
    nearest = np.rint(place)
    place = np.where(np.abs(place - nearest) < 1e-6, nearest, place)
    before, after = np.floor(place).astype(int), np.ceil(place).astype(int)
    share = (place - before)[:, None, None]
    positions = motion.positions.astype(np.float64)
    found = positions[before] + share * (positions[after] - positions[before])
    there = (times >= clock[0] - slack) & (times <= clock[-1] + slack)
    found[~there] = np.nan
    return Track(found, motion.observed[before] & motion.observed[after] & there)


def complete(positions: Float[np.ndarray, "frames joints 3"]) -> Float[np.ndarray, "frames joints 3"]:
    """The same without NaN: straight lines through gaps, standing still before and after what is known.

    Raises PstmoError for a joint that is nowhere in any frame.
    """
    known = np.asarray(np.isfinite(positions).all(-1))
    if known.all():
        return positions
    if not known.any(0).all():
        raise PstmoError("found a joint without a position in any frame, expected every joint in one at least")
    filled, frames = positions.copy(), np.arange(len(positions))
    for joint in np.flatnonzero(~known.all(0)):
        at = np.flatnonzero(known[:, joint])
        for axis in range(3):
            filled[:, joint, axis] = np.interp(frames, at, positions[at, joint, axis])
    return filled
