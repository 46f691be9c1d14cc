"""Rotations as unit quaternions (w, x, y, z), and resampling of rotations and positions over time. Pure functions."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Quaternions = Float[np.ndarray, "*batch 4"]


def from_euler(degrees: Float[np.ndarray, "*batch turns"], order: str) -> Quaternions:
    """Turns about single axes, multiplied left to right: order "zyx" gives Rz Ry Rx.

    degrees[..., k] is the angle about the axis order[k]; up to three turns.
    """
    half = np.deg2rad(degrees) / 2
    turned = np.zeros((*half.shape[:-1], 4))
    turned[..., 0] = 1
    for k, axis in enumerate(order):
        turn = np.zeros_like(turned)
        turn[..., 0], turn[..., 1 + "xyz".index(axis)] = np.cos(half[..., k]), np.sin(half[..., k])
        turned = multiply(turned, turn)
    return turned


def multiply(a: Float[np.ndarray, "*a 4"], b: Float[np.ndarray, "*b 4"]) -> Quaternions:
    """The rotation b, then a; leading axes broadcast."""
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        -1,
    )


def inverse(q: Quaternions) -> Quaternions:
    return q * np.array([1.0, -1.0, -1.0, -1.0])


def to_matrix(q: Quaternions) -> Float[np.ndarray, "*batch 3 3"]:
    w, x, y, z = np.moveaxis(q / np.linalg.norm(q, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


class Instants(NamedTuple):
    """Where new frames lie between old ones: `share` of the way from frame `before` to the frame after it."""

    before: Int[np.ndarray, " instants"]
    share: Float[np.ndarray, " instants"]


def instants(frames: int, fps: float, target_fps: float) -> Instants:
    """The frames at `target_fps` that fit into `frames` frames at `fps`; both begin at the same time."""
    count = int((frames - 1) / fps * target_fps + 1e-6) + 1
    time = np.arange(count) * fps / target_fps
    before = np.clip(time.astype(int), 0, max(frames - 2, 0))
    return Instants(before, np.clip(time - before, 0, 1))


def resample_rotations(q: Float[np.ndarray, "frames *rest 4"], at: Instants) -> Float[np.ndarray, "instants *rest 4"]:
    """Spherical interpolation, the shorter way round."""
    a, b = q[at.before], q[np.minimum(at.before + 1, len(q) - 1)]
    cosine = (a * b).sum(-1, keepdims=True)
    b = np.where(cosine < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(cosine), 0, 1))
    share = at.share.reshape(-1, *[1] * (q.ndim - 1))
    sine = np.sin(angle)
    small = sine < 1e-6
    sine = np.where(small, 1, sine)
    start = np.where(small, 1 - share, np.sin((1 - share) * angle) / sine)
    return start * a + np.where(small, share, np.sin(share * angle) / sine) * b


def resample_positions(p: Float[np.ndarray, "frames ..."], at: Instants) -> Float[np.ndarray, "instants ..."]:
    """Catmull-Rom interpolation."""
    i, last = at.before, len(p) - 1
    p0, p1, p2, p3 = p[np.maximum(i - 1, 0)], p[i], p[np.minimum(i + 1, last)], p[np.minimum(i + 2, last)]
    u = at.share.reshape(-1, *[1] * (p.ndim - 1))
    return p1 + 0.5 * u * (p2 - p0 + u * (2 * p0 - 5 * p1 + 4 * p2 - p3 + u * (3 * (p1 - p2) + p3 - p0)))
