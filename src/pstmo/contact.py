"""Feet that rest: when, and what keeps them in their places.

What lies along a camera's ray is hardly seen, so it is known less well than what lies across it (`DEPTH`).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pstmo.spline import Times, smoothest

Feet = Float[np.ndarray, "frames feet 3"]
"""Ankles in a world, or where a camera's rays to them point."""

Way = Float[np.ndarray, "frames 3"]

DEPTH = 0.25
"""By which lengths along a ray count, against those across it."""

SLOW, LOW = (0.3, 0.4), (0.14, 0.18)
"""Metres a second, metres above the ground: a foot that rests is slower and lower than the second all the time, than
the first at least once."""

LEAST, DRIFT = 0.12, 0.2
"""Seconds that a rest takes at least; metres from its middle place that it takes a foot at most."""

AROUND, GROUND = 1.0, 0.1
"""Seconds before and after a frame, and share of them in which the lower ankle is at the ground or below."""

BODY, BODY_HZ = 0.3, 0.5
FOOT, FOOT_HZ = 0.1, 3.0
"""Metres by which the body, along the camera's ray, and a foot on its own are readily moved; Hz above which they are
not."""

FIRM = 300.0
"""Price of sliding: the square of metres off the place of rest, against squared metres by which a foot is moved."""


class Rest(NamedTuple):
    """Of one foot, frames from start up to stop."""

    foot: int
    start: int
    stop: int


def discounted(vectors: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """With the part along the rays counting less. Both (..., 3), rays of length 1."""
    return vectors - (1 - DEPTH) * (vectors * rays).sum(-1, keepdims=True) * rays


def resting(feet: Feet, rays: Feet, times: Times) -> list[Rest]:
    """When which foot rests."""
    if len(feet) < 3:
        return []
    speed = np.linalg.norm(discounted(np.gradient(feet, times, axis=0), rays), axis=-1)
    height = feet[..., 2] - _ground(feet[..., 2].min(1), times)[:, None]
    strict, loose = ((speed < slow) & (height < low) for slow, low in zip(SLOW, LOW, strict=True))
    found = []
    for foot in range(feet.shape[1]):
        for start, stop in _spans(loose[:, foot]):
            place = feet[start:stop, foot]
            off = np.linalg.norm(discounted(place - place.mean(0), rays[start:stop, foot]), axis=-1).max()
            long = times[stop - 1] - times[start] >= LEAST
            if long and off < DRIFT and strict[start:stop, foot].any():
                found.append(Rest(foot, start, stop))
    return found


def steadied(
    feet: Feet, rests: list[Rest], rays: Float[np.ndarray, "frames 3"], times: Times
) -> tuple[np.ndarray, Feet]:
    """What brings each foot that rests to its mean place, above the floor: how the whole body moves along the rays to
    it (frames, 3), and how each foot moves besides. Both smooth, and as small as may be."""
    needed, on = np.zeros(feet.shape), np.zeros(feet.shape[:2])
    for foot, start, stop in rests:
        place = feet[start:stop, foot].mean(0)
        needed[start:stop, foot] = np.maximum(place, [-np.inf, -np.inf, 0]) - feet[start:stop, foot]
        on[start:stop, foot] = 1
    frames, count, _ = feet.shape
    quick = (BODY_HZ / FOOT_HZ) ** 2
    moved = np.zeros((frames, count, 3, 1 + 3 * count))  # each foot, by what is sought: the body's way, the feet's own
    moved[..., 0] = quick * BODY / FOOT * rays[:, None]
    for foot in range(count):
        moved[:, foot, :, 1 + 3 * foot : 4 + 3 * foot] = np.eye(3)
    price = np.diag([quick**2] + [1.0] * 3 * count)
    matrix = price + FIRM * np.einsum("tf,tfak,tfal->tkl", on, moved, moved)
    vector = FIRM * np.einsum("tf,tfak,tfa->tk", on, moved, needed)[..., None]
    step = (times[-1] - times[0]) / (frames - 1)
    found = smoothest(step * matrix, step * vector, times, (2 * np.pi * FOOT_HZ) ** -4)[..., 0]
    return quick * BODY / FOOT * found[:, :1] * rays, found[:, 1:].reshape(feet.shape)


def sliding(feet: Feet, rests: list[Rest], times: Times) -> float:
    """Mean speed of feet that rest, metres a second; NaN where none does."""
    ways = [np.diff(feet[start:stop, foot], axis=0) for foot, start, stop in rests]
    if not ways:
        return float("nan")
    seconds = sum(float(times[stop - 1] - times[start]) for _, start, stop in rests)
    return float(sum(np.linalg.norm(way, axis=-1).sum() for way in ways)) / seconds


def _ground(lower: Float[np.ndarray, " frames"], times: Times) -> Float[np.ndarray, " frames"]:
    """Height of the lower ankle when it is down, around each frame: floors may seem to slope."""
    wing = max(1, round(AROUND / ((times[-1] - times[0]) / (len(times) - 1))))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(lower, wing, mode="edge"), 2 * wing + 1)
    return np.quantile(windows, GROUND, axis=1)


def _spans(mask: Bool[np.ndarray, " frames"]) -> list[tuple[int, int]]:
    """Runs of True, from start up to stop."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
