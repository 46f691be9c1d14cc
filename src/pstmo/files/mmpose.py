"""MMPose's predictions, https://github.com/open-mmlab/mmpose, as JSON.

A person is {keypoints: [[x, y], ...], keypoint_scores: [...], bbox_score?, track_id?}. MMPose 0.x, and ViTPose which is
made with it, have [[x, y, score], ...] for `keypoints`; Hugging Face's ViTPose calls the scores `scores`. A video is a
list of frames, {frame_id, instances: [person, ...]} or plain lists of people; an image is one list of people; a folder
has such a file for each image. The demos put `instance_info` around it, beside the `meta_info` of the data set, which
names the joints.

Frames are counted from 0, or from 1 where the smallest `frame_id` is 1. Where the file names no joints, 17 are COCO's,
26 Halpe's and 133 COCO-WholeBody's.
"""

from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import describe, number, numbered, plain, span, triples, want
from pstmo.files.names import joint_names
from pstmo.people import Detection, People
from pstmo.skeleton import COCO, HALPE26

EXPECTED: str = "MMPose [{frame_id, instances: [{keypoints: [[x, y], ...], keypoint_scores}]}], or people of one image"

LAYOUTS = {17: COCO.joints, 26: HALPE26.joints, 133: COCO.joints}


def recognises(content: object) -> bool:
    if isinstance(content, dict) and "instance_info" not in content:
        return bool(content) and any(map(_are_people, content.values()))
    frames = content["instance_info"] if isinstance(content, dict) else content
    if not isinstance(frames, list):
        return False
    first = next(filter(None, frames), None)
    return _are_people(frames) or _are_people(first) or (isinstance(first, dict) and "instances" in first)


def read(content: object) -> People:
    frames, counted = _frames(content)
    found = [
        _person(person, place, f"person {i} of frame {place}")
        for place, people in frames
        for i, person in enumerate(want(people, list, f"frame {place}"))
    ]
    names = _names(content.get("meta_info")) if isinstance(content, dict) else ()
    layouts = {len(names): names} if names else LAYOUTS
    return People(found, span([place for place, _ in frames], counted=counted), layouts, named=bool(names))


def _are_people(value: object) -> bool:
    """Whether this is a list of people, by the first."""
    first = value[0] if isinstance(value, list) and value else None
    if not isinstance(first, dict) or "image_id" in first or not isinstance(first.get("keypoints"), list):
        return False
    return "keypoint_scores" in first or isinstance(next(iter(first["keypoints"]), None), list)


def _frames(content: object) -> tuple[list[tuple[int, Any]], bool]:
    """The people of each frame by its number, and whether those count a video's frames."""
    if isinstance(content, dict) and "instance_info" not in content:
        numbers = numbered(content)
        return [(numbers[name], people) for name, people in content.items()], plain(numbers)
    frames = want(content["instance_info"] if isinstance(content, dict) else content, list, "frames")
    if _are_people(frames):
        return [(0, frames)], True
    return [_frame(i, frame) for i, frame in enumerate(frames)], True


def _frame(place: int, frame: object) -> tuple[int, Any]:
    if not isinstance(frame, dict):
        return place, frame
    what = f"entry {place}"
    people = frame.get("instances")
    return want(frame.get("frame_id", place), int, f"'frame_id' of {what}"), [] if people is None else people


def _person(person: object, place: int, what: str) -> Detection:
    person = want(person, dict, what)
    rows = [
        want(row, list, f"a joint of {what}") for row in want(person.get("keypoints"), list, f"'keypoints' of {what}")
    ]
    scores = person.get("keypoint_scores", person.get("scores"))
    axes = 3 if scores is None else 2
    wrong = next((row for row in rows if len(row) != axes), None)
    if wrong is not None:
        raise FormatError(
            f"a joint of {what}: found {describe(wrong)}, expected {'x, y, score' if axes == 3 else 'x, y'}"
        )
    if scores is not None:
        if len(want(scores, list, f"scores of {what}")) != len(rows):
            raise FormatError(f"{what}: found {len(scores)} scores of {len(rows)} joints, expected as many")
        rows = [[*row, score] for row, score in zip(rows, scores, strict=True)]
    joints = triples([value for row in rows for value in row], what)
    score, track = person.get("bbox_score"), person.get("track_id")
    return Detection(
        place,
        np.maximum(joints, [-np.inf, -np.inf, 0]),
        None if score is None else number(score, f"'bbox_score' of {what}"),
        None if track is None else want(track, int, f"'track_id' of {what}"),
    )


def _names(about: Any) -> tuple[str, ...]:
    """The joints as the data set names them. Halpe calls the top of the head the head."""
    named = about.get("keypoint_id2name") if isinstance(about, dict) else None
    if not named:
        return ()
    named = want(named, dict, "'keypoint_id2name'")
    joints = joint_names(named.get(str(i)) for i in range(len(named)))
    halpe = str(about.get("dataset_name")).startswith("halpe")
    return tuple("head_top" if halpe and joint == "head" else joint for joint in joints)
