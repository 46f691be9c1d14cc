"""From our world, z up, to files whose y is up, and back: a quarter turn about x."""

import numpy as np
from jaxtyping import Float

Y_UP = "x right as the camera sees it, y up, z towards the camera"


def y_up(positions: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Of z-up axes: a person who faces the camera looks along z."""
    x, y, z = np.moveaxis(positions, -1, 0)
    return np.stack([x, z, -y], -1)


def z_up(positions: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Of y-up axes."""
    x, y, z = np.moveaxis(positions, -1, 0)
    return np.stack([x, -z, y], -1)
