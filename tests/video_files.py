"""Real videos, whose pictures tell their own number, and which corner is which."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

SIDE = 16
BITS = 7
SIZE = (SIDE * (BITS + 1), SIDE * 3)
"""Width and height: a white block and one a bit above, green on the left and red on the right below."""


def drawn(number: int, scale: int = 1) -> np.ndarray:
    """(height, width, 3): a picture that tells its number."""
    blocks = np.zeros((3, BITS + 1, 3), np.uint8)
    blocks[0] = np.array([255] + [255 * (number >> bit & 1) for bit in range(BITS)])[:, None]
    blocks[1:, :3], blocks[1:, 3:] = (0, 200, 0), (200, 0, 0)
    return blocks.repeat(SIDE * scale, 0).repeat(SIDE * scale, 1)


def number_of(image: np.ndarray) -> int:
    """What the picture tells, whatever its size. It must be upright and in colour."""
    height, width = image.shape[:2]
    rows = height * np.array([1, 5]) // 6
    columns = width * (2 * np.arange(BITS + 1) + 1) // (2 * (BITS + 1))
    above, below = image[rows][:, columns].astype(int)
    assert above[0].min() > 128, "no white block in the corner"
    assert below[0].argmax() == 1, "no green below on the left"
    assert below[-1].argmax() == 0, "no red below on the right"
    return sum(int(bit) << place for place, bit in enumerate(above[1:].mean(-1) > 128))


def film(path: Path, ticks: Iterable[int], *, scale: int = 1, turn: int = 0, **how: Any) -> Path:
    """Pictures 0, 1, ... at those ticks of the clock. turn: by how many right angles, counterclockwise, they lie in the
    file. how: as in `write`."""
    ticks = list(ticks)
    return write(path, [np.rot90(drawn(number, scale), turn) for number in range(len(ticks))], ticks, **how)


def write(
    path: Path,
    images: Sequence[np.ndarray],
    ticks: Iterable[int] = (0,),
    *,
    base: Fraction = Fraction(1, 30),
    codec: str = "libx264",
    matrix: Sequence[int] | None = None,
    container: dict[str, str] | None = None,
    **context: Any,
) -> Path:
    """A video of (height, width, 3) or grey (height, width) uint8. base: seconds a tick. matrix: a, b, c, d of the
    file's display matrix. container: options of the file. context: of the codec's context."""
    with av.open(path, "w", options=container or {}) as file:
        stream = file.add_stream(codec, rate=30)
        stream.height, stream.width = images[0].shape[:2]
        stream.time_base = stream.codec_context.time_base = base
        for name, value in ({"pix_fmt": "yuv420p", "gop_size": 10} | context).items():
            setattr(stream.codec_context, name, value)
        if matrix:
            a, b, c, d = matrix
            stream.set_display_matrix([a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30])
        for image, tick in zip(images, ticks, strict=True):
            format = "rgb24" if image.ndim == 3 else "gray"
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format)
            picture.pts, picture.time_base = tick, base
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
    return path


def sound(path: Path) -> Path:
    """A tenth of a second without pictures."""
    with av.open(path, "w") as container:
        stream = container.add_stream("aac" if path.suffix == ".m4a" else "pcm_s16le", rate=8000)
        stream.layout = "mono"
        for _ in range(3):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32 if path.suffix == ".m4a" else np.int16),
                format="fltp" if path.suffix == ".m4a" else "s16",
                layout="mono",
            )
            frame.sample_rate = 8000
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def picture(path: Path, image: np.ndarray) -> Path:
    """One picture in a file of its own."""
    codec = {".png": "png", ".jpg": "mjpeg"}[path.suffix]
    with av.open(path, "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream(codec, rate=1)
        stream.pix_fmt = "rgb24" if codec == "png" else "yuvj420p"
        stream.height, stream.width = image.shape[:2]
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
    return path
