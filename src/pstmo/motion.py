"""What became of one person: keypoints, poses about their root, and motion through a world."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pstmo.errors import PstmoError
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import Skeleton

WORLD_AXES = "x right as the camera sees it, y away from the camera, z up; metres, the floor at 0"


class Origins(NamedTuple):
    """Where the facts come from. focal: given, assumed. scale: height given, model. up: body, camera. floor: ankles,
    unknown (it is as low as the camera, or as the root joint where that does not move). root: reprojection, none."""

    focal: str
    scale: str
    up: str
    floor: str
    root: str


@dataclass(frozen=True, eq=False)
class World:
    """Motion in a world: metres, z up, floor at 0, x to the right as the camera sees it, y away from the camera, which
    stands above x = y = 0. Made by `world.in_world`.

    positions: (frames, joints, 3) float32. observed: (frames,) bool. orientation: (3, 3), camera axes -> world axes;
    its columns are the camera's axes in the world. camera_height: metres above the floor. focal: pixels. scale: what
    the poses were multiplied by. error: median reprojection error, pixels. Where the root was not sought, height and
    error are NaN.
    """

    positions: np.ndarray
    skeleton: Skeleton
    fps: float
    observed: np.ndarray
    orientation: np.ndarray
    camera_height: float
    focal: float
    scale: float
    error: float
    origins: Origins

    @property
    def arrays(self) -> dict[str, np.ndarray | float | str]:
        """What it says of itself, by the names under which files have it."""
        facts: dict[str, np.ndarray | float | str] = {
            "axes": WORLD_AXES,
            "positions": self.positions,
            "observed": self.observed,
            "orientation": self.orientation,
            "camera_height": self.camera_height,
            "focal": self.focal,
            "scale": self.scale,
            "reprojection_error": self.error,
        }
        facts |= {f"{what}_from": how for what, how in self.origins._asdict().items()}
        return {f"world_{name}": value for name, value in facts.items()}

    @property
    def root(self) -> np.ndarray:
        """(frames, 3): where the root joint goes."""
        return self.positions[:, self.skeleton.root_index]


class Fit(NamedTuple):
    """What fitting the skeleton changed. moved: median and largest distance of a joint from where it was, metres.

    The others before and after it. bones: deviation of their lengths over time, metres, mean of the bones. sliding:
    mean speed of feet that rest, metres a second; NaN where none does. broken: share of frames in which a joint bends
    beyond its limits. pixels: median distance from the keypoints; NaN where nobody knows.
    """

    moved: tuple[float, float]
    bones: tuple[float, float]
    sliding: tuple[float, float]
    broken: tuple[float, float]
    pixels: tuple[float, float]

    @property
    def arrays(self) -> dict[str, tuple[float, float]]:
        """By the names under which files have it."""
        return {f"fit_{name}": pair for name, pair in self._asdict().items()}


@dataclass(frozen=True, eq=False)
class Motion:
    """One person's, frame by frame the same in all parts. Raises PstmoError where these have not as many frames.

    keypoints: what the poses were lifted from, world: where they are; None = not known. person: the number by which
    files and pages tell people apart. timestamps: (frames,) float64, seconds, rising; None = those of the keypoints,
    or a regular clock that begins at 0. fit: what `fit.fitted` changed; None = nothing.
    """

    poses: Poses
    keypoints: Keypoints | None = None
    world: World | None = None
    person: int = 1
    timestamps: np.ndarray | None = None
    fit: Fit | None = None

    def __post_init__(self) -> None:
        if self.timestamps is not None and (
            self.timestamps.shape != (self.frames,) or not (np.diff(self.timestamps, prepend=-np.inf) > 0).all()
        ):
            raise PstmoError(f"expected {self.frames} timestamps, each after the last; found {self.timestamps}")
        if self.keypoints is not None and self.keypoints.frames != self.frames:
            raise PstmoError(
                f"found {self.keypoints.frames} frames of keypoints for {self.frames} of poses, expected as many"
            )
        if self.world is not None and self.world.positions.shape != self.poses.positions.shape:
            raise PstmoError(
                f"found poses {self.poses.positions.shape} and a world {self.world.positions.shape}, expected the same "
                "frames and joints"
            )

    @property
    def frames(self) -> int:
        return self.poses.frames

    @property
    def fps(self) -> float:
        return self.poses.fps

    @property
    def skeleton(self) -> Skeleton:
        return self.poses.skeleton

    @property
    def times(self) -> np.ndarray:
        """(frames,) float64, seconds."""
        if self.timestamps is not None:
            return self.timestamps
        return np.arange(self.frames) / self.fps if self.keypoints is None else self.keypoints.times

    @property
    def observed(self) -> np.ndarray:
        """(frames,) bool; False where the pose, or its place in the world, rests on the frames around it."""
        return self.poses.observed if self.world is None else self.world.observed

    @property
    def positions(self) -> np.ndarray:
        """(frames, joints, 3) float32, metres, WORLD_AXES. Without a world, as if the camera had been level and the
        lowest of all joints had stood on the floor."""
        if self.world is not None:
            return self.world.positions
        level = self.poses.positions[..., [0, 2, 1]] * np.array([1, 1, -1], np.float32)
        lowest = np.nanmin(level[..., 2], initial=np.inf)
        return level - np.array([0, 0, lowest if np.isfinite(lowest) else 0], np.float32)
