"""BlazePose (Bazarevsky et al., 2020, arXiv 2006.10204): MediaPipe's networks for people and their landmarks, without
MediaPipe: for several people, and offline.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pstmo.detect.landmarks import Body, Landmarker
from pstmo.detect.persons import PersonFinder
from pstmo.detect.picture import checked
from pstmo.detect.region import Region
from pstmo.detect.steady import SteadyRegion
from pstmo.errors import PstmoError
from pstmo.frame import Frame
from pstmo.people import Detection
from pstmo.skeleton import MEDIAPIPE33

MODELS = Path(__file__).parent / "models"

SURE = 0.5
"""Score of a body that is believed in."""

ROUND = 1.1
"""Radius of a person's region, in distances from the hips to the landmark that is farthest from them."""

EVERY = 10
"""Pictures from one look for more people to the next, unless somebody gets lost."""


class BlazePose:
    """weights: MediaPipe's network for landmarks, lite, full or heavy, person_weights: the one for people (.tflite);
    None = those that come with the package, full for landmarks.

    people: at most, in a picture. With one, it does what MediaPipe does, but for a second look at who is new. threads:
    of the processor, None = as many as help. Raises FormatError for other files, PstmoError where LiteRT is missing.
    """

    name = "blazepose"
    skeleton = MEDIAPIPE33

    def __init__(
        self,
        weights: Path | None = None,
        person_weights: Path | None = None,
        people: int = 4,
        threads: int | None = None,
    ):
        if people < 1:
            raise PstmoError(f"found {people} people at most, expected 1 or more")
        self._find = PersonFinder(person_weights or MODELS / "pose_detection.tflite", threads)
        self._landmarks = Landmarker(weights or MODELS / "pose_landmark_full.tflite", threads)
        self._people = people
        self.settings = f"{weights} {person_weights} {people}"

    def __call__(self, frames: Iterable[Frame], known: Sequence[Detection] = ()) -> Iterator[list[Detection]]:
        """The people in each picture, in the order of the pictures, each taken when it is needed."""
        for frame, bodies in self.bodies(frames, known):
            yield [Detection(frame.number, body.joints, body.score) for body in bodies]

    def bodies(self, frames: Iterable[Frame], seen: Sequence[Detection] = ()) -> Iterator[tuple[Frame, list[Body]]]:
        """The same with all that the network tells, such as the landmarks in space."""
        known = [SteadyRegion(about(person.joints[:, :2])) for person in seen]
        lost = False
        for count, frame in enumerate(frames):
            image, before = checked(frame), len(known)
            if before < self._people and (before == 0 or lost or count % EVERY == 0):
                known += self._new(image, known)
            bodies, followed = [], []
            for person in known:
                body = self._landmarks(image, person.region)
                if body.score >= SURE and not any(body.region.same(other.region) for other in bodies):
                    person.follow(body.region, frame.seconds)
                    bodies.append(body)
                    followed.append(person)
            known, lost = followed, len(followed) < before
            yield frame, bodies

    def _new(self, image: np.ndarray, known: list[SteadyRegion]) -> list[SteadyRegion]:
        """People who are not known yet. Their landmarks tell their regions better than the first network does."""
        regions = [region for region in self._find(image) if not any(region.same(other.region) for other in known)]
        found = [self._landmarks(image, region).region for region in regions[: self._people - len(known)]]
        return [SteadyRegion(region) for region in found]


def about(xy: np.ndarray) -> Region:
    """The region of a person whose landmarks (33, 2) are known."""
    hips, shoulders = (
        (xy[MEDIAPIPE33.index(f"left_{part}")] + xy[MEDIAPIPE33.index(f"right_{part}")]) / 2
        for part in ("hip", "shoulder")
    )
    up = (shoulders - hips) / max(float(np.linalg.norm(shoulders - hips)), 1e-6)
    return Region(hips, hips + ROUND * float(np.linalg.norm(xy - hips, axis=-1).max()) * up)
