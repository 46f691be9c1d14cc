"""People followed while they are seen: each frame knows those before it."""

from collections.abc import Sequence

import numpy as np

from pstmo.errors import PstmoError
from pstmo.people import Detection
from pstmo.tracking.assignment import pairs
from pstmo.tracking.likeness import Shapes, likeness, similarity
from pstmo.tracking.state import Crowd

PATIENCE, SHORT_PATIENCE = 1.0, 0.25
"""Seconds that somebody may be lost from view; the short one is for who was seen in less than SURE frames."""

SURE = 3

LEAST = 0.1
"""Likeness of a person and a detection; what is less alike is somebody else."""

SAME, CLOSE = 0.8, 0.05
"""Two detections are of one person when their joints are more similar than that, with this tolerance over size."""


NOBODY = 0
"""Stands for an id where there is none."""


class Tracker:
    """Tells people apart, frame by frame.

        tracker = Tracker()
        ids = tracker.update(detections, seconds)

    Ids count from 1. A person who was lost from view for more than a second gets a new one.
    """

    def __init__(self) -> None:
        self._crowd: Crowd | None = None
        self._count, self._last = 0, -np.inf

    def update(self, detections: Sequence[Detection], seconds: float | int) -> list[int | None]:
        """The id of each detection of a frame; None for one without joints and for a second one of the same person.

        seconds: of the frame, by any clock. Raises PstmoError when it is not after the last one, or when the number of
        joints changes.
        """
        joints = [points(detection.joints) for detection in detections]
        wanted = {len(one) for one in joints} | ({self._crowd.joints.shape[1]} if self._crowd else set())
        if len(wanted) > 1:
            raise PstmoError(f"found people of {' and '.join(map(str, sorted(wanted)))} joints, expected one number")
        sure = np.array([detection.sureness for detection in detections])
        ids = self.follow(np.stack(joints) if joints else np.empty((0, 1, 2)), sure, float(seconds))
        return [int(person) or None for person in ids]

    def follow(self, joints: np.ndarray, sure: np.ndarray, seconds: float) -> np.ndarray:
        """As `update`, of arrays: pixels, NaN = not observed, and how sure the detector is. NOBODY stands for None."""
        if not seconds > self._last:
            raise PstmoError(f"found a frame at {seconds} s after one at {self._last} s; expected times that rise")
        passed, self._last = seconds - self._last, seconds
        ids = np.full(len(joints), NOBODY)
        if self._crowd is None and len(joints):
            self._crowd = Crowd(joints.shape[1])
        if self._crowd is not None:
            self._forget(self._crowd, 2.5 * passed)
            shapes = Shapes.of(joints)
            kept = distinct(shapes, sure)
            ids[kept] = self._found(self._crowd, Shapes(*(part[kept] for part in shapes)))
        return ids

    def _forget(self, crowd: Crowd, least: float) -> None:
        """Those who were lost for too long; at few frames a second everybody may be missed twice."""
        patience = np.where(crowd.frames >= SURE, PATIENCE, SHORT_PATIENCE)
        lost = self._last - crowd.last > np.maximum(patience, least)
        if lost.any():
            crowd.keep(~lost)

    def _found(self, crowd: Crowd, seen: Shapes) -> np.ndarray:
        """Whom the frame shows; who was not known before is new, from left to right."""
        ids = np.full(len(seen.joints), NOBODY)
        if len(crowd.ids) and len(ids):
            alike = likeness(Shapes.of(crowd.at(self._last), self._last - crowd.last), seen)
            found = np.array(pairs((alike - LEAST).tolist()), int).reshape(-1, 2)
            rows, places = found[:, 0], found[:, 1]
            crowd.observe(rows, seen.joints[places], self._last, np.minimum(2 * alike[rows, places], 1))
            ids[places] = crowd.ids[rows]
        new = np.flatnonzero(ids == NOBODY)
        if len(new):
            new = new[np.lexsort(seen.boxes[new].T[::-1])]
            ids[new] = self._count + 1 + np.arange(len(new))
            self._count += len(new)
            crowd.add(ids[new], seen.joints[new], self._last)
        return ids


def points(joints: np.ndarray) -> np.ndarray:
    """The places of joints (x, y, confidence), NaN where not observed."""
    observed = (joints[..., 2] > 0) & ~np.isnan(joints).any(-1)
    return np.where(observed[..., None], joints[..., :2], np.nan)


def distinct(shapes: Shapes, sure: np.ndarray) -> list[int]:
    """Who of a frame shows anything, the surest first, without those whom a surer one shows as well."""
    keys = zip((-sure).tolist(), shapes.boxes.tolist(), range(len(sure)), strict=True)
    order = [place for _, box, place in sorted(keys) if box[0] == box[0]]
    if len(order) < 2:
        return order
    size = shapes.size
    same = similarity(shapes.joints, shapes.joints, CLOSE * np.maximum(size[:, None], size)) > SAME
    if np.count_nonzero(same) == len(order):
        return order
    kept: list[int] = []
    for place in order:
        if not same[place, kept].any():
            kept.append(place)
    return kept
