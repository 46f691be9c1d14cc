"""Framing: how keypoints are put before a network, and in which axes its poses are.

"screen" is the field's normalised screen. "person" moves and scales each window so that the person fills it: where in
the picture somebody stands, and how large, then no longer has to be learned. "facing" first turns the camera to the
person (as Yu et al., "PCLs: Geometry-aware Neural Reconstruction of 3D Pose with Perspective Crop Layers", CVPR 2021,
do with images): who stands aside is seen from aside, which a moved picture alone hides from the network. A checkpoint
says which one it was trained with.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Windows = Float[Tensor, "batch frames joints 2"]
Focal = Float[Tensor, " batch"]

FOCAL = 2.2
"""Focal length over half of the picture's longer side where nobody knows it: a view of 49 degrees, as of phones."""


class View(NamedTuple):
    """What a network sees of each window. turn: camera axes -> axes of the view; None = they are the same."""

    keypoints: Windows
    turn: Float[Tensor, "batch 3 3"] | None = None

    @classmethod
    def of(cls, views: "Sequence[View]") -> "View":
        """Of one framing, one after another."""
        turns = [view.turn for view in views if view.turn is not None]
        return cls(torch.cat([view.keypoints for view in views]), torch.cat(turns) if turns else None)

    def turned(self, poses: Float[Tensor, "batch *axes 3"]) -> Float[Tensor, "batch *axes 3"]:
        """Poses in camera axes -> in the axes of the view."""
        return poses if self.turn is None else (poses.flatten(1, -2) @ self.turn.mT).view_as(poses)

    def back(self, poses: Float[Tensor, "batch *axes 3"]) -> Float[Tensor, "batch *axes 3"]:
        """Poses in the axes of the view -> in camera axes."""
        return poses if self.turn is None else (poses.flatten(1, -2) @ self.turn).view_as(poses)


def on_screen(xy: Windows, focal: Focal) -> View:
    """Normalised screen coordinates as they are (paper, section 4.1)."""
    return View(xy)


def around_person(xy: Windows, focal: Focal) -> View:
    """Each window about the mean of its keypoints, in units of their root mean square distance from it."""
    xy = xy - xy.mean((1, 2), keepdim=True)
    size = xy.square().sum(-1, keepdim=True).mean((1, 2), keepdim=True).sqrt()
    return View(xy / size.clamp_min(1e-6))


def facing_person(xy: Windows, focal: Focal) -> View:
    """As `around_person`, after a turn of the camera, to the side and then up or down, to the mean of the keypoints."""
    turn = _towards(xy.mean((1, 2)), focal)
    rays = (xy / focal[:, None, None, None]).flatten(1, 2) @ turn[..., :2].mT + turn[:, None, :, 2]  # through (x, y, 1)
    seen = rays[..., :2] / rays[..., 2:].clamp_min(0.1)
    return View(around_person(seen.view_as(xy), focal).keypoints, turn)


FRAMINGS: dict[str, Callable[[Windows, Focal], View]] = {
    "screen": on_screen,
    "person": around_person,
    "facing": facing_person,
}
"""focal: over half the picture's width, one a window."""


def _towards(middle: Float[Tensor, "batch 2"], focal: Focal) -> Float[Tensor, "batch 3 3"]:
    """Camera axes -> those of a camera that looks at a place on the screen; the horizon stays level."""
    x, y = middle.unbind(-1)
    yaw, pitch = torch.atan2(x, focal), torch.atan2(y, (focal**2 + x**2).sqrt())
    (sin_yaw, cos_yaw), (sin_pitch, cos_pitch) = (yaw.sin(), yaw.cos()), (pitch.sin(), pitch.cos())
    right = torch.stack([cos_yaw, torch.zeros_like(yaw), -sin_yaw], -1)
    forward = torch.stack([sin_yaw * cos_pitch, sin_pitch, cos_yaw * cos_pitch], -1)
    return torch.stack([right, torch.linalg.cross(forward, right), forward], -2)
