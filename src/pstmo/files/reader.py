"""Reading a keypoint file of any known format."""

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from pstmo.errors import FormatError
from pstmo.files import (
    alphapose,
    coco,
    csv_table,
    deeplabcut,
    detections,
    detectron2,
    mediapipe,
    mmpose,
    npz,
    openpose,
    sleap,
    videopose3d,
    vitpose,
)
from pstmo.files.content import describe, naming
from pstmo.files.loading import load
from pstmo.people import People
from pstmo.persons import counted, everyone, keypoints_of, one_of
from pstmo.sequence import Keypoints
from pstmo.skeleton import Skeleton


class Format(Protocol):
    """A format is a module with these."""

    EXPECTED: str

    def recognises(self, content: object) -> bool: ...

    def read(self, content: object) -> People: ...


FORMATS: dict[str, Format] = {
    "npz": npz,
    "detections": detections,
    "coco": coco,
    "mmpose": mmpose,
    "alphapose": alphapose,
    "openpose": openpose,
    "mediapipe": mediapipe,
    "vitpose": vitpose,
    "detectron2": detectron2,
    "videopose3d": videopose3d,
    "deeplabcut": deeplabcut,
    "sleap": sleap,
    "csv": csv_table,
}

_log = logging.getLogger("pstmo.files")


def read_keypoints(
    path: str | Path,
    *,
    format: str | None = None,
    skeleton: str | Skeleton | None = None,
    image_size: tuple[int, int] | None = None,
    fps: float | int | None = None,
    person: int | None = None,
) -> Keypoints:
    """Reads one person's keypoints from a file, or from a folder with one JSON file a frame.

    A frame of the file is a frame of the result; joints are NaN where the person was not seen.

    format: one of FORMATS; without it, the content decides.
    skeleton: which joints these are. They are picked by name where the file or its format names them; joints that a
    file with names lacks, half of them at most, are never observed. Without names the file must have as many as the
    skeleton.
    image_size (width, height) in pixels, fps: win over what the file says.
    person: the track to take; without it, the most prominent person, seen for long, large and in the middle. Where the
    file does not say who is who, people are told apart (`tracking`) and their tracks count in the order of appearance.

    What was read is logged in one line ("pstmo.files", INFO).

    Every error is a PstmoError that starts with the file's name: a FormatError for a file that is not what it should
    be, a SkeletonError for joints that do not fit, and a plain one for an image size or a frame rate that neither the
    file nor the caller gives, or for a person who is not there.
    """
    found = read_everyone(path, format=format, skeleton=skeleton, image_size=image_size, fps=fps)
    with naming(Path(path)):
        return one_of(found, person)


def read_everyone(
    path: str | Path,
    *,
    format: str | None = None,
    skeleton: str | Skeleton | None = None,
    image_size: tuple[int, int] | None = None,
    fps: float | int | None = None,
) -> dict[int, Keypoints]:
    """As `read_keypoints`: everybody's keypoints by track, the most prominent person first, each with all frames."""
    path = Path(path)
    with naming(path):
        known, people = _read(path, format)
        facts = {"skeleton": skeleton, "image_size": image_size, "fps": fps}
        _check_pixels(replace(people, image_size=image_size or people.image_size))
        found = everyone(people, **facts) or {1: keypoints_of(people, **facts)}  # who is there, but in no joint
    one = next(iter(found.values()))
    width, height = one.image_size
    _log.info(
        "%s: %s, %d x %d pixels, %.4g frames/s, %s, %d frames, %s",
        *(path, known, width, height, one.fps, one.skeleton.name, one.frames),
        counted(found),
    )
    return found


def _check_pixels(people: People) -> None:
    """Raises FormatError where places can only be fractions of a picture whose size is known."""
    if people.normalised or people.image_size is None or min(people.image_size) < 10:
        return
    farthest = max((np.abs(seen.joints[seen.observed, :2]).max(initial=0) for seen in people.detections), default=2.0)
    if 0 < farthest <= 1:
        width, height = people.image_size
        raise FormatError(
            f"all keypoints lie within one pixel of {width} x {height}: found fractions of the picture, expected pixels"
        )


def read_people(path: str | Path, *, format: str | None = None) -> People:
    """Everybody in a file, or in a folder with one JSON file a frame. Raises FormatError."""
    path = Path(path)
    with naming(path):
        return _read(path, format)[1]


def _read(path: Path, format: str | None) -> tuple[str, People]:
    """The format's name, and what the file says."""
    content = load(path)
    known = _format(content, format)
    people = FORMATS[known].read(content)
    return known, people if known == "detections" else _alone(people)


def _alone(people: People) -> People:
    """Where no frame has two people and nobody a track, whoever wrote the file followed one person: track 1."""
    frames = Counter(detection.frame for detection in people.detections)
    if any(detection.track is not None for detection in people.detections) or max(frames.values(), default=0) > 1:
        return people
    return replace(people, detections=[replace(detection, track=1) for detection in people.detections])


def _format(content: object, name: str | None) -> str:
    """That format, or the one that recognises the content. Raises FormatError."""
    if name is not None:
        if name not in FORMATS:
            raise FormatError(f"unknown format {name!r}; available: {', '.join(FORMATS)}")
        return name
    fits = [known for known in FORMATS if FORMATS[known].recognises(content)]
    if len(fits) != 1:
        problem = f"could be {' or '.join(fits)}: say which with --format" if fits else "no format that is known here"
        expected = "".join(f"\n  {known}: {FORMATS[known].EXPECTED}" for known in FORMATS)
        raise FormatError(f"found {describe(content)}: {problem}; expected one of:{expected}")
    return fits[0]
