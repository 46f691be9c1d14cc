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
    times = observed.sum(1)
    xy, ever, tracks = xy.clone(), times > 0, _tracks(times < xy.shape[1])
    seen = observed[tracks]
    filled = _between(xy[tracks], seen)
    xy[tracks] = filled
    middle = (xy * ever[:, None, :, None]).sum(2) / ever.sum(1).clamp_min(1)[:, None, None]  # (batch, frames, 2)
    xy[tracks] = torch.where(seen.any(1)[:, None, None], filled, middle[tracks[0]])
    return xy


def held(xy: Track, observed: Seen) -> Track:
    """Each gap of a joint is filled with the joint's last observed value, as one must who does not know what comes.

    A joint that was not observed yet takes the mean of the frame's other joints; where nothing was, they are 0.
    """
    frames = torch.arange(xy.shape[1], device=xy.device)[:, None].expand_as(observed)
    last = torch.where(observed, frames, -1).cummax(1).values
    known = (last >= 0)[..., None]
    values = torch.where(known, xy.gather(1, last.clamp_min(0)[..., None].expand_as(xy)), 0)
    middle = values.sum(2, keepdim=True) / known.sum(2, keepdim=True).clamp_min(1)
    return torch.where(known, values, middle)


def within(windows: Track, observed: Seen) -> Track:
    """Windows of clips that are filled already: each gap filled again, from what was observed in its window alone.

    What was seen long before or after a window says nothing. Only where nobody is seen in all of it the clip's fill
    stays.
    """
    somebody = observed.any(2).any(1)[:, None, None, None]
    return torch.where(somebody, interpolate(windows, observed), windows)


def _tracks(gappy: Bool[Tensor, "batch joints"]) -> tuple[Int[Tensor, " tracks"], slice, Int[Tensor, " tracks"]]:
    """Index of the joints to look at in each window: those with gaps. To know which, one would have to wait for a GPU:
    there it is all of them."""
    if gappy.device.type == "cpu":
        windows, joints = gappy.nonzero(as_tuple=True)
    else:
        windows, joints = ((torch.ones_like(gappy).cumsum(axis) - 1).flatten() for axis in (0, 1))
    return windows, slice(None), joints


def _between(xy: Float[Tensor, "tracks frames 2"], seen: Bool[Tensor, "tracks frames"]) -> Tensor:
    """Gaps filled linearly, the ends held; 0 where nothing was seen."""
    frames, last = torch.arange(seen.shape[1], device=xy.device).expand_as(seen), seen.shape[1] - 1
    xy = torch.where(seen[..., None], xy, 0)
    before = torch.where(seen, frames, -1).cummax(1).values
    after = torch.where(seen, frames, last + 1).flip(1).cummin(1).values.flip(1)
    share = ((frames - before) / (after - before).clamp_min(1))[..., None]
    low, high = (xy.gather(1, rows.clamp(0, last)[..., None].expand_as(xy)) for rows in (before, after))
    low, high = torch.where(before[..., None] < 0, high, low), torch.where(after[..., None] > last, low, high)
    return torch.where(seen[..., None], xy, low + share * (high - low))
