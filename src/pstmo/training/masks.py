"""What stage I hides of each window (paper, section 3.2)."""

from typing import NamedTuple

import torch
from jaxtyping import Bool
from torch import Generator, Tensor

from pstmo.errors import PstmoError
from pstmo.presets import Masking


class Masks(NamedTuple):
    """True = hidden."""

    frames: Bool[Tensor, "*batch frames"]
    joints: Bool[Tensor, "*batch frames joints"]


def random_masks(masking: Masking, batch: int, frames: int, joints: int, generator: Generator) -> Masks:
    """Hides a share of the frames, and in every frame some joints, each as likely as the others.

    One mask a window, or one without a batch axis for all. Raises PstmoError when nothing or everything would stay.
    """
    count = round(masking.frames * frames)
    if not 0 <= count < frames or not 0 <= masking.joints < joints:
        raise PstmoError(
            f"hiding {masking.frames:.0%} of {frames} frames and {masking.joints} of {joints} joints is not possible; "
            "at least one frame and one joint must stay"
        )
    lead = (batch,) if masking.per_sample else ()
    return Masks(_some(count, (*lead, frames), generator), _some(masking.joints, (*lead, frames, joints), generator))


def _some(count: int, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Bool tensor in which `count` entries along the last axis are True."""
    ranks = torch.rand(shape, generator=generator, device=generator.device).argsort(-1)
    return ranks < count
