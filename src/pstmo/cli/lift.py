"""`pstmo lift`: a video, or keypoints of people, to 3D motion."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from tyro.conf import Positional, arg

from pstmo.cli.app import Format, Out, Way, Weights, app, logged
from pstmo.errors import PstmoError

if TYPE_CHECKING:
    from pstmo.lift import Lifter
    from pstmo.sequence import Keypoints, Poses
    from pstmo.world import World


@dataclass(frozen=True)
class Looking:
    """Of a video: what looks at it, and at which part."""

    detector: Literal["blazepose", "rtmpose"] = "blazepose"
    """What finds people in pictures: blazepose comes with the package, rtmpose is loaded once (pstmo[rtmlib])."""
    detector_weights: Path | None = None
    """Its network for keypoints, where it is not to be its own."""
    person_weights: Path | None = None
    """Its network that finds people, where it is not to be its own."""
    people: int = 4
    """People in a picture that are looked for, at most."""
    start: float | None = None
    """Seconds from the first picture on, where to begin."""
    end: float | None = None
    """Seconds from the first picture on, where to stop."""


@dataclass(frozen=True)
class Reading:
    """What a source does not say of its keypoints, and whose they are."""

    format: Format | None = None
    """Format of a file of keypoints; without it the content decides."""
    skeleton: str | None = None
    """Layout of the joints, such as coco17, where the file does not say."""
    image_size: tuple[int, int] | None = None
    """Width and height of the picture in pixels, where the file does not say."""
    fps: float | None = None
    """Frames per second, where the source does not say."""
    fov: float | None = None
    """How much the picture shows from its left to its right edge, in degrees; without it what the camera wrote into the
    video, or a usual lens."""
    confidence: float | None = None
    """Joints with less count as not seen. None = 0.3 for videos, 0 for files of keypoints."""
    person: int | None = None
    """Number of the person to lift; without it the most prominent one: seen for long, large, in the middle."""
    all: bool = False
    """Lift everybody: motion-1.npz, motion-2.npz ..., by number."""


@dataclass(frozen=True)
class Lifting:
    """How poses are made."""

    weights: Weights = None
    """Weights that come with the package, by name, or a checkpoint. None = the package's default."""
    mode: Way = "auto"
    """exact = every frame from a window around it; fast = some exactly, a curve through them; sequence = whole windows
    at once; live = as a stream; auto = fast, or sequence where that would take more than half a minute."""
    mirror: bool = True
    """Average with the mirrored input: a little more exact, half as fast."""
    every: int | None = None
    """Of fast: frames from one exact pose to the next. None = 10 poses a second."""
    overlap: float = 0.5
    """Of sequence: the share of a window that the next one sees again."""
    lag: int = 0
    """Of live: frames that are seen after each."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16 = products in bfloat16: quicker where processor or GPU can, about a millimetre off."""
    device: str = "cpu"
    """Where to compute, such as cuda."""
    draw: bool = True
    """Draw joints that were not seen from those around them; else they lie on straight lines."""
    smooth: float = 5.0
    """Hz above which motion is taken out of the poses, without delay; 0 = nothing. Not of live."""


@dataclass(frozen=True)
class Space:
    """How the motion is put into a world."""

    height: float | None = None
    """Of the person, in metres: the motion is scaled to it. None = as tall as the model makes people."""
    travel: bool = True
    """Find the way through the room; else only the body moves."""
    upright: bool = True
    """Find where up is; else the camera counts as level."""
    floor: bool = True
    """Put the floor below the feet; else 0 is the height of the camera."""


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


@app.command
def lift(
    source: Positional[str],
    out: Out,
    looking: Annotated[Looking, arg(name="")] = Looking(),
    reading: Annotated[Reading, arg(name="")] = Reading(),
    lifting: Annotated[Lifting, arg(name="")] = Lifting(),
    space: Annotated[Space, arg(name="")] = Space(),
) -> None:
    """Lift a video, or 2D keypoints, to 3D motion: OUT/motion.npz and OUT/view.html.

    Args:
        source: A video, a folder of pictures (with --fps), an address, "-" for a video on standard input; or a file of
            keypoints of any usual detector (docs/formats.md lists them), or OpenPose's folder.
        out: Folder for the results; made if it is not there. A run on a video that was stopped goes on from what is
            in OUT/detections.jsonl.
    """
    clock = Clock()
    if out.exists() and not out.is_dir():
        raise PstmoError(f"{out} is a file, expected a folder for the results")
    from pstmo.source import is_video

    found, told = (_seen if is_video(source) else _read)(source, out, looking, reading, clock)
    with clock("loading"):
        from pstmo import checkpoint
        from pstmo.lift import load

        lifter = load(lifting.weights or checkpoint.DEFAULT, lifting.device, lifting.precision, lifting.draw)
    first = None
    for number, keypoints in found.items():
        name, who = (f"motion-{number}.npz", f"person {number}: ") if reading.all else ("motion.npz", "")
        with clock("lifting"):
            seen, poses = _lifted(lifter, keypoints, lifting)
        with clock("the world"):
            world = _world(poses, seen, space)
        with clock("writing"):
            told.append(_written(out / name, poses, seen, world))
        told += [f"{who}no world: {world}"] if isinstance(world, str) else []
        told += [who + line for line in _doubts(lifter, poses, seen)]
        first = first or (seen, poses)
    with clock("writing"):
        from pstmo.view.page import write_page

        assert first is not None
        write_page(out / "view.html", *first, title=Path(source).stem)
    print(*told, f"{out / 'view.html'}: the motion to look at, in any browser", clock, sep="\n")


