"""How far joints bend. Positions tell where bones point, not how they are turned about themselves; so every limit is a
cone: a bone points within so many degrees of an axis that other bones give.

Knees and elbows are hinges. The side to which they bend is that of a limb that hangs (leg) or points sideways (arm),
carried along by the smallest turn that brings the limb to where it is. A limb turned by up to 90 degrees about itself
keeps within that side, as thighs (45 degrees) and upper arms (about 90) do.

Degrees are the largest means of a group, by age and sex, in Soucie et al., "Range of motion measurements" (Haemophilia
2011): knee 153 bent, 5 beyond straight, hip 141 forwards, 28 backwards; and of elbows 146 to 151 bent, 2 to 7 beyond
straight (Zwerus et al., Shoulder & Elbow 2019). Cones are a little wider where it is only roughly known where a limb's
side is. How much of captured motion keeps to them: docs/fitting.md.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pstmo.skeleton import Skeleton

Points = Float[np.ndarray, "frames joints 3"]
Directions = Float[np.ndarray, "frames 3"]
Angles = float | Float[np.ndarray, "frames 1"]

KNEE_BACK, KNEE_BENT = 5.0, 155.0
ELBOW_BACK, ELBOW_BENT = 20.0, 155.0
HIP_FORWARD, HIP = 56.0, 90.0
"""Degrees: of the hip's cone, how far its axis is before straight down, and its half angle."""

ACROSS = -0.5
"""Cosine of a limb's turn from where it hangs or points sideways; below, nobody can say where its hinge's side is."""

SLACK = 1.0
"""Degrees up to which nothing counts as broken."""


class Limit(NamedTuple):
    """Of the bone between two joints. goal: the direction within the limit that is nearest to the bone's own. beyond:
    degrees by which it is broken; 0 and below where it is kept."""

    start: int
    end: int
    goal: Directions
    beyond: Float[np.ndarray, " frames"]


def limits(points: Points, skeleton: Skeleton) -> list[Limit]:
    """Of all limbs whose joints the skeleton has."""
    trunk = [f"{side}_{part}" for side in ("left", "right") for part in ("hip", "shoulder")]
    limbs = [f"{side}_{part}" for side in ("left", "right") for part in ("knee", "ankle", "elbow", "wrist")]
    if not set(trunk) <= set(skeleton.joints):
        return []
    there = {joint: points[:, skeleton.index(joint)] for joint in trunk + limbs if joint in skeleton.joints}
    found = []
    for side in ("left", "right"):
        for start, end, direction, axis, most in _cones(there, side):
            beyond = (np.degrees(np.arccos(_dot(direction, axis).clip(-1, 1))) - most)[:, 0]
            goal = _within(direction, axis, most)
            found.append(Limit(skeleton.index(start), skeleton.index(end), goal, beyond))
    return found


def broken(points: Points, skeleton: Skeleton) -> float:
    """Share of the frames in which any limit is broken."""
    beyond = [limit.beyond > SLACK for limit in limits(points, skeleton)]
    return float(np.any(beyond, axis=0).mean()) if beyond else 0.0


def unit(vectors: np.ndarray) -> np.ndarray:
    """Of length 1; 0 stays 0."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(1e-9)


def _cones(there: dict[str, Directions], side: str) -> Iterator[tuple[str, str, Directions, Directions, Angles]]:
    """From joint, to joint, where the bone points, the cone's axis, its half angle."""
    hip, knee, ankle = (f"{side}_{part}" for part in ("hip", "knee", "ankle"))
    shoulder, elbow, wrist = (f"{side}_{part}" for part in ("shoulder", "elbow", "wrist"))
    if knee in there:
        _, forward, up = _axes(there, "hip")
        thigh = unit(there[knee] - there[hip])
        ahead = np.radians(HIP_FORWARD)
        yield hip, knee, thigh, np.sin(ahead) * forward - np.cos(ahead) * up, HIP
        if ankle in there:
            shank = unit(there[ankle] - there[knee])
            yield knee, ankle, shank, *_hinge(-forward, -up, thigh, KNEE_BACK)
            yield knee, ankle, shank, thigh, KNEE_BENT
    if elbow in there and wrist in there:
        right, forward, _ = _axes(there, "shoulder")
        arm, forearm = unit(there[elbow] - there[shoulder]), unit(there[wrist] - there[elbow])
        outwards = right if side == "right" else -right
        yield elbow, wrist, forearm, *_hinge(forward, outwards, arm, ELBOW_BACK)
        yield elbow, wrist, forearm, arm, ELBOW_BENT


def _axes(there: dict[str, Directions], part: str) -> tuple[Directions, Directions, Directions]:
    """To the right, forwards and up, of a trunk whose hips or shoulders give the right."""
    right = unit(there[f"right_{part}"] - there[f"left_{part}"])
    trunk = there["left_shoulder"] + there["right_shoulder"] - there["left_hip"] - there["right_hip"]
    up = unit(trunk - _dot(trunk, right) * right)
    return right, np.cross(up, right), up


def _hinge(side: Directions, start: Directions, limb: Directions, back: float) -> tuple[Directions, Angles]:
    """The cone about the side to which a joint bends: given where the limb before it would point at rest, and carried
    along by the smallest turn from there to the limb (Rodrigues' formula)."""
    axis, cosine = np.cross(start, limb), _dot(start, limb)
    carried = cosine * side + np.cross(axis, side) + axis * _dot(axis, side) / (1 + cosine).clip(1e-6)
    return carried, np.where(cosine < ACROSS, 180.0, 90.0 + back)


def _within(direction: Directions, axis: Directions, degrees: Angles) -> Directions:
    """The direction so many degrees off the axis that is nearest to the one given."""
    across = unit(direction - _dot(direction, axis) * axis)
    return np.cos(np.radians(degrees)) * axis + np.sin(np.radians(degrees)) * across


def _dot(a: Directions, b: Directions) -> Float[np.ndarray, "frames 1"]:
    return (a * b).sum(-1, keepdims=True)
