"""Detectron2's keypoints as VideoPose3D's `infer_video_d2.py` (or, with Detectron, `infer_video.py`) writes them.

An .npz of pickled objects, one entry a frame: `boxes` [[], (people, 5)], left, top, right, bottom and score;
`keypoints` [[], (people, 4, 17)], x, y, logit and probability of COCO's joints; both [[], []] where nobody was seen.
`metadata` {w, h}.
"""

from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import describe, image_size, want
from pstmo.files.npz import numeric
from pstmo.people import Detection, People
from pstmo.skeleton import COCO

EXPECTED: str = "Detectron2 .npz of VideoPose3D's infer_video_d2.py: 'boxes', 'keypoints', 'metadata'"


def recognises(content: object) -> bool:
    return isinstance(content, dict) and {"boxes", "keypoints", "metadata"} <= set(content)


def read(content: object) -> People:
    content = want(content, dict, "content")
    boxes, keypoints = (want(content.get(name), np.ndarray, repr(name)) for name in ("boxes", "keypoints"))
    if not boxes.ndim or not keypoints.ndim or len(boxes) != len(keypoints):
        raise FormatError(
            f"found {describe(boxes)} for boxes and {describe(keypoints)} for keypoints, expected as many"
        )
    found = [
        person
        for place, (box, joints) in enumerate(zip(boxes, keypoints, strict=True))
        for person in _people(place, box, joints)
    ]
    size = want(content.get("metadata"), dict, "'metadata'")
    shape = image_size({"width": size.get("w"), "height": size.get("h")})
    return People(found, range(len(boxes)), {len(COCO): COCO.joints}, shape)


def _people(place: int, box: Any, joints: Any) -> list[Detection]:
    boxes, joints = _of_people(box, f"'boxes' of frame {place}"), _of_people(joints, f"'keypoints' of frame {place}")
    if not len(joints):
        return []
    if joints.ndim != 3 or joints.shape[1:] != (4, len(COCO)) or boxes.shape != (len(joints), 5):
        found = f"{describe(joints)} with {describe(boxes)}"
        raise FormatError(f"frame {place}: found {found}, expected (people, 4, {len(COCO)}) with (people, 5)")
    rows = joints[:, [0, 1, 3]].transpose(0, 2, 1).astype(np.float64)
    return [Detection(place, person, float(score)) for person, score in zip(rows, boxes[:, 4], strict=True)]


def _of_people(entry: Any, what: str) -> np.ndarray:
    """The second part, that of the class of people; the first is the background's."""
    if not isinstance(entry, list | tuple | np.ndarray) or len(entry) != 2:
        raise FormatError(f"{what}: found {describe(entry)}, expected two parts")
    part = entry[1]
    return numeric({what: part}, what) if isinstance(part, np.ndarray) else np.array(want(part, list, what)[:0], float)
