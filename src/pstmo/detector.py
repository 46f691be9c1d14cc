"""A 2D detector's mistakes: jitter, drift, jumps, swapped limbs, missed joints, people cut off by the picture.

Everything is a batch of windows on one device: (batch, frames, joints, axes). Chance comes from the generator given.
"""

from dataclasses import dataclass
from math import exp, log
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from pstmo.skeleton import COCO, Skeleton

Screen = Float[Tensor, "batch frames joints 2"]


@dataclass(frozen=True)
class DetectorNoise:
    """How a 2D detector errs. Lengths are shares of the person's height in the image; chances are for
    each `block` of frames, but for `lost` and `cut_off`, which last."""

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
    block: int = 27
    strength: tuple[float, float] = (0.3, 2.0)  # of the three kinds of jitter together, drawn once a window


EXTREMITIES = {"wrist": 2.0, "ankle": 2.0, "elbow": 1.5, "knee": 1.5, "ear": 1.3, "hip": 1.3}
"""How much more these joints jitter than the others."""

LIMBS = (("elbow", "wrist"), ("knee", "ankle"))


class Detection(NamedTuple):
    xy: Screen
    observed: Bool[Tensor, "batch frames joints"]


def detect(clean: Screen, noise: DetectorNoise, generator: Generator, skeleton: Skeleton = COCO) -> Detection:
    """What a detector would make of these points. What is not observed keeps a value; do not read it."""
    chance = _Chance(clean.shape, clean.device, generator, noise)
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
    drift = _correlated(chance.normal(chance.frames, len(skeleton)), noise.memory)
    moving = noise.drift * drift + noise.jitter * chance.normal(chance.frames, len(skeleton))
    low, high = (log(strength) for strength in noise.strength)
    strength = (low + (high - low) * chance.uniform(1, 1, 1)).exp()
    return strength * (noise.steady * chance.normal(1, len(skeleton)) + moving * more)


def _correlated(values: Screen, memory: float) -> Screen:
    """Independent normal values as a process of that variance; its correlation falls with exp(-frames / memory)."""
    keep = exp(-1 / memory)
    frames = list(values.unbind(1))
    for i in range(1, len(frames)):
        frames[i] = keep * frames[i - 1] + (1 - keep**2) ** 0.5 * frames[i]
    return torch.stack(frames, 1)


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

    def __init__(self, shape: torch.Size, device: torch.device, generator: Generator, noise: DetectorNoise):
        self.batch, self.frames, self.joints = shape[:3]
        self.device, self.generator, self.noise = device, generator, noise

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
        """At most one run begins in each block of frames: (batch, blocks, frames, things), then any of the blocks."""
        blocks = -(-self.frames // self.noise.block)
        length = 1 + self.uniform(blocks, 1, things) * (self.noise.longest - 1)
        first = torch.arange(blocks, device=self.device)[:, None, None] * self.noise.block
        start = first - length + self.uniform(blocks, 1, things) * (self.noise.block + length)
        frame = torch.arange(self.frames, device=self.device)[:, None]
        happens = self.uniform(blocks, 1, things) < chance
        return (happens & (frame >= start) & (frame < start + length)).any(1)
