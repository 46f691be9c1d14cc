"""Films: MP4 that plays everywhere, with the times of the source, and GIF."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.extras import extra
from pstmo.files.atomic import replacing
from pstmo.progress import progress
from pstmo.render.shoot import Painted, Shoot
from pstmo.video.clock import TICK, ticks_of

QUALITY = {"preset": "superfast", "crf": "20", "x264-params": "mbtree=1:rc-lookahead=10"}
"""Of x264: with a look ahead, which this preset leaves out, files are half as large."""

BT709, STUDIO = 1, 1
"""FFmpeg's numbers for the colours of HD video: their space and their range."""

GIF_TICK, GIF_RATE = Fraction(1, 100), 25
"""Seconds, the clock of GIF; frames a second of one at most."""

SAMPLES = 12
"""Frames whose colours a GIF has."""


def write_mp4(path: Path, shoot: Shoot) -> None:
    """H.264, yuv420p; every frame at its time, the first at 0. Raises PstmoError."""
    av = extra("av", "video")
    with replacing(path) as temporary, av.open(str(temporary), "w", options={"movflags": "faststart"}) as file:
        stream = _stream(file, "libx264", shoot, TICK)
        stream.options = QUALITY
        context = stream.codec_context
        context.pix_fmt = "yuv420p"
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = STUDIO
        formats = extra("av.video.reformatter", "video").VideoReformatter()
        for frame, ticks in zip(_shown(shoot), ticks_of(shoot.scene.times, TICK), strict=True):
            picture = av.VideoFrame.from_numpy_buffer(frame.pixels)
            picture = formats.reformat(picture, format="yuv420p", dst_colorspace="ITU709")
            file.mux(stream.encode(_timed(picture, ticks, TICK)))
        file.mux(stream.encode())


def write_gif(path: Path, shoot: Shoot) -> None:
    """One set of colours for the whole film; no more than GIF_RATE frames a second. Raises PstmoError."""
    av = extra("av", "video")
    shoot = shoot.only(_thinned(shoot.scene.times, 1 / GIF_RATE))
    samples = np.unique(np.linspace(0, len(shoot.scene.times) - 1, SAMPLES).astype(int))
    colours = _palette(frame.pixels for frame in shoot.only(samples).frames())
    with replacing(path) as temporary, av.open(str(temporary), "w") as file:
        stream = _stream(file, "gif", shoot, GIF_TICK)
        stream.codec_context.pix_fmt = "pal8"
        reduced = _Reduced(shoot.layout.size, colours)
        for frame, ticks in zip(_shown(shoot), ticks_of(shoot.scene.times, GIF_TICK), strict=True):
            picture = reduced(_timed(av.VideoFrame.from_numpy_buffer(frame.pixels), ticks, GIF_TICK))
            file.mux(stream.encode(_timed(picture, ticks, GIF_TICK)))
        file.mux(stream.encode())


def _stream(file: Any, codec: str, shoot: Shoot, tick: Fraction) -> Any:
    stream = file.add_stream(codec, rate=max(1, round(1 / shoot.step)))
    stream.width, stream.height = shoot.layout.size
    stream.time_base = stream.codec_context.time_base = tick
    return stream


def _shown(shoot: Shoot) -> Iterator[Painted]:
    with closing(shoot.frames()) as frames:  # type: ignore[type-var]
        yield from progress(frames, "painting", len(shoot.scene.times))


def _timed(picture: Any, ticks: int, tick: Fraction) -> Any:
    picture.pts, picture.time_base = ticks, tick
    return picture


def _thinned(times: np.ndarray, step: float) -> np.ndarray:
    """Numbers of the frames that follow each other by `step` seconds at least, a hundredth less allowed."""
    kept = [0]
    for number, time in enumerate(times):
        if time - times[kept[-1]] > 0.99 * step:
            kept.append(number)
    return np.array(kept)


def _palette(pictures: Iterable[np.ndarray]) -> Any:
    """FFmpeg's picture of the 256 colours that suit these (height, width, 3) best."""
    av, graph = extra("av", "video"), extra("av.filter", "video").Graph()
    source = None
    for number, pixels in enumerate(pictures):
        if source is None:
            source = _buffer(graph, (pixels.shape[1], pixels.shape[0]), "rgb24")
            graph.link_nodes(source, graph.add("palettegen"), graph.add("buffersink")).configure()
        graph.vpush(_timed(av.VideoFrame.from_numpy_buffer(pixels), number, GIF_TICK))
    graph.vpush(None)
    return _timed(graph.vpull(), 0, GIF_TICK)


class _Reduced:
    """Pictures in few colours, ordered dots in between: they stay where they are, so that a GIF stays small."""

    def __init__(self, size: tuple[int, int], colours: Any):
        graph = extra("av.filter", "video").Graph()
        self._pictures, palette = _buffer(graph, size, "rgb24"), _buffer(graph, (16, 16), colours.format.name)
        use, self._sink = graph.add("paletteuse", "dither=bayer:bayer_scale=4"), graph.add("buffersink")
        self._pictures.link_to(use, 0, 0)
        palette.link_to(use, 0, 1)
        use.link_to(self._sink)
        graph.configure()
        palette.push(colours)
        palette.push(None)
        self._graph = graph

    def __call__(self, picture: Any) -> Any:
        self._pictures.push(picture)
        return self._sink.pull()


def _buffer(graph: Any, size: tuple[int, int], kind: str) -> Any:
    return graph.add_buffer(width=size[0], height=size[1], format=kind, time_base=GIF_TICK)
