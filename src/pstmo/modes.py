"""Ways to lift a whole clip: exactly, every k-th frame exactly, in sequences, or as a live stream would have.

What each costs, and how much error it adds: docs/lifting.md.
"""

from functools import partial
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pstmo.model.cost import exact_macs
from pstmo.model.stmo import STMO
from pstmo.presets import ModelConfig
from pstmo.threads import at_once, shares
from pstmo.windowed import Head, Windowed, of_centre, of_every_frame

Mode = Literal["auto", "exact", "fast", "sequence", "live"]
Motion = Float[Tensor, "frames joints 3"]

KEPT = 10.0
"""Poses a second that `fast` computes exactly."""

PATIENCE = {"cpu": 1.5e12, "cuda": 1.5e14}
"""Multiply-accumulates above which `auto` takes the cheaper mode: about half a minute."""


def chosen(frames: int, every: int, config: ModelConfig, mirror: bool, device: torch.device) -> Mode:
    """What `auto` stands for: fast where that takes half a minute at most, else sequence. Fast errs no more than exact
    and shakes less (docs/lifting.md); where frames are so few a second that it would skip none, it is exact."""
    work = frames * exact_macs(config) * (1 + mirror)
    patience = PATIENCE.get(device.type, PATIENCE["cpu"])
    if work / every > patience:
        return "sequence"
    return "fast" if every > 1 else "exact"


def exact(windowed: Windowed, step: int) -> Motion:
    """Every frame is the centre of a window of its own (the paper's many-to-one)."""
    return live(windowed, step, lag=_half(windowed, step))


def fast(windowed: Windowed, step: int, every: int) -> Motion:
    """Each `every`-th frame and the last exactly, a cubic curve through them for the others."""
    frames = len(windowed.track)
    knots = torch.cat([torch.arange(0, frames - 1, every), torch.tensor([frames - 1])]).to(windowed.device)
    return curve(_each(windowed, knots, *lagging(windowed.window, step, _half(windowed, step))), knots, frames)


def live(windowed: Windowed, step: int, lag: int) -> Motion:
    """Every frame from a window that ends `lag` frames after it; half a window of lag is exact."""
    frames = torch.arange(len(windowed.track), device=windowed.device)
    return _each(windowed, frames, *lagging(windowed.window, step, lag))


def sequence(windowed: Windowed, step: int, overlap: float) -> Motion:
    """All poses of a window at once, from windows that share `overlap` of their length with the next one, blended.

    The nearer a frame is to the middle of a window, the more that window counts.
    """
    track, window = windowed.track, windowed.window
    hop = max(1, round(window * (1 - overlap)))
    frames = track.ticks
    starts = torch.arange(0, -(-frames // step), hop) - (window - hop) // 2
    rows = (starts[:, None] + torch.arange(window)) * step  # (windows, window), one after another in time
    rows = torch.cat([rows + phase for phase in range(min(step, frames))]).to(windowed.device)
    ramp = torch.arange(1, window + 1, device=rows.device)
    ramp = torch.minimum(ramp, ramp.flip(0)).float()[:, None, None]
    total = torch.zeros(frames, len(windowed.lifter.checkpoint.poses), 3, device=rows.device)
    weight = torch.zeros(frames, 1, 1, device=rows.device)
    parts = shares(rows, window)
    found = at_once(lambda part: windowed.poses(track.on_ticks(part), of_every_frame), parts)
    for part, poses in zip(parts, found, strict=True):
        there = (part >= 0) & (part < frames)
        total.index_add_(0, part[there], (poses * ramp)[there])
        weight.index_add_(0, part[there], ramp.expand(len(part), -1, -1, -1)[there])
    return track.off_ticks(total / weight)


def lagging(window: int, step: int, lag: int) -> tuple[Int[Tensor, " window"], Head]:
    """Frames of a window, from the one whose pose is wanted, and what reads that pose."""
    place = max(window - 1 - lag // step, window // 2)
    head = of_centre if place == window // 2 else partial(_of_frame, place=place)
    return step * (torch.arange(window) - place), head


def curve(poses: Float[Tensor, "knots joints 3"], knots: Int[Tensor, " knots"], frames: int) -> Motion:
    """Through poses at some frames, the first and the last among them: cubic, with the slope between each one's
    neighbours."""
    if len(knots) == 1:
        return poses.expand(frames, -1, -1)
    place = torch.arange(frames, device=knots.device)
    after = torch.searchsorted(knots, place, right=True).clamp(1, len(knots) - 1)
    before = after - 1
    span = (knots[after] - knots[before])[:, None, None]
    share = (place - knots[before])[:, None, None] / span
    padded = torch.cat([knots[:1], knots, knots[-1:]])
    edges = torch.cat([poses[:1], poses, poses[-1:]])
    slope = (edges[2:] - edges[:-2]) / (padded[2:] - padded[:-2])[:, None, None]
    rise = poses[after] - poses[before]
    bend = (1 - share) * (slope[before] * span - rise) - share * (slope[after] * span - rise)
    return poses[before] + share * rise + share * (1 - share) * bend


def _of_frame(network: STMO, tokens: Float[Tensor, "batch frames width"], place: int) -> Tensor:
    return network.sequence_head(tokens[:, place : place + 1])[:, 0]


def _half(windowed: Windowed, step: int) -> int:
    """The lag by which a frame is the centre of its window."""
    return step * (windowed.window // 2)


def _each(windowed: Windowed, frames: Int[Tensor, " n"], offsets: Int[Tensor, " window"], head: Head) -> Motion:
    """A pose for each of those frames, each from a window of its own."""
    offsets = offsets.to(frames.device)
    parts = shares(frames, len(offsets))
    return torch.cat(at_once(lambda part: windowed.poses(windowed.track.places(part, offsets), head), parts))
