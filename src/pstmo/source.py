"""Whatever somebody has, a video or keypoints: from its name to the people in it."""

from contextlib import suppress
from pathlib import Path

from pstmo.detect import Detector
from pstmo.errors import PstmoError
from pstmo.files.atomic import make_folder
from pstmo.people import People
from pstmo.video import open_video
from pstmo.watch import watch

KEYPOINTS = (".csv", ".h5", ".hdf5", ".json", ".jsonl", ".npy", ".npz", ".tsv")
"""How files of keypoints end, and folders hold .json; everything else is for FFmpeg to open."""

SURE = 0.3
"""Confidence below which our detectors have not observed a joint: they give every joint a place, seen or not."""

DETECTIONS = "detections.jsonl"


def is_video(source: str) -> bool:
    path = Path(source)
    return not any(path.glob("*.json")) if path.is_dir() else path.suffix.lower() not in KEYPOINTS


def people_in_video(
    source: str,
    detector: Detector,
    out: Path,
    start: float | None = None,
    end: float | None = None,
    fps: float | None = None,
) -> tuple[People, str | None]:
    """Everybody in a video, and what is wrong with it. What was seen lies in `out`, whence a stopped run goes on.

    start, end: seconds. fps: of a folder of pictures. Raises PstmoError, also where nobody is seen.
    """
    video = open_video(source, start, end, fps)
    new = not out.exists()
    make_folder(out)
    try:
        people = watch(video, _told_by(source, start, end, fps), detector, out / DETECTIONS)
    finally:
        if new:
            with suppress(OSError):
                out.rmdir()  # if there is nothing in it
    if not people.detections:
        raise PstmoError(f"{source}: {detector.name} found nobody in any of {len(people.frames)} pictures")
    return people, video.problem


def confidence_of(source: str) -> float:
    """Below which joints don't count as observed: of what our detectors saw; of other files, none."""
    return SURE if is_video(source) or Path(source).name == DETECTIONS else 0.0


def _told_by(source: str, *settings: object) -> str:
    """What tells these pictures from others."""
    path = Path(source)
    files = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else []
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    size, newest = sum(fact[1] for fact in facts), max((fact[2] for fact in facts), default=0)
    return " ".join(map(str, [path.name, len(facts), size, newest, *settings]))
