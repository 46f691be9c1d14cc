"""The whole way, from a video or a file of keypoints to the motion of the people in it."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pstmo import checkpoint
from pstmo.detect import detector
from pstmo.errors import PstmoError
from pstmo.files import read_everyone
from pstmo.fit import fitted, told
from pstmo.lift import How, Lifter, load
from pstmo.motion import Motion
from pstmo.options import Lifting, Looking, Options, Space, not_of
from pstmo.persons import counted, everyone, one_of
from pstmo.sequence import Keypoints, Poses
from pstmo.sides import put_back
from pstmo.smooth import zero_phase
from pstmo.source import confidence_of, is_video, people_in_video
from pstmo.world import Placed, in_one_world, placed, scale_to

_log = logging.getLogger("pstmo.pipeline")


@dataclass
class Clock:
    """Seconds by stage."""

    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.stages[stage] = self.stages.get(stage, 0.0) + time.perf_counter() - started

    def __str__(self) -> str:
        parts = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in self.stages.items())
        return f"seconds: {parts}; {sum(self.stages.values()):.1f} in all"


def keypoints_in(source: str, out: Path, options: Options, clock: Clock) -> dict[int, Keypoints]:
    """Of those who are to be lifted, by number, the most prominent first.

    source: a video, or a file of keypoints. out: folder where what was seen in a video is written, whence a stopped run
    goes on. Logs what was found ("pstmo.pipeline", INFO). Raises PstmoError.
    """
    reading, choosing = options.reading, options.choosing
    if choosing.all and choosing.person is not None:
        raise PstmoError(f"found --all and --person {choosing.person}, expected one of them")
    if choosing.confidence is not None and not 0 <= choosing.confidence <= 1:
        raise PstmoError(f"found a confidence of {choosing.confidence:g}, expected 0 to 1")
    if options.lifting.smooth < 0:
        raise PstmoError(f"found --smooth {options.lifting.smooth:g}, expected Hz from 0 on; 0 = nothing is smoothed")
    if is_video(source):
        not_of(source, "a video", reading)
        found = _seen(source, out, options.looking, choosing.fps, clock)
    else:
        not_of(source, "a file of keypoints", options.looking)
        with clock("reading"):
            known = {"skeleton": reading.skeleton, "image_size": reading.image_size, "fps": choosing.fps}
            found = read_everyone(source, format=reading.format, **known)
    if not choosing.all:
        number = next(iter(found)) if choosing.person is None else choosing.person
        found = {number: one_of(found, number)}
    if choosing.sides:
        found = {number: _put_back(number, keypoints, len(found)) for number, keypoints in found.items()}
    trust = confidence_of(source) if choosing.confidence is None else choosing.confidence
    found = {number: keypoints.trusted(trust) for number, keypoints in found.items()}
    return found if choosing.fov is None else {n: seen.with_view(choosing.fov) for n, seen in found.items()}


def _put_back(person: int, keypoints: Keypoints, people: int) -> Keypoints:
    repaired = put_back(keypoints)
    if repaired.frames.any():
        count, frames = int(repaired.frames.sum()), keypoints.frames
        _log.info(
            "%sleft and right were exchanged in %d of %d frames, and are back", _whose(person, people), count, frames
        )
    return repaired.keypoints


def _seen(source: str, out: Path, looking: Looking, fps: float | None, clock: Clock) -> dict[int, Keypoints]:
    with clock("looking for people"):
        eyes = detector(looking.detector, looking.detector_weights, looking.person_weights, looking.people)
        people, problem = people_in_video(source, eyes, out, looking.start, looking.end, fps)
    with clock("keeping them apart"):
        found = everyone(people)
    width, height = people.image_size or (0, 0)
    _log.info(
        "%s: %d x %d pixels, %.4g frames/s, %d frames, %s, seen by %s",
        *(source, width, height, people.fps, len(people.frames), counted(found), eyes.name),
    )
    if problem:
        _log.info("%s is damaged: %s", source, problem)
    return found


def lifter(lifting: Lifting) -> Lifter:
    """Raises PstmoError."""
    return load(lifting.weights or checkpoint.DEFAULT, lifting.device, lifting.precision, lifting.draw)


def motions(people: dict[int, Keypoints], lifter: Lifter, options: Options, clock: Clock) -> list[Motion]:
    """Of those people: gaps drawn, lifted, smoothed, put into one world and, on request, cleaned up. Logs what one
    should know of them ("pstmo.pipeline", INFO), such as why somebody has no place in the world. Raises PstmoError."""
    with clock("lifting"):
        found = lifted([people], lifter, options.lifting)[0]
    return finished(found, lifter, options, clock)


def lifted(clips: Sequence[dict[int, Keypoints]], lifter: Lifter, how: Lifting) -> list[list[Motion]]:
    """The people of several clips, in common batches, without a world yet. Raises PstmoError when there is something
    wrong with any."""
    people = [keypoints for clip in clips for keypoints in clip.values()]
    seen = people if how.mode == "live" else [lifter.filled(keypoints) for keypoints in people]
    ways = How(mode=how.mode, mirror=how.mirror, every=how.every, overlap=how.overlap, lag=how.lag)
    found = iter(zip(seen, lifter.lift_all(seen, ways), strict=True))
    return [[_smoothed(person, *next(found), how) for person in clip] for clip in clips]


def finished(found: list[Motion], lifter: Lifter, options: Options, clock: Clock) -> list[Motion]:
    """What `motions` does with people of one clip once they are lifted."""
    with clock("the world"):
        found = _together(found, options.space)
    if options.space.fit_skeleton:
        with clock("fitting the skeleton"):
            found = [fitted(motion) for motion in found]
    for motion in found:
        for doubt in _doubts(motion, lifter):
            _log.info("%s%s", _whose(motion.person, len(found)), doubt)
    return found


def file_of(motion: Motion, options: Options) -> str:
    """What the file of a motion is called in the folder of results."""
    return f"motion-{motion.person}.npz" if options.choosing.all else "motion.npz"


def _smoothed(person: int, seen: Keypoints, poses: Poses, how: Lifting) -> Motion:
    if how.mode != "live" and how.smooth != 0:
        positions = zero_phase(poses.positions, seen.times, how.smooth)
        poses = replace(poses, positions=positions, smoothing=how.smooth)
    return Motion(poses, seen, person=person)


def _together(people: list[Motion], space: Space) -> list[Motion]:
    """Each with a world, where there is one."""
    scale = None if space.height is None else scale_to(space.height, people[0].poses)
    there: dict[int, Placed] = {}
    for motion in people:
        assert motion.keypoints is not None
        try:
            there[motion.person] = placed(motion.poses, motion.keypoints, scale, space.travel)
        except PstmoError as error:
            _log.info("%sno world: %s", _whose(motion.person, len(people)), error)
    if not there:
        return people
    worlds = in_one_world(list(there.values()), upright=space.upright, floor=space.floor)
    world = dict(zip(there, worlds, strict=True))
    return [replace(motion, world=world.get(motion.person)) for motion in people]


def _whose(person: int, people: int) -> str:
    """How a line about one of so many begins."""
    return f"person {person}: " if people > 1 else ""


def _doubts(motion: Motion, lifter: Lifter) -> Iterator[str]:
    poses, seen = motion.poses, motion.keypoints
    assert seen is not None
    if motion.fit is not None:
        yield told(motion.fit)
    unseen = poses.frames - int(poses.observed.sum())
    if unseen:
        yield f"nobody was seen in {unseen} of {poses.frames} frames; their poses rest on the frames around them"
    for joint, column in zip(seen.skeleton.joints, seen.observed.T, strict=True):
        if joint in lifter.checkpoint.keypoints.joints and not np.any(column):
            yield f"{joint} was never seen; what depends on it is a guess"
    if seen.fps < 0.55 * lifter.checkpoint.rate:
        yield f"{seen.fps:g} frames/s is slower than anything that {poses.model} was trained on: expect larger errors"
