"""Clips -> windows: pure index arithmetic on one tensor that holds every frame of every clip.

A window is `frames` frames around a centre, `step` source frames apart (the paper's temporal downsampling, TDS); past
an end of its clip it repeats the clip's first or last frame, on both sides, so that a clip of one frame has a window.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pstmo.skeleton import Skeleton


def window_index(
    centres: Int[Tensor, " batch"],
    starts: Int[Tensor, " batch"],
    ends: Int[Tensor, " batch"],
    frames: int,
    step: int = 1,
) -> Int[Tensor, "batch frames"]:
    """Rows of the frame tensor for each window. `starts` and `ends` (exclusive) bound the clip of each centre."""
    offsets = (torch.arange(frames, device=centres.device) - frames // 2) * step
    rows = centres[:, None] + offsets
    return torch.minimum(torch.maximum(rows, starts[:, None]), ends[:, None] - 1)


def mirrored(x: Float[Tensor, "... joints axes"], skeleton: Skeleton) -> Float[Tensor, "... joints axes"]:
    """Left becomes right: sided joints change places and x changes sign (the middle of the screen is x = 0)."""
    flipped = x[..., list(skeleton.mirrored), :]
    return torch.cat([-flipped[..., :1], flipped[..., 1:]], -1)


class Clips:
    """Clips end to end: which frames belong together. `starts` has one entry a clip and a last one, the total."""

    def __init__(self, lengths: list[int] | Int[Tensor, " clips"], device: torch.device | str = "cpu"):
        sizes = torch.as_tensor(lengths, dtype=torch.long, device=device)
        self.starts = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
        self.clip_of_frame = torch.repeat_interleave(torch.arange(len(sizes), device=device), sizes)

    def __len__(self) -> int:
        return len(self.clip_of_frame)

    def windows(self, centres: Int[Tensor, " batch"], frames: int, step: int = 1) -> Int[Tensor, "batch frames"]:
        clip = self.clip_of_frame[centres]
        return window_index(centres, self.starts[clip], self.starts[clip + 1], frames, step)
