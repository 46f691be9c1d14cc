"""Anti-aliased drawing on arrays of pixels: AGG draws shapes, Pillow writes text."""

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from pstmo.extras import extra
from pstmo.render.colours import Colour

ARC = 7
"""Points of a capsule's round end."""

SHARE = np.linspace(0, 1, ARC)

FAR = 20_000
"""Pixels; AGG is not given points that are further away."""


class Paint(NamedTuple):
    """opacity: 0 to 255."""

    colour: Colour
    opacity: int = 255


class Canvas:
    """Pixels to draw on. Raises PstmoError where aggdraw is not installed."""

    def __init__(self, image: Any):
        """image: Pillow's, RGB, which stays as it is."""
        self._width, self._height = image.size
        self._draw = extra("aggdraw", "render").Draw("RGB", image.size)
        self._draw.frombytes(image.tobytes())

    def shapes(self, outlines: np.ndarray, paints: Sequence[Paint]) -> None:
        """(n, points, 2) pixels, filled one after another; those with an unknown point are left out."""
        known = np.all(np.abs(outlines) < FAR, axis=(1, 2))
        flat = outlines.reshape(len(outlines), math.prod(outlines.shape[1:])).tolist()
        for points, paint, ok in zip(flat, paints, known, strict=True):
            if ok:
                self._draw.polygon(points, None, _brush(*paint))

    def lines(self, pieces: np.ndarray, colour: Colour, width: float, opacities: np.ndarray) -> None:
        """(n, 4) pixels: x, y, x, y. opacities: (n,) 0 to 255."""
        for piece, opacity in zip(pieces.tolist(), opacities.tolist(), strict=True):
            self._draw.line(piece, _pen(colour, width, opacity))

    @property
    def pixels(self) -> np.ndarray:
        """(height, width, 3) uint8, a copy of what was drawn."""
        return np.frombuffer(bytearray(self._draw.tobytes()), np.uint8).reshape(self._height, self._width, 3)


def capsules(ends: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Outlines of what lies between two discs: their middles (n, 2, 2) and radii (n, 2) -> (n, 2 * ARC, 2)."""
    along = ends[:, 1] - ends[:, 0]
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)
    direction = np.arctan2(along[:, 1], along[:, 0])
    touch = np.arccos(np.clip((radii[:, 0] - radii[:, 1]) / length, -1, 1))
    back = (direction + touch)[:, None] + 2 * (np.pi - touch)[:, None] * SHARE
    front = (direction - touch)[:, None] + 2 * touch[:, None] * SHARE
    angles = np.stack([back, front], 1)
    round_ends = radii[..., None, None] * np.stack([np.cos(angles), np.sin(angles)], -1)
    return (ends[:, :, None] + round_ends).reshape(len(ends), 2 * ARC, 2)


def discs(middles: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Their outlines: (n, 2) and (n,) -> (n, 2 * ARC, 2)."""
    return capsules(np.stack([middles, middles], 1), np.stack([radii, radii], 1))


def write(pixels: np.ndarray, place: tuple[float, float], text: str, size: int, paint: Paint) -> None:
    """On (height, width, 3) uint8, as far as it has room. place: where the text begins and its middle, pixels."""
    mask = _stencil(text, size)
    left, top = round(place[0]), round(place[1] - mask.shape[0] / 2)
    cut_left, cut_top = max(0, -left), max(0, -top)
    part = pixels[top + cut_top : max(0, top + mask.shape[0]), left + cut_left : max(0, left + mask.shape[1])]
    mask = mask[cut_top:, cut_left:][: part.shape[0], : part.shape[1], None]
    part += np.rint(mask * (paint.colour - part.astype(np.float32))).astype(np.int16).astype(np.uint8)


def width_of(text: str, size: int) -> int:
    """Pixels."""
    return _stencil(text, size).shape[1]


@lru_cache(1024)
def _stencil(text: str, size: int) -> np.ndarray:
    """(height, width) float32, 0 to 1; the same height for all texts of a size, its middle that of a digit."""
    font = extra("PIL.ImageFont", "render").load_default(size)
    _, top, _, bottom = font.getbbox("0", anchor="ls")
    room = extra("PIL.Image", "render").new("L", (max(1, round(font.getlength(text))), 2 * size))
    drawn = extra("PIL.ImageDraw", "render").Draw(room)
    drawn.text((0, size + (bottom - top) / 2), text, 255, font, "ls")
    return np.asarray(room, np.float32) / 255


@cache
def _brush(colour: Colour, opacity: int) -> Any:
    return extra("aggdraw", "render").Brush(colour, opacity)


@cache
def _pen(colour: Colour, width: float, opacity: int) -> Any:
    return extra("aggdraw", "render").Pen(colour, width, opacity)
