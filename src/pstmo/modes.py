"""Ways to lift a whole clip: exactly, every k-th frame exactly, in sequences, or as a live stream would have.

What each costs, and how much error it adds: docs/lifting.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pstmo.model.cost import exact_macs
from pstmo.model.stmo import STMO
from pstmo.presets import ModelConfig
from pstmo.threads import at_once, shares
from pstmo.track import Places, Track
from pstmo.windowed import Found, Head, Windowed, of_centre, of_every_frame, poses

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


class Plan(NamedTuple):
    """What a mode wants of a clip. windows: how many. places: of some of them, by number. head: what is read out of
    each. motion: what comes of all that was read."""

    windows: int
    places: Callable[[Int[Tensor, " n"]], Places]
    head: Head
    motion: Callable[[Found], Motion] = lambda poses: poses


def exact(track: Track, window: int, step: int) -> Plan:
    """Every frame is the centre of a window of its own (the paper's many-to-one)."""
    return live(track, window, step, lag=_half(window, step))


def fast(track: Track, window: int, step: int, every: int) -> Plan:
    """Each `every`-th frame and the last exactly, a cubic curve through them for the others."""
    frames = len(track)
    knots = torch.cat([torch.arange(0, frames - 1, every), torch.tensor([frames - 1])]).to(track.filled.device)
    each = exact(track, window, step)
    return Plan(len(knots), lambda part: each.places(knots[part]), each.head, lambda poses: curve(poses, knots, frames))


def live(track: Track, window: int, step: int, lag: int) -> Plan:
    """Every frame from a window that ends `lag` frames after it; half a window of lag is exact."""
    offsets, head = lagging(window, step, lag)
    offsets = offsets.to(track.filled.device)
    return Plan(len(track), lambda part: track.places(part, offsets), head)


def sequence(track: Track, window: int, step: int, overlap: float | int) -> Plan:
    """All poses of a window at once, from windows that share `overlap` of their length with the next one, blended."""
    hop = max(1, round(window * (1 - overlap)))
    starts = torch.arange(0, -(-track.ticks // step), hop) - (window - hop) // 2
    rows = (starts[:, None] + torch.arange(window)) * step  # (windows, window), one after another in time
    rows = torch.cat([rows + phase for phase in range(min(step, track.ticks))]).to(track.filled.device)
    return Plan(len(rows), lambda part: track.on_ticks(rows[part]), of_every_frame, partial(_blended, track, rows))


def carried_out(plans: Sequence[tuple[Windowed, Plan]]) -> list[Motion]:
    """Of clips with one lifter, in their order. Windows of all of them are computed together where the same is read out
    of them: a short clip has too few for a GPU."""
    motions: dict[int, Motion] = {}
    for head in dict.fromkeys(plan.head for _, plan in plans):
        numbers = [number for number, (_, plan) in enumerate(plans) if plan.head == head]
        found = _together([plans[number] for number in numbers])
        motions |= {number: plans[number][1].motion(poses) for number, poses in zip(numbers, found, strict=True)}
    return [motions[number] for number in range(len(plans))]


def _together(plans: Sequence[tuple[Windowed, Plan]]) -> tuple[Tensor, ...]:
    """Of each, what its head reads."""
    sizes = [plan.windows for _, plan in plans]
    starts = [0, *accumulate(sizes)]

    def found(part: Int[Tensor, " n"]) -> Tensor:
        first, end, mine = int(part[0]), int(part[-1]) + 1, []
        for (clip, plan), start in zip(plans, starts[:-1], strict=True):
            if start < end and start + plan.windows > first:
                numbers = part[max(0, start - first) : start + plan.windows - first] - start
                mine.append((clip, plan.places(numbers)))
        return poses(mine, plans[0][1].head)

    windows = torch.arange(starts[-1], device=plans[0][0].device)
    return torch.cat(at_once(found, shares(windows, plans[0][0].window))).split(sizes)


def _blended(track: Track, rows: Int[Tensor, "n window"], poses: Float[Tensor, "n window joints 3"]) -> Motion:
    """The nearer a frame is to the middle of a window, the more that window counts."""
    frames, window = track.ticks, rows.shape[1]
    ramp = torch.arange(1, window + 1, device=rows.device)
    ramp = torch.minimum(ramp, ramp.flip(0)).float()[:, None, None]
    total = torch.zeros(frames, *poses.shape[2:], device=rows.device)
    weight = torch.zeros(frames, 1, 1, device=rows.device)
    there = (rows >= 0) & (rows < frames)
    total.index_add_(0, rows[there], (poses * ramp)[there])
    weight.index_add_(0, rows[there], ramp.expand(len(rows), -1, -1, -1)[there])
    return track.off_ticks(total / weight)


def lagging(window: int, step: int, lag: int) -> tuple[Int[Tensor, " window"], Head]:
    """Frames of a window, from the one whose pose is wanted, and what reads that pose."""
    place = max(window - 1 - lag // step, window // 2)
    return step * (torch.arange(window) - place), of_centre if place == window // 2 else OfFrame(place)


@dataclass(frozen=True)
class OfFrame:
    """Reads the pose of one frame of each window."""

    place: int

    def __call__(self, network: STMO, tokens: Float[Tensor, "batch frames width"]) -> Tensor:
        return network.sequence_head(tokens[:, self.place : self.place + 1])[:, 0]


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


def _half(window: int, step: int) -> int:
    """The lag by which a frame is the centre of its window."""
    return step * (window // 2)
