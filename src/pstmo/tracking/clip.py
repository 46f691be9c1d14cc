"""The people of a whole clip: followed, joined over long gaps, exchanged back where they were taken for another."""

from collections import defaultdict
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

    Left out are detections without joints, second ones of a person in a frame, and ghosts: what is seen in a handful
    of frames or with low scores. Tracks that the file gives stay as they are, and the others count on from them; one
    that stands twice in a frame tells nobody from anybody, and is not kept.
    """
    given = _given(people.detections)
    known = [detection for detection in people.detections if detection.track in given]
    others = [detection for detection in people.detections if detection.track not in given]
    found = _followed(replace(people, detections=others), max(given, default=0))
    ordered = sorted(known + found, key=lambda detection: (detection.frame, detection.track))
    return replace(people, detections=ordered)


def _given(detections: list[Detection]) -> set[int]:
    """The tracks of the file that are one detection a frame."""
    seen, twice = set(), set()
    for detection in detections:
        if detection.track is not None:
            place = (detection.frame, detection.track)
            (twice if place in seen else seen).add(place)
    return {track for _, track in seen} - {track for _, track in twice}


def seconds_of(people: People) -> np.ndarray:
    """When each frame is."""
    if people.timestamps is not None:
        return people.timestamps
    return np.arange(len(people.frames)) / (people.fps or USUAL_FPS)


def _followed(people: People, count: int) -> list[Detection]:
    """The detections of people, with tracks that count on from `count`."""
    shown = [detection for detection in people.detections if detection.observed.any()]
    shown.sort(key=lambda detection: (detection.frame, *detection.box.tolist()))
    if not shown:
        return []
    plain = _in_pixels(shown, people)
    seconds = seconds_of(people)[[detection.frame - people.frames.start for detection in shown]]
    clip = Clip(seconds, np.stack([points(detection) for detection in plain]))
    paths = exchanged(joined(_paths(plain, seconds), clip), clip)
    paths = sorted(_without_ghosts(paths, shown, people), key=lambda path: path[0])
    return [
        replace(shown[place], track=track) for track, path in enumerate(paths, start=count + 1) for place in path
    ]


def _in_pixels(detections: list[Detection], people: People) -> list[Detection]:
    """With the joints that have names, where any have; fractions of a picture of unknown size as if it were square."""
    used = len(people.layouts.get(people.joint_count, ())) or None
    scale = np.array([*(people.image_size or (1, 1)), 1]) if people.normalised else np.ones(3)
    return [replace(detection, joints=detection.joints[:used] * scale) for detection in detections]


def _paths(detections: list[Detection], seconds: np.ndarray) -> list[Path]:
    """Those whom the tracker tells apart."""
    tracker, places = Tracker(), defaultdict(list)
    for frame, group in groupby(range(len(detections)), key=lambda place: detections[place].frame):
        here = list(group)
        tracks = tracker.update([detections[place] for place in here], float(seconds[here[0]]))
        for place, track in zip(here, tracks, strict=True):
            places[track].append(place)
    return [np.array(path) for track, path in places.items() if track is not None]


def _without_ghosts(paths: list[Path], detections: list[Detection], people: People) -> list[Path]:
    sure = np.array([-detection.doubt() for detection in detections])
    usual, enough = max(float(np.median(sure)), 1e-9), min(HANDFUL, LEAST * len(people.frames))
    return [path for path in paths if np.minimum(sure[path] / usual, 1).sum() >= enough]
