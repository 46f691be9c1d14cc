"""BlazePose (Bazarevsky et al., 2020, arXiv 2006.10204): MediaPipe's networks for people and their landmarks, without
MediaPipe: for several people, and offline.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pstmo.detect.landmarks import Body, Landmarker
from pstmo.detect.persons import PersonFinder
from pstmo.detect.picture import checked
from pstmo.detect.steady import SteadyRegion
from pstmo.errors import PstmoError
from pstmo.frame import Frame
from pstmo.people import Detection
from pstmo.skeleton import MEDIAPIPE33

MODELS = Path(__file__).parent / "models"

SURE = 0.5
"""Score of a body that is believed in."""

EVERY = 10
"""Pictures from one look for more people to the next, unless somebody gets lost."""


class BlazePose:
    """weights: MediaPipe's network for landmarks, lite, full or heavy, person_weights: the one for people (.tflite);
    None = those that come with the package, full for landmarks.

    people: at most, in a picture. With one, it does what MediaPipe does, but for a second look at who is new. threads:
    of the processor, None = as many as help. Raises FormatError for other files, PstmoError where LiteRT is missing.
    """

    name = "blazepose"
    every = EVERY
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
        people = [SteadyRegion.of(person.memory) for person in known]
        for frame, bodies in self.bodies(frames, people):
            last = (frame.number + 1) % EVERY == 0
            yield [
                Detection(frame.number, body.joints, body.score, memory=person.memory if last else ())
                for body, person in zip(bodies, people, strict=True)
            ]

    def bodies(
        self, frames: Iterable[Frame], known: list[SteadyRegion] | None = None
    ) -> Iterator[tuple[Frame, list[Body]]]:
        """The same with all that the network tells, such as the landmarks in space. known: who is followed, before the
        first picture and then after each."""
        known = [] if known is None else known
        lost = False
        for frame in frames:
            image, before = checked(frame), len(known)
            if before < self._people and (before == 0 or lost or frame.number % EVERY == 0):
                known += self._new(image, known)
            bodies, followed = [], []
            for person in known:
                body = self._landmarks(image, person.region)
                if body.score >= SURE and not any(body.region.same(other.region) for other in bodies):
                    person.follow(body.region, frame.seconds)
                    bodies.append(body)
                    followed.append(person)
            known[:], lost = followed, len(followed) < before
            yield frame, bodies

    def _new(self, image: np.ndarray, known: list[SteadyRegion]) -> list[SteadyRegion]:
        """People who are not known yet. Their landmarks tell their regions better than the first network does."""
        regions = [region for region in self._find(image) if not any(region.same(other.region) for other in known)]
        found = [self._landmarks(image, region).region for region in regions[: self._people - len(known)]]
        return [SteadyRegion(region) for region in found]
