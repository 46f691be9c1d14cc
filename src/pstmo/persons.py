"""Who is in it, who of them is meant, and how they become Keypoints."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np

from pstmo.errors import PstmoError, SkeletonError
from pstmo.people import Detection, People
from pstmo.sequence import Keypoints
from pstmo.skeleton import COCO, SKELETONS, Skeleton, by_name
from pstmo.tracking import tracked


class Person(NamedTuple):
    """frames: in which the person is seen. score: the mean; how sure the detector is. size: the mean of the longer side
    of the box around the joints observed, in the unit of the joints. closeness: from 1 in the middle of the picture to
    0.5 in a corner, the median; 1 where nobody knows the picture's size."""

    track: int
    frames: int
    score: float
    size: float
    closeness: float

    @property
    def prominence(self) -> float:
        """Who is seen for long, is large and in the middle is the one that a picture is of."""
        return self.frames * self.size * self.closeness


def persons(people: People) -> list[Person]:
    """Everybody, the most prominent first; kept apart by `tracked` where the tracks are not known.

    Raises FormatError when there are no detections.
    """
    return [person for person, _ in _found(people)]


def keypoints_of(
    people: People,
    *,
    skeleton: str | Skeleton | None = None,
    image_size: tuple[int, int] | None = None,
    fps: float | int | None = None,
    person: int | None = None,
) -> Keypoints:
    """One person's Keypoints, the most prominent one's by default; see `read_keypoints` for arguments and errors."""
    people = _told(people, image_size, fps)
    found = {known.track: seen for known, seen in _found(people)}
    seen = one_of(found, person) if found else []  # who is there, but in no joint
    return _keypoints(seen, people, skeleton)


T = TypeVar("T")


def one_of(found: Mapping[int, T], person: int | None) -> T:
    """That person's, or the first one's. Raises PstmoError naming who is there."""
    person = next(iter(found), 0) if person is None else person
    if person not in found:
        raise PstmoError(f"found no person {person}; persons in it: {', '.join(map(str, sorted(found))) or 'none'}")
    return found[person]


def counted(found: Mapping[int, object]) -> str:
    """How many, and their numbers."""
    return "1 person" if len(found) == 1 else f"{len(found)} people ({', '.join(map(str, sorted(found)))})"


def everyone(
    people: People,
    *,
    skeleton: str | Skeleton | None = None,
    image_size: tuple[int, int] | None = None,
    fps: float | int | None = None,
) -> dict[int, Keypoints]:
    """Everybody's Keypoints by track, the most prominent first, each with all frames; the rest as in `keypoints_of`."""
    people = _told(people, image_size, fps)
    return {person.track: _keypoints(seen, people, skeleton) for person, seen in _found(people)}


def _told(people: People, image_size: tuple[int, int] | None, fps: float | int | None) -> People:
    """With what the caller knows better than the file."""
    rate = people.fps if fps is None else float(fps)
    return replace(people, image_size=image_size or people.image_size, fps=rate)


def _found(people: People) -> list[tuple[Person, list[Detection]]]:
    """Everybody and where they are seen, the most prominent first."""
    by_track: dict[int, list[Detection]] = defaultdict(list)
    for detection in tracked(people).detections:
        if detection.track is not None:
            by_track[detection.track].append(detection)
    found = [(_person(track, seen, people), seen) for track, seen in by_track.items()]
    return sorted(found, key=lambda one: (-one[0].prominence, one[0].track))


def _person(track: int, seen: list[Detection], people: People) -> Person:
    corners = np.array([detection.box for detection in seen]).reshape(-1, 2, 2)
    score, closeness = np.mean([detection.sureness for detection in seen]), 1.0
    if people.normalised:
        corners = corners * (people.image_size or 1)
    picture = people.image_size or ((1, 1) if people.normalised else None)
    if picture:
        off = np.linalg.norm(corners.mean(1) - np.array(picture) / 2, axis=-1) / np.hypot(*picture)
        closeness = 1 - min(float(np.median(off)), 0.5)
    return Person(track, len(seen), float(score), float(np.ptp(corners, axis=1).max(-1).mean()), closeness)


def _keypoints(seen: list[Detection], people: People, wanted: str | Skeleton | None) -> Keypoints:
    skeleton, columns = _layout(people, people.joint_count, wanted)
    joints = np.full((len(people.frames), people.joint_count + 1, 3), np.nan)  # the last one is never observed
    for detection in seen:
        joints[detection.frame - people.frames.start, :-1] = detection.joints
    xy, confidence = joints[:, columns, :2], joints[:, columns, 2]
    if people.normalised and people.image_size:
        xy = xy * people.image_size
    facts = {"image_size": people.image_size, "fps": people.fps, "timestamps": people.timestamps, "focal": people.focal}
    return Keypoints.from_array(xy, confidence=confidence, skeleton=skeleton, **facts)


def _layout(people: People, count: int, wanted: str | Skeleton | None) -> tuple[Skeleton, list[int]]:
    """The skeleton, and which columns its joints are: by name where the file or its format names the joints.

    -1 stands for a joint that is not there: of the caller's skeleton, a file with names may lack half of the joints.
    """
    names = people.layouts.get(count, ())
    if wanted is not None:
        skeleton = by_name(wanted)
    else:
        able = [known for known in SKELETONS.values() if set(known.joints) <= set(names)]
        if not able:
            raise SkeletonError(_unnamed(people, count))
        skeleton = max(able, key=len)
    if set(skeleton.joints) <= set(names):
        return skeleton, [names.index(joint) for joint in skeleton.joints]
    if people.named and 2 * len(set(skeleton.joints) & set(names)) >= len(skeleton):
        return skeleton, [names.index(joint) if joint in names else -1 for joint in skeleton.joints]
    if len(skeleton) != count:
        raise SkeletonError(f"found {count} joints, but skeleton {skeleton.name!r} has {len(skeleton)}")
    return skeleton, list(range(count))


def _unnamed(people: People, count: int) -> str:
    if people.named:
        return _strange(people.layouts.get(count, ()))
    fits = ", ".join(known.name for known in SKELETONS.values() if len(known) == count) or "none that is known here"
    usual = " or ".join(map(str, people.layouts)) or "joints with names"
    return (
        f"found {count} joints without known names, expected {usual}; "
        f"say which they are with --skeleton NAME; skeletons of {count} joints: {fits}"
    )


def _strange(names: tuple[str, ...]) -> str:
    near = max(SKELETONS.values(), key=lambda known: (len(set(known.joints) & set(names)) / len(known), known is COCO))
    lacking = [joint for joint in near.joints if joint not in names]
    leave = f"; to leave those unseen, say --skeleton {near.name}" if 2 * len(lacking) <= len(near) else ""
    return (
        f"found joints {', '.join(names[:40])}; expected all of a skeleton: {', '.join(SKELETONS)}; "
        f"of {near.name}, the nearest, {', '.join(lacking)} are missing{leave}"
    )
