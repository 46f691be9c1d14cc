"""The people of a whole clip: followed, joined over long gaps, exchanged back where they were taken for another."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np

from pstmo.people import Detection, People
from pstmo.tracking.likeness import boxes
from pstmo.tracking.live import NOBODY, Tracker, points
from pstmo.tracking.pieces import Clip, Path
from pstmo.tracking.repair import exchanged, joined

USUAL_FPS = 30.0
"""Where neither a clock nor a rate is known."""

HANDFUL, LEAST = 5, 0.1
"""A person is seen in so many frames, or in that share of a short clip; frames of low score count less."""


def tracked(people: People) -> People:
    """The same people, each detection with its `track`: who it is, from 1, in the order of appearance.

    Left out are detections without joints, second ones of a person in a frame, and ghosts: who is seen in a handful of
    frames only, or with low scores; unless there is nobody else. Tracks that the file gives stay as they are, and the
    others count on from them. A track that stands twice in a frame says nothing and does not count as given.

    Raises FormatError when there are no detections, or of different numbers of joints.
    """
    shown = [detection for detection in people.detections if detection.observed.any()]
    given = _given(shown)
    known = [detection for detection in shown if detection.track in given]
    strangers = [detection for detection in shown if detection.track not in given]
    joints = len(people.layouts.get(people.joint_count, ())) or people.joint_count
    if strangers:
        known += _followed(strangers, people, joints, max(given, default=0))
    return replace(people, detections=sorted(known, key=lambda detection: (detection.frame, detection.track)))


def _given(detections: list[Detection]) -> set[int]:
    """The tracks of the file that are one detection a frame."""
    times = Counter((detection.track, detection.frame) for detection in detections if detection.track is not None)
    return {track for track, _ in times} - {track for (track, _), count in times.items() if count > 1}


def _clock(people: People) -> np.ndarray:
    """When each frame is."""
    if people.timestamps is not None:
        return people.timestamps
    return np.arange(len(people.frames)) / (people.fps or USUAL_FPS)


def _followed(shown: list[Detection], people: People, joints: int, count: int) -> list[Detection]:
    """The detections of people, with tracks that count on from `count`. joints: how many have names, or all."""
    frames = np.array([detection.frame for detection in shown]) - people.frames.start
    scale = np.array(people.image_size or (1, 1) if people.normalised else (1, 1))
    places = points(np.stack([detection.joints for detection in shown], dtype=float)[:, :joints]) * scale
    order = np.lexsort((*boxes(places).T[::-1], frames))
    sure = np.array([detection.sureness for detection in shown])
    clock = _clock(people)
    clip = Clip(clock[frames[order]], places[order], sure[order])
    paths = exchanged(joined(_paths(clip, clock), clip), clip)
    paths = sorted(_without_ghosts(paths, clip, len(people.frames)), key=lambda path: path[0])
    numbered = enumerate(paths, start=count + 1)
    return [replace(shown[order[place]], track=track) for track, path in numbered for place in path]


def _paths(clip: Clip, clock: np.ndarray) -> list[Path]:
    """Those whom the tracker tells apart. clock: when each frame is, also those in which nobody is seen."""
    tracker, tracks = Tracker(), np.empty(len(clip.seconds), int)
    edges = np.append(np.searchsorted(clip.seconds, clock), len(clip.seconds)).tolist()
    for seconds, (start, end) in zip(clock.tolist(), pairwise(edges), strict=True):
        tracks[start:end] = tracker.follow(clip.joints[start:end], clip.sure[start:end], seconds)
    order = np.argsort(tracks, kind="stable")
    paths = np.split(order, np.flatnonzero(np.diff(tracks[order])) + 1)
    return [path for path in paths if tracks[path[0]] != NOBODY]


def _without_ghosts(paths: list[Path], clip: Clip, frames: int) -> list[Path]:
    usual, enough = max(float(np.median(clip.sure)), 1e-9), min(HANDFUL, LEAST * frames)
    return [path for path in paths if np.minimum(clip.sure[path] / usual, 1).sum() >= enough] or paths
