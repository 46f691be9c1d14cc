"""The people that a file tells of or a detector saw."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pstmo.errors import FormatError


@dataclass(frozen=True, eq=False)
class Detection:
    """One person in one frame.

    frame: the number the file gives the frame. joints: (joints, 3), x, y and confidence; 0 or NaN = not observed.
    score: how sure the detector is of the person, track: who it is; None where the file does not say. memory: numbers
    of the detector's own, by which it goes on from there.
    """

    frame: int
    joints: np.ndarray
    score: float | None = None
    track: int | None = None
    memory: tuple[float, ...] = ()

    @cached_property
    def observed(self) -> np.ndarray:
        """(joints,) bool."""
        return ~np.isnan(self.joints).any(-1) & (self.joints[:, 2] > 0)

    @cached_property
    def box(self) -> np.ndarray:
        """Left, top, right and bottom of the joints observed, of which there must be one."""
        xy = self.joints[self.observed, :2]
        return np.concatenate([xy.min(0), xy.max(0)])

    @cached_property
    def sureness(self) -> float:
        """How sure the detector is of the person: its score, else the mean confidence of the joints observed."""
        confidence = self.joints[self.observed, 2]
        return float(confidence.sum() / max(len(confidence), 1) if self.score is None else self.score)


@dataclass(frozen=True, eq=False)
class People:
    """What one file says, or what was seen in one video.

    frames: the numbers of its frames, without gaps; each becomes a frame of the Keypoints.
    layouts: joint names by number of joints; names may stop early, the joints after them are not used.
    image_size (width, height) in pixels and fps: None where the file does not say.
    named: the file itself names the joints in layouts; they are not merely those usual in its format.
    normalised: x and y are fractions of the image's width and height, not pixels.
    timestamps: of the frames, seconds, rising; None = the clock is regular. focal: length in pixels; None = unknown.
    """

    detections: list[Detection]
    frames: range
    layouts: Mapping[int, tuple[str, ...]]
    image_size: tuple[int, int] | None = None
    fps: float | None = None
    normalised: bool = False
    timestamps: np.ndarray | None = None
    focal: float | None = None
    named: bool = False

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
