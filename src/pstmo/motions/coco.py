"""COCO's layout with 3D beside the keypoints: an annotation for each person in each image.

images: id (the frame, from 0), width, height, time (seconds). annotations: image_id, track_id (the person),
category_id, keypoints [x, y, confidence] * joints, pixels, as COCO's results have them, num_keypoints, score,
keypoints_3d [x, y, z] * joints, metres, axes of the world (null where nobody knows), observed. categories: keypoints
and keypoints_3d name the joints. info: units, axes, fps, version. `files.coco` reads the 2D part.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.errors import FormatError, PstmoError
from pstmo.files.content import LARGEST, MOST_FRAMES, describe, first_bytes, image_size, number, want
from pstmo.motion import WORLD_AXES, Motion
from pstmo.motions.facts import few, motion_of, named, plain, program
from pstmo.sequence import Keypoints
from pstmo.skeleton import Skeleton

ENDING: str = ".coco.json"
SEVERAL: bool = True

MOST_NUMBERS = 2**27
"""In all frames of a person."""


def write(path: Path, people: Sequence[Motion]) -> None:
    """Raises PstmoError for people without keypoints, or in other pictures or at other times than the first."""
    seen = [_keypoints(motion, people[0]) for motion in people]
    layouts = [(keypoints.skeleton, motion.skeleton) for motion, keypoints in zip(people, seen, strict=True)]
    kinds = list(dict.fromkeys(layouts))
    annotations: list[dict[str, Any]] = []
    for motion, keypoints, layout in zip(people, seen, layouts, strict=True):
        for entry in _annotations(motion, keypoints):
            annotations.append({"id": len(annotations) + 1, "category_id": kinds.index(layout) + 1} | entry)
    width, height = seen[0].image_size
    document = {
        "info": {"version": program(), "units": "metres", "axes": WORLD_AXES, "fps": people[0].fps},
        "images": [
            {"id": frame, "width": width, "height": height, "time": round(time, 6)}
            for frame, time in enumerate(people[0].times.tolist())
        ],
        "annotations": annotations,
        "categories": [_category(i + 1, *kind) for i, kind in enumerate(kinds)],
    }
    path.write_text(json.dumps(document, allow_nan=False, separators=(",", ":")), "utf-8")


def _category(number: int, flat: Skeleton, solid: Skeleton) -> dict[str, Any]:
    """COCO counts joints from 1 in bones."""
    return {
        "id": number,
        "name": "person",
        "keypoints": flat.joints,
        "skeleton": [[a + 1, b + 1] for a, b in flat.bone_indices],
        "keypoints_3d": solid.joints,
        "skeleton_3d": [[a + 1, b + 1] for a, b in solid.bone_indices],
    }


def _keypoints(motion: Motion, first: Motion) -> Keypoints:
    if motion.keypoints is None or first.keypoints is None:
        raise PstmoError(f"person {motion.person} has no 2D keypoints, which COCO's files are made of")
    if motion.keypoints.image_size != first.keypoints.image_size or not np.array_equal(motion.times, first.times):
        raise PstmoError(f"person {motion.person} was in another video than person {first.person}, expected the same")
    return motion.keypoints


def _annotations(motion: Motion, keypoints: Keypoints) -> list[dict[str, Any]]:
    flat = np.nan_to_num(np.concatenate([keypoints.xy, keypoints.confidence[..., None]], -1)).astype(np.float64)
    solid = plain(motion.positions.reshape(motion.frames, -1))
    counts = keypoints.observed.sum(1)
    scores = keypoints.confidence.sum(1, dtype=np.float64) / np.maximum(counts, 1)
    return [
        {
            "image_id": frame,
            "track_id": motion.person,
            "keypoints": flat[frame].round(3).ravel().tolist(),
            "num_keypoints": int(counts[frame]),
            "score": round(float(scores[frame]), 4),
            "keypoints_3d": solid[frame],
            "observed": bool(motion.observed[frame]),
        }
        for frame in range(motion.frames)
    ]


def read(path: Path) -> list[Motion]:
    first_bytes(path, 1)
    try:
        document = want(json.loads(path.read_bytes()), dict, "content")
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not whole JSON: {error}") from error
    info, categories = want(document.get("info"), dict, "'info'"), _by_id(document, "categories")
    if info.get("axes") != WORLD_AXES:
        raise FormatError(f"'axes' of 'info': found {describe(info.get('axes'))}, expected {WORLD_AXES!r}")
    images = _by_id(document, "images")
    if not images or len({image_size(image) for image in images.values()}) > 1:
        raise FormatError("found images of no size or of several, expected the frames of one video")
    people: dict[int, list[dict[str, Any]]] = {}
    for entry in want(document.get("annotations"), list, "'annotations'"):
        track = want(want(entry, dict, "annotation").get("track_id"), int, "'track_id'")
        people.setdefault(track, []).append(entry)
    few(people)
    if len(people) * len(images) > MOST_FRAMES:
        raise FormatError(
            f"found {len(people)} people in {len(images):,} images, expected {MOST_FRAMES:,} poses at most"
        )
    fps = number(info.get("fps"), "'fps'")
    return [_motion(person, people[person], images, categories, fps) for person in sorted(people)]


def _by_id(document: dict[str, Any], key: str) -> dict[int, dict[str, Any]]:
    entries = [want(entry, dict, f"{key}: entry") for entry in want(document.get(key), list, repr(key))]
    return {want(entry.get("id"), int, f"'id' in {key!r}"): entry for entry in entries}


def _motion(
    person: int, entries: list[dict[str, Any]], images: dict[int, Any], categories: dict[int, Any], fps: float
) -> Motion:
    category = categories.get(want(entries[0].get("category_id"), int, "'category_id'"), {})
    names = [_names(category, key) for key in ("keypoints", "keypoints_3d")]
    if len(images) * sum(map(len, names)) * 3 > MOST_NUMBERS:
        raise FormatError(f"found {len(images):,} images of {sum(map(len, names))} joints, expected fewer")
    frames = {image: frame for frame, image in enumerate(sorted(images))}
    flat, solid = (np.full((len(images), len(joints), 3), np.nan) for joints in names)
    observed = np.zeros(len(images), bool)
    for entry in entries:
        frame = frames.get(want(entry.get("image_id"), int, "'image_id'"))
        if frame is None:
            raise FormatError(f"found an annotation of image {entry['image_id']}, which 'images' does not list")
        flat[frame], solid[frame] = (
            _triples(entry, key, len(joints)) for key, joints in zip(("keypoints", "keypoints_3d"), names, strict=True)
        )
        observed[frame] = entry.get("observed") is True
    (skeleton, places), (flat_skeleton, flat_places) = named(names[1]), named(names[0], rooted=False)
    times = np.array([number(images[image].get("time"), "'time'") for image in sorted(images)])
    motion = motion_of(skeleton, solid[:, places], fps=fps, observed=observed, person=person, times=times)
    keypoints = Keypoints.from_array(
        flat[:, flat_places, :2],
        image_size=image_size(images[min(images)]),
        fps=fps,
        confidence=flat[:, flat_places, 2],
        skeleton=flat_skeleton,
        timestamps=motion.timestamps,
    )
    return replace(motion, keypoints=keypoints)


def _names(category: dict[str, Any], key: str) -> list[str]:
    return [want(name, str, f"name in {key!r}") for name in want(category.get(key), list, f"{key!r} of the category")]


def _triples(entry: dict[str, Any], key: str, joints: int) -> np.ndarray:
    try:
        values = np.array(want(entry.get(key), list, repr(key)), np.float64).reshape(joints, 3)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(f"{key!r}: found {describe(entry.get(key))}, expected {joints} * 3 numbers") from None
    if (np.abs(values) > LARGEST).any():
        raise FormatError(f"{key!r}: found infinite or absurdly large values, expected finite numbers")
    return values
