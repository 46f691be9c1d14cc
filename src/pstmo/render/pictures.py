"""The pictures of a video at given times."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from pstmo.errors import PstmoError, VideoError
from pstmo.frame import Frame
from pstmo.video import Video, open_video


def opened(source: str | Path, times: np.ndarray, step: float, image_size: tuple[int, int] | None) -> Video:
    """The part of a video in which those times lie, each within `step` seconds of a picture.

    image_size: of the picture that keypoints lie in. Raises VideoError, also where the video ends before the times do
    or where its pictures have another shape.
    """
    video = open_video(source, max(0.0, float(times[0]) - 2 * step), float(times[-1]) + 2 * step, _rate(source, step))
    if video.duration is not None and video.duration < times[-1] - step:
        raise _short(source, video.duration, float(times[-1]))
    if image_size is not None:
        width, height = video.image_size
        if abs(width * image_size[1] - height * image_size[0]) > 0.02 * height * image_size[0]:
            raise VideoError(
                f"{source}: found pictures of {width} x {height} pixels, expected the shape of those that the "
                f"keypoints lie in, {image_size[0]} x {image_size[1]}"
            )
    return video


def _rate(source: str | Path, step: float) -> float | None:
    return 1 / step if Path(source).is_dir() else None


def nearest(video: Video, times: np.ndarray, step: float, source: str | Path) -> Iterator[Frame]:
    """For each of the times, which rise, the picture next to it. Raises VideoError where the video ends too early."""
    with closing(iter(video)) as frames:  # type: ignore[type-var]
        before = after = next(frames)
        for time in times:
            while after.seconds < time and (following := next(frames, None)) is not None:
                before, after = after, following
            if after.seconds < time - step:
                raise _short(source, after.seconds, float(time))
            yield min(before, after, key=lambda frame: abs(frame.seconds - time))


def _short(source: str | Path, end: float, needed: float) -> PstmoError:
    return VideoError(f"{source}: found pictures until {end:.2f} s, expected one at {needed:.2f} s as the motion has")
