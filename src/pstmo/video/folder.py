"""A folder of pictures, one file a frame."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pstmo.errors import VideoError
from pstmo.video.decoder import Damage
from pstmo.video.recording import Recording

ENDINGS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


class Folder:
    """The pictures of a folder in the order of the numbers in their names, 9 before 10; with a Recording's surface."""

    def __init__(self, folder: Path, rate: float | int | None):
        """rate: pictures a second. Raises VideoError."""
        self._paths = sorted((path for path in folder.iterdir() if _is_picture(path)), key=_natural)
        if not self._paths:
            others = ", ".join(sorted(path.name for path in folder.iterdir())[:3]) or "nothing"
            raise VideoError(
                f"{folder}: found no pictures ({others}), expected files that end with {', '.join(ENDINGS)}"
            )
        if rate is None:
            raise VideoError(f"{folder}: found pictures, which have no clock: give frames per second, such as --fps 30")
        if not 0 < rate < 10_000:
            raise VideoError(f"{folder}: the frame rate is {rate}, expected a positive number of frames per second")
        self.rate, self.frames, self.duration = float(rate), len(self._paths), len(self._paths) / rate
        self.damage = Damage()
        first = _read(self._paths[0])
        self.image_size, self.focal = first.image_size, first.focal

    def pictures(self, start: float) -> Iterator[tuple[float, Recording]]:
        """Pictures with their time from `start` seconds on. Raises VideoError for one of another size."""
        width, height = self.image_size
        for number, path in enumerate(self._paths):
            if number / self.rate < start:
                continue
            try:
                picture = _read(path)
            except VideoError:
                self.damage.lost += 1
                continue
            if picture.image_size != self.image_size:
                found = "{} x {}".format(*picture.image_size)
                raise VideoError(
                    f"{path}: found a picture of {found} pixels, expected {width} x {height} as the first has"
                )
            yield number / self.rate, picture

    def image(self, picture: Recording) -> np.ndarray:
        return picture.image()

    def close(self) -> None:
        """Nothing stays open."""


def _read(path: Path) -> Recording:
    picture = Recording(str(path), f"file:{path}")
    picture.close()
    return picture


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()


def _natural(path: Path) -> list[tuple[int, str]]:
    """Text and numbers by turns, so that numbers go by their value."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name.casefold())]
