"""COCO's keypoint files: annotations and results lists, https://cocodataset.org/#format-data and #format-results.

Annotations: {images: [{id, width, height}], annotations: [{image_id, keypoints: [x, y, v] * 17}], categories}. A flag v
of 0 is a joint not labelled; 1 and 2, labelled and (not) visible, are both full confidence. Joints are picked by name
when a category names its `keypoints`. Optional: `score` and, as PoseTrack has it, `track_id`.
Results: [{image_id, keypoints: [x, y, confidence] * 17, score}].

Image ids count frames: there is one frame for each whole number from the first id to the last, and one that is not in
the file is a frame where nobody was seen.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import image_size, number, numbered, span, triples, want
from pstmo.files.names import joint_names
from pstmo.people import Detection, People
from pstmo.skeleton import COCO

EXPECTED: str = "COCO {images, annotations}, or results [{image_id: number, keypoints: [x, y, confidence] * 17, score}]"

LAYOUTS = {17: COCO.joints}


def recognises(content: object) -> bool:
    return (isinstance(content, dict) and "annotations" in content) or is_results(content, int)


def is_results(content: object, kind: type) -> bool:
    """Whether this is a list of people, whose image ids are of that kind."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and "keypoints" in first and isinstance(first.get("image_id"), kind)


def read(content: object) -> People:
    if isinstance(content, dict):
        return _read_annotations(content)
    entries = want(content, list, "content")
    numbers = numbered(image_ids(entries))
    return People(detections(entries, numbers, _track), span(numbers.values()), LAYOUTS)


def _read_annotations(content: dict[str, Any]) -> People:
    images = want(content.get("images"), list, "'images'")
    entries = want(content.get("annotations"), list, "'annotations'")
    numbers = numbered(image_ids(images, "id"))
    strangers = set(image_ids(entries)) - set(numbers)
    if strangers:
        raise FormatError(f"annotations are of image {strangers.pop()!r}, which 'images' does not list")
    sizes = {image_size(image) for image in images}
    if len(sizes) > 1:
        raise FormatError(f"found images of {len(sizes)} sizes, expected the frames of one video")
    found = [
        replace(detection, joints=np.minimum(detection.joints, [np.inf, np.inf, 1]))
        for detection in detections(entries, numbers, _track)
    ]
    names = _names(content)
    layouts = LAYOUTS | {len(names): names} if names else LAYOUTS
    return People(found, span(numbers.values()), layouts, sizes.pop(), named=bool(names))


def image_ids(entries: list, key: str = "image_id") -> list[int | str]:
    """Each entry's image id, checked. Raises FormatError."""
    ids = []
    for i, entry in enumerate(entries):
        image = want(entry, dict, f"entry {i}").get(key)
        ids.append(image if isinstance(image, str) else want(image, int, f"{key!r} of entry {i}"))
    return ids


def detections(
    entries: list, numbers: dict[int | str, int], track: Callable[[dict[str, Any]], int | None]
) -> list[Detection]:
    """The people in entries {image_id, keypoints, score}, whose image ids are checked. Raises FormatError."""
    found = []
    for i, entry in enumerate(entries):
        joints = triples(entry.get("keypoints"), f"'keypoints' of entry {i}")
        score = number(entry["score"], f"'score' of entry {i}") if "score" in entry else None
        found.append(Detection(numbers[entry["image_id"]], joints, score, track(entry)))
    return found


def _track(entry: dict[str, Any]) -> int | None:
    return want(entry["track_id"], int, "'track_id'") if entry.get("track_id") is not None else None


def _names(content: dict[str, Any]) -> tuple[str, ...]:
    """The joint names of the first category that has them, or none."""
    for category in want(content.get("categories", []), list, "'categories'"):
        names = want(category, dict, "category").get("keypoints")
        if names is not None:
            return joint_names(want(names, list, "'keypoints' of a category"))
    return ()
