"""A contact sheet: moments of a motion on one picture."""

from math import ceil, sqrt
from pathlib import Path

import numpy as np

from pstmo.errors import PstmoError
from pstmo.extras import extra
from pstmo.files.atomic import replacing
from pstmo.progress import progress
from pstmo.render.colours import PAPER
from pstmo.render.shoot import Shoot

GAP = 8
"""Pixels between two moments, and around all."""

MOST = 100
"""Moments of a sheet."""


def write_sheet(path: Path, shoot: Shoot, moments: int) -> None:
    """A PNG with so many moments, evenly spaced from the first to the last frame; fewer where there are fewer frames.
    Row by row. Raises PstmoError."""
    if not 1 <= moments <= MOST:
        raise PstmoError(f"found {moments} moments for a contact sheet, expected 1 to {MOST}")
    pillow = extra("PIL.Image", "render")
    numbers = np.unique(np.linspace(0, len(shoot.scene.times) - 1, moments).round().astype(int))
    width, height = shoot.layout.size
    columns = _columns(len(numbers), width / height)
    rows = ceil(len(numbers) / columns)
    sheet = pillow.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), PAPER)
    for number, frame in enumerate(progress(shoot.only(numbers).frames(), "painting", len(numbers))):
        row, column = divmod(number, columns)
        place = GAP + column * (width + GAP), GAP + row * (height + GAP)
        sheet.paste(pillow.fromarray(frame.pixels), place)
    with replacing(path) as temporary:
        sheet.save(temporary, "PNG")


def _columns(count: int, shape: float) -> int:
    """So that the whole is about 4 by 3, and rows are full where that can be. shape: a moment's width by height."""
    usual = sqrt(count * 4 / 3 / shape)
    fits = [columns for columns in range(1, count + 1) if count % columns == 0 and 0.6 < columns / usual < 1.7]
    return min(fits, key=lambda columns: abs(columns - usual)) if fits else min(count, max(1, round(usual)))
