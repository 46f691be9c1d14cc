"""The skeleton fitted to a motion, on request: bones of constant length, joints that bend as people's do, feet that
rest without sliding. What it is worth: docs/fitting.md.

Two steps take turns. Each frame for itself is brought to the nearest pose that a skeleton with these bones can take
(all frames at once, by Newton's method); and what that changed is made smooth over time, and steadied where feet rest.
A motion that keeps all of these already stays as it is.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pstmo.contact import DEPTH, Rest, resting, sliding, steadied
from pstmo.errors import PstmoError, SkeletonError
from pstmo.limits import Points, broken, limits, unit
from pstmo.motion import Fit, Motion, World
from pstmo.skeleton import Skeleton
from pstmo.smooth import zero_phase

ROUNDS, STEPS = 6, 3
"""Turns that the two steps take; Newton's steps in each."""

CALM = 3.0
"""Hz above which a change is smoothed away."""

RIGID, BENT, PLANTED = 1e4, 1e3, 30.0
"""Prices of squared metres: of a bone that is too long, of a limb beyond its limit, of an ankle off its place; against
those of a joint."""

CHUNK = 512
"""Frames whose equations are in memory at a time."""

NEAREST = 0.1
"""Metres before the camera."""

FEET = ("left_ankle", "right_ankle")

Weights = Float[np.ndarray, "frames joints 3 3"]


class Body(NamedTuple):
    """bones: (start, end) joints, from the root outwards. lengths: metres."""

    skeleton: Skeleton
    bones: tuple[tuple[int, int], ...]
    lengths: Float[np.ndarray, " bones"]

    @classmethod
    def of(cls, points: Points, skeleton: Skeleton) -> "Body":
        """The median of the bones' lengths, the left and the right together. Raises SkeletonError."""
        bones = _bones(skeleton)
        middle = np.median(_measured(points, bones), axis=0)
        mirror, place = skeleton.mirrored, {bone: i for i, bone in enumerate(bones)}
        other = [place.get((mirror[start], mirror[end]), i) for i, (start, end) in enumerate(bones)]
        return cls(skeleton, bones, (middle + middle[other]) / 2)

    def along(self, points: Points) -> Points:
        """Its bones from the root outwards, each in the direction that it has there."""
        found = points.copy()
        for (start, end), length in zip(self.bones, self.lengths, strict=True):
            found[:, end] = found[:, start] + length * unit(points[:, end] - points[:, start])
        return found


def fitted(motion: Motion) -> Motion:
    """The motion with its skeleton fitted, and what that changed (`Motion.fit`). Without a world through which the root
    moves, feet are left alone.

    Raises PstmoError for poses with NaN, SkeletonError where no bones lead from a root to all joints.
    """
    skeleton, times, before = motion.skeleton, motion.times, _points(motion)
    body = Body.of(before[motion.observed] if motion.observed.any() else before, skeleton)
    rays = _rays(before, motion.world)
    feet = [skeleton.index(joint) for joint in FEET if joint in skeleton.joints]
    rests = resting(before[:, feet], rays[:, feet], times) if feet and _travels(motion.world) else []
    weight = np.eye(3) - (1 - DEPTH**2) * rays[..., :, None] * rays[..., None, :]
    after = _nearest(before, weight, body)
    weight = np.broadcast_to(np.eye(3), weight.shape).copy()
    if rests:
        weight[:, feet] *= PLANTED
    for _ in range(ROUNDS):
        goal = before + zero_phase(after - before, times, CALM)
        if motion.poses.smoothing:
            goal = zero_phase(goal, times, motion.poses.smoothing)
        if rests:
            whole, own = steadied(goal[:, feet], rests, rays[:, skeleton.root_index], times)
            goal += whole[:, None]
            goal[:, feet] += own
        after = _nearest(goal, weight, body)
    return _with(motion, before, after, feet, rests)


def told(fit: Fit) -> str:
    """What was changed, in a line."""
    (middle, most), bones, bent = fit.moved, fit.bones, fit.broken
    parts = [
        f"joints moved by {1000 * middle:.0f} mm (median; at most {1000 * most:.0f})",
        f"bones' lengths vary by {1000 * bones[0]:.1f} mm before, {1000 * bones[1]:.1f} after",
        f"limits broken in {100 * bent[0]:.1f}% of the frames before, {100 * bent[1]:.1f}% after",
    ]
    if np.isnan(fit.sliding).any():
        parts.append("no foot was seen to rest, so feet are left alone")
    else:
        parts.append(
            f"feet at rest slide by {1000 * fit.sliding[0]:.0f} mm/s before, {1000 * fit.sliding[1]:.0f} after"
        )
    if not np.isnan(fit.pixels).any():
        parts.append(f"{fit.pixels[0]:.1f} pixels from the keypoints before, {fit.pixels[1]:.1f} after")
    return "skeleton fitted: " + "; ".join(parts)


def _points(motion: Motion) -> Points:
    """In the world; without one, about the root in camera axes."""
    points = (motion.poses if motion.world is None else motion.world).positions.astype(np.float64)
    if not np.isfinite(points).all():
        raise PstmoError("found poses with NaN, expected every joint in every frame")
    return points


def _travels(world: World | None) -> bool:
    return world is not None and bool(np.isfinite(world.camera_height))


