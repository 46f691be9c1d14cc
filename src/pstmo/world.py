"""From poses about their root, in camera axes, to motion through a world where people stand upright.

A camera that stands still and does not zoom. Arrays are numpy's, as in Keypoints and Poses. What is
estimated here, how well, and when it fails: docs/world.md.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pstmo.errors import PstmoError
from pstmo.framing import FOCAL
from pstmo.motion import Origins, World
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import Skeleton
from pstmo.spline import smoothest

Motion = Float[np.ndarray, "frames joints 3"]
Path = Float[np.ndarray, "frames 3"]

CAMERA_UP = np.array([0.0, -1.0, 0.0])

PRICE = 2e-4
"""What acceleration costs, against squared metres between each joint and its ray, over the same time."""

DOUBT = 0.05
"""Metres between a joint and its ray at which it counts half (Cauchy's weights)."""

ROUNDS = 5

NEAREST = 0.1
"""Metres before the camera: nobody is nearer."""

TOES = 0.06
"""Metres by which people stand before their ankles."""

UPRIGHT = 60.0
"""Degrees between a body and the picture's upright up to which it tells where up is."""

ANKLE, STANDING = 0.07, 0.2
"""Metres of an ankle above the floor; share of the time in which the lower ankle is at most so high."""

STEP, SINKS, LONG = 0.25, 1 / 3, 0.25
"""Metres between two people's floors that errors explain, and share of the camera's height above the lower one, as
depths err by so much; share of the longest time anybody was seen for."""

HEIGHTS = (0.4, 2.8)
"""Metres: of people."""


class Trajectory(NamedTuple):
    """root: camera axes, metres. seen: False where fewer than two joints were seen, and the root rests on the frames
    around it. error: median distance of the joints seen from where the poses show them, pixels."""

    root: Path
    seen: Bool[np.ndarray, " frames"]
    error: float


class Placed(NamedTuple):
    """One person before the camera. body: poses, and trajectory, in camera axes; scaled. Without a trajectory the root
    stays where the camera is."""

    poses: Poses
    keypoints: Keypoints
    body: Motion
    trajectory: Trajectory | None
    scale: float | None

    @property
    def seen(self) -> Bool[np.ndarray, " frames"]:
        """Frames that tell of the person; all of them where none does."""
        seen = self.poses.observed if self.trajectory is None else self.poses.observed & self.trajectory.seen
        return seen if seen.any() else np.ones_like(seen)

    @property
    def motion(self) -> Motion:
        return self.body if self.trajectory is None else self.body + self.trajectory.root[:, None]


def in_world(
    poses: Poses,
    keypoints: Keypoints,
    *,
    height: float | int | None = None,
    travel: bool = True,
    upright: bool = True,
    floor: bool = True,
) -> World:
    """The motion in a world. keypoints: those that the poses were lifted from.

    height: of the person, metres; None = as tall as the model made them. travel: find the root's way; else it stays
    where the camera is, and only the body moves. upright: find where up is; else the camera is taken to be level.
    floor: put it below the feet; else 0 is the height of the camera.
    Raises PstmoError for poses and keypoints that do not belong together, SkeletonError for joints that lack names.
    """
    scale = None if height is None else scale_to(height, poses)
    return in_one_world([placed(poses, keypoints, scale, travel)], upright=upright, floor=floor)[0]


def scale_to(height: float | int, poses: Poses) -> float:
    """What makes the person so tall, metres. Raises PstmoError."""
    if not HEIGHTS[0] <= height <= HEIGHTS[1]:
        raise PstmoError(f"found a height of {height:g} m, expected metres, {HEIGHTS[0]:g} to {HEIGHTS[1]:g}")
    return (height - ANKLE) / (standing_height(_finite(poses), poses.skeleton) - ANKLE)


def placed(poses: Poses, keypoints: Keypoints, scale: float | None = None, travel: bool = True) -> Placed:
    """Before the camera, for `in_one_world`. scale: of the poses; None = as the model made them. The rest as of
    `in_world`."""
    if poses.frames != keypoints.frames:
        raise PstmoError(f"found {poses.frames} poses and {keypoints.frames} frames of keypoints, expected as many")
    body = _finite(poses) * (1.0 if scale is None else scale)
    trajectory = root_trajectory(body, poses.skeleton, keypoints, _focal(keypoints)) if travel else None
    return Placed(poses, keypoints, body, trajectory, scale)


def in_one_world(people: Sequence[Placed], *, upright: bool = True, floor: bool = True) -> list[World]:
    """People of one skeleton, seen by one camera: together they tell where up is. The floor is that of the lowest who
    was seen for long; who then stands no farther above it than errors explain stands on it, others on something. Raises
    SkeletonError for joints that lack names."""
    skeleton = people[0].poses.skeleton
    up = upwards(np.concatenate([person.body[person.seen] for person in people]), skeleton) if upright else None
    orientation = levelled(CAMERA_UP if up is None else up)
    motions = [person.motion @ orientation.T for person in people]
    grounds = np.zeros(len(people))
    if floor:
        grounds = np.array([floor_below(m[one.seen], skeleton) for one, m in zip(people, motions, strict=True)])
        frames = np.array([person.poses.observed.sum() for person in people])
        lowest = grounds[frames >= LONG * frames.max()].min()
        grounds = np.where(grounds < lowest + max(STEP, -SINKS * lowest), grounds, lowest)
    found = []
    for person, motion, ground in zip(people, motions, grounds.tolist(), strict=True):
        origins = Origins(
            focal="assumed" if person.keypoints.focal is None else "given",
            scale="model" if person.scale is None else "height given",
            up="camera" if up is None else "body",
            floor="ankles" if floor else "unknown",
            root="none" if person.trajectory is None else "reprojection",
        )
        found.append(_world(person, motion - np.array([0, 0, ground]), orientation, -ground, origins))
    return found


def _world(person: Placed, motion: Motion, orientation: np.ndarray, camera: float, origins: Origins) -> World:
    """camera: its height, where the root's way is known."""
    poses, way = person.poses, person.trajectory
    return World(
        positions=motion.astype(np.float32),
        skeleton=poses.skeleton,
        fps=poses.fps,
        observed=poses.observed if way is None else poses.observed & way.seen,
        orientation=orientation,
        camera_height=float("nan") if way is None else camera,
        focal=_focal(person.keypoints),
        scale=1.0 if person.scale is None else person.scale,
        error=float("nan") if way is None else way.error,
        origins=origins,
    )


def _focal(keypoints: Keypoints) -> float:
    """Pixels; a usual lens where nobody knows."""
    return keypoints.lens(FOCAL) * keypoints.image_size[0] / 2


def root_trajectory(motion: Motion, skeleton: Skeleton, keypoints: Keypoints, focal: float) -> Trajectory:
    """The root's way, by which the poses lie on the rays of their keypoints: least squares of the metres between them,
    weighed by confidence, joints far off counting less, with a price on acceleration.

    motion: root-relative, metres, camera axes. focal: pixels; the lens looks through the middle of the picture.
    Raises PstmoError when no frame shows two of the joints that both have, or the person were behind the camera.
    """
    joints = [joint for joint in skeleton.joints if joint in keypoints.skeleton.joints]
    pick = [keypoints.skeleton.index(joint) for joint in joints]
    points = motion[:, [skeleton.index(joint) for joint in joints]]
    confidence = keypoints.confidence[:, pick].astype(np.float64).clip(0, 1)
    seen = (confidence > 0).sum(1) >= 2
    if not seen.any():
        raise PstmoError(
            f"found no frame in which two joints of both {keypoints.skeleton.name!r} and {skeleton.name!r} were seen, "
            f"expected at least one; joints of both: {', '.join(joints) or 'none'}"
        )
    middle = np.array(keypoints.image_size) / 2
    rays = np.nan_to_num((keypoints.xy[:, pick] - middle) / focal)
    times = keypoints.times
    found = _reprojected(points[seen], rays[seen], confidence[seen], times[seen])
    if np.median(found[:, 2]) < NEAREST:
        raise PstmoError(
            f"the keypoints fit these poses only {np.median(found[:, 2]):.2g} m before the camera: expected poses in "
            "camera axes (x right, y down, z forward), lifted from these keypoints"
        )
    root = np.stack([np.interp(times, times[seen], way) for way in found.T], -1)
    there = points + root[:, None]
    off = np.linalg.norm(rays - there[..., :2] / there[..., 2:].clip(NEAREST), axis=-1)[confidence > 0]
    return Trajectory(root, seen, float(focal * np.median(off)))


def _reprojected(
    points: Motion,
    rays: Float[np.ndarray, "frames joints 2"],
    confidence: Float[np.ndarray, "frames joints"],
    times: Float[np.ndarray, " frames"],
) -> Path:
    """Of each joint, (X + x) - u (Z + z) = 0 and (Y + y) - v (Z + z) = 0, linear in the root (x, y, z)."""
    step = (times[-1] - times[0]) / max(1, len(times) - 1) or 1.0
    target = rays * points[..., 2:] - points[..., :2]
    weight, root = confidence, np.zeros((len(points), 3))
    for _ in range(ROUNDS):
        matrix, vector = np.zeros((len(points), 3, 3)), np.zeros((len(points), 3, 1))
        weighed = weight[..., None] * rays
        matrix[:, 0, 0] = matrix[:, 1, 1] = weight.sum(1)
        matrix[:, :2, 2] = matrix[:, 2, :2] = -weighed.sum(1)
        matrix[:, 2, 2] = (weighed * rays).sum((1, 2)) + 1e-9  # all joints in one place tell nothing of depth
        vector[:, :2, 0] = (weight[..., None] * target).sum(1)
        vector[:, 2, 0] = -(weighed * target).sum((1, 2))
        root = smoothest(step * matrix, step * vector, times, PRICE)[..., 0]
        off = np.linalg.norm(root[:, None, :2] - rays * root[:, None, 2:] - target, axis=-1)
        weight = confidence / (1 + (off / DOUBT) ** 2)
    return root


def standing_height(motion: Motion, skeleton: Skeleton) -> float:
    """Metres from the floor to the top of the head: median of the bones' lengths, the legs' mean, and the ankles."""

    def length(start: str, end: str) -> Float[np.ndarray, " frames"]:
        """Of the bones from a joint to one that is nearer to the root."""
        way = [skeleton.index(start)]
        while way[-1] not in (skeleton.index(end), skeleton.root_index):
            way.append(skeleton.parents[way[-1]])
        return np.linalg.norm(np.diff(motion[:, way], axis=1), axis=-1).sum(1)

    legs = (length("left_ankle", "left_hip") + length("right_ankle", "right_hip")) / 2
    return float(np.median(legs + length("head_top", skeleton.joints[skeleton.root_index]))) + ANKLE


def upwards(motion: Motion, skeleton: Skeleton) -> Float[np.ndarray, "3"] | None:
    """Where up is in camera axes: in the mean over time, the middle of a body is above the middle of its feet, or it
    would fall. Frames in which the body lies are left out; None when there are no others."""

    def middle(part: str) -> Path:
        return (motion[:, skeleton.index(f"left_{part}")] + motion[:, skeleton.index(f"right_{part}")]) / 2

    def across(part: str) -> Path:
        return motion[:, skeleton.index(f"right_{part}")] - motion[:, skeleton.index(f"left_{part}")]

    body = (middle("shoulder") + middle("hip")) / 2 - middle("ankle")
    to_right = across("shoulder") + across("hip")
    up = CAMERA_UP
    for _ in range(8):
        balanced = body - TOES * _unit(np.cross(up, to_right))
        tells = _unit(balanced) @ up > np.cos(np.radians(UPRIGHT))
        if not tells.any():
            return None
        up = _unit(balanced[tells].mean(0))
    return up if up @ CAMERA_UP > np.cos(np.radians(UPRIGHT)) else None


def levelled(up: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Camera axes -> world axes: z up, y away from the camera. up: in camera axes, not the way the camera looks."""
    right = _unit(np.cross(np.array([0.0, 0.0, 1.0]), up))
    return np.stack([right, np.cross(up, right), up])


def floor_below(motion: Motion, skeleton: Skeleton) -> float:
    """Height of the floor, z up: people stand most of the time on their lower foot."""
    ankles = motion[:, [skeleton.index("left_ankle"), skeleton.index("right_ankle")], 2]
    return float(np.quantile(ankles.min(1), STANDING)) - ANKLE


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(1e-9)


def _finite(poses: Poses) -> Motion:
    if not np.isfinite(poses.positions).all():
        raise PstmoError("found poses with NaN, expected every joint in every frame")
    return poses.positions.astype(np.float64)
