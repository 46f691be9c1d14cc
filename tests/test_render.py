"""Figures and keypoints are painted where they are, in the colours of their side, and what was guessed looks so."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motions import FPS, standing

pytest.importorskip("aggdraw")
from PIL import Image

from pstmo.errors import PstmoError
from pstmo.motion import Motion
from pstmo.render.canvas import Canvas, Paint, capsules, write
from pstmo.render.colours import ALONE, SEVERAL, WHITE
from pstmo.render.eye import eye
from pstmo.render.figures import Figures
from pstmo.render.film import GIF_TICK, _thinned
from pstmo.render.layout import layout_of
from pstmo.render.overlay import Overlay
from pstmo.render.scene import scene_of
from pstmo.render.sheet import _columns
from pstmo.video.clock import TICK, ticks_of

SIZE = (400, 400)
SIDES = ("left_wrist", "right_wrist")


def at(pixels: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """The colour at a place, as floats."""
    x, y = np.rint(xy).astype(int)
    return pixels[y, x].astype(float)


def off(found: np.ndarray, colour: tuple[int, int, int]) -> float:
    return float(np.abs(found - colour).max())


@pytest.mark.parametrize("view", ["front", "turning"])
@pytest.mark.parametrize("people", [1, 2])
def test_a_joint_has_its_sides_colour_at_its_projected_place(view, people):
    scene = scene_of([standing(person=n, aside=1.5 * n) for n in range(people)])
    look = eye(scene, view, SIZE)
    pixels = Figures(scene, look)(3)
    assert pixels.shape == (400, 400, 3)
    for actor, colours in zip(scene.actors, (ALONE,) if people == 1 else SEVERAL, strict=False):
        for joint, colour in zip(SIDES, colours, strict=False):
            xy, _ = look.see(actor.positions[3][[actor.skeleton.index(joint)]], 3)
            assert off(at(pixels, xy[0] + 1), colour) < 90
            others = [c for c in (*colours, WHITE) if c != colour]
            assert all(off(at(pixels, xy[0] + 1), colour) < off(at(pixels, xy[0] + 1), other) for other in others)


def test_the_front_is_as_the_camera_sees_it_and_the_side_from_the_right():
    scene = scene_of([standing()])
    points = np.array([[0.0, 4, 1], [0.5, 4, 1], [0, 4, 1.5], [0, 4.5, 1]])
    middle, right, up, away = eye(scene, "front", SIZE).see(points, 0)[0]
    assert right[0] > middle[0] + 20
    assert up[1] < middle[1] - 20
    assert away[1] < middle[1]  # it looks down
    middle, right, up, away = eye(scene, "side", SIZE).see(points, 0)[0]
    assert away[0] > middle[0] + 20
    assert abs(right[0] - middle[0]) < 5


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["front", "side", "turning"]), st.floats(0.05, 3), st.integers(1, 3))
def test_everybody_is_in_the_picture_wherever_they_go(seed, view, pace, people):
    chance, found = np.random.default_rng(seed), []
    for number in range(people):
        motion = standing(frames=60, person=number)
        way = np.cumsum(chance.normal(0, pace / 25, (60, 1, 3)) * (1, 1, 0), 0) + chance.uniform(-2, 2, 3) * (1, 1, 0)
        assert motion.world is not None
        world = replace(motion.world, positions=(motion.world.positions + way).astype(np.float32))
        found.append(replace(motion, world=world))
    scene = scene_of(found)
    look = eye(scene, view, (320, 200))
    for actor in scene.actors:
        xy, _ = look.see(actor.positions.astype(float))
        assert (xy > 0).all()
        assert (xy < (320, 200)).all()


def test_what_was_not_seen_is_hollow():
    motion = standing()
    assert motion.keypoints is not None
    assert motion.world is not None
    confidence = motion.keypoints.confidence.copy()
    wrist = motion.keypoints.skeleton.index("left_wrist")
    confidence[5:, wrist] = 0
    keypoints = replace(motion.keypoints, confidence=confidence)
    world = replace(motion.world, observed=np.arange(10) < 8)
    scene = scene_of([replace(motion, keypoints=keypoints, world=world)])
    assert scene.actors[0].sure.sum(1).tolist() == [17] * 5 + [16] * 3 + [0] * 2
    look = eye(scene, "front", SIZE)
    figures = Figures(scene, look)

    def shade(frame: int, joint: str) -> float:
        xy, _ = look.see(motion.positions[frame][[motion.skeleton.index(joint)]], frame)
        return float(at(figures(frame), xy[0]).mean())

    for joint, pale in (("left_wrist", 5), ("right_wrist", 8)):
        shades = [shade(frame, joint) for frame in range(10)]
        assert max(shades[:pale]) + 40 < min(shades[pale:])


def test_keypoints_lie_where_they_are_and_nowhere_else():
    motion = standing(size=(600, 400))
    keypoints = motion.keypoints
    assert keypoints is not None
    scene = scene_of([motion])
    ground = Image.new("RGB", (300, 200), (40, 60, 40))
    pixels = Overlay(scene, 0.5)(ground, 4)
    for joint, colour in zip(SIDES, ALONE, strict=False):
        xy = keypoints.xy[4, keypoints.skeleton.index(joint)] / 2
        assert off(at(pixels, xy - 0.5), colour) < 30
    rows, columns = np.nonzero((pixels != (40, 60, 40)).any(-1))
    low, high = keypoints.xy[4].min(0) / 2, keypoints.xy[4].max(0) / 2
    drawn = np.stack([columns, rows])
    assert (drawn.min(1) > low - 6).all()
    assert (drawn.max(1) < high + 6).all()


def test_joints_that_nobody_knows_are_left_out():
    motion = standing()
    assert motion.keypoints is not None
    assert motion.world is not None
    xy, positions = motion.keypoints.xy.copy(), motion.world.positions.copy()
    xy[:, 3:9], positions[:, 10:14], xy[7], positions[7] = np.nan, np.nan, np.nan, np.nan
    confidence = np.isfinite(xy).all(-1).astype(np.float32)
    world = replace(motion.world, positions=positions)
    holes = replace(motion, keypoints=replace(motion.keypoints, xy=xy, confidence=confidence), world=world)
    scene = scene_of([holes, standing(person=2, aside=1.0)])
    figures, overlay = Figures(scene, eye(scene, "turning", SIZE)), Overlay(scene, 1.0)
    for frame in (0, 7):
        assert figures(frame).shape == (400, 400, 3)
        assert overlay(Image.new("RGB", (640, 480)), frame).shape == (480, 640, 3)
    nobody = replace(world, positions=np.full_like(positions, np.nan))
    scene = scene_of([replace(holes, world=nobody)])
    assert Figures(scene, eye(scene, "front", SIZE))(0).shape == (400, 400, 3)


def test_people_without_a_world_stand_side_by_side():
    scene = scene_of([Motion(standing().poses, person=n) for n in (1, 2, 3)])
    roots = [actor.positions[0, 0, 0] for actor in scene.actors]
    assert np.diff(roots) == pytest.approx([1.2, 1.2])
    assert scene.image_size is None


def test_people_who_do_not_belong_together():
    with pytest.raises(PstmoError, match="found nobody"):
        scene_of([])
    with pytest.raises(PstmoError, match=r"person 1 in 10 frames .* person 2 in 12 frames .* the same frames"):
        scene_of([standing(), standing(12, person=2)])
    with pytest.raises(PstmoError, match="the same picture"):
        scene_of([standing(), standing(size=(320, 240), person=2)])
    with pytest.raises(PstmoError, match=r"no frame from 3 s to inf s, expected a part of 10 frames from 0 to 0.36 s"):
        scene_of([standing()], start=3.0)


def test_a_clock_may_begin_before_0():
    times = np.arange(10) / FPS - 0.2
    assert scene_of([standing(times=times)]).times.tolist() == times.tolist()
    assert len(scene_of([standing(times=times)], start=0.0).times) == 5


@given(st.lists(st.floats(-50, 50), min_size=4, max_size=4), st.floats(0.1, 30), st.floats(0.1, 30))
def test_outlines_of_capsules_lie_on_their_discs_and_within_neither(ends, first, second):
    middles, radii = np.array(ends).reshape(1, 2, 2), np.array([[first, second]])
    away = np.linalg.norm(capsules(middles, radii)[0][:, None] - middles[0], axis=-1)
    on = np.isclose(away, radii, atol=1e-6 * (1 + radii.max()))
    assert on.any(1).all()
    if np.linalg.norm(middles[0, 1] - middles[0, 0]) > abs(first - second) + 1e-3:
        assert (away >= radii - 1e-4).all()


def test_shapes_are_anti_aliased_and_text_may_leave_the_picture():
    canvas = Canvas(Image.new("RGB", (40, 40), (0, 0, 0)))
    canvas.shapes(capsules(np.array([[[10.0, 10], [30, 25]]]), np.full((1, 2), 5.0)), [Paint(WHITE)])
    pixels = canvas.pixels
    assert len(np.unique(pixels)) > 20
    assert pixels[..., 0].sum() / 255 == pytest.approx(25 * 10 + np.pi * 25, rel=0.07)  # AGG is generous at edges
    for place in ((-5.0, 3.0), (35.0, 38.0), (-90.0, 5.0), (90.0, 5.0), (3.0, -90.0), (3.0, 90.0)):
        write(pixels, place, "1.23 s", 12, Paint((255, 0, 0)))


@pytest.mark.parametrize(
    ("picture", "size", "frame", "shown"),
    [
        ((1920, 1080), None, (1280, 460), (818, 460)),
        ((1080, 1920), None, (1124, 720), (404, 718)),
        ((1920, 1080), (1280, 720), (1280, 720), (818, 460)),
        ((1920, 1080), (333, 201), (332, 200), (212, 119)),
        (None, None, (720, 720), (0, 0)),
    ],
)
def test_layouts(picture, size, frame, shown):
    found = layout_of(picture, size, (1280, 720))
    assert (found.size, found.picture) == (frame, shown)
    assert found.size[0] - found.figures[0] >= shown[0]


def test_clocks_of_films():
    times = np.array([5, 5.04, 5.05, 5.0500001, 5.3])
    assert ticks_of(times, TICK) == [0, 3600, 4500, 4501, 27000]
    assert ticks_of(np.arange(3) * 1001 / 30000, TICK) == [0, 3003, 6006]
    assert ticks_of(times, GIF_TICK) == [0, 4, 5, 6, 30]
    assert _thinned(np.arange(10) / 30, 0.04).tolist() == [0, 2, 4, 6, 8]
    assert _thinned(np.arange(4) / 25, 0.04).tolist() == [0, 1, 2, 3]


def test_sheets_are_about_four_by_three():
    assert [_columns(count, 16 / 9) for count in (1, 2, 4, 6, 9, 12)] == [1, 1, 2, 2, 3, 3]
    assert _columns(6, 0.6) == 3
    assert _columns(7, 1.8) == 2
