"""Cameras as pure functions on tensors: pixels and normalised screen, world and camera, projection and back.

Camera axes are x right, y down, z forward; the world is z up. Quaternions are (w, x, y, z).
Normalised screen is the field's: x' = 2x/w - 1, y' = 2y/w - h/w, so x lies in [-1, 1] and the aspect ratio is kept.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Points = Float[Tensor, "... 3"]


class Intrinsics(NamedTuple):
    """Of a pinhole camera, in normalised screen units, with the lens distortion of Human3.6M's calibration."""

    focal: Float[Tensor, "... 2"]
    centre: Float[Tensor, "... 2"]
    radial: Float[Tensor, "... 3"]
    tangential: Float[Tensor, "... 2"]


class Camera(NamedTuple):
    """A calibrated camera in the world."""

    name: str
    image_size: tuple[int, int]
    orientation: Float[Tensor, "3 3"]  # camera axes -> world axes
    position: Float[Tensor, "3"]  # metres
    lens: Intrinsics

    def see(self, world: Points) -> tuple[Float[Tensor, "... 2"], Points]:
        """World (metres) -> pixels, wherever they lie, and the points in camera axes."""
        points = world_to_camera(world, self.orientation, self.position)
        return to_pixels(project(points, self.lens), *self.image_size), points


def normalise_screen(xy: Float[Tensor, "... 2"], width: float | int, height: float | int) -> Float[Tensor, "... 2"]:
    """Pixels -> normalised screen."""
    return xy * (2 / width) - xy.new_tensor([1, height / width])


def to_pixels(xy: Float[Tensor, "... 2"], width: float | int, height: float | int) -> Float[Tensor, "... 2"]:
    """Normalised screen -> pixels."""
    return (xy + xy.new_tensor([1, height / width])) * (width / 2)


def rotation(quaternion: Float[Tensor, "... 4"]) -> Float[Tensor, "... 3 3"]:
    """The matrix of a (w, x, y, z) quaternion of any length but 0."""
    w, x, y, z = torch.nn.functional.normalize(quaternion, dim=-1).unbind(-1)
    rows = (
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
    )
    return torch.stack(rows, -2)


def world_to_camera(points: Points, orientation: Float[Tensor, "... 3 3"], position: Points) -> Points:
    """`orientation` turns camera axes into world axes, `position` is the camera's place in the world (metres)."""
    return (points - position) @ orientation


def camera_to_world(points: Points, orientation: Float[Tensor, "... 3 3"], position: Points) -> Points:
    return points @ orientation.mT + position


def project(points: Points, camera: Intrinsics) -> Float[Tensor, "... 2"]:
    """Camera axes (metres) -> normalised screen, through the lens as the Human3.6M toolkit distorts it.

    Rays more than 45 degrees off the axis are held there, as in the field's ground-truth 2D (Pavllo et al., 2019).
    """
    x, y, z = points.unbind(-1)
    x, y = (x / z).clamp(-1, 1), (y / z).clamp(-1, 1)
    k1, k2, k3 = camera.radial.unbind(-1)
    p1, p2 = camera.tangential.unbind(-1)
    r2 = x * x + y * y
    stretch = 1 + (k1 * r2 + k2 * r2**2 + k3 * r2**3) + (p1 * x + p2 * y)
    distorted = torch.stack([x * stretch + p1 * r2, y * stretch + p2 * r2], -1)
    return camera.focal * distorted + camera.centre


def back_project(xy: Float[Tensor, "... 2"], depth: Float[Tensor, "..."], camera: Intrinsics) -> Points:
    """Normalised screen and depth (metres along z) -> camera axes; lens distortion is left out."""
    ray = (xy - camera.centre) / camera.focal
    return torch.cat([ray * depth[..., None], depth[..., None]], -1)


def back_project_pose(
    xy: Float[Tensor, "batch joints 2"],
    relative_depth: Float[Tensor, "batch joints"],
    root_depth: Float[Tensor, " batch"],
    root: int,
    camera: Intrinsics,
) -> Float[Tensor, "batch joints 3"]:
    """The root-relative pose that lies on the rays of its 2D joints at the given depths: input of the refine module."""
    depth = relative_depth.clone()
    depth[:, root] = 0
    points = back_project(xy, depth + root_depth[:, None], camera)
    return points - points[:, root : root + 1]
