"""The source video, made small for the page: a picture for each frame, quick to find."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.extras import extra
from pstmo.video import open_video
from pstmo.video.clock import TICK, ticks_of

SIDE = 480
"""Pixels of the shorter side, at most."""

QUALITY = "29"
"""x264's constant rate factor."""

KEYFRAME = 8
"""Pictures from one that stands alone to the next: as many have to be decoded, at most, to show any."""


def film(video: str | Path, times: np.ndarray, fps: float) -> bytes:
    """An MP4 (H.264, no sound) of those pictures, the first at 0 s.

    times: (frames,) seconds in the source, rising. Where the source has no picture for a frame, the last one stays.
    fps: of a folder of pictures. Raises PstmoError where the source cannot be read or PyAV is not installed.
    """
    av = extra("av", "video")
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = None
        for ticks, image in zip(ticks_of(times), _pictures(video, times, fps), strict=True):
            stream = stream or _stream(file, image)
            picture = av.VideoFrame.from_ndarray(image, "rgb24").reformat(stream.width, stream.height, "yuv420p")
            picture.pts, picture.time_base = ticks, TICK
            file.mux(stream.encode(picture))
        if stream is not None:
            file.mux(stream.encode())
    return out.getvalue()


def _stream(file: Any, image: np.ndarray) -> Any:
    height, width = image.shape[:2]
    shrink = min(1.0, SIDE / min(height, width))
    stream = file.add_stream("libx264", options={"crf": QUALITY, "preset": "veryfast", "bf": "0"})
    stream.width, stream.height = (max(2, 2 * round(side * shrink / 2)) for side in (width, height))
    stream.pix_fmt, stream.time_base = "yuv420p", TICK
    stream.codec_context.time_base, stream.codec_context.gop_size = TICK, KEYFRAME
    return stream


def _pictures(video: str | Path, times: np.ndarray, fps: float) -> Iterator[np.ndarray]:
    """A picture for each of the times: the nearest one, of the source's."""
    margin = 1 / fps
    start, end = max(0.0, float(times[0]) - margin), float(times[-1]) + margin
    source = iter(open_video(video, start, end, fps if Path(video).is_dir() else None))
    shown = following = next(source)
    for seconds in times.tolist():
        while following is not None and abs(following.seconds - seconds) <= abs(shown.seconds - seconds):
            shown, following = following, next(source, None)
        yield shown.image
