"""Virtual cameras and a detector's mistakes: motion in the world -> 2D keypoints and the 3D poses behind them.

Everything is a batch of windows on one device: (batch, frames, joints, axes). All chance comes from the generator given.
"""

from dataclasses import dataclass
from math import log, pi
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from pstmo.skeleton import COCO, MOCAP, Skeleton

Window = Float[Tensor, "batch frames joints 3"]
Screen = Float[Tensor, "batch frames joints 2"]


class Cameras(NamedTuple):
    """One pinhole camera a window; focal length and centre in normalised screen units."""

    orientation: Float[Tensor, "batch 3 3"]  # columns are the camera's axes in the world
    position: Float[Tensor, "batch 3"]  # metres
    focal: Float[Tensor, "batch 1"]
    centre: Float[Tensor, "batch 2"]

    def see(self, world: Window) -> tuple[Screen, Window]:
        """Normalised screen coordinates, and the points in camera axes."""
        points = (world - self.position[:, None, None]) @ self.orientation[:, None]
        depth = points[..., 2:].clamp_min(0.1)
        xy = points[..., :2] / depth * self.focal[:, None, None] + self.centre[:, None, None]
        return xy, points


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


def random_cameras(subject: Float[Tensor, "batch 3"], ranges: CameraRanges, generator: Generator) -> Cameras:
    """A camera for each subject (its place in the world, metres) that has it in the picture."""
    n, device = len(subject), subject.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, generator=generator, device=device)

    aspect = torch.tensor(ranges.aspects, device=device)[
        torch.randint(len(ranges.aspects), (n,), generator=generator, device=device)
    ]
    focal = uniform(log(ranges.focal[0]), log(ranges.focal[1])).exp() * aspect.clamp_min(1)  # over half the width
    size = uniform(log(ranges.size[0]), log(ranges.size[1])).exp() * 2 * aspect.clamp_max(1)
    distance = (1.7 * focal / size).clamp(*ranges.distance)
    azimuth, height = uniform(-pi, pi), uniform(*ranges.height)
    rise = (height - subject[:, 2]).clamp(-0.7 * distance, 0.7 * distance)
    away = (distance.square() - rise.square()).sqrt()
    position = subject + torch.stack([away * azimuth.cos(), away * azimuth.sin(), rise], -1)
    aim_x = uniform(-1, 1) * ranges.off_centre / focal  # tangents of the angles by which the aim misses the subject
    aim_y = uniform(-1, 1) * ranges.off_centre * aspect / focal
    roll = torch.randn(n, generator=generator, device=device) * ranges.roll
    orientation = _look(subject - position, aim_x, aim_y, roll)
    return Cameras(orientation, position, focal[:, None], torch.zeros(n, 2, device=device))


def _look(to: Float[Tensor, "batch 3"], aim_x: Tensor, aim_y: Tensor, roll: Tensor) -> Float[Tensor, "batch 3 3"]:
    """Camera axes (as columns) that look along `to`, turned aside by aim_x and aim_y (tangents) and rolled (radians)."""
    up = to.new_tensor([0, 0, 1]).expand_as(to)
    forward = torch.nn.functional.normalize(to, dim=-1)
    right = torch.nn.functional.normalize(torch.linalg.cross(forward, up), dim=-1)
    down = torch.linalg.cross(forward, right)
    forward = torch.nn.functional.normalize(forward + aim_x[:, None] * right + aim_y[:, None] * down, dim=-1)
    right = torch.nn.functional.normalize(torch.linalg.cross(down, forward), dim=-1)
    down = torch.linalg.cross(forward, right)
    cos, sin = roll.cos()[:, None], roll.sin()[:, None]
    return torch.stack([cos * right + sin * down, cos * down - sin * right, forward], -1)


@dataclass(frozen=True)
class DetectorNoise:
    """How a 2D detector errs. Lengths are shares of the person's height in the image; chances are for one window."""

    steady: float = 0.010  # offset of a joint that stays over a window: where annotators put it
    drift: float = 0.006  # jitter correlated in time
    jitter: float = 0.003  # jitter of single frames
    memory: float = 6.0  # frames over which drift is alike
    outlier: float = 0.03  # chance that a joint jumps away for some frames
    outlier_size: float = 0.10
    swap: float = 0.01  # chance that the left and right of a limb change places for some frames
    gap: float = 0.04  # chance that a joint is missed for some frames
    lost: float = 0.01  # chance that a joint is missed throughout
    cut_off: float = 0.06  # chance that the picture ends above the knees, or above the hips
    nobody: float = 0.02  # chance that nobody is found for some frames
    longest: int = 9  # frames that such an event lasts at most
    strength: tuple[float, float] = (0.3, 2.0)  # of the three kinds of jitter together, drawn once a window


EXTREMITIES = {"wrist": 2.0, "ankle": 2.0, "elbow": 1.5, "knee": 1.5, "ear": 1.3, "hip": 1.3}
"""How much more these joints jitter than the others."""

LIMBS = (("elbow", "wrist"), ("knee", "ankle"))


class Detection(NamedTuple):
    xy: Screen
    observed: Bool[Tensor, "batch frames joints"]


