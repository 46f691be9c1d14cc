"""What stage I hides of each window (paper, section 3.2)."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor

from pstmo.chance import Chance
from pstmo.errors import PstmoError
from pstmo.presets import Masking

Joints = Bool[Tensor, "*batch frames joints"]


class Masks(NamedTuple):
    """True = hidden."""

    frames: Bool[Tensor, "*batch frames"]
    joints: Joints


def random_masks(masking: Masking, batch: int, frames: int, joints: int, chance: Chance) -> Masks:
    """Hides a share of the frames, and in every frame some joints, each as likely as the others.

    With gaps, also runs of frames of single joints, of several at once and of all (`gaps_in`): what a network must know
    that is to fill the gaps of a real detector. One mask a window, or one without a batch axis for all. Raises
    PstmoError when nothing or everything would stay.
    """
    count = round(masking.frames * frames)
    if not 0 <= count < frames or not 0 <= masking.joints < joints:
        raise PstmoError(
            f"hiding {masking.frames:.0%} of {frames} frames and {masking.joints} of {joints} joints is not possible; "
            "at least one frame and one joint must stay"
        )
    draw = partial(chance.uniform, batch) if masking.per_sample else chance.for_all
    hidden = Masks(_lowest(count, draw(frames)), _lowest(masking.joints, draw(frames, joints)))
    if masking.gaps == 0:
        return hidden
    return hidden._replace(joints=hidden.joints | gaps_in(masking.gaps, frames, joints, draw))


def gaps_in(chance: float, frames: int, joints: int, draw: Callable[..., Tensor]) -> Joints:
    """Runs of frames in which joints are hidden: each joint by itself with that chance, then some of them together and
    the whole body with half of it. A run may be as long as the window, of which it may see a part."""
    alone = _runs(chance, frames, draw(3, joints))
    together, body = (_runs(chance / 2, frames, draw(3, 1)) for _ in range(2))
    return alone | (together & (draw(1, joints) < 0.5)) | body


def _runs(chance: float, frames: int, values: Tensor) -> Joints:
    """values: (*batch, 3, things) in [0, 1): whether there is one, how long it is and where it begins."""
    happens, length, start = values.unbind(-2)
    length = 1 + length.square() * (frames - 1)  # short ones more often
    start = (start * (frames + length) - length)[..., None, :]
    frame = torch.arange(frames, device=values.device)[:, None]
    return (happens < chance)[..., None, :] & (frame >= start) & (frame < start + length[..., None, :])


def _lowest(count: int, values: Tensor) -> Tensor:
    """Bool tensor in which `count` entries along the last axis are True."""
    return values.argsort(-1) < count
