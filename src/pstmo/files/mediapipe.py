"""MediaPipe's 33 pose landmarks as JSON, https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker.

MediaPipe itself writes no files, so this reads what people's scripts usually do: a list of frames, or {frames: [...],
image_size: [width, height] or width and height, fps}. A frame is a list of landmarks {x, y, visibility}, a list of such
lists (one a person), or a mapping with either as its `pose_landmarks`, `landmarks` or `landmark`; null or empty where
nobody was seen. x and y are fractions of the image's width and height.

Entry i is frame i, unless the frames say {frame: number}; then those not in the list are frames where nobody was seen,
counted from 0, or from 1 where the smallest number is 1. Frames may say {timestamp_ms: milliseconds}.
"""

from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.clock import clock
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
    while isinstance(first, list) and first:
        first = first[0]
    return isinstance(frames, list) and isinstance(first, dict) and "x" in first


def read(content: object) -> People:
    about = content if isinstance(content, dict) else {"frames": content}
    frames = want(about.get("frames"), list, "frames")
    numbers = [_number(i, frame) for i, frame in enumerate(frames)]
    found = [
        Detection(place, _joints(person, f"frame {place}"))
        for place, frame in zip(numbers, frames, strict=True)
        for person in _people(frame)
    ]
    whole = span(numbers, counted=True)
    fps, timestamps = clock(_times(numbers, frames), whole)
    if about.get("fps") is not None:
        fps = number(about["fps"], "'fps'")
    return People(found, whole, LAYOUTS, image_size(about), fps, normalised=True, timestamps=timestamps)


def _number(place: int, frame: object) -> int:
    if isinstance(frame, dict) and "frame" in frame:
        return want(frame["frame"], int, f"'frame' of entry {place}")
    return place


def _times(numbers: list[int], frames: list[Any]) -> dict[int, float]:
    """Seconds of the frames that tell their time."""
    said = {
        place: frame.get("timestamp_ms") for place, frame in zip(numbers, frames, strict=True) if type(frame) is dict
    }
    return {place: number(time, f"time of frame {place}") / 1000 for place, time in said.items() if time is not None}


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