class Found(NamedTuple):
    """Keypoints of everybody who is to be lifted, by number, and what to say of them."""

    keypoints: "dict[int, Keypoints]"
    told: list[str]


def _seen(source: str, out: Path, looking: Looking, reading: Reading, clock: Clock) -> Found:
    """Of a video."""
    with clock("looking for people"):
        from pstmo.detect import detector
        from pstmo.files.atomic import make_folder
        from pstmo.source import confidence_of, people_in_video

        eyes = detector(looking.detector, looking.detector_weights, looking.person_weights, looking.people)
        make_folder(out)
        people, problem = people_in_video(source, eyes, out, looking.start, looking.end, reading.fps)
    with clock("keeping them apart"):
        from pstmo.persons import everyone

        found = everyone(people)
    count = "1 person" if len(found) == 1 else f"{len(found)} people ({', '.join(map(str, sorted(found)))})"
    width, height = people.image_size or (0, 0)
    told = [
        f"{source}: {width} x {height} pixels, {people.fps:.4g} frames/s, {len(people.frames)} frames, "
        f"{count}, seen by {eyes.name}"
    ]
    if problem:
        told.append(f"{source} is damaged: {problem}")
    return Found(_chosen(found, reading, confidence_of(source)), told)


def _read(source: str, out: Path, looking: Looking, reading: Reading, clock: Clock) -> Found:
    """Of a file of keypoints."""
    with clock("reading"), logged("pstmo.files") as told:
        from pstmo.files import read_everyone
        from pstmo.source import confidence_of

        facts = {"skeleton": reading.skeleton, "image_size": reading.image_size, "fps": reading.fps}
        found = read_everyone(source, format=reading.format, **facts)
    return Found(_chosen(found, reading, confidence_of(source)), told)


def _chosen(found: "dict[int, Keypoints]", reading: Reading, usual: float) -> "dict[int, Keypoints]":
    """Who is to be lifted, as far as trusted."""
    if reading.person is not None and reading.person not in found:
        raise PstmoError(f"found no person {reading.person}; persons in it: {', '.join(map(str, sorted(found)))}")
    if not reading.all:
        number = next(iter(found)) if reading.person is None else reading.person
        found = {number: found[number]}
    trust = usual if reading.confidence is None else reading.confidence
    found = {number: keypoints.trusted(trust) for number, keypoints in found.items()}
    return found if reading.fov is None else {n: seen.with_view(reading.fov) for n, seen in found.items()}


def _lifted(lifter: "Lifter", keypoints: "Keypoints", how: Lifting) -> "tuple[Keypoints, Poses]":
    """With gaps drawn, and smoothed."""
    from pstmo.smooth import zero_phase

    seen = keypoints if how.mode == "live" else lifter.filled(keypoints)
    poses = lifter.lift(seen, mode=how.mode, mirror=how.mirror, every=how.every, overlap=how.overlap, lag=how.lag)
    if how.mode == "live" or how.smooth == 0:
        return seen, poses
    smoothed = zero_phase(poses.positions, seen.times, how.smooth)
    return seen, replace(poses, positions=smoothed, smoothing=how.smooth)


def _world(poses: "Poses", seen: "Keypoints", space: Space) -> "World | str":
    """Or why there is none: then the poses by the camera are what there is."""
    from pstmo.world import in_world

    try:
        return in_world(poses, seen, height=space.height, travel=space.travel, upright=space.upright, floor=space.floor)
    except PstmoError as error:
        return str(error)


def _written(path: Path, poses: "Poses", seen: "Keypoints", world: "World | str") -> str:
    from pstmo.files import write_motion
    from pstmo.files.atomic import make_folder

    make_folder(path.parent)
    write_motion(path, poses, seen, None if isinstance(world, str) else world.arrays)
    space = "camera axes" + ("" if isinstance(world, str) else " and a world")
    made = f"{poses.model}, {poses.mode}" + (f", smoothed at {poses.smoothing:g} Hz" if poses.smoothing else "")
    return f"{path}: {poses.frames} frames of {poses.skeleton.name}, metres, {space}; {made}"


def _doubts(lifter: "Lifter", poses: "Poses", seen: "Keypoints") -> Iterator[str]:
    """What one should know of it."""
    unseen = poses.frames - int(poses.observed.sum())
    if unseen:
        yield f"nobody was seen in {unseen} of {poses.frames} frames; their poses rest on the frames around them"
    for joint, column in zip(seen.skeleton.joints, seen.observed.T, strict=True):
        if joint in lifter.checkpoint.keypoints.joints and not column.any():
            yield f"{joint} was never seen; what depends on it is a guess"
    if seen.fps < 0.55 * lifter.checkpoint.rate:
        yield f"{seen.fps:g} frames/s is slower than anything that {poses.model} was trained on: expect larger errors"
