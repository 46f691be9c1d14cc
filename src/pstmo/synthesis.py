"""Random cameras and bodies: motion in the world -> what a camera sees of it, and the 3D behind that.

Everything is a batch of windows on one device: (batch, frames, joints, axes). All chance comes from the Chance given.
"""

from dataclasses import dataclass
from math import log, pi
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pstmo.chance import Chance
from pstmo.skeleton import COCO, MOCAP

Window = Float[Tensor, "batch frames joints 3"]
Screen = Float[Tensor, "batch frames joints 2"]


class Cameras(NamedTuple):
    """One pinhole camera a window that looks through the middle of its picture; focal length in normalised screen."""

    orientation: Float[Tensor, "batch 3 3"]  # columns are the camera's axes in the world
    position: Float[Tensor, "batch 3"]  # metres
    focal: Float[Tensor, "batch 1"]

    def turned(self, world: Window) -> Window:
        """Directions in the world, such as from a joint to another, in camera axes."""
        return (world.flatten(1, 2) @ self.orientation).view_as(world)

    def see(self, world: Window) -> tuple[Screen, Window]:
        """Normalised screen coordinates, and the points in camera axes."""
        points = self.turned(world - self.position[:, None, None])
        return points[..., :2] * (self.focal[:, None, None] / points[..., 2:].clamp_min(0.1)), points


@dataclass(frozen=True)
class CameraRanges:
    """Where random cameras stand; every pair is (least, most)."""

    aspects: tuple[float, ...] = (9 / 16, 9 / 16, 9 / 16, 3 / 4, 1.0, 16 / 9)  # height / width of the image
    focal: tuple[float, float] = (1.1, 4.0)  # over half the image's longer side: 20 mm to 72 mm lenses
    height: tuple[float, float] = (0.3, 2.6)  # metres above the floor
    size: tuple[float, float] = (0.22, 0.95)  # of a standing person in the image, over its shorter side
    distance: tuple[float, float] = (1.8, 15.0)  # metres
    off_centre: float = 0.55  # how far from the middle the person may stand, over half the image's sides
    roll: float = 0.05  # standard deviation, radians


def random_cameras(subject: Float[Tensor, "batch 3"], ranges: CameraRanges, chance: Chance) -> Cameras:
    """A camera for each subject (its place in the world, metres) that has it in the picture."""
    n, device = len(subject), subject.device

    def uniform(low: float | int, high: float | int) -> Tensor:
        return low + (high - low) * chance.uniform(n)

    aspect = torch.tensor(ranges.aspects, device=device)[chance.integers(len(ranges.aspects), n)]
    focal = uniform(log(ranges.focal[0]), log(ranges.focal[1])).exp() * aspect.clamp_min(1)  # over half the width
    size = uniform(log(ranges.size[0]), log(ranges.size[1])).exp() * 2 * aspect.clamp_max(1)
    distance = (1.7 * focal / size).clamp(*ranges.distance)
    azimuth, height = uniform(-pi, pi), uniform(*ranges.height)
    rise = (height - subject[:, 2]).clamp(-0.7 * distance, 0.7 * distance)
    away = (distance.square() - rise.square()).sqrt()
    position = subject + torch.stack([away * azimuth.cos(), away * azimuth.sin(), rise], -1)
    aim_x = uniform(-1, 1) * ranges.off_centre / focal  # tangents of the angles by which the aim misses the subject
    aim_y = uniform(-1, 1) * ranges.off_centre * aspect / focal
    roll = chance.normal(n) * ranges.roll
    orientation = _look(subject - position, aim_x, aim_y, roll)
    return Cameras(orientation, position, focal[:, None])


def _look(to: Float[Tensor, "batch 3"], aim_x: Tensor, aim_y: Tensor, roll: Tensor) -> Float[Tensor, "batch 3 3"]:
    """Axes, as columns, of level cameras that see the direction `to` aside of the middle, then rolled (radians).

    aim_x and aim_y are the tangents by which a camera aims to the right of it and below it.
    """
    rise = to[:, 2] / to.norm(dim=-1) * (1 + aim_x**2 / (1 + aim_y**2)).sqrt()
    pitch = rise.clamp(-1, 1).asin() - aim_y.atan()
    azimuth = torch.atan2(to[:, 1], to[:, 0]) + torch.atan2(-aim_x, pitch.cos() - aim_y * pitch.sin())
    forward = torch.stack([azimuth.cos() * pitch.cos(), azimuth.sin() * pitch.cos(), pitch.sin()], -1)
    right = torch.stack([azimuth.sin(), -azimuth.cos(), torch.zeros_like(azimuth)], -1)
    down = torch.linalg.cross(forward, right)
    cos, sin = roll.cos()[:, None], roll.sin()[:, None]
    return torch.stack([cos * right + sin * down, cos * down - sin * right, forward], -1)


@dataclass(frozen=True)
class BodyRanges:
    """How people differ from those that were recorded; standard deviations."""

    scale: float = 0.05  # of the whole body
    face: float = 0.02  # metres by which points of the face are misplaced
    hips: tuple[float, float] = (0.9, 1.6)  # where detectors see the hips, over the distance between the hip joints


def vary_body(world: Window, ranges: BodyRanges, chance: Chance) -> tuple[Window, Window]:
    """Points of `mocap22` -> (what a detector looks at, what is to be predicted), for a body of another size.

    The hips that detectors mark are wider apart than the joints and vary; the predicted ones stay at the joints.
    """
    n = len(world)
    scale = 1 + ranges.scale * chance.normal(n, 1, 1, 1).clamp(-3, 3)
    world = world * scale
    face = [MOCAP.index(joint) for joint in COCO.joints[:5]]
    misplaced = torch.zeros_like(world[:, :1])
    misplaced[:, :, face] = ranges.face * chance.normal(n, 1, len(face), 3)
    seen = world + misplaced
    low, high = ranges.hips
    wider = low + (high - low) * chance.uniform(n, 1, 1)
    left, right = MOCAP.index("left_hip"), MOCAP.index("right_hip")
    out = (world[:, :, left] - world[:, :, right]) * (wider - 1) / 2
    seen[:, :, left] += out
    seen[:, :, right] -= out
    return seen, world
