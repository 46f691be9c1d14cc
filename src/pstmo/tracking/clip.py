"""The people of a whole clip: followed, joined over long gaps, exchanged back where they were taken for another."""

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import groupby

import numpy as np

from pstmo.people import Detection, People
from pstmo.tracking.live import Tracker, points
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
    strangers.sort(key=lambda detection: (detection.frame, *detection.box.tolist()))
    joints = len(people.layouts.get(people.joint_count, ())) or people.joint_count
    if strangers:
        known += _followed(strangers, people, joints, max(given, default=0))
    return replace(people, detections=sorted(known, key=lambda detection: (detection.frame, detection.track)))


def _given(detections: list[Detection]) -> set[int]:
    """The tracks of the file that are one detection a frame."""
    times = Counter((detection.track, detection.frame) for detection in detections if detection.track is not None)
    return {track for track, _ in times} - {track for (track, _), count in times.items() if count > 1}


def _seconds(people: People) -> np.ndarray:
    """When each frame is."""
    if people.timestamps is not None:
        return people.timestamps
    return np.arange(len(people.frames)) / (people.fps or USUAL_FPS)


def _followed(shown: list[Detection], people: People, joints: int, count: int) -> list[Detection]:
    """The detections of people, with tracks that count on from `count`.

    shown: in the order of frames. joints: how many have names, or all.
    """
    scale = np.array([*(people.image_size or (1, 1)), 1]) if people.normalised else np.ones(3)
    plain = [replace(detection, joints=detection.joints[:joints] * scale) for detection in shown]
    seconds = _seconds(people)[[detection.frame - people.frames.start for detection in shown]]
    clip = Clip(seconds, np.stack([points(detection) for detection in plain]))
    paths = exchanged(joined(_paths(plain, seconds), clip), clip)
    paths = sorted(_without_ghosts(paths, shown, len(people.frames)), key=lambda path: path[0])
    return [replace(shown[i], track=track) for track, path in enumerate(paths, start=count + 1) for i in path]


def _paths(detections: list[Detection], seconds: np.ndarray) -> list[Path]:
    """Those whom the tracker tells apart."""
    tracker, places = Tracker(), defaultdict(list)
    for _, group in groupby(range(len(detections)), key=lambda place: detections[place].frame):
        here = list(group)
        tracks = tracker.update([detections[place] for place in here], float(seconds[here[0]]))
        for place, track in zip(here, tracks, strict=True):
            places[track].append(place)
    return [np.array(path) for track, path in places.items() if track is not None]


def _without_ghosts(paths: list[Path], detections: list[Detection], frames: int) -> list[Path]:
    sure = np.array([-detection.doubt() for detection in detections])
    usual, enough = max(float(np.median(sure)), 1e-9), min(HANDFUL, LEAST * frames)
    return [path for path in paths if np.minimum(sure[path] / usual, 1).sum() >= enough] or paths
