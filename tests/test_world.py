"""Laws of the world: what is exact comes back, and cameras only look."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pstmo.errors import PstmoError, SkeletonError
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M, Skeleton
from pstmo.world import ANKLE, TOES, World, in_one_world, in_world, placed, root_trajectory, standing_height, upwards

SIZE, FOCAL, FPS = (1280, 720), 1100.0, 50.0
FRAMES = 60

quick = settings(max_examples=25, deadline=None)
angles = st.floats(-20, 20)

_STANDING = {
    "hip": (0, 0, 0), "right_hip": (0.1, 0, 0), "right_knee": (0.1, 0.4, 0), "right_ankle": (0.1, 0.83, -TOES),
    "spine": (0, -0.25, 0), "thorax": (0, -0.5, 0), "neck_nose": (0, -0.6, 0), "head_top": (0, -0.75, 0),
    "right_shoulder": (0.17, -0.48, 0), "right_elbow": (0.2, -0.2, 0), "right_wrist": (0.2, 0.05, 0.05),
}  # fmt: skip
"""Seen from behind, in axes of a level camera; the left is the right's mirror image. In balance on its toes."""


def person(frames: int = FRAMES) -> np.ndarray:
    """(frames, 17, 3): stands and swings the arms."""
    left = {joint.replace("right_", "left_"): (-x, y, z) for joint, (x, y, z) in _STANDING.items()}
    pose = np.array([(left | _STANDING)[joint] for joint in HUMAN36M.joints], float)
    motion = np.repeat(pose[None], frames, 0)
    for side, phase in (("left", 0), ("right", np.pi)):
        swing = np.sin(np.arange(frames) / 6 + phase)
        motion[:, HUMAN36M.index(f"{side}_wrist"), 2] += 0.2 * swing
        motion[:, HUMAN36M.index(f"{side}_elbow"), 2] += 0.1 * swing
    return motion


def way(frames: int = FRAMES) -> np.ndarray:
    """(frames, 3): from there to here, at a steady pace."""
    return np.linspace([-1, 0.3, 5], [0.8, 0.3, 3.5], frames)


def seen(motion: np.ndarray, root: np.ndarray, focal: float | None = FOCAL, of: Skeleton = COCO) -> Keypoints:
    """Exact 2D of what that layout shares with Human3.6M's; the rest was not observed."""
    points = motion + root[:, None]
    shared = [joint for joint in of.joints if joint in HUMAN36M.joints]
    xy = np.full((len(motion), len(of), 2), np.nan)
    picked = points[:, [HUMAN36M.index(joint) for joint in shared]]
    xy[:, [of.index(joint) for joint in shared]] = FOCAL * picked[..., :2] / picked[..., 2:] + np.array(SIZE) / 2
    return Keypoints.from_array(xy, skeleton=of, image_size=SIZE, fps=FPS, focal=focal)


def poses(motion: np.ndarray) -> Poses:
    return Poses.from_array(motion, fps=FPS)


def found(motion: np.ndarray, keypoints: Keypoints, focal: float = FOCAL) -> np.ndarray:
    return root_trajectory(motion, HUMAN36M, keypoints, focal).root


def turned(motion: np.ndarray, root: np.ndarray, degrees: list[float]) -> World:
    """The world that a camera sees which is turned about its y (down), x (right) and z axes."""
    turn = Rotation.from_euler("yxz", degrees, degrees=True).as_matrix()
    return in_world(poses(motion @ turn), seen(motion @ turn, root @ turn))


@pytest.mark.parametrize("of", [COCO, HUMAN36M])
def test_exact_keypoints_give_the_way_back(of: Skeleton):
    trajectory = root_trajectory(person(), HUMAN36M, seen(person(), way(), of=of), FOCAL)
    np.testing.assert_allclose(trajectory.root, way(), atol=1e-3)
    assert trajectory.seen.all()
    assert trajectory.error < 0.01


@quick
@given(st.floats(0.5, 1.0), st.floats(0.5, 1.5))
def test_who_walks_in_circles_is_followed(radius: float, speed: float):
    angle = np.arange(200) / FPS * speed / radius
    circle = np.stack([radius * np.sin(angle), 0.1 + 0 * angle, 4 + radius * np.cos(angle)], -1)
    assert np.abs(found(person(200), seen(person(200), circle)) - circle)[10:-10].max() < 0.06


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_clips_may_be_short(frames: int):
    np.testing.assert_allclose(found(person(frames), seen(person(frames), way(frames))), way(frames), atol=1e-3)


@quick
@given(st.floats(0.5, 2))
def test_a_longer_lens_puts_a_flat_person_farther_away(factor: float):
    flat = person() * np.array([1, 1, 0])
    longer = found(flat, seen(flat, way()), FOCAL * factor)
    np.testing.assert_allclose(longer, way() * np.array([1, 1, factor]), atol=2e-3)


