"""A recording: one camera's view of one take, in 2D and 3D; and its line in a data set's index."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pstmo.camera import Intrinsics
from pstmo.errors import PstmoError
from pstmo.sequence import Keypoints, Poses

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Recording:
    """One camera's view of one take: frame by frame the keypoints of every kind, and the poses behind them.

    root: (frames, 3) the root joint in camera axes, metres, where known. lens: of the camera, where known.
    activity: (frames,) uint8, places in the data set's `activities`, where they change within a take.
    """

    subject: str
    take: str  # "Walking 1"
    action: str  # "Walking"
    camera: str
    split: str  # one of SPLITS
    keypoints: Mapping[str, Keypoints]
    poses: Poses
    root: np.ndarray | None = None
    lens: Intrinsics | None = None
    activity: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise PstmoError(f"{self.name}: unknown split {self.split!r}; available: {', '.join(SPLITS)}")
        for kind, seen in self.keypoints.items():
            if seen.frames != self.poses.frames:
                found = f"{seen.frames} frames of keypoints {kind!r} and {self.poses.frames} of poses"
                raise PstmoError(f"{self.name}: found {found}, expected as many")
        for what, array, shape in (("root", self.root, (self.frames, 3)), ("activity", self.activity, (self.frames,))):
            if array is not None and array.shape != shape:
                raise PstmoError(f"{self.name}: {what} has shape {array.shape}, expected {shape}")

    @property
    def name(self) -> str:
        return f"{self.subject}/{self.take}/{self.camera}"

    @property
    def frames(self) -> int:
        return self.poses.frames


@dataclass(frozen=True)
class Entry:
    """A recording's line in the index: its rows are start ... start + frames."""

    subject: str
    take: str
    action: str
    camera: str
    split: str
    start: int
    frames: int
    fps: float
    image_size: tuple[int, int]
    lens: Mapping[str, list[float]] | None = None  # normalised screen, as in camera.Intrinsics

    @property
    def focal(self) -> float | None:
        """Focal length in pixels, where the lens is known."""
        return None if self.lens is None else sum(self.lens["focal"]) / 2 * self.image_size[0] / 2

    @property
    def name(self) -> str:
        return f"{self.subject}/{self.take}/{self.camera}"

    @property
    def rows(self) -> slice:
        return slice(self.start, self.start + self.frames)
