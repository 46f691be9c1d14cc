"""What stage I hides of each window (paper, section 3.2)."""

from functools import partial
from typing import NamedTuple

from jaxtyping import Bool
from torch import Tensor

from pstmo.chance import Chance
from pstmo.errors import PstmoError
from pstmo.presets import Masking


class Masks(NamedTuple):
    """True = hidden."""

    frames: Bool[Tensor, "*batch frames"]
    joints: Bool[Tensor, "*batch frames joints"]


def random_masks(masking: Masking, batch: int, frames: int, joints: int, chance: Chance) -> Masks:
    """Hides a share of the frames, and in every frame some joints, each as likely as the others.

    One mask a window, or one without a batch axis for all. Raises PstmoError when nothing or everything would stay.
    """
    count = round(masking.frames * frames)
    if not 0 <= count < frames or not 0 <= masking.joints < joints:
        raise PstmoError(
            f"hiding {masking.frames:.0%} of {frames} frames and {masking.joints} of {joints} joints is not possible; "
            "at least one frame and one joint must stay"
        )
    draw = partial(chance.uniform, batch) if masking.per_sample else chance.for_all
    return Masks(_lowest(count, draw(frames)), _lowest(masking.joints, draw(frames, joints)))


def _lowest(count: int, values: Tensor) -> Tensor:
    """Bool tensor in which `count` entries along the last axis are True."""
    return values.argsort(-1) < count
