"""Clips -> windows: pure index arithmetic on one tensor that holds every frame of every clip.

A window is `frames` frames around a centre, `step` source frames apart (the paper's temporal downsampling, TDS); past
an end of its clip it repeats the clip's first or last frame, on both sides, so that a clip of one frame has a window.
"""

import torch
from jaxtyping import Bool, Float, Int
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
    flipped = x.index_select(-2, torch.tensor(skeleton.mirrored, device=x.device))
    flipped[..., 0].neg_()
    return flipped


def mirrored_some(
    x: Float[Tensor, "batch *frames joints axes"], which: Bool[Tensor, " batch"], skeleton: Skeleton
) -> Float[Tensor, "batch *frames joints axes"]:
    """As `mirrored`, in the windows where `which` is True: one gather of rows."""
    joints = torch.tensor([range(len(skeleton)), skeleton.mirrored], device=x.device)[which.long()]
    starts = torch.arange(0, x[..., 0].numel(), len(skeleton), device=x.device)
    rows = starts.view(len(x), -1, 1) + joints[:, None]
    out = x.flatten(0, -2).index_select(0, rows.flatten()).view(x.shape)
    out.view(len(x), -1, x.shape[-1])[..., 0] *= (1 - 2 * which.float())[:, None]
    return out


class Clips:
    """Clips end to end: which frames belong together. `starts` has one entry a clip and a last one, the total."""

    def __init__(self, lengths: list[int] | Int[Tensor, " clips"], device: torch.device | str = "cpu"):
        sizes = torch.as_tensor(lengths, dtype=torch.long, device=device)
        self.starts = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
        self.clip_of_frame = torch.repeat_interleave(sizes)

    def __len__(self) -> int:
        return len(self.clip_of_frame)

    def windows(self, centres: Int[Tensor, " batch"], frames: int, step: int = 1) -> Int[Tensor, "batch frames"]:
        clip = self.clip_of_frame[centres]
        return window_index(centres, self.starts[clip], self.starts[clip + 1], frames, step)
