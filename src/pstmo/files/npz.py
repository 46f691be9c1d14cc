"""NumPy archives: pstmo's own keypoint files, and plain ones, of one person.

Arrays: `keypoints` (frames, joints, 2 or 3), pixels, the third column being the confidence; optionally `confidence`,
`visibility` or `scores` (frames, joints), `image_size` (width, height), `fps`, and `skeleton`, a name. A motion file
has `keypoints_skeleton` beside the `skeleton` of its poses, and reads as the keypoints it was made from.
"""

from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import LARGEST, describe, want
from pstmo.people import Detection, People
from pstmo.skeleton import by_name

EXPECTED: str = ".npz archive with an array 'keypoints' (frames, joints, 2 or 3)"


def recognises(content: object) -> bool:
    return isinstance(content, dict) and isinstance(content.get("keypoints"), np.ndarray) and "boxes" not in content


def read(content: object) -> People:
    arrays = want(content, dict, "content")
    keypoints = numeric(arrays, "keypoints")
    if keypoints.ndim != 3 or keypoints.shape[2] not in (2, 3):
        raise FormatError(f"'keypoints': found {describe(keypoints)}, expected (frames, joints, 2 or 3)")
    xy = keypoints[..., :2]
    key = next((key for key in ("confidence", "visibility", "scores") if key in arrays), None)
    confidence = keypoints[..., 2] if keypoints.shape[2] == 3 else np.ones(xy.shape[:2])
    if key:
        confidence = numeric(arrays, key)
    if confidence.shape != xy.shape[:2]:
        raise FormatError(f"{key!r}: found {describe(confidence)}, expected {xy.shape[:2]} (frames, joints)")
    joints = np.concatenate([xy, confidence[..., None]], -1, dtype=np.float64)
    return People(
        [Detection(frame, person) for frame, person in enumerate(joints)],
        range(len(joints)),
        _layout(arrays),
        _image_size(arrays),
        float(numeric(arrays, "fps", size=1).item()) if "fps" in arrays else None,
    )


def numeric(arrays: dict[str, Any], key: str, size: int | None = None) -> np.ndarray:
    """The array of that name, which must hold real numbers, `size` of them if that is given. Raises FormatError."""
    array = want(arrays.get(key), np.ndarray, repr(key))
    if array.dtype.kind not in "biuf" or size not in (None, array.size):
        raise FormatError(f"{key!r}: found {describe(array)}, expected {size or 'an array of'} numbers")
    if (np.abs(array) > LARGEST).any():
        raise FormatError(f"{key!r}: found infinite or absurdly large values, expected finite numbers or NaN")
    return array


def text(arrays: dict[str, Any], key: str) -> str:
    """The one text in the array of that name. Raises FormatError."""
    array = want(arrays.get(key), np.ndarray, repr(key))
    if array.dtype.kind != "U" or array.size != 1:
        raise FormatError(f"{key!r}: found {describe(array)}, expected one text")
    return array.item()


def _layout(arrays: dict[str, Any]) -> dict[int, tuple[str, ...]]:
    key = next((key for key in ("keypoints_skeleton", "skeleton") if key in arrays), None)
    if key is None:
        return {}
    skeleton = by_name(text(arrays, key))
    return {len(skeleton): skeleton.joints}


def _image_size(arrays: dict[str, Any]) -> tuple[int, int] | None:
    if "image_size" not in arrays:
        return None
    size = numeric(arrays, "image_size", size=2).ravel()
    if np.isnan(size).any():
        raise FormatError(f"'image_size': found {size.tolist()}, expected two numbers of pixels: width, height")
    return int(size[0]), int(size[1])
