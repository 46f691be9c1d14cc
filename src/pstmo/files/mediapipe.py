"""MediaPipe's 33 pose landmarks as JSON, https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker.

MediaPipe itself writes no files, so this reads what people's scripts usually do: a list of frames, or {frames: [...],
image_size: [width, height] or width and height, fps}. A frame is a list of landmarks {x, y, visibility}, a list of such
lists (one a person), or a mapping with either as its `pose_landmarks`, `landmarks` or `landmark`; null or empty where
nobody was seen. x and y are fractions of the image's width and height.

Entry i is frame i, unless the frames say {frame: number}; then those not in the list are frames where nobody was seen,
counted from 0, or from 1 where the smallest number is 1. Where no frame has two people, MediaPipe followed one, whose
track is 1.
"""

from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import describe, image_size, number, span, triples, want
from pstmo.people import Detection, People
from pstmo.skeleton import MEDIAPIPE33

EXPECTED: str = "MediaPipe [[{x, y, visibility} * 33], ...], a list a frame, or {frames: that, image_size, fps}"

LAYOUTS = {33: MEDIAPIPE33.joints}

KEYS = ("pose_landmarks", "landmarks", "landmark")

FARTHEST = 100
"""Images away from the image that a landmark may be: values beyond are pixels, not fractions."""


def recognises(content: object) -> bool:
    frames = content.get("frames") if isinstance(content, dict) else content
    first = next(filter(None, frames), None) if isinstance(frames, list) else None
    if isinstance(first, dict):
        return any(key in first for key in KEYS)
    return isinstance(first, list) and isinstance(first[0], list | dict)


def read(content: object) -> People:
    about = content if isinstance(content, dict) else {"frames": content}
    frames = want(about.get("frames"), list, "frames")
    numbers = [_number(i, frame) for i, frame in enumerate(frames)]
    people = list(map(_people, frames))
    track = 1 if max(map(len, people), default=0) == 1 else None
    found = [
        Detection(place, _joints(person, f"frame {place}"), track=track)
        for place, here in zip(numbers, people, strict=True)
        for person in here
    ]
    fps = number(about["fps"], "'fps'") if about.get("fps") is not None else None
    return People(found, span(numbers, counted=True), LAYOUTS, image_size(about), fps, normalised=True)


def _number(place: int, frame: object) -> int:
    if isinstance(frame, dict) and "frame" in frame:
        return want(frame["frame"], int, f"'frame' of entry {place}")
    return place


def _people(frame: Any) -> list[Any]:
    """The landmark lists of one frame."""
    while isinstance(frame, dict):
        key = next((key for key in KEYS if key in frame), None)
        if key is None:
            raise FormatError(f"found {describe(frame)} for a frame, expected one of the keys {', '.join(KEYS)}")
        frame = frame[key]
    if not frame:
        return []
    several = isinstance(want(frame, list, "frame")[0], list)
    return frame if several else [frame]


def _joints(landmarks: object, what: str) -> np.ndarray:
    """(joints, 3): x, y and visibility, which is 1 where the file leaves it out."""
    marks = [want(mark, dict, f"a landmark of {what}") for mark in want(landmarks, list, what)]
    joints = triples([value for m in marks for value in (m.get("x"), m.get("y"), m.get("visibility", 1))], what)
    if (np.abs(joints) > FARTHEST).any():
        raise FormatError(f"{what}: found values above {FARTHEST}, expected fractions of the image's width and height")
    return joints
