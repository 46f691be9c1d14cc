"""Laws of cameras: there and back, closed forms, and the rays that a lens bends or holds."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pstmo import camera
from pstmo.camera import Camera, Intrinsics

quick = settings(max_examples=30, deadline=None)
seeds = st.integers(0, 10_000)


def some(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def lens(seed: int = 0, distorted: bool = False) -> Intrinsics:
    few, strength = some(9, seed=seed) * 0.1, float(distorted)
    return Intrinsics(few[:2] + 2, few[2:4], strength * few[4:7], strength * few[7:9] / 10)


def assert_proper(turn: Tensor, atol: float = 1e-5) -> None:
    """Rotations, none of them mirrored."""
    torch.testing.assert_close(turn @ turn.mT, torch.eye(3, dtype=turn.dtype).expand_as(turn), atol=atol, rtol=0)
    torch.testing.assert_close(torch.linalg.det(turn), torch.ones(turn.shape[:-2], dtype=turn.dtype), atol=atol, rtol=0)


# Pixels and the screen


@quick
@given(seeds, st.integers(1, 4000), st.integers(1, 4000))
def test_pixels_to_screen_and_back_is_nothing(seed, width, height):
    xy = some(9, 2, seed=seed) * torch.tensor([width, height])
    screen = camera.normalise_screen(xy, width, height)
    torch.testing.assert_close(camera.to_pixels(screen, width, height), xy)
    corners = camera.normalise_screen(torch.tensor([[0.0, 0], [width, height]]), width, height)
    torch.testing.assert_close(corners, torch.tensor([[-1, -height / width], [1, height / width]]))


# The camera in the world


@quick
@given(seeds)
def test_quaternions_give_proper_rotations_whatever_their_length(seed):
    quaternion = some(8, 4, seed=seed)
    turn = camera.rotation(quaternion)
    assert turn.shape == (8, 3, 3)
    assert_proper(turn, 1e-9)
    torch.testing.assert_close(camera.rotation(-3 * quaternion), turn)


@quick
@given(seeds, st.floats(0.1, 3))
def test_a_quaternion_is_half_an_angle_about_an_axis(seed, angle):
    """The axis stays; what is at a right angle to it goes on by the angle, counterclockwise (Rodrigues)."""
    axis = torch.nn.functional.normalize(some(3, seed=seed), dim=0)
    turn = camera.rotation(torch.cat([torch.tensor([math.cos(angle / 2)]), math.sin(angle / 2) * axis]))
    torch.testing.assert_close(turn @ axis, axis)
    aside = torch.linalg.cross(axis, some(3, seed=seed + 1))
    turned = math.cos(angle) * aside + math.sin(angle) * torch.linalg.cross(axis, aside)
    torch.testing.assert_close(turn @ aside, turned)


@quick
@given(seeds)
def test_world_to_camera_and_back_is_nothing(seed):
    points, place, turn = some(9, 3, seed=seed), some(3, seed=seed + 1), camera.rotation(some(4, seed=seed + 2))
    seen = camera.world_to_camera(points, turn, place)
    torch.testing.assert_close(camera.camera_to_world(seen, turn, place), points)
    torch.testing.assert_close(seen.norm(dim=-1), (points - place).norm(dim=-1))


def test_orientation_turns_camera_axes_into_world_axes():
    """A camera 5 m south of the origin and 1 m up that looks north: its x is east, its y down, its z north."""
    north = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    place = torch.tensor([0.0, -5, 1])
    seen = camera.world_to_camera(torch.tensor([[0.0, 0, 0], [2.0, 3, 4]]), north, place)
    assert seen.tolist() == [[0, 1, 5], [2, -3, 8]]
    assert camera.camera_to_world(torch.eye(3), north, place).tolist() == [[1, -5, 1], [0, -5, 0], [0, -4, 1]]


def test_a_camera_sees_pixels_and_points():
    north = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    through = Intrinsics(*map(torch.tensor, ([2.0, 3.0], [0.1, -0.1], [0.0] * 3, [0.0] * 2)))
    eye = Camera("eye", (200, 100), north, torch.tensor([0.0, -5, 1]), through)
    pixels, points = eye.see(torch.tensor([[1.0, -3, 1.5]]))  # 2 m ahead, 1 m to the right, half a metre up
    assert points.tolist() == [[1, -0.5, 2]]
    torch.testing.assert_close(pixels, torch.tensor([[210.0, -35]]))  # outside of the picture is no matter


# Through the lens


def test_the_lens_bends_rays_as_the_toolkit_of_human36m():
    """Worked out by hand: r^2 = 0.13, radial 1.0170391, tangential -0.001."""
    bent = Intrinsics(*map(torch.tensor, ([2.0, 3.0], [0.1, -0.1], [0.1, 0.2, 0.3], [0.01, 0.02])))
    flat = camera.project(torch.tensor([0.6, -0.4, 2.0]), bent)
    torch.testing.assert_close(flat, torch.tensor([0.7122235, -0.7018235]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_rays_beyond_45_degrees_are_held_there(axis, side):
    wide, edge, within = torch.zeros(3, 3, dtype=torch.float64)
    wide[2], edge[2], within[2] = 1, 1, 1
    wide[axis], edge[axis], within[axis] = 3 * side, side, 0.99 * side
    through = lens(distorted=True)
    assert torch.equal(camera.project(wide, through), camera.project(edge, through))
    assert not torch.equal(camera.project(within, through), camera.project(edge, through))
    straight = (edge[:2] * lens().focal) + lens().centre
    torch.testing.assert_close(camera.project(wide, lens()), straight)


@quick
@given(seeds)
def test_back_projection_undoes_projection(seed):
    points = some(5, 17, 3, seed=seed).clamp(-2, 2) + torch.tensor([0, 0, 5.0])
    through = lens(seed)
    flat = camera.project(points, through)
    torch.testing.assert_close(camera.back_project(flat, points[..., 2], through), points)


def test_each_of_a_batch_has_its_own_lens():
    points = some(2, 17, 3).clamp(-2, 2) + torch.tensor([0, 0, 5.0])
    lenses = lens(0, distorted=True), lens(1, distorted=True)
    both = Intrinsics(*(torch.stack(part)[:, None] for part in zip(*lenses, strict=True)))
    flat = camera.project(points, both)
    for i, one in enumerate(lenses):
        torch.testing.assert_close(flat[i], camera.project(points[i], one))
        back = camera.back_project(flat, points[..., 2], both)[i]
        torch.testing.assert_close(back, camera.back_project(flat[i], points[i, :, 2], one))


@quick
@given(seeds, st.integers(0, 16), st.floats(-9, 9))
def test_a_pose_on_its_own_rays_comes_back(seed, root, rubbish):
    """Whatever depth the network gave to the root, which is none; and what it gave stays as it was."""
    pose = some(3, 17, 3, seed=seed).clamp(-1, 1) + torch.tensor([0.5, 0, 5.0])
    relative = pose[..., 2] - pose[:, root : root + 1, 2]
    relative[:, root] = rubbish
    given = relative.clone()
    flat = camera.project(pose, lens())
    back = camera.back_project_pose(flat, relative, pose[:, root, 2], root, lens())
    torch.testing.assert_close(back, pose - pose[:, root : root + 1])
    assert torch.equal(relative, given)
