"""The people that a file tells of or a detector saw, and how one of them becomes Keypoints."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import attrgetter

import numpy as np

from pstmo.errors import FormatError, PstmoError, SkeletonError
from pstmo.sequence import Keypoints
from pstmo.skeleton import SKELETONS, Skeleton, by_name


@dataclass(frozen=True, eq=False)
class Detection:
    """One person in one frame.

    frame: the number the file gives the frame. joints: (joints, 3), x, y and confidence; 0 or NaN = not observed.
    score: how sure the detector is of the person, track: who it is; None where the file does not say.
    """

    frame: int
    joints: np.ndarray
    score: float | None = None
    track: int | None = None

    @cached_property
    def observed(self) -> np.ndarray:
        """(joints,) bool."""
        return ~np.isnan(self.joints).any(-1) & (self.joints[:, 2] > 0)

    @cached_property
    def box(self) -> np.ndarray:
        """Left, top, right and bottom of the joints observed, of which there must be one."""
        xy = self.joints[self.observed, :2]
        return np.concatenate([xy.min(0), xy.max(0)])

    def doubt(self) -> float:
        """The less, the surer the detector is of the person: by its score, else by the joints' confidence."""
        return -float(self.joints[self.observed, 2].mean() if self.score is None else self.score)

    def distance(self, other: "Detection") -> float:
        """Between the sides of both boxes."""
        return float(np.abs(self.box - other.box).sum())


@dataclass(frozen=True, eq=False)
class People:
    """What one file says, or what was seen in one video.

    frames: the numbers of its frames, without gaps; each becomes a frame of the Keypoints.
    layouts: joint names by number of joints; names may stop early, the joints after them are not used.
    image_size (width, height) in pixels and fps: None where the file does not say.
    normalised: x and y are fractions of the image's width and height, not pixels.
    timestamps: of the frames, seconds, rising; None = the clock is regular.
    """

    detections: list[Detection]
    frames: range
    layouts: Mapping[int, tuple[str, ...]]
    image_size: tuple[int, int] | None = None
    fps: float | None = None
    normalised: bool = False
    timestamps: np.ndarray | None = None

    @cached_property
    def joint_count(self) -> int:
        """Joints that all detections have. Raises FormatError when they differ, or when there are no detections."""
        if not self.detections:
            raise FormatError(f"found nobody in any of its {len(self.frames)} frames, expected at least one person")
        first = self.detections[0]
        for detection in self.detections:
            if len(detection.joints) != len(first.joints):
                raise FormatError(
                    f"found {len(detection.joints)} joints in frame {detection.frame}, "
                    f"but {len(first.joints)} in frame {first.frame}; expected the same everywhere"
                )
        return len(first.joints)


def keypoints_of(
    people: People,
    *,
    skeleton: str | Skeleton | None,
    image_size: tuple[int, int] | None,
    fps: float | int | None,
    person: int | None,
) -> Keypoints:
    """One person's Keypoints; see `read_keypoints` for the arguments and errors."""
    count = people.joint_count
    layout, columns = _layout(people, count, skeleton)
    joints = np.full((len(people.frames), count, 3), np.nan)
    for detection in _follow(_candidates(people, person)):
        joints[detection.frame - people.frames.start] = detection.joints
    xy, confidence = joints[:, columns, :2], joints[:, columns, 2]
    size = image_size or people.image_size
    if people.normalised and size:
        xy = xy * size
    rate = people.fps if fps is None else fps
    facts = {"image_size": size, "fps": rate, "timestamps": people.timestamps}
    return Keypoints.from_array(xy, confidence=confidence, skeleton=layout, **facts)


def _layout(people: People, count: int, wanted: str | Skeleton | None) -> tuple[Skeleton, list[int]]:
    """The skeleton, and which columns its joints are: by name where the file or its format names the joints."""
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
    if len(skeleton) != count:
        raise SkeletonError(f"found {count} joints, but skeleton {skeleton.name!r} has {len(skeleton)}")
    return skeleton, list(range(count))


def _unnamed(people: People, count: int) -> str:
    fits = ", ".join(known.name for known in SKELETONS.values() if len(known) == count) or "none that is known here"
    usual = " or ".join(map(str, people.layouts)) or "joints with names"
    return (
        f"found {count} joints without known names, expected {usual}; "
        f"say which they are with --skeleton NAME; skeletons of {count} joints: {fits}"
    )


def _candidates(people: People, person: int | None) -> list[Detection]:
    """The detections that may be the person: those of one track, or all where the file knows no tracks."""
    seen = [detection for detection in people.detections if detection.observed.any()]
    appearances = dict.fromkeys((detection.track, detection.frame) for detection in seen)
    frames = Counter(track for track, _ in appearances if track is not None)
    if person is not None and person not in frames:
        known = ", ".join(map(str, sorted(frames))) or "none, this file does not say who is who"
        raise PstmoError(f"found no person {person}; persons in it: {known}")
    if not frames:
        return seen
    chosen = frames.most_common(1)[0][0] if person is None else person
    return [detection for detection in seen if detection.track == chosen]


def _follow(candidates: list[Detection]) -> list[Detection]:
    """One detection a frame: the surest at first, then always the one nearest to the last. No more of a tracker."""
    path: list[Detection] = []
    by_frame = attrgetter("frame")
    for _, group in groupby(sorted(candidates, key=by_frame), key=by_frame):
        path.append(min(group, key=path[-1].distance if path else Detection.doubt))
    return path