def detect(clean: Screen, noise: DetectorNoise, generator: Generator, skeleton: Skeleton = COCO) -> Detection:
    """What a detector would make of points that are where they are. What is not observed keeps a value; do not read it."""
    chance = _Chance(clean.shape, clean.device, generator, noise.longest)
    size = _height(clean)
    xy = clean + size * _jitter(chance, noise, skeleton)
    outlier = chance.joint_event(noise.outlier)
    xy = xy + outlier[..., None] * size * noise.outlier_size * chance.normal(1, len(skeleton))
    for limb in LIMBS:
        left, right = ([skeleton.index(f"{side}_{joint}") for joint in limb] for side in ("left", "right"))
        swapped = chance.frame_event(noise.swap)[..., None, None]
        xy[:, :, left], xy[:, :, right] = (
            torch.where(swapped, xy[:, :, right], xy[:, :, left]),
            torch.where(swapped, xy[:, :, left], xy[:, :, right]),
        )
    return Detection(xy, ~_missed(chance, noise, skeleton))


def _height(xy: Screen) -> Float[Tensor, "batch 1 1 1"]:
    """How tall the person is in the image: the longer side of the box around them, the median over the frames."""
    box = (xy.amax(2) - xy.amin(2)).amax(-1)
    return box.median(1).values[:, None, None, None]


def _jitter(chance: "_Chance", noise: DetectorNoise, skeleton: Skeleton) -> Screen:
    more = torch.tensor(
        [next((more for part, more in EXTREMITIES.items() if joint.endswith(part)), 1.0) for joint in skeleton.joints],
        device=chance.device,
    )[:, None]
    drift = chance.normal(chance.frames, len(skeleton))
    drift = torch.einsum("ij,bjkc->bikc", _smooth(chance.frames, noise.memory).to(chance.device), drift)
    moving = noise.drift * drift + noise.jitter * chance.normal(chance.frames, len(skeleton))
    low, high = (log(strength) for strength in noise.strength)
    strength = (low + (high - low) * chance.uniform(1, 1, 1)).exp()
    return strength * (noise.steady * chance.normal(1, len(skeleton)) + moving * more)


def _smooth(frames: int, memory: float) -> Float[Tensor, "frames frames"]:
    """Turns independent normal values into ones of variance 1 whose correlation falls with exp(-distance / memory)."""
    apart = (torch.arange(frames)[:, None] - torch.arange(frames)).abs()
    return torch.linalg.cholesky(torch.exp(-apart / memory))


def _missed(chance: "_Chance", noise: DetectorNoise, skeleton: Skeleton) -> Bool[Tensor, "batch frames joints"]:
    lost = chance.uniform(1, len(skeleton)) < noise.lost
    depth = chance.uniform(1, 1) / max(noise.cut_off, 1e-9)  # below 1: cut off; below 0.5: above the hips
    ankles, knees, hips = (
        torch.tensor([joint.endswith(part) for joint in skeleton.joints], device=chance.device)
        for part in ("ankle", "knee", "hip")
    )
    lost = lost | ((depth < 1) & (ankles | knees)) | ((depth < 0.5) & hips)
    return lost | chance.joint_event(noise.gap) | chance.frame_event(noise.nobody)[..., None]


class _Chance:
    """Random values in the shape of one batch of windows."""

    def __init__(self, shape: torch.Size, device: torch.device, generator: Generator, longest: int):
        self.batch, self.frames, self.joints = shape[:3]
        self.device, self.generator, self.longest = device, generator, longest

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(self.batch, *shape, generator=self.generator, device=self.device)

    def normal(self, frames: int, joints: int) -> Screen:
        return torch.randn(self.batch, frames, joints, 2, generator=self.generator, device=self.device)

    def joint_event(self, chance: float) -> Bool[Tensor, "batch frames joints"]:
        """True over a run of frames, for the joints that something happens to."""
        return self._run(chance, self.joints)

    def frame_event(self, chance: float) -> Bool[Tensor, "batch frames"]:
        return self._run(chance, 1).squeeze(-1)

    def _run(self, chance: float, things: int) -> Bool[Tensor, "batch frames things"]:
        length = 1 + self.uniform(1, things) * self.longest
        start = self.uniform(1, things) * (self.frames + length) - length
        frame = torch.arange(self.frames, device=self.device)[:, None]
        happens = self.uniform(1, things) < chance
        return happens & (frame >= start) & (frame < start + length)


@dataclass(frozen=True)
class BodyRanges:
    """How people differ from those that were recorded; standard deviations."""

    scale: float = 0.05  # of the whole body
    face: float = 0.02  # metres by which points of the face are misplaced
    hips: tuple[float, float] = (0.9, 1.6)  # where detectors see the hips, over the distance between the hip joints


def vary_body(world: Window, ranges: BodyRanges, generator: Generator) -> tuple[Window, Window]:
    """Points of `mocap22` -> (what a detector looks at, what is to be predicted), for a body of another size.

    The hips that detectors mark are wider apart than the joints and vary; the predicted ones stay at the joints.
    """
    n, device = len(world), world.device
    scale = 1 + ranges.scale * torch.randn(n, 1, 1, 1, generator=generator, device=device).clamp(-3, 3)
    world = world * scale
    seen = world.clone()
    face = [MOCAP.index(joint) for joint in COCO.joints[:5]]
    seen[:, :, face] += ranges.face * torch.randn(n, 1, len(face), 3, generator=generator, device=device)
    low, high = ranges.hips
    wider = low + (high - low) * torch.rand(n, 1, 1, generator=generator, device=device)
    left, right = MOCAP.index("left_hip"), MOCAP.index("right_hip")
    out = (world[:, :, left] - world[:, :, right]) * (wider - 1) / 2
    seen[:, :, left] += out
    seen[:, :, right] -= out
    return seen, world