def test_frames_without_the_person_lie_between_those_around_them():
    keypoints = seen(person(), way())
    xy = keypoints.xy.copy()
    xy[:5], xy[20:40], xy[50:, 1:] = np.nan, np.nan, np.nan
    gappy = Keypoints.from_array(xy, image_size=SIZE, fps=FPS, focal=FOCAL)
    trajectory = root_trajectory(person(), HUMAN36M, gappy, FOCAL)
    np.testing.assert_allclose(trajectory.root[5:50], way()[5:50], atol=1e-3)
    np.testing.assert_allclose(trajectory.root[:5], np.repeat(way()[5:6], 5, 0), atol=1e-3)
    expected = np.isin(np.arange(FRAMES), [*range(5, 20), *range(40, 50)])
    np.testing.assert_array_equal(trajectory.seen, expected)
    np.testing.assert_array_equal(in_world(poses(person()), gappy).observed, expected)


def test_time_is_told_by_the_clock():
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.2, FRAMES))
    steady = np.array([0, 0, 4]) + times[:, None] * np.array([0.1, 0, 0.2])
    keypoints = replace(seen(person(), steady), timestamps=times)
    np.testing.assert_allclose(found(person(), keypoints), steady, atol=1e-3)


def test_a_joint_that_is_far_off_counts_less():
    keypoints = seen(person(), way())
    xy = keypoints.xy.copy()
    xy[:, COCO.index("left_wrist")] += 300
    off = found(person(), Keypoints.from_array(xy, image_size=SIZE, fps=FPS)) - way()
    assert np.linalg.norm(off, axis=-1).max() < 0.02  # plain least squares: 2 m
    unsure = keypoints.confidence.copy()
    unsure[:, COCO.index("left_wrist")] = 1e-6
    sure = found(person(), Keypoints.from_array(xy, confidence=unsure, image_size=SIZE, fps=FPS))
    np.testing.assert_allclose(sure, way(), atol=1e-3)


def test_a_mirrored_person_goes_through_the_mirrored_world():
    flip = np.array([-1, 1, 1])
    leaning = person() @ Rotation.from_euler("xz", [8, 5], degrees=True).as_matrix()
    there = in_world(poses(leaning), seen(leaning, way()))
    other = (leaning * flip)[:, list(HUMAN36M.mirrored)]
    back = in_world(poses(other), seen(other, way() * flip))
    np.testing.assert_allclose(back.positions[:, list(HUMAN36M.mirrored)], there.positions * flip, atol=1e-3)


@quick
@given(angles, angles, angles)
def test_a_turned_camera_sees_the_same_world_up_to_a_turn_about_z(yaw: float, pitch: float, roll: float):
    level, other = turned(person(), way(), [0, 0, 0]), turned(person(), way(), [yaw, pitch, roll])
    assert other.camera_height == pytest.approx(level.camera_height, abs=5e-3)
    ours, theirs = (world.positions[..., :2].reshape(-1, 2) @ np.array([1, 1j]) for world in (level, other))
    turn = np.vdot(ours, theirs)
    np.testing.assert_allclose(theirs, ours * turn / abs(turn), atol=1e-2)
    np.testing.assert_allclose(other.positions[..., 2], level.positions[..., 2], atol=5e-3)


@quick
@given(angles, angles)
def test_who_stands_in_balance_shows_where_up_is(pitch: float, roll: float):
    tilt = Rotation.from_euler("xz", [pitch, roll], degrees=True).as_matrix()
    up = upwards(person() @ tilt, HUMAN36M)
    assert up is not None
    np.testing.assert_allclose(up, np.array([0, -1, 0]) @ tilt, atol=1e-6)


