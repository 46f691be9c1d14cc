"""Joints that were not observed: a value for the network to look at, drawn from what was observed around them."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Track = Float[Tensor, "batch frames joints 2"]
Seen = Bool[Tensor, "batch frames joints"]


def interpolate(xy: Track, observed: Seen) -> Track:
    """Each gap of a joint is filled linearly in time, the ends with the nearest observed value.

    A joint that is never observed takes the mean of the frame's other joints. Values that are not observed are not
    read; where nothing was ever observed they become 0.
    """
    xy = torch.where(observed[..., None], xy, 0)
    frames = torch.arange(xy.shape[1], device=xy.device)[:, None].expand(observed.shape)
    before = torch.where(observed, frames, -1).cummax(1).values
    after = torch.where(observed, frames, xy.shape[1]).flip(1).cummin(1).values.flip(1)
    share = _share(frames, before, after)[..., None]
    low, high = (_rows(xy, rows.clamp(0, xy.shape[1] - 1)) for rows in (before, after))
    low, high = torch.where(before[..., None] < 0, high, low), torch.where(after[..., None] >= xy.shape[1], low, high)
    filled = low + share * (high - low)
    ever = observed.any(1, keepdim=True)[..., None]  # (batch, 1, joints, 1)
    middle = (filled * ever).sum(2, keepdim=True) / ever.sum(2, keepdim=True).clamp_min(1)
    return torch.where(observed[..., None], xy, torch.where(ever, filled, middle))


def within(windows: Track, observed: Seen) -> Track:
    """Windows of clips that are filled already: each gap filled again, from what was observed in its window alone.

    What was seen long before or after a window says nothing. Only where nobody is seen in all of it the clip's fill
    stays.
    """
    somebody = observed.any(2).any(1)[:, None, None, None]
    return torch.where(somebody, interpolate(windows, observed), windows)


def _share(at: Int[Tensor, "..."], before: Int[Tensor, "..."], after: Int[Tensor, "..."]) -> Float[Tensor, "..."]:
    return (at - before) / (after - before).clamp_min(1)


def _rows(xy: Track, rows: Int[Tensor, "batch frames joints"]) -> Track:
    return xy.gather(1, rows[..., None].expand_as(xy))
