"""Where the picture and the figures stand on a frame."""

from math import floor
from typing import NamedTuple

from pstmo.errors import PstmoError

SIDES = (64, 8192)
"""Pixels: the shortest and the longest side."""


class Layout(NamedTuple):
    """Left the picture, in the middle of its part, right the figures. Widths and heights in pixels; picture (0, 0):
    there is none. place: the picture's upper left corner."""

    size: tuple[int, int]
    picture: tuple[int, int]
    place: tuple[int, int]
    figures: tuple[int, int]


def layout_of(image_size: tuple[int, int] | None, size: tuple[int, int] | None, usual: tuple[int, int]) -> Layout:
    """image_size: of the picture, None = there is none. size: of the frame, None = as the picture suggests, within
    `usual`. Sides are even, as films of H.264 need it. Raises PstmoError for a size that is none."""
    shape = 0.0 if image_size is None else image_size[0] / image_size[1]
    if size is None:
        height = min(usual[1], usual[0] / (shape + 1))
        size = round(height * (shape + 1)), round(height)
    elif not all(SIDES[0] <= side <= SIDES[1] for side in size):
        raise PstmoError(f"found a size of {size[0]} x {size[1]} pixels, expected sides from {SIDES[0]} to {SIDES[1]}")
    width, height = (max(2, side - side % 2) for side in size)
    left = _even(width * shape / (shape + 1))
    if image_size is None:
        return Layout((width, height), (0, 0), (0, 0), (width, height))
    scale = min(left / image_size[0], height / image_size[1])
    picture = max(1, round(image_size[0] * scale)), max(1, round(image_size[1] * scale))
    place = (left - picture[0]) // 2, (height - picture[1]) // 2
    return Layout((width, height), picture, place, (width - left, height))


def _even(length: float) -> int:
    return 2 * floor(length / 2)
