"""One picture of a video."""

from typing import NamedTuple

import numpy as np


class Frame(NamedTuple):
    """number: from 0, as decoded. seconds: from the first picture of the source on.
    image: (height, width, 3) uint8, RGB, upright.
    """

    number: int
    seconds: float
    image: np.ndarray
