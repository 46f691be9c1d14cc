"""Where a person is in a picture, and that part of the picture, upright, as BlazePose's networks look at it."""

from typing import NamedTuple

import numpy as np

MARGIN = 1.25
"""Radii from the hips to the edges of the region."""

SAME = 0.35
"""Radii between the hips of two regions that hold the same person, and how much smaller one of them may be."""


class Region(NamedTuple):
    """A turned square about a person. hips: (2,) their middle, the centre, pixels of the picture. top: (2,) a point on
    the circle around the hips that holds the whole body, above the head of who stands straight.
    """

    hips: np.ndarray
    top: np.ndarray

    @property
    def radius(self) -> float:
        return float(np.linalg.norm(self.top - self.hips))

    @property
    def axes(self) -> np.ndarray:
        """(2, 2) columns: the person's right-hand side of the picture and downwards, in the picture."""
        down = (self.hips - self.top) / max(self.radius, 1e-6)
        return np.array([[down[1], down[0]], [-down[0], down[1]]])

    def same(self, other: "Region") -> bool:
        """Both hold the same person, as far as one can tell."""
        small, large = sorted((self.radius, other.radius))
        return small > SAME * large and float(np.linalg.norm(self.hips - other.hips)) < SAME * large

    def affine(self, side: int) -> np.ndarray:
        """(2, 3): from the pixels of a square picture of the region to those of the whole picture."""
        turn = self.axes * (2 * MARGIN * self.radius / side)
        return np.column_stack([turn, self.hips - turn @ np.full(2, side / 2)])


def cut(image: np.ndarray, affine: np.ndarray, side: int) -> np.ndarray:
    """(side, side, 3) float32, 0 to 255: the picture at the points that `affine` gives, between its pixels bilinearly,
    beyond its edges as at its edges.
    """
    height, width = image.shape[:2]
    place = np.arange(side, dtype=np.float32)
    (xx, xy, x0), (yx, yy, y0) = affine.astype(np.float32)
    x = (xx * place + (xy * place[:, None] + x0)).clip(0, width - 1)
    y = (yx * place + (yy * place[:, None] + y0)).clip(0, height - 1)
    left, upper = x.astype(np.intp), y.astype(np.intp)
    right, lower = np.minimum(left + 1, width - 1), np.minimum(upper + 1, height - 1)
    across, along = (x - left)[..., None], (y - upper)[..., None]
    pixels = np.ascontiguousarray(image).reshape(-1, 3)

    def row(number: np.ndarray) -> np.ndarray:
        start = number * width
        first = pixels.take(start + left, 0).astype(np.float32)
        first += across * (pixels.take(start + right, 0) - first)
        return first

    found = row(upper)
    found += along * (row(lower) - found)
    return found
