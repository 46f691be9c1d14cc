"""People followed while they are seen: each frame knows those before it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pstmo.errors import PstmoError
from pstmo.people import Detection
from pstmo.tracking.assignment import pairs
from pstmo.tracking.likeness import Shapes, likeness, similarity, sizes
from pstmo.tracking.state import State

PATIENCE, SHORT_PATIENCE = 1.0, 0.25
"""Seconds that somebody may be lost from view; the short one is for who was seen in less than SURE frames."""

SURE = 3

LEAST = 0.1
"""Likeness of a person and a detection; what is less alike is somebody else."""

SAME, CLOSE = 0.8, 0.05
"""Two detections are of one person when their joints are more similar than that, with this tolerance over size."""


class Tracker:
    """Tells people apart, frame by frame.

        tracker = Tracker()
        ids = tracker.update(detections, seconds)

    Ids count from 1. A person who was lost from view for more than a second gets a new one.
    """

    def __init__(self) -> None:
        self._people: dict[int, State] = {}
        self._count, self._last = 0, -np.inf

    def update(self, detections: Sequence[Detection], seconds: float | int) -> list[int | None]:
        """The id of each detection of a frame; None for one without joints and for a second one of the same person.

        seconds: of the frame, by any clock. Raises PstmoError when it is not after the last one.
        """
        if not seconds > self._last:
            raise PstmoError(f"found a frame at {seconds} s after one at {self._last} s; expected times that rise")
        passed, self._last = seconds - self._last, float(seconds)
        ids: list[int | None] = [None] * len(detections)
        kept = distinct(detections)
        seen = np.stack([points(detections[i]) for i in kept]) if kept else np.empty((0, 1, 2))
        self._forget(2.5 * passed)
        for place, person in zip(kept, self._people_of(seen), strict=True):
            ids[place] = person
        return ids

    def _forget(self, least: float) -> None:
        """Those who were lost for too long; at few frames a second everybody may be missed twice."""
        self._people = {
            person: state
            for person, state in self._people.items()
            if self._last - state.seconds <= max(PATIENCE if state.seen >= SURE else SHORT_PATIENCE, least)
        }

    def _people_of(self, seen: Float[np.ndarray, "people joints 2"]) -> list[int]:
        """Whom the frame shows; who was not known before is new, from left to right."""
        known = list(self._people)
        states = list(self._people.values())
        found: dict[int, int] = {}
        if known and len(seen):
            joints = np.stack([state.at(self._last) for state in states])
            age = np.array([self._last - state.seconds for state in states])
            alike = likeness(Shapes(joints, sizes(joints), age), Shapes.of(seen))
            for i, place in pairs((alike - LEAST).tolist()):
                found[place] = known[i]
                states[i].observe(seen[place], self._last, min(1.0, 2 * float(alike[i, place])))
        for place in sorted(set(range(len(seen))) - set(found), key=lambda place: np.fmin.reduce(seen[place]).tolist()):
            self._count += 1
            found[place] = self._count
            self._people[self._count] = State(seen[place], self._last)
        return [found[place] for place in range(len(seen))]


def points(detection: Detection) -> Float[np.ndarray, "joints 2"]:
    """The joints' places, NaN where not observed."""
    return np.where(detection.observed[:, None], detection.joints[:, :2], np.nan)


def distinct(detections: Sequence[Detection]) -> list[int]:
    """Places of the detections of a frame that show somebody, without those of somebody whom a surer one shows."""
    some = [i for i, detection in enumerate(detections) if detection.observed.any()]
    some.sort(key=lambda i: (detections[i].doubt(), *detections[i].box.tolist()))
    if len(some) < 2:
        return some
    joints = np.stack([points(detections[i]) for i in some])
    size = sizes(joints)
    same = similarity(joints, joints, CLOSE * np.maximum(size[:, None], size)) > SAME
    kept: list[int] = []
    for i in range(len(some)):
        if not same[i, kept].any():
            kept.append(i)
    return [some[i] for i in kept]
