"""2D detectors: from pictures to the keypoints of the people in them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from pstmo.detect.blazepose import BlazePose
from pstmo.detect.rtmpose import RTMPose
from pstmo.errors import PstmoError
from pstmo.frame import Frame
from pstmo.people import Detection
from pstmo.skeleton import Skeleton

DETECTORS = {"blazepose": BlazePose, "rtmpose": RTMPose}


@runtime_checkable
class Detector(Protocol):
    """Gives the people of each frame, frame by frame, in pixels of its picture. settings: what tells it from others of
    its name. every: frames whose number divides by it are those before which it can be stopped, and go on as if it had
    not been."""

    name: str
    settings: str
    every: int
    skeleton: Skeleton

    def __call__(self, frames: Iterable[Frame], known: Sequence[Detection] = ()) -> Iterator[list[Detection]]:
        """known: who was seen in the frame before the first, memory and all."""
        ...


def detector(
    name: str = "blazepose", weights: Path | None = None, person_weights: Path | None = None, people: int = 4
) -> Detector:
    """The detector of that name, for so many people at most in a picture.

    weights: its network for keypoints, person_weights: its network for people; None = its own. Raises PstmoError for
    unknown names, files that don't fit and libraries that are not installed.
    """
    if name not in DETECTORS:
        raise PstmoError(f"unknown detector {name!r}; available: {', '.join(DETECTORS)}")
    return DETECTORS[name](weights=weights, person_weights=person_weights, people=people)
