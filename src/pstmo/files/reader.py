"""Reading a keypoint file of any known format."""

from pathlib import Path
from typing import Protocol

from pstmo.errors import FormatError
from pstmo.files import alphapose, coco, mediapipe, npz, openpose
from pstmo.files.content import describe, load, naming
from pstmo.people import People
from pstmo.persons import keypoints_of
from pstmo.sequence import Keypoints
from pstmo.skeleton import Skeleton


class Format(Protocol):
    """A format is a module with these."""

    EXPECTED: str

    def recognises(self, content: object) -> bool: ...

    def read(self, content: object) -> People: ...


FORMATS: dict[str, Format] = {
    "npz": npz,
    "coco": coco,
    "alphapose": alphapose,
    "openpose": openpose,
    "mediapipe": mediapipe,
}


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
    skeleton: which joints these are. They are picked by name where the file or its format names them; where it does
    not, or names others, the file must have as many as the skeleton.
    image_size (width, height) in pixels, fps: win over what the file says.
    person: the track to take; without it, the most prominent person, seen for long, large and in the middle. Where the
    file does not say who is who, people are told apart (`tracking`) and their tracks count in the order of appearance.

    Every error is a PstmoError that starts with the file's name: a FormatError for a file that is not what it should
    be, a SkeletonError for joints that do not fit, and a plain one for an image size or a frame rate that neither the
    file nor the caller gives, or for a person who is not there.
    """
    people = read_people(path, format=format)
    with naming(Path(path)):
        return keypoints_of(people, skeleton=skeleton, image_size=image_size, fps=fps, person=person)


def read_people(path: str | Path, *, format: str | None = None) -> People:
    """Everybody in a file, or in a folder with one JSON file a frame. Raises FormatError."""
    path = Path(path)
    with naming(path):
        content = load(path)
        return FORMATS[_format(content, format)].read(content)


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
