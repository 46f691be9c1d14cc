"""What is behind and below the figures: sky, a floor with a grid that fades away, and soft shadows."""

from functools import cache
from typing import Any

import numpy as np

from pstmo.extras import extra
from pstmo.render.canvas import Canvas, capsules
from pstmo.render.colours import GRID, SHADOW, SKY
from pstmo.render.eye import Eye

FEW = 4.5
"""Metres to the edge of a floor that has lines every half metre."""

PIECES = 10
"""Parts of a line, each with an opacity of its own."""

COARSE = 4
"""Shadows are drawn on a picture that is so many times smaller; they are soft anyway."""

HIGH = 1.2
"""Metres above the floor at which what casts a shadow has a third of it left."""

SPREAD = 1.25
"""How wide a shadow is, in widths of what casts it."""


@cache
def sky(size: tuple[int, int]) -> Any:
    """Pillow's image, from light above to darker below."""
    share = np.linspace(0, 1, size[1])[:, None, None]
    column = (1 - share) * SKY[0] + share * SKY[1]
    return extra("PIL.Image", "render").fromarray(np.tile(column.round().astype(np.uint8), (1, size[0], 1)))


def draw_grid(canvas: Canvas, eye: Eye, frame: int, floor: float, reach: float) -> None:
    """Lines every metre, on a small floor every half, up to `reach` metres from what the camera looks at."""
    middle, cell = eye.target[frame, :2], 0.5 if reach < FEW else 1.0
    lines = cell * np.arange(np.floor(-reach / cell), np.ceil(reach / cell) + 1)
    places = np.linspace(-reach, reach, PIECES + 1)
    points = np.empty((2, len(lines), len(places), 3))
    for axis in (0, 1):
        points[axis, ..., axis] = np.round(middle[axis] / cell) * cell + lines[:, None]
        points[axis, ..., 1 - axis] = middle[1 - axis] + places
    points[..., 2] = floor
    xy = eye.see(points.reshape(-1, 3), frame)[0].reshape(points.shape[:3] + (2,))
    away = np.linalg.norm((points[..., 1:, :2] + points[..., :-1, :2]) / 2 - middle, axis=-1) / reach
    opacity = (160 * np.clip(1 - away, 0, 1) ** 1.3).astype(int)
    pieces = np.concatenate([xy[..., :-1, :], xy[..., 1:, :]], -1)
    shown = (opacity > 4) & (np.abs(pieces) < 4 * max(eye.size)).all(-1)
    canvas.lines(pieces[shown], GRID, max(0.7, min(eye.size) / 700), opacity[shown])


def cast_shadows(image: Any, eye: Eye, frame: int, limbs: tuple[np.ndarray, np.ndarray], floor: float) -> None:
    """On Pillow's image. limbs: (n, 2, 3) metres, both ends of each, and (n,) their radii."""
    ends, radii = limbs
    below = np.concatenate([ends[..., :2], np.full_like(ends[..., :1], floor)], -1)
    xy, depth = eye.see(below.reshape(-1, 3), frame)
    sizes = SPREAD * radii[:, None] * eye.focal / depth.reshape(-1, 2) / COARSE
    outlines = capsules(xy.reshape(-1, 2, 2) / COARSE, sizes)
    strength = (150 * np.exp(-np.maximum(ends[..., 2].mean(1) - floor, 0) / HIGH)).astype(int)
    pillow, agg = extra("PIL.Image", "render"), extra("aggdraw", "render")
    size = tuple(-(-side // COARSE) for side in image.size)
    flat = agg.Draw("L", size, 0)
    for number in np.argsort(strength).tolist():
        if (np.abs(outlines[number]) < 8 * max(size)).all():
            flat.polygon(outlines[number].ravel().tolist(), None, agg.Brush(int(strength[number])))
    soft = extra("PIL.ImageFilter", "render").GaussianBlur(max(image.size) / COARSE / 70)
    mask = pillow.frombytes("L", size, flat.tobytes()).filter(soft)
    box = mask.getbbox()
    if box is not None:
        wide = [COARSE * (high - low) for low, high in zip(box[:2], box[2:], strict=True)]
        image.paste(SHADOW, (COARSE * box[0], COARSE * box[1]), mask.crop(box).resize(wide, pillow.Resampling.BILINEAR))
