"""Who is to be drawn, when and where: several people on one floor and one clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pstmo.errors import PstmoError
from pstmo.motion import Motion
from pstmo.render.colours import Colours, colours_of
from pstmo.sequence import Keypoints
from pstmo.skeleton import Skeleton

LEAVE = 1.0
"""Seconds that somebody stays after being observed for the last time, and is there before the first."""

APART = 1.2
"""Metres between people who have no place in a world."""


class Actor(NamedTuple):
    """positions: (frames, joints, 3) metres, z up; NaN = nobody knows. sure: (frames, joints) bool; False where a place
    rests on those around it, in time or on the body. number: of the person."""

    positions: np.ndarray
    sure: np.ndarray
    skeleton: Skeleton
    keypoints: Keypoints | None
    number: int
    colours: Colours


@dataclass(frozen=True, eq=False)
class Scene:
    """times: (frames,) seconds, rising. pick: (frames,) where these frames are in the actors' arrays."""

    times: np.ndarray
    pick: np.ndarray
    actors: tuple[Actor, ...]

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Of the picture that keypoints lie in, None where nobody has any."""
        return next((actor.keypoints.image_size for actor in self.actors if actor.keypoints is not None), None)

    @property
    def floor(self) -> float:
        """Height of the floor that is drawn: 0, or below the feet where nobody knew how high the camera was."""
        heights = np.concatenate([actor.positions[actor.sure][:, 2] for actor in self.actors])
        return min(0.0, float(np.percentile(heights, 1))) if len(heights) else 0.0


def scene_of(people: Sequence[Motion], start: float | None = None, end: float | None = None) -> Scene:
    """start, end: seconds of the people's clock; None = from the first, to the last frame. Raises PstmoError where
    there are no people or no frames, or where clocks or pictures differ."""
    if not people:
        raise PstmoError("found nobody to draw, expected one motion or more")
    times = people[0].times
    for motion in people[1:]:
        _check_alike(people[0], motion)
    since, until = -np.inf if start is None else start, np.inf if end is None else end
    wanted = (times >= since) & (times < until)
    if not wanted.any():
        raise PstmoError(f"found no frame from {since:g} s to {until:g} s, expected a part of {_span(times)}")
    colours = colours_of(len(people))
    lost = [number for number, motion in enumerate(people) if motion.world is None]
    actors = []
    for number, (motion, own) in enumerate(zip(people, colours, strict=True)):
        aside = APART * (lost.index(number) - (len(lost) - 1) / 2) if number in lost else 0.0
        positions = motion.positions + np.array([aside, 0, 0], np.float32)
        positions[_away(motion)] = np.nan
        actors.append(Actor(positions, _sure(motion), motion.skeleton, motion.keypoints, motion.person, own))
    return Scene(times[wanted], np.flatnonzero(wanted), tuple(actors))


def _away(motion: Motion) -> np.ndarray:
    """(frames,) bool: more than LEAVE before somebody is first observed, or after the last time."""
    times = motion.times
    seen = times[motion.observed]
    return (times < seen[0] - LEAVE) | (times > seen[-1] + LEAVE) if len(seen) else np.zeros(len(times), bool)


def _check_alike(first: Motion, other: Motion) -> None:
    """Raises PstmoError when the two cannot be shown together."""
    if first.frames != other.frames or np.abs(first.times - other.times).max() > 0.5 / first.fps:
        raise PstmoError(
            f"found person {first.person} in {_span(first.times)} and person {other.person} in {_span(other.times)}, "
            "expected the same frames of both"
        )
    if first.keypoints and other.keypoints and first.keypoints.image_size != other.keypoints.image_size:
        raise PstmoError(
            f"found keypoints in pictures of {first.keypoints.image_size} and {other.keypoints.image_size} pixels, "
            "expected the same picture"
        )


def _sure(motion: Motion) -> np.ndarray:
    """(frames, joints) bool: of joints that were looked for whether they were seen, of others whether the pose was."""
    sure = motion.observed[:, None] & np.isfinite(motion.positions).all(-1)
    if motion.keypoints is not None:
        seen, names = motion.keypoints.observed, motion.keypoints.skeleton.joints
        for column, joint in enumerate(motion.skeleton.joints):
            if joint in names:
                sure[:, column] &= seen[:, names.index(joint)]
    return sure


def _span(times: np.ndarray) -> str:
    return f"{len(times)} frames from {times[0]:g} to {times[-1]:g} s"
