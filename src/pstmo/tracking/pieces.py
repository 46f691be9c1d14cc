"""Pieces of paths, and whether one goes on as another."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pstmo.tracking.likeness import Shapes, likeness, sizes
from pstmo.tracking.state import State

Path = Int[np.ndarray, " seen"]
"""Places in a clip of one person's detections, in the order of time."""

WINDOW = 1.0
"""Seconds of a path's end that tell how it goes on and whose it is."""

GROWTH, SIZE, BUILD = 0.2, 0.15, 0.1
"""Tolerances, as logarithms: of size, a second and at once, and of proportions, which change with the view."""


MOST = 25
"""Frames from which somebody's proportions are taken."""


class Clip(NamedTuple):
    """All detections: when, and where the joints are; NaN = not observed."""

    seconds: Float[np.ndarray, " seen"]
    joints: Float[np.ndarray, "seen joints 2"]

    def end(self, path: Path) -> "End":
        """The last second, as it goes on."""
        seconds = self.seconds[path]
        last = path[seconds > seconds[-1] - WINDOW]
        return End.of(self.seconds[last], self.joints[last])

    def start(self, path: Path) -> "End":
        """The first second, as it came: backwards, by a clock that runs backwards."""
        seconds = self.seconds[path]
        first = path[seconds < seconds[0] + WINDOW][::-1]
        return End.of(-self.seconds[first], self.joints[first])


class End(NamedTuple):
    """state: of the person at the end. build: (joints, joints), logarithms of the distances between joints."""

    state: State
    build: Float[np.ndarray, "joints joints"]

    @classmethod
    def of(cls, seconds: Float[np.ndarray, " seen"], joints: Float[np.ndarray, "seen joints 2"]) -> "End":
        state = State(joints[0], float(seconds[0]))
        for place in range(1, len(seconds)):
            state.observe(joints[place], float(seconds[place]), 1.0)
        return cls(state, _build(joints[-MOST:]))


def continues(before: End, after: End) -> float:
    """How likely the person of one end, then lost from view, is the one of the other: 0 to 1."""
    gap = -after.state.seconds - before.state.seconds
    motion = (_expected(before.state, after.state, gap) + _expected(after.state, before.state, gap)) / 2
    return motion * alike(before, after, gap)


def _expected(one: State, other: State, gap: float) -> float:
    joints = one.at(one.seconds + gap)[None]
    return float(likeness(Shapes(joints, sizes(joints), np.array([gap])), Shapes.of(other.joints[None]))[0, 0])


def alike(before: End, after: End, gap: float) -> float:
    """By size and proportions alone."""
    differences = before.build - after.build
    differences = np.sort(differences[~np.isnan(differences)])
    if len(differences) == 0:
        return 1.0
    size = differences[len(differences) // 2]
    build = np.sort(np.abs(differences - size))[len(differences) // 2]
    return float(np.exp(-0.5 * ((size / (SIZE + GROWTH * gap)) ** 2 + (build / BUILD) ** 2)))


def _build(joints: Float[np.ndarray, "seen joints 2"]) -> Float[np.ndarray, "joints joints"]:
    """What the distances were in three of four frames at most; NaN on and below the diagonal and where never seen."""
    distances = np.sort(np.linalg.norm(joints[:, :, None] - joints[:, None], axis=-1), axis=0)
    known = (~np.isnan(distances)).sum(0)
    chosen = np.take_along_axis(distances, (np.maximum(known - 1, 0) * 3 // 4)[None], 0)[0]
    lower = np.tri(joints.shape[1], dtype=bool)
    return np.log(np.where(lower | (chosen <= 0), np.nan, chosen))
