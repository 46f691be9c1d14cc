"""What every detector expects of a frame."""

import numpy as np

from pstmo.errors import PstmoError
from pstmo.frame import Frame


def checked(frame: Frame) -> np.ndarray:
    """Its picture. Raises PstmoError for what is no picture in colours."""
    image = frame.image
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise PstmoError(
            f"frame {frame.number}: found {image.dtype} of shape {image.shape}, expected uint8 (height, width, 3)"
        )
    return image
