"""Decoded pictures as a player shows them: upright, with square pixels, in RGB."""

from fractions import Fraction
from math import cos, radians, sin
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pstmo.extras import extra

if TYPE_CHECKING:
    import av

TRANSPOSITIONS = {
    (False, False): "cclock_flip",
    (True, False): "clock",
    (False, True): "cclock",
    (True, True): "clock_flip",
}
"""FFmpeg's names, by whether the transposed picture is mirrored and flipped."""


class Turn(NamedTuple):
    """What brings a stored picture upright: first transposed, then mirrored (left, right) and flipped (up, down)."""

    transposed: bool
    mirrored: bool
    flipped: bool


def turn_of(picture: "av.VideoFrame") -> Turn:
    """As the display matrix says, to the nearest right angle: x' = ax + cy, y' = bx + dy, y down."""
    a, b, c, d = _matrix(picture)
    if abs(b) > abs(a):
        return Turn(True, c < 0, b < 0)
    return Turn(False, a < 0, d < 0)


def _matrix(picture: "av.VideoFrame") -> tuple[float, float, float, float]:
    """a, b, c, d."""
    try:
        found = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV 18 knows no EXIF among the side data of pictures and stops at it
        angle = radians(picture.rotation)
        return cos(angle), -sin(angle), sin(angle), cos(angle)
    if found is None:
        return 1.0, 0.0, 0.0, 1.0
    a, b, _, c, d = np.frombuffer(bytes(found), np.int32)[:5].astype(float).tolist()
    return a, b, c, d


class Upright:
    """Turns decoded pictures into (height, width, 3) uint8 arrays. It keeps what the next picture needs again."""

    def __init__(self, picture: "av.VideoFrame", aspect: Any):
        """picture: the first; the others lie as it does. aspect: width by height of a stored pixel, a fraction as PyAV
        has it; None or 0 = square."""
        self._turn = turn_of(picture)  # once, as PyAV 18 keeps every picture whose side data were asked for
        self._aspect = aspect or 1
        self._formats = extra("av.video.reformatter", "video").VideoReformatter()
        self._graph: Any = None
        self._fits: tuple[object, ...] = ()
        self.image_size = self.size_of(picture)

    def size_of(self, picture: "av.VideoFrame") -> tuple[int, int]:
        """Width and height as shown; stored pixels that are not square change the stored picture's width."""
        width, height = round(picture.width * self._aspect), picture.height
        return (height, width) if self._turn.transposed else (width, height)

    def __call__(self, picture: "av.VideoFrame") -> np.ndarray:
        if any(self._turn):
            picture = self._turned(picture)
        width, height = self.image_size
        return np.ascontiguousarray(self._formats.reformat(picture, width, height, "rgb24").to_ndarray())

    def _turned(self, picture: "av.VideoFrame") -> "av.VideoFrame":
        """By FFmpeg's filters, which take a fraction of the time that NumPy takes for it."""
        facts = (picture.width, picture.height, picture.format.name)
        if self._fits != facts:
            self._graph, self._fits = _graph(picture, self._turn), facts
        self._graph.push(picture)
        return self._graph.pull()


def _graph(picture: "av.VideoFrame", turn: Turn) -> Any:
    """Filters that do the turn."""
    graph = extra("av.filter", "video").Graph()
    kind = {"width": picture.width, "height": picture.height, "format": picture.format.name}
    nodes = [graph.add_buffer(**kind, time_base=Fraction(1, 1000))]
    if turn.transposed:
        nodes.append(graph.add("transpose", TRANSPOSITIONS[turn.mirrored, turn.flipped]))
    else:
        nodes += [graph.add(name) for name, wanted in (("hflip", turn.mirrored), ("vflip", turn.flipped)) if wanted]
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    return graph
