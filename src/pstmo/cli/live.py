"""`pstmo live`: keypoints as JSON lines on standard input, poses as JSON lines on standard output."""

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Literal

from pstmo.cli.app import app
from pstmo.errors import PstmoError
from pstmo.options import Weights

if TYPE_CHECKING:
    import numpy as np

LONGEST = 1_000_000
"""Characters of a line; what is longer is no frame."""


@app.command
def live(
    image_size: tuple[int, int],
    fps: float,
    skeleton: str = "coco17",
    lag: int = 0,
    weights: Weights = None,
    mirror: bool = False,
    smooth: bool = True,
    fov: float | None = None,
    precision: Literal["fp32", "bf16"] = "fp32",
    device: str = "cpu",
) -> None:
    """Lift a person while it happens: JSON lines of keypoints in, JSON lines of poses out.

    A line in: {"keypoints": [[x, y], ...], "timestamp": 1.25}, pixels; a joint [x, y, confidence], or null where it was
    not seen; "keypoints": null where nobody was seen; "timestamp" in seconds, or left out where frames come exactly FPS
    a second. The first line out tells joints, units and axes; then a line a frame: {"timestamp": 1.25, "positions":
    [[x, y, z], ...], "observed": true}.

    Args:
        image_size: Width and height of the picture in pixels.
        fps: Frames per second, more or less.
        skeleton: Layout of the joints.
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

    lifter = load(weights or checkpoint.DEFAULT, device, precision)
    focal = None if fov is None else focal_length(image_size, fov)
    stream = Stream(lifter, image_size=image_size, fps=fps, skeleton=skeleton, lag=lag, mirror=mirror, focal=focal)

    smoother = OneEuro()

    def say(poses: list[Pose]) -> None:
        for pose in poses:
            found = smoother.push(pose.positions, pose.timestamp) if smooth else pose.positions
            positions = [[round(x, 5) for x in joint] for joint in found.tolist()]
            _write({"timestamp": pose.timestamp, "positions": positions, "observed": pose.observed})

    layout = {"joints": lifter.checkpoint.poses.joints, "parents": lifter.checkpoint.poses.parents}
    try:
        _write(layout | {"units": UNITS, "axes": AXES, "model": lifter.checkpoint.name, "lag": lag})
        for number, line in enumerate(iter(lambda: sys.stdin.readline(LONGEST), ""), 1):
            try:
                if line.strip():
                    say(stream.push(*_frame(line)))
            except PstmoError as error:
                raise PstmoError(f"line {number} of the input: {error}") from None
        say(stream.finish())
    except BrokenPipeError:  # whoever read the poses has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _frame(line: str) -> "tuple[np.ndarray | None, np.ndarray | None, float | None]":
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
