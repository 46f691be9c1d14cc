"""A 2D detector's mistakes: jitter, drift, jumps, swapped limbs, missed joints, people cut off by the picture.

Everything is a batch of windows on one device: (batch, frames, joints, axes). All chance comes from the Chance given.
"""

from dataclasses import dataclass
from math import exp, log
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pstmo.chance import Chance
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


def detect(clean: Screen, noise: DetectorNoise, chance: Chance, skeleton: Skeleton = COCO) -> Detection:
    """What a detector would make of these points. What is not observed keeps a value; do not read it."""
    draws = _Draws(clean.shape, chance, noise)
    size = _height(clean)
    xy = _jitter(draws, noise, skeleton).mul_(size).add_(clean)
    outlier = draws.joint_event(noise.outlier)
    xy = xy + outlier[..., None] * (size * noise.outlier_size * draws.normal(1, len(skeleton)))
    for limb in LIMBS:
        swapped = draws.frame_event(noise.swap)[..., None]
        for joint in limb:
            left, right = (xy[:, :, skeleton.index(f"{side}_{joint}")] for side in ("left", "right"))
            there, here = torch.where(swapped, left, right), torch.where(swapped, right, left)
            left.copy_(here)
            right.copy_(there)
    return Detection(xy, ~_missed(draws, noise, skeleton))


def _height(xy: Screen) -> Float[Tensor, "batch 1 1 1"]:
    """How tall the person is in the image: the longer side of the box around them, the median over the frames."""
    box = (xy.amax(2) - xy.amin(2)).amax(-1)
    return box.median(1).values[:, None, None, None]


def _jitter(draws: "_Draws", noise: DetectorNoise, skeleton: Skeleton) -> Screen:
    more = torch.tensor(
        [next((more for part, more in EXTREMITIES.items() if joint.endswith(part)), 1.0) for joint in skeleton.joints],
        device=draws.device,
    )[:, None]
    drift = _correlated(draws.normal(draws.frames, len(skeleton)), noise.memory)
    moving = drift.mul_(noise.drift).add_(draws.normal(draws.frames, len(skeleton)).mul_(noise.jitter))
    low, high = (log(strength) for strength in noise.strength)
    strength = (low + (high - low) * draws.uniform(1, 1, 1)).exp()
    return moving.mul_(more).add_(noise.steady * draws.normal(1, len(skeleton))).mul_(strength)


def _correlated(values: Screen, memory: float) -> Screen:
    """Independent normal values as a process of that variance; its correlation falls with exp(-frames / memory)."""
    keep = exp(-1 / memory)
    steps = (1 - keep**2) ** 0.5 * values
    steps[:, 0] = values[:, 0]
    for i in range(1, values.shape[1]):
        steps[:, i] += keep * steps[:, i - 1]
    return steps


def _missed(draws: "_Draws", noise: DetectorNoise, skeleton: Skeleton) -> Bool[Tensor, "batch frames joints"]:
    lost = draws.uniform(1, len(skeleton)) < noise.lost
    depth = draws.uniform(1, 1) / max(noise.cut_off, 1e-9)  # below 1: cut off; below 0.5: above the hips
    ankles, knees, hips = (
        torch.tensor([joint.endswith(part) for joint in skeleton.joints], device=draws.device)
        for part in ("ankle", "knee", "hip")
    )
    lost = lost | ((depth < 1) & (ankles | knees)) | ((depth < 0.5) & hips)
    return lost | draws.joint_event(noise.gap) | draws.frame_event(noise.nobody)[..., None]


class _Draws:
    """Random values in the shape of one batch of windows."""

    def __init__(self, shape: torch.Size, chance: Chance, noise: DetectorNoise):
        self.batch, self.frames, self.joints = shape[:3]
        self.device, self.chance, self.noise = chance.device, chance, noise

    def uniform(self, *shape: int) -> Tensor:
        return self.chance.uniform(self.batch, *shape)

    def normal(self, frames: int, joints: int) -> Screen:
        return self.chance.normal(self.batch, frames, joints, 2)

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
