"""OpenPose's JSON, https://github.com/CMU-Perceptual-Computing-Lab/openpose/blob/master/doc/02_output.md.

A folder of files `NAME_000000000012_keypoints.json`, one a frame, each {people: [{pose_keypoints_2d: [x, y, c] * n,
person_id: [id]}]}; or one such file alone. n is 25 (BODY_25) or 18 (COCO plus a neck, read as COCO's 17 by name). The
number in a file's name is its frame; numbers missing between the first and the last are frames where nobody was seen.
Coordinates must be pixels, as they are unless `--keypoint_scale` says otherwise.

AlphaPose's forms "open" and "cmu" are one mapping {"12.jpg": {people: ...}} or {"12.jpg": {bodies: [{joints: ...}]}}.
"""

from pstmo.files.content import numbered, plain, span, triples, want
from pstmo.people import Detection, People
from pstmo.skeleton import BODY25

EXPECTED: str = "OpenPose folder of NAME_000000000012_keypoints.json: {people: [{pose_keypoints_2d: [x, y, c] * 25}]}"

OPENPOSE18 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye",
    "right_ear", "left_ear",
)  # fmt: skip

LAYOUTS = {25: BODY25.joints, 18: OPENPOSE18}


def recognises(content: object) -> bool:
    return isinstance(content, dict) and any(map(_is_frame, _frames(content).values()))


def read(content: object) -> People:
    frames = _frames(want(content, dict, "content"))
    numbers = numbered(frames)
    found = [person for name, frame in frames.items() for person in _people(frame, numbers[name], name)]
    return People(found, span(numbers.values(), counted=plain(numbers)), LAYOUTS)


def _frames(content: dict[str, object]) -> dict[str, object]:
    """Each frame by its name; one frame alone has none."""
    return {"frame": content} if _is_frame(content) else content


def _is_frame(value: object) -> bool:
    return isinstance(value, dict) and ("people" in value or "bodies" in value)


def _people(frame: object, number: int, name: str) -> list[Detection]:
    """The people of one frame; those without a body (only a face, or hands) are left out."""
    frame = want(frame, dict, name)
    people, key = ("bodies", "joints") if "bodies" in frame else ("people", "pose_keypoints_2d")
    found = []
    for i, person in enumerate(want(frame.get(people), list, f"{people!r} of {name}")):
        what = f"person {i} of {name}"
        joints = triples(want(person, dict, what).get(key), f"{key!r} of {what}")
        if len(joints):
            found.append(Detection(number, joints, track=_track(person.get("person_id"), what)))
    return found


def _track(ids: object, what: str) -> int | None:
    """The person's number: [-1], like none at all, means that OpenPose did not track."""
    if not ids:
        return None
    track = want(want(ids, list, f"'person_id' of {what}")[0], int, f"'person_id' of {what}")
    return track if track >= 0 else None
