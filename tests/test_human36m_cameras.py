"""Human3.6M's four cameras: where they stand, which way they look, and what they see."""

import pytest
import torch
from test_projection import assert_proper

from pstmo import camera
from pstmo.datasets.human36m_cameras import human36m_cameras
from pstmo.errors import PstmoError

SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_studio_has_four_cameras_about_its_middle(subject):
    eyes = human36m_cameras(subject)
    assert [eye.name for eye in eyes] == ["54138969", "55011271", "58860488", "60457274"]
    middle = torch.stack([eye.position for eye in eyes]).mean(0)
    middle[2] = 1.0
    for eye in eyes:
        assert_proper(eye.orientation)
        assert eye.orientation[2, 1] < -0.9  # upright
        assert 1 < eye.position[2] < 2.5
        assert 3 < (eye.position - middle).norm() < 8
        seen = camera.world_to_camera(middle, eye.orientation, eye.position)
        xy = camera.project(seen, eye.lens)
        assert seen[2] > 3
        assert xy[0].abs() < 0.25
        assert xy[1].abs() < 0.4  # they look down somewhat more
    assert len({tuple(eye.position.sign().tolist()) for eye in eyes}) == 4


def test_the_first_camera_stands_where_the_data_set_says():
    eye = human36m_cameras("S1")[0]
    torch.testing.assert_close(eye.position, torch.tensor([1.841107, 4.955285, 1.563445]), atol=1e-5, rtol=0)
    assert eye.image_size == (1000, 1002)
    torch.testing.assert_close(eye.lens.focal * 500, torch.tensor([1145.0494, 1143.7811]), atol=1e-3, rtol=0)
    middle = camera.to_pixels(eye.lens.centre, *eye.image_size)
    torch.testing.assert_close(middle, torch.tensor([512.5415, 515.4515]), atol=1e-3, rtol=0)


def test_an_unknown_subject_is_answered_with_the_known_ones():
    with pytest.raises(PstmoError, match="'S2'") as raised:
        human36m_cameras("S2")
    for subject in SUBJECTS:
        assert subject in str(raised.value)


def test_a_camera_sees_what_its_lens_shows():
    eye = human36m_cameras("S9")[2]
    world = torch.rand(5, 17, 3) * torch.tensor([1.0, 1.0, 1.8])
    pixels, points = eye.see(world)
    torch.testing.assert_close(points, camera.world_to_camera(world, eye.orientation, eye.position))
    torch.testing.assert_close(pixels, camera.to_pixels(camera.project(points, eye.lens), *eye.image_size))
    torch.testing.assert_close(camera.camera_to_world(points, eye.orientation, eye.position), world)
    head, foot = eye.see(torch.tensor([[0.0, 0.0, 1.7], [0.0, 0.0, 0.0]]))[0]
    assert head[1] < foot[1]  # y points down
