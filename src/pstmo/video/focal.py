"""The focal length that cameras write into their files."""

from collections.abc import Mapping
from math import hypot

DIAGONAL = hypot(36, 24)
"""Of the film that "35 mm equivalent" speaks of, mm."""

TAGS = ("focal_length.35mm_equivalent", "FocalLengthIn35mmFilm")
"""How the tags end: QuickTime's (com.apple.quicktime.camera...) and EXIF's."""


def focal_pixels(tags: Mapping[str, str], image_size: tuple[int, int]) -> float | None:
    """Focal length in pixels of a picture whose tags tell the 35 mm equivalent; None where they don't.

    The equivalent lens sees the same angle from corner to corner, which is how EXIF defines it.
    """
    for tag, value in tags.items():
        if tag.endswith(TAGS):
            try:
                millimetres = float(value)
            except ValueError:
                continue
            if 1 <= millimetres <= 10_000:  # 0 is EXIF for unknown
                return millimetres / DIAGONAL * hypot(*image_size)
    return None
