"""People's numbers, each on its person's colour."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pstmo.render.canvas import Canvas, Paint, capsules, width_of, write
from pstmo.render.colours import BLACK, WHITE, mixed
from pstmo.render.scene import Actor


class Tag(NamedTuple):
    """x, y: pixels, of the middle of its lower edge; NaN = it is not shown."""

    actor: Actor
    x: float
    y: float


def letters(size: tuple[int, int]) -> int:
    """Pixels of the letters on a picture of that size: small, but never too small to read."""
    return max(11, round(min(size) / 30))


def tagged(canvas: Canvas, tags: Sequence[Tag], size: int) -> np.ndarray:
    """(height, width, 3) uint8: what was drawn, and the tags upon it in letters of that size."""
    shown = [tag for tag in tags if np.isfinite((tag.x, tag.y)).all()]
    half, texts = 0.62 * size, [str(tag.actor.number) for tag in shown]
    wide = [max(0.0, width_of(text, size) - 0.6 * size) / 2 for text in texts]
    middles = np.array([(tag.x, max(tag.y - half, half + 1)) for tag in shown]).reshape(-1, 2)
    aside = np.array([(reach, 0.0) for reach in wide]).reshape(-1, 2)
    paints = [Paint(mixed(tag.actor.colours.middle, BLACK, 0.2), 235) for tag in shown]
    canvas.shapes(capsules(np.stack([middles - aside, middles + aside], 1), np.full_like(middles, half)), paints)
    pixels = canvas.pixels
    for text, (x, y) in zip(texts, middles.tolist(), strict=True):
        write(pixels, (x - width_of(text, size) / 2, y), text, size, Paint(WHITE))
    return pixels