def _rays(points: Points, world: World | None) -> Points:
    """Where the camera looks to see each joint: from its place, or as from far away."""
    if world is None:
        return np.broadcast_to(np.array([0.0, 0.0, 1.0]), points.shape)
    if not _travels(world):
        return np.broadcast_to(world.orientation[:, 2], points.shape)
    return unit(points - np.array([0.0, 0.0, world.camera_height]))


def _bones(skeleton: Skeleton) -> tuple[tuple[int, int], ...]:
    """From the root outwards."""
    found, reached = [], [skeleton.root_index]
    for joint in reached:
        ends = [i for i, parent in enumerate(skeleton.parents) if parent == joint and i not in reached]
        found += [(joint, end) for end in ends]
        reached += ends
    missing = [joint for i, joint in enumerate(skeleton.joints) if i not in reached]
    if missing:
        raise SkeletonError(
            f"skeleton {skeleton.name!r}: no bones lead from {skeleton.root} to {', '.join(missing)}, expected some to "
            "every joint"
        )
    return tuple(found)


def _measured(points: Points, bones: tuple[tuple[int, int], ...]) -> Float[np.ndarray, "frames bones"]:
    starts, ends = np.array(bones).T
    return np.linalg.norm(points[:, ends] - points[:, starts], axis=-1)


def _nearest(goal: Points, weight: Weights, body: Body) -> Points:
    """The body's poses within the limits that are nearest to the goal."""
    found = body.along(goal)
    for first in range(0, len(goal), CHUNK):
        rows = slice(first, first + CHUNK)
        for _ in range(STEPS):
            found[rows] += _step(found[rows], goal[rows], weight[rows], body)
    return body.along(found)


def _step(found: Points, goal: Points, weight: Weights, body: Body) -> Points:
    """Of Newton's method: bones' lengths and limits by their slopes at the poses found."""
    frames, joints, _ = found.shape
    matrix, each = np.zeros((frames, joints, 3, joints, 3)), np.arange(joints)
    matrix[:, each, :, each] = weight.swapaxes(0, 1)
    vector = (weight @ (goal - found)[..., None])[..., 0]

    def spring(start: int, end: int, price: np.ndarray, change: np.ndarray) -> None:
        """The bone is to change by so much, at a price (frames, 3, 3) on its difference from that."""
        for a, b, sign in ((start, start, 1), (end, end, 1), (start, end, -1), (end, start, -1)):
            matrix[:, a, :, b] += sign * price
        force = (price @ change[..., None])[..., 0]
        vector[:, end] += force
        vector[:, start] -= force

    for (start, end), length in zip(body.bones, body.lengths, strict=True):
        bone = found[:, end] - found[:, start]
        along = unit(bone)
        spring(start, end, RIGID * along[:, :, None] * along[:, None], length * along - bone)
    for limit in limits(found, body.skeleton):
        beyond = limit.beyond > 0
        if beyond.any():
            bone = found[:, limit.end] - found[:, limit.start]
            length = np.linalg.norm(bone, axis=-1, keepdims=True)
            spring(limit.start, limit.end, BENT * beyond[:, None, None] * np.eye(3), length * limit.goal - bone)
    size = 3 * joints
    return np.linalg.solve(matrix.reshape(-1, size, size), vector.reshape(-1, size, 1)).reshape(found.shape)


def _with(motion: Motion, before: Points, after: Points, feet: list[int], rests: list[Rest]) -> Motion:
    skeleton, world, times = motion.skeleton, motion.world, motion.times
    bones = _bones(skeleton)
    distances = np.linalg.norm(after - before, axis=-1)
    spread = [float(_measured(points, bones).std(0).mean()) for points in (before, after)]
    report = Fit(
        moved=(float(np.median(distances)), float(distances.max())),
        bones=(spread[0], spread[1]),
        sliding=(sliding(before[:, feet], rests, times), sliding(after[:, feet], rests, times)),
        broken=(broken(before, skeleton), broken(after, skeleton)),
        pixels=(_pixels(before, motion), _pixels(after, motion)),
    )
    pose = after - after[:, [skeleton.root_index]]
    if world is not None:
        pose = pose @ world.orientation / world.scale
        world = replace(world, positions=after.astype(np.float32), error=report.pixels[1])
    poses = replace(motion.poses, positions=pose.astype(np.float32))
    return replace(motion, poses=poses, world=world, fit=report)


def _pixels(points: Points, motion: Motion) -> float:
    """Median distance of the keypoints from where the motion shows them; NaN where nobody knows."""
    world, keypoints = motion.world, motion.keypoints
    if world is None or keypoints is None or not _travels(world):
        return float("nan")
    joints = [joint for joint in motion.skeleton.joints if joint in keypoints.skeleton.joints]
    pick = [keypoints.skeleton.index(joint) for joint in joints]
    picked = points[:, [motion.skeleton.index(joint) for joint in joints]]
    seen = (picked - np.array([0.0, 0.0, world.camera_height])) @ world.orientation
    shown = world.focal * seen[..., :2] / seen[..., 2:].clip(NEAREST) + np.array(keypoints.image_size) / 2
    off = np.linalg.norm(shown - keypoints.xy[:, pick], axis=-1)[keypoints.observed[:, pick]]
    return float(np.median(off)) if len(off) else float("nan")
