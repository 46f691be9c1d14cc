"""Keypoints (2D, what a detector saw) and poses (3D, what the lifter makes of them): frozen and validated."""

from dataclasses import dataclass, replace
from math import radians, tan
from typing import NamedTuple

import numpy as np

from pstmo.errors import PstmoError, SkeletonError
from pstmo.skeleton import Skeleton, by_name


@dataclass(frozen=True, eq=False)
class Keypoints:
    """One person's 2D joints over time. Make it with `from_array`, which checks everything.

    xy: (frames, joints, 2) float32, pixels, x right, y down; NaN = not observed.
    confidence: (frames, joints) float32, 0 where not observed.
    image_size: (width, height) in pixels. fps: frames a second. focal: length in pixels; None = nobody knows.
    timestamps: (frames,) float64, seconds, rising; None = the clock is regular.
    drawn: what `gaps.Filler` put where joints were not observed; None = nothing yet.
    """

    xy: np.ndarray
    confidence: np.ndarray
    skeleton: Skeleton
    image_size: tuple[int, int]
    fps: float
    focal: float | None = None
    timestamps: np.ndarray | None = None
    drawn: "Drawn | None" = None

    @classmethod
    def from_array(
        cls,
        xy: np.ndarray,
        *,
        image_size: tuple[int, int] | None,
        fps: float | int | None,
        confidence: np.ndarray | None = None,
        skeleton: str | Skeleton = "coco17",
        focal: float | None = None,
        timestamps: np.ndarray | None = None,
    ) -> "Keypoints":
        """Checks and wraps (frames, joints, 2) pixels.

        A joint whose confidence is 0 counts as not observed. Raises PstmoError, or SkeletonError for a joint count that
        is not the skeleton's.
        """
        skeleton = by_name(skeleton)
        xy = np.array(xy, np.float32)
        _check_shape("keypoints", xy, skeleton, axes=2)
        size, rate = _checked_image_size(image_size), _checked_fps(fps)
        if focal is not None and not 0 < focal < np.inf:
            raise PstmoError(f"the focal length is {focal}, expected a positive number of pixels")
        observed = np.asarray(np.isfinite(xy).all(axis=-1))
        if confidence is None:
            confidence = observed
        confidence = np.nan_to_num(np.array(confidence, np.float32), posinf=np.inf, neginf=-np.inf)
        if confidence.shape != observed.shape:
            raise PstmoError(f"confidence has shape {confidence.shape}, expected {observed.shape} (frames, joints)")
        if np.isinf(confidence).any():
            raise PstmoError("confidence holds infinite values, expected numbers from 0 on")
        observed &= confidence > 0
        xy[~observed] = np.nan
        if timestamps is not None:
            timestamps = np.array(timestamps, np.float64)
            if timestamps.shape != xy.shape[:1] or not (np.diff(timestamps, prepend=-np.inf) > 0).all():
                raise PstmoError(f"expected {len(xy)} timestamps, each after the last; found {timestamps}")
        return cls(xy, np.where(observed, confidence, np.float32(0)), skeleton, size, rate, focal, timestamps)

    @property
    def frames(self) -> int:
        return len(self.xy)

    @property
    def observed(self) -> np.ndarray:
        """(frames, joints) bool."""
        return self.confidence > 0

    @property
    def times(self) -> np.ndarray:
        """(frames,) float64, seconds: the timestamps, or those of a regular clock that begins at 0."""
        return np.arange(self.frames) / self.fps if self.timestamps is None else self.timestamps

    def lens(self, usual: float) -> float:
        """Focal length over half the picture's width; where nobody knows it `usual`, which is over half of its longer
        side: a camera held upright has the same lens."""
        width, height = self.image_size
        return usual * max(1.0, height / width) if self.focal is None else 2 * self.focal / width

    def with_view(self, degrees: float | int) -> "Keypoints":
        """The same, by a camera that shows so many degrees from the left to the right edge. Raises PstmoError."""
        return replace(self, focal=focal_length(self.image_size, degrees))

    def to(self, skeleton: str | Skeleton) -> "Keypoints":
        """The same person in another layout, joint by joint by name. Raises SkeletonError if joints are missing."""
        target = by_name(skeleton)
        pick = list(self.skeleton.select(target))
        drawn = self.drawn and Drawn(self.drawn.xy[:, pick], self.drawn.error[:, pick])
        xy, confidence = self.xy[:, pick], self.confidence[:, pick]
        return replace(self, xy=xy, confidence=confidence, skeleton=target, drawn=drawn)

    def trusted(self, confidence: float | int) -> "Keypoints":
        """The same, where joints with less confidence count as not observed."""
        low = self.confidence < confidence
        xy, sure = np.where(low[..., None], np.float32(np.nan), self.xy), np.where(low, np.float32(0), self.confidence)
        return replace(self, xy=xy, confidence=sure, drawn=None)