def test_the_floor_is_below_the_feet_and_the_camera_above_it():
    world = turned(person(), way(), [0, 15, 5])
    ankles = world.positions[:, [HUMAN36M.index("left_ankle"), HUMAN36M.index("right_ankle")], 2]
    np.testing.assert_allclose(ankles, ANKLE, atol=5e-3)
    assert world.camera_height == pytest.approx(0.3 + 0.83 + ANKLE, abs=5e-3)
    assert world.root[-1, 1] < world.root[0, 1]  # it comes nearer
    assert world.root[-1, 0] > world.root[0, 0]  # and goes to the right
    np.testing.assert_allclose(world.orientation @ world.orientation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(world.orientation) == pytest.approx(1)


def test_a_known_height_sets_the_scale():
    plain = in_world(poses(person()), seen(person(), way()))
    tall = in_world(poses(person()), seen(person(), way()), height=1.9)
    assert (plain.scale, plain.origins.scale, tall.origins.scale) == (1.0, "model", "height given")
    np.testing.assert_allclose(tall.root[:, :2], tall.scale * plain.root[:, :2], atol=2e-2)
    assert standing_height(tall.positions.astype(float), HUMAN36M) == pytest.approx(1.9, rel=1e-5)


def test_without_a_focal_length_a_usual_one_is_assumed():
    world = in_world(poses(person()), seen(person(), way(), focal=None))
    assert (world.origins.focal, world.focal) == ("assumed", 2.2 * SIZE[0] / 2)


def test_every_part_can_be_left_out():
    keypoints, motion = seen(person(), way()), poses(person())
    plain = in_world(motion, keypoints, travel=False, upright=False, floor=False)
    x, y, z = np.moveaxis(plain.positions, -1, 0)
    np.testing.assert_allclose(np.stack([x, -z, y], -1), motion.positions, atol=1e-6)
    assert plain.origins == ("given", "model", "camera", "unknown", "none")
    assert np.isnan([plain.error, plain.camera_height]).all()
    tilted = person() @ Rotation.from_euler("x", 15, degrees=True).as_matrix()
    still = in_world(poses(tilted), keypoints, travel=False)
    assert still.positions[:, HUMAN36M.index("left_ankle"), 2] == pytest.approx(ANKLE, abs=1e-5)
    np.testing.assert_allclose(np.diff(still.root, axis=0), 0, atol=1e-6)


@pytest.mark.parametrize("turn", [[0, 0, 90], [90, 0, 0], [-90, 0, 0], [0, 90, 90], [0, 0, 180]])
def test_who_lies_all_the_time_breaks_nothing(turn: list[float]):
    lying = person() @ Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    world = in_world(poses(lying), seen(lying, way()))
    assert np.isfinite(world.positions).all()
    assert world.origins.up == "camera"


def test_what_does_not_belong_together_is_refused():
    keypoints, motion = seen(person(), way()), poses(person())
    with pytest.raises(PstmoError, match="60 poses and 10 frames"):
        in_world(motion, seen(person(10), way(10)))
    with pytest.raises(PstmoError, match="17 m, expected metres"):
        in_world(motion, keypoints, height=17)
    with pytest.raises(PstmoError, match="NaN"):
        in_world(replace(motion, positions=np.full_like(motion.positions, np.nan)), keypoints)
    with pytest.raises(PstmoError, match="camera axes"):
        in_world(poses(-person()), keypoints)
    alone = np.full_like(keypoints.xy, np.nan)
    alone[:, 0], alone[:, 9] = 100, 200  # the nose is no joint of Human3.6M's
    with pytest.raises(PstmoError, match="two joints of both 'coco17' and 'h36m17'"):
        in_world(motion, replace(keypoints, xy=alone, confidence=np.isfinite(alone[..., 0]).astype(np.float32)))
    headless = Skeleton("headless", HUMAN36M.joints[:10], HUMAN36M.bones[:8], "hip")
    with pytest.raises(SkeletonError, match="head_top"):
        in_world(Poses.from_array(person()[:, :10], skeleton=headless, fps=FPS), keypoints, height=1.8)


# Several people


def test_people_share_up_and_floor_and_one_may_stand_on_a_block():
    lift = np.array([0.0, 1.0, 0.0])  # metres, camera axes: y down
    ways = [way(), way() - 0.1 * lift, way() - 1.5 * lift]
    people = [placed(poses(person()), seen(person(), there)) for there in ways]
    alone, near, high = in_one_world(people)
    assert {world.origins.up for world in (alone, near, high)} == {"body"}
    np.testing.assert_array_equal(alone.orientation, high.orientation)
    ankle = alone.skeleton.index("left_ankle")
    lows = [world.positions[:, ankle, 2].min() for world in (alone, near, high)]
    assert abs(lows[1] - lows[0]) < 0.03
    assert abs(lows[2] - lows[0] - 1.5) < 0.05


def test_frames_in_which_nobody_was_seen_tell_nothing_of_the_world():
    """There a pose is held, perhaps a jump or a fall."""
    motion, held = person(), person()
    held[30:] = held[30:] @ np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])  # turned by 37 degrees
    gappy = seen(motion, way())
    xy, confidence = gappy.xy.copy(), gappy.confidence.copy()
    xy[30:], confidence[30:] = np.nan, 0
    observed = np.arange(len(motion)) < 30
    partly = replace(poses(held), observed=observed)
    found = in_world(partly, replace(gappy, xy=xy, confidence=confidence))
    plain = in_world(poses(motion), gappy)
    off = np.degrees(np.arccos((found.orientation[2] @ plain.orientation[2]).clip(-1, 1)))
    assert off < 2
    assert abs(found.camera_height - plain.camera_height) < 0.05


def test_one_in_one_world_is_one_in_a_world():
    one = in_one_world([placed(poses(person()), seen(person(), way()))])[0]
    np.testing.assert_array_equal(one.positions, in_world(poses(person()), seen(person(), way())).positions)
