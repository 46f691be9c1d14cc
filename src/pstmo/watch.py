"""A detector at work on a video, from the first picture to the last, or from where it was stopped."""

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from pstmo.detect import Detector
from pstmo.files.detections import About, DetectionsFile
from pstmo.files.reader import read_people
from pstmo.frame import Frame
from pstmo.people import Detection, People
from pstmo.progress import progress
from pstmo.video import Video


def watch(video: Video, source: str, detector: Detector, path: Path) -> People:
    """Everybody in a video, picture by picture; what was seen is in the file at `path` at once, and stays there.

    source: what tells these pictures from others. A file that is there already, of the same pictures and detector, is
    gone on with. Raises PstmoError.
    """
    eyes = f"{detector.name} {detector.settings}"
    about = About(source, eyes, detector.skeleton.name, video.image_size, video.fps, video.focal)
    with DetectionsFile(path, about, detector.every) as file:
        if not file.finished:
            _look(video, detector, file, _last_in(path) if file.frames else [])
    return read_people(path, format="detections")


def _last_in(path: Path) -> list[Detection]:
    people = read_people(path, format="detections")
    return [person for person in people.detections if person.frame == people.frames[-1]]


def _look(video: Video, detector: Detector, file: DetectionsFile, known: list[Detection]) -> None:
    seconds: deque[float] = deque()  # of the pictures that the detector has taken

    def timed(frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            seconds.append(frame.seconds)
            yield frame

    left = None if video.frames is None else max(0, video.frames - file.frames)
    with closing(iter(video)) as frames:  # type: ignore[type-var]
        for people in progress(detector(timed(islice(frames, file.frames, None)), known), "looking for people", left):
            file.add(seconds.popleft(), people)
    file.finish(video.fps, video.problem)
