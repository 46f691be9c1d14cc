"""The camera that looks at the figures: in front of them, at their side, or swinging round them."""

from dataclasses import dataclass, replace
from math import pi, radians, tan

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pstmo.options import View
from pstmo.render.scene import Scene

SWING, PERIOD = radians(55), 9.0
"""How far "turning" goes to either side, and seconds until it is back."""

DOWN = radians(13)
"""How much the camera looks down."""

WIDE = radians(34)
"""What it sees along the shorter side of its picture."""

MARGIN = 0.86
"""The part of the picture that people fill at most."""

STEADY = 0.8
"""Seconds over which the camera follows people who walk; the deviation of a normal curve."""

CLOSE = 1.5
"""Metres from the camera to the middle of the people, at least."""

NEAR = 0.2
"""Metres; what is nearer than that is not seen."""


@dataclass(frozen=True, eq=False)
class Eye:
    """One camera for each frame. axes: (frames, 3, 3), rows: right, down, forward. place, target: (frames, 3) metres.
    focal: pixels. size: (width, height) of its picture."""

    axes: np.ndarray
    place: np.ndarray
    target: np.ndarray
    focal: float
    size: tuple[int, int]

    def see(self, points: np.ndarray, frame: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(frames, n, 3), or (n, 3) of one frame, metres -> pixels (..., 2) and depths (...) in metres; NaN where a
        point is not in front of the camera."""
        axes, place = (self.axes, self.place[:, None]) if frame is None else (self.axes[frame], self.place[frame])
        local = (points - place) @ np.swapaxes(axes, -1, -2)
        depth = np.where(local[..., 2] > NEAR, local[..., 2], np.nan)
        return self.focal * local[..., :2] / depth[..., None] + np.array(self.size) / 2, depth

    def only(self, frames: np.ndarray) -> "Eye":
        """Of some of the frames."""
        return replace(self, axes=self.axes[frames], place=self.place[frames], target=self.target[frames])


def eye(scene: Scene, view: View, size: tuple[int, int]) -> Eye:
    """A camera that has everybody in its picture and follows them without haste."""
    angle = {"turning": SWING * np.sin(2 * pi * (scene.times - scene.times[0]) / PERIOD), "side": pi / 2, "front": 0.0}
    axes = _axes(np.broadcast_to(angle[view], scene.times.shape))
    people = _framed(scene)
    target = _middle(people, scene)
    focal = min(size) / 2 / tan(WIDE / 2)
    local = (people - target[:, None]) @ axes.transpose(0, 2, 1)
    reach = MARGIN * np.array(size) / 2 / focal
    needed = np.nanmax(np.abs(local[..., :2]) / reach - local[..., 2:], axis=(1, 2), initial=CLOSE)
    distance = _steady(_highest(needed, _reach(scene)), scene)  # the highest around, so that nobody is cut off
    return Eye(axes, target - distance[:, None] * axes[:, 2], target, focal, size)


def _axes(angle: np.ndarray) -> np.ndarray:
    """(frames, 3, 3) of cameras that went round by so much, from the front to where x points."""
    zero, one = np.zeros_like(angle), np.ones_like(angle)
    ahead = np.stack([-np.sin(angle), np.cos(angle), zero], -1)
    right = np.stack([np.cos(angle), np.sin(angle), zero], -1)
    up = np.stack([zero, zero, one], -1)
    forward = np.cos(DOWN) * ahead - np.sin(DOWN) * up
    down = -np.cos(DOWN) * up - np.sin(DOWN) * ahead
    return np.stack([right, down, forward], 1)


def _framed(scene: Scene) -> np.ndarray:
    """(frames, points, 3): what has to be in the picture, joints and the floor below them."""
    points = np.concatenate([actor.positions[scene.pick] for actor in scene.actors], 1).astype(np.float64)
    below = points.copy()
    below[..., 2] = np.where(np.isfinite(points[..., 2]), scene.floor, np.nan)
    return np.concatenate([points, below], 1)


def _middle(people: np.ndarray, scene: Scene) -> np.ndarray:
    """(frames, 3): of everybody and their surroundings."""
    known = np.isfinite(people).all(-1, keepdims=True)
    frames = np.any(known, axis=(1, 2))
    if not frames.any():
        return np.tile((0.0, 0.0, 1.0), (len(people), 1))
    low = np.where(known, people, np.inf).min(1)[frames]
    high = np.where(known, people, -np.inf).max(1)[frames]
    here = np.arange(len(people))
    axes = [np.interp(here, here[frames], axis) for axis in ((low + high) / 2).T]
    return np.stack([_steady(axis, scene) for axis in axes], 1)


def _reach(scene: Scene) -> int:
    """Frames to either side that the camera takes into account."""
    step = float(np.median(np.diff(scene.times))) if len(scene.times) > 1 else 1.0
    return min(round(3 * STEADY / step), 4 * len(scene.times))


def _highest(values: np.ndarray, reach: int) -> np.ndarray:
    return sliding_window_view(np.pad(values, reach, mode="edge"), 2 * reach + 1).max(1)


def _steady(values: np.ndarray, scene: Scene) -> np.ndarray:
    reach = _reach(scene)
    curve = np.exp(-0.5 * np.linspace(-3, 3, 2 * reach + 1) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), curve / curve.sum(), "valid")
