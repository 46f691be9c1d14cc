"""`pstmo live`: a person in a video or before a camera, or keypoints as JSON lines; poses as JSON lines."""

import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tyro.conf import Positional

from pstmo.cli.app import app
from pstmo.errors import PstmoError
from pstmo.options import Weights

if TYPE_CHECKING:
    import numpy as np

    from pstmo.frame import Frame
    from pstmo.people import Detection

    Seen = tuple[np.ndarray | None, np.ndarray | None, float | None]
    """xy, confidence and timestamp of a frame."""

LONGEST = 1_000_000
"""Characters of a line; what is longer is no frame."""


class Feed(NamedTuple):
    """Where frames come from. focal: pixels, None = unknown. frames: what to call each in messages, and what makes it
    of what came."""

    image_size: tuple[int, int]
    fps: float
    skeleton: str
    focal: float | None
    frames: "Iterator[tuple[str, Callable[[], Seen]]]"


@app.command
def live(
    source: Positional[str | None] = None,
    image_size: tuple[int, int] | None = None,
    fps: float | None = None,
    skeleton: str = "coco17",
    detector: Literal["blazepose", "rtmpose"] = "blazepose",
    lag: int = 0,
    weights: Weights = None,
    mirror: bool = False,
    smooth: bool = True,
    fov: float | None = None,
    precision: Literal["fp32", "bf16"] = "fp32",
    device: str = "cpu",
) -> None:
    """Lift a person while it happens: a video or camera in, or JSON lines of keypoints; JSON lines of poses out.

    The first line out tells joints, units and axes; then a line a frame: {"timestamp": 1.25, "positions": [[x, y, z],
    ...], "observed": true}. A line in: {"keypoints": [[x, y], ...], "timestamp": 1.25}, pixels; a joint [x, y,
    confidence], or null where it was not seen; "keypoints": null where nobody was seen; "timestamp" in seconds, or left
    out where frames come exactly FPS a second.

    Args:
        source: The number of a camera, from 0 on (pstmo[camera]), of whose pictures the newest is taken; or a video, an
            address, "-" for a video on standard input; without it, keypoints come in on standard input.
        image_size: Of keypoints: width and height of the picture in pixels.
        fps: Of keypoints: frames per second, more or less.
        skeleton: Of keypoints: layout of the joints.
        detector: What finds the person in pictures.
        lag: Frames that are seen after each before its pose is given: 0 is at once, half a window is exact.
        weights: Weights that come with the package, by name, or a checkpoint. None = the package's default.
        mirror: Average with the mirrored input: a little more exact, half as fast.
        smooth: Take the trembling out of poses, by a One-Euro filter; quick motion then lags a little.
        fov: How much the picture shows from its left to its right edge, in degrees; without it a usual lens is assumed.
        precision: bf16 = products in bfloat16.
        device: Where to compute, such as cuda.
    """
    from pstmo import checkpoint
    from pstmo.files.motion import AXES, UNITS
    from pstmo.lift import load
    from pstmo.sequence import focal_length
    from pstmo.smooth import OneEuro
    from pstmo.stream import Pose, Stream

    feed = _spoken(image_size, fps, skeleton) if source is None else _watched(source, detector)
    lifter = load(weights or checkpoint.DEFAULT, device, precision)
    focal = feed.focal if fov is None else focal_length(feed.image_size, fov)
    facts = {"image_size": feed.image_size, "fps": feed.fps, "skeleton": feed.skeleton, "focal": focal}
    stream, smoother = Stream(lifter, **facts, lag=lag, mirror=mirror), OneEuro()

    def say(poses: list[Pose]) -> None:
        for pose in poses:
            found = smoother.push(pose.positions, pose.timestamp) if smooth else pose.positions
            positions = [[round(x, 5) for x in joint] for joint in found.tolist()]
            _write({"timestamp": pose.timestamp, "positions": positions, "observed": pose.observed})

    layout = {"joints": lifter.checkpoint.poses.joints, "parents": lifter.checkpoint.poses.parents}
    try:
        _write(layout | {"units": UNITS, "axes": AXES, "model": lifter.checkpoint.name, "lag": lag})
        for name, frame in feed.frames:
            try:
                say(stream.push(*frame()))
            except PstmoError as error:
                raise PstmoError(f"{name}: {error}") from None
        say(stream.finish())
    except BrokenPipeError:  # whoever read the poses has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _watched(source: str, detector: str) -> Feed:
    """A camera or a video, of which the one person is seen who is most prominent at first."""
    import numpy as np

    from pstmo import detect
    from pstmo.source import SURE
    from pstmo.video import Camera, open_video

    eyes = detect.detector(detector, people=1)
    video = Camera(int(source)) if source.isdecimal() else open_video(source)
    times: deque[float] = deque()  # of the pictures that the detector has taken

    def timed() -> "Iterator[Frame]":
        for frame in video:
            times.append(frame.seconds)
            yield frame

    def seen(people: "list[Detection]") -> "Seen":
        joints = people[0].joints if people else np.full((len(eyes.skeleton), 3), np.nan)
        return joints[:, :2], np.where(joints[:, 2] >= SURE, joints[:, 2], 0), times.popleft()

    frames = ((f"picture {n}", partial(seen, people)) for n, people in enumerate(eyes(timed()), 1))
    return Feed(video.image_size, video.fps, eyes.skeleton.name, getattr(video, "focal", None), frames)


def _spoken(image_size: tuple[int, int] | None, fps: float | None, skeleton: str) -> Feed:
    """Keypoints on standard input."""
    if image_size is None or fps is None:
        raise PstmoError("keypoints need --image-size WIDTH HEIGHT and --fps; a video or a camera: pstmo live SOURCE")
    lines = enumerate(iter(lambda: sys.stdin.readline(LONGEST), ""), 1)
    frames = ((f"line {n} of the input", partial(_frame, line)) for n, line in lines if line.strip())
    return Feed(image_size, fps, skeleton, None, frames)


def _frame(line: str) -> "Seen":
    """xy, confidence and timestamp of a line. Raises PstmoError."""
    import numpy as np

    try:
        found = json.loads(line)
        joints, timestamp = found["keypoints"], found.get("timestamp")
        timestamp = None if timestamp is None else float(timestamp)
        if joints is None:
            return None, None, timestamp
        unseen = [np.nan, np.nan, 0]
        rows = np.array([unseen if joint is None else [*joint, 1][:3] for joint in joints], np.float64)
        if rows.ndim != 2 or rows.shape[1] != 3:
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        shape = '{"keypoints": [[x, y], ...], "timestamp": seconds}, a joint also [x, y, confidence] or null'
        raise PstmoError(f"found {line.strip()[:60]!r}, expected {shape}") from None
    return rows[:, :2], rows[:, 2], timestamp


def _write(thing: dict[str, Any]) -> None:
    """At once, as somebody waits for it."""
    print(json.dumps(thing, separators=(",", ":")), flush=True)
