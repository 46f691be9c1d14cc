"""One frame of a film: the picture with its keypoints on the left, the figures on the right, and what they mean."""

from typing import Any

import numpy as np

from pstmo.extras import extra
from pstmo.render.canvas import Canvas, Paint, discs, width_of, write
from pstmo.render.colours import MUTED, PAPER, TEXT
from pstmo.render.eye import Eye
from pstmo.render.figures import Figures
from pstmo.render.layout import Layout
from pstmo.render.overlay import Overlay
from pstmo.render.scene import Scene
from pstmo.render.tags import letters


class Painter:
    def __init__(self, scene: Scene, layout: Layout, eye: Eye):
        self._scene, self._layout = scene, layout
        self.figures = Figures(scene, eye)
        self._blank = np.full((*layout.size[::-1], 3), PAPER, np.uint8)
        size = scene.image_size
        self._overlay = None if size is None else Overlay(scene, layout.picture[0] / size[0])

    def __call__(self, frame: int, picture: Any) -> np.ndarray:
        """(height, width, 3) uint8, of a frame of the scene. picture: Pillow's, as the layout wants it; None = there is
        none."""
        pixels = self._blank.copy()
        left = self._layout.size[0] - self._layout.figures[0]
        if left:
            (x, y), (wide, high) = self._layout.place, self._layout.picture
            pixels[y : y + high, x : x + wide] = self._picture(frame, picture)
        pixels[:, left:] = self.figures(frame)
        self._caption(pixels[:, left:], frame)
        return pixels

    def _picture(self, frame: int, picture: Any) -> np.ndarray:
        if picture is None:
            picture = extra("PIL.Image", "render").new("RGB", self._layout.picture, PAPER)
        return np.asarray(picture) if self._overlay is None else self._overlay(picture, frame)

    def _caption(self, pixels: np.ndarray, frame: int) -> None:
        """The time, and which colour is left and which is right, below the figures."""
        height, width, _ = pixels.shape
        size, colours = letters((width, height)), self._scene.actors[0].colours
        middle, right = height - 1.1 * size, width - 0.7 * size
        write(pixels, (0.7 * size, middle), f"{self._scene.times[frame]:.2f} s", size, Paint(TEXT))
        for word, colour in (("right", colours.right), ("left", colours.left)):
            right -= width_of(word, size)
            write(pixels, (right, middle), word, size, Paint(MUTED))
            right -= 0.9 * size
            _dot(pixels, (right + 0.4 * size, middle), 0.32 * size, Paint(colour))
            right -= 0.4 * size


def _dot(pixels: np.ndarray, place: tuple[float, float], radius: float, paint: Paint) -> None:
    """A disc on (height, width, 3) uint8."""
    left, top = (int(middle - radius - 1) for middle in place)
    side = int(2 * radius + 3)
    part = pixels[top : top + side, left : left + side]
    canvas = Canvas(extra("PIL.Image", "render").fromarray(part.copy()))
    canvas.shapes(discs(np.array([place]) - (left, top), np.array([radius])), [paint])
    part[:] = canvas.pixels