class Drawn(NamedTuple):
    """xy: (frames, joints, 2) float32, pixels, of every joint; NaN = nobody could say. error: (frames, joints) float32,
    pixels by which each is expected to be off; 0 where it was observed, infinite where all is a line through a gap."""

    xy: np.ndarray
    error: np.ndarray


@dataclass(frozen=True, eq=False)
class Poses:
    """One person's 3D joints over time.

    positions: (frames, joints, 3) float32, metres, camera axes (x right, y down, z forward), root joint at 0.
    observed: (frames,) bool; False where no keypoint was seen and the pose rests on the frames around it.
    model: name of the network that made them, mode: how it lifted ("" for measured poses). smoothing: Hz above which
    motion was taken out, by `smooth.zero_phase`; 0 = none.
    """

    positions: np.ndarray
    skeleton: Skeleton
    fps: float
    observed: np.ndarray
    model: str = ""
    mode: str = ""
    smoothing: float = 0.0

    @classmethod
    def from_array(
        cls,
        positions: np.ndarray,
        *,
        fps: float | int | None,
        skeleton: str | Skeleton = "h36m17",
        observed: np.ndarray | None = None,
        model: str = "",
        mode: str = "",
    ) -> "Poses":
        """Checks (frames, joints, 3) metres and makes them root-relative. Raises PstmoError."""
        skeleton = by_name(skeleton)
        positions = np.array(positions, np.float32)
        _check_shape("poses", positions, skeleton, axes=3)
        rate, root = _checked_fps(fps), skeleton.root_index
        seen = np.array(np.isfinite(positions).all((1, 2)) if observed is None else observed, bool)
        if seen.shape != positions.shape[:1]:
            raise PstmoError(f"observed has shape {seen.shape}, expected {positions.shape[:1]} (frames,)")
        return cls(positions - positions[:, root : root + 1], skeleton, rate, seen, model, mode)

    @property
    def frames(self) -> int:
        return len(self.positions)

    def to(self, skeleton: str | Skeleton) -> "Poses":
        """The same motion in another layout, relative to its root. Raises SkeletonError if joints are missing."""
        target = by_name(skeleton)
        picked = self.positions[:, list(self.skeleton.select(target))]
        facts = {"fps": self.fps, "observed": self.observed, "model": self.model, "mode": self.mode}
        return Poses.from_array(picked, skeleton=target, **facts)


def focal_length(image_size: tuple[int, int], degrees: float | int) -> float:
    """In pixels, of a camera that shows so many degrees from the left to the right edge. Raises PstmoError."""
    if not 1 <= degrees < 179:
        raise PstmoError(f"found a field of view of {degrees:g} degrees, expected 1 to 179")
    return image_size[0] / 2 / tan(radians(degrees) / 2)


def _check_shape(what: str, array: np.ndarray, skeleton: Skeleton, axes: int) -> None:
    if array.ndim != 3 or array.shape[2] != axes:
        raise PstmoError(f"{what} have shape {array.shape}, expected (frames, joints, {axes})")
    if array.shape[1] != len(skeleton):
        raise SkeletonError(f"{what} have {array.shape[1]} joints, but skeleton {skeleton.name!r} has {len(skeleton)}")
    if len(array) == 0:
        raise PstmoError(f"{what} have zero frames, expected at least 1")
    if np.isinf(array).any():
        raise PstmoError(f"{what} hold infinite values; write NaN where a joint was not observed")


def _checked_image_size(size: tuple[int, int] | None) -> tuple[int, int]:
    if size is None:
        raise PstmoError("the image size is missing: give (width, height) in pixels, such as --image-size 1920 1080")
    try:
        width, height = (int(side) for side in size)
    except (TypeError, ValueError):
        raise PstmoError(f"the image size is {size!r}, expected (width, height) in pixels") from None
    if width <= 0 or height <= 0:
        raise PstmoError(f"the image size is {width} x {height}, expected two positive numbers of pixels")
    return width, height


def _checked_fps(fps: float | int | None) -> float:
    if fps is None:
        raise PstmoError("the frame rate is missing: give frames per second, such as --fps 30")
    if not 0 < float(fps) < 10_000:
        raise PstmoError(f"the frame rate is {fps}, expected a positive number of frames per second")
    return float(fps)
