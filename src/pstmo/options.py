"""Settings of the whole way from a video to motion; docstrings are what the command line says of them."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from pstmo.errors import PstmoError

Way = Literal["auto", "exact", "fast", "sequence", "live"]
Format = Literal[
    "npz", "detections", "coco", "mmpose", "alphapose", "openpose", "mediapipe", "vitpose", "detectron2",
    "videopose3d", "deeplabcut", "sleap", "csv",
]  # fmt: skip
View = Literal["turning", "front", "side"]
Weights = Annotated[str | None, arg(aliases=["-w"], metavar="NAME|FILE")]


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
    """What a file of keypoints does not say of itself."""

    format: Format | None = None
    """Format of a file of keypoints; without it the content decides."""
    skeleton: str | None = None
    """Layout of the joints, such as coco17, where the file does not say."""
    image_size: tuple[int, int] | None = None
    """Width and height of the picture in pixels, where the file does not say."""


@dataclass(frozen=True)
class Choosing:
    """Who is lifted, and what a source does not say of its camera."""

    person: int | None = None
    """Number of the person to lift; without it the most prominent one: seen for long, large, in the middle."""
    all: bool = False
    """Lift everybody: motion-1.npz, motion-2.npz ..., by number."""
    confidence: float | None = None
    """Joints with less count as not seen. None = 0.3 for videos, 0 for files of keypoints."""
    sides: bool = True
    """Put left and right back where a detector took one for the other for some frames."""
    fps: float | None = None
    """Frames per second: of pictures in a folder, and of keypoints whose file does not say."""
    fov: float | None = None
    """How much the picture shows from its left to its right edge, in degrees; without it what the camera wrote into the
    video, or a usual lens."""


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
    """Of the person, metres: the motion is scaled to it, with --all that of the most prominent one and the others' as
    much. None = as tall as the model makes people."""
    travel: bool = True
    """Find the way through the room; else only the body moves."""
    upright: bool = True
    """Find where up is; else the camera counts as level."""
    floor: bool = True
    """Put the floor below the feet; else 0 is the height of the camera."""
    fit_skeleton: bool = False
    """Clean up: bones of constant length, joints within their limits, feet that rest without sliding."""


@dataclass(frozen=True)
class Rendering:
    """How films and pictures of motion look."""

    start: float | None = None
    """Seconds of the motion's clock, where to begin."""
    end: float | None = None
    """Seconds of the motion's clock, where to stop."""
    size: tuple[int, int] | None = None
    """Width and height in pixels, of a contact sheet those of each moment. None = as the picture suggests, within
    1280 x 720 for .mp4, 640 x 360 for .gif and .png."""
    view: View | None = None
    """Where the figures are seen from: turning = from the front, swinging slowly to either side; front = as the camera
    saw them; side = from their side. None = turning, on a contact sheet front."""
    moments: int = 9
    """Of a contact sheet: how many."""


@dataclass(frozen=True)
class Options:
    """All of them."""

    looking: Annotated[Looking, arg(name="")] = Looking()
    reading: Annotated[Reading, arg(name="")] = Reading()
    choosing: Annotated[Choosing, arg(name="")] = Choosing()
    lifting: Annotated[Lifting, arg(name="")] = Lifting()
    space: Annotated[Space, arg(name="")] = Space()


def not_of(source: str, kind: str, options: object) -> None:
    """Raises PstmoError when any of the options is not left as it is: for such a source they mean nothing."""
    for field in fields(options):  # type: ignore[arg-type]
        found = getattr(options, field.name)
        if found != field.default:
            name = field.name.replace("_", "-")
            raise PstmoError(f"{source} is {kind}, for which --{name} (found {found}) means nothing")
