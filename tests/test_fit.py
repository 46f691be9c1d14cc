"""Laws of fitting: bones keep their lengths, limbs their limits, feet their places; what keeps them all stays."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motions import standing
from scipy.spatial.transform import Rotation

from pstmo.contact import Rest, resting
from pstmo.errors import PstmoError, SkeletonError
from pstmo.files import read_motion, write_keypoints, write_motion
from pstmo.fit import fitted, told
from pstmo.limits import broken, limits
from pstmo.motion import Motion, Origins, World
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import HUMAN36M, Skeleton
from pstmo.smooth import zero_phase

FPS, FOCAL, SIZE, HEIGHT = 50.0, 1000.0, (1280, 720), 1.5
TO_WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""Of a level camera."""

_RIGHT = {
    "hip": (0, 0, 0.95), "right_hip": (0.1, 0, 0.95), "right_knee": (0.1, 0.08, 0.52), "right_ankle": (0.1, 0, 0.09),
    "spine": (0, 0, 1.2), "thorax": (0, 0, 1.45), "neck_nose": (0, 0.04, 1.55), "head_top": (0, 0, 1.68),
    "right_shoulder": (0.17, 0, 1.42), "right_elbow": (0.2, -0.03, 1.14), "right_wrist": (0.2, 0.06, 0.9),
}  # fmt: skip
"""Stands and looks away from the camera; the left is the right's mirror image."""

quick = settings(max_examples=5, deadline=None)


def person(frames: int = 100) -> np.ndarray:
    """(frames, 17, 3): swings the arms from the shoulders, four metres before the camera."""
    left = {joint.replace("right_", "left_"): (-x, y, z) for joint, (x, y, z) in _RIGHT.items()}
    pose = np.array([(left | _RIGHT)[joint] for joint in HUMAN36M.joints])
    motion = np.repeat(pose[None], frames, 0)
    for side, phase in (("left", 0), ("right", np.pi)):
        shoulder = HUMAN36M.index(f"{side}_shoulder")
        swing = Rotation.from_rotvec(0.5 * np.sin(np.arange(frames) / 10 + phase)[:, None] * np.array([1, 0, 0]))
        for part in ("elbow", "wrist"):
            joint = HUMAN36M.index(f"{side}_{part}")
            motion[:, joint] = motion[:, shoulder] + swing.apply(pose[joint] - pose[shoulder])
    return motion + np.array([0.5, 4, 0])


def at(points: np.ndarray, joint: str) -> np.ndarray:
    return points[:, HUMAN36M.index(joint)]


def motion_of(points: np.ndarray, scale: float = 1.0, smoothing: float = 0.0) -> Motion:
    """In the world of a level camera, with exact keypoints."""
    seen = (points - np.array([0, 0, HEIGHT])) @ TO_WORLD
    xy = FOCAL * seen[..., :2] / seen[..., 2:] + np.array(SIZE) / 2
    keypoints = Keypoints.from_array(xy, image_size=SIZE, fps=FPS, skeleton=HUMAN36M, focal=FOCAL)
    poses = replace(Poses.from_array(seen / scale, fps=FPS), smoothing=smoothing)
    facts = (TO_WORLD, HEIGHT, FOCAL, scale, 0.0)
    origins = Origins("given", "model", "body", "ankles", "reprojection")
    return Motion(poses, keypoints, World(points.astype(np.float32), HUMAN36M, FPS, poses.observed, *facts, origins))


def shaken(seed: int, metres: float = 0.03) -> np.ndarray:
    """The person, each joint off by a slow motion of its own."""
    noise = np.random.default_rng(seed).normal(size=person().shape)
    noise = zero_phase(noise, np.arange(len(noise)) / FPS, 3.0)
    return person() + metres * noise / noise.std()


def positions(motion: Motion) -> np.ndarray:
    assert motion.world is not None
    return motion.world.positions.astype(float)


def lengths(points: np.ndarray) -> np.ndarray:
    starts, ends = np.array(HUMAN36M.bone_indices).T
    return np.linalg.norm(points[:, ends] - points[:, starts], axis=-1)


def test_a_motion_that_keeps_the_laws_is_left_alone():
    after = fitted(motion_of(person()))
    np.testing.assert_allclose(positions(after), person(), atol=1e-4)
    assert after.fit is not None
    assert after.fit.moved[1] < 1e-4
    assert after.fit.broken == (0, 0)
    assert max(after.fit.sliding) < 1e-3


@quick
@given(st.integers(0, 1000))
def test_bones_keep_their_lengths_and_motion_stays_smooth(seed: int):
    before = shaken(seed)
    after = positions(fitted(motion_of(before, smoothing=5.0)))
    assert np.ptp(lengths(after), axis=0).max() < 1e-4
    jerk = [np.linalg.norm(np.diff(points, 3, axis=0), axis=-1).mean() for points in (before, after)]
    assert jerk[1] < jerk[0]
    assert np.median(np.linalg.norm(after - before, axis=-1)) < 0.05


def test_left_and_right_are_of_one_length():
    points = person()
    points[:, HUMAN36M.index("left_wrist")] += 0.2 * (at(points, "left_wrist") - at(points, "left_elbow"))
    after = positions(fitted(motion_of(points)))
    forearms = [np.linalg.norm(at(after, f"{side}_wrist") - at(after, f"{side}_elbow"), axis=-1) for side in
                ("left", "right")]  # fmt: skip
    np.testing.assert_allclose(*forearms, atol=1e-5)


def test_feet_that_rest_do_not_slide_and_are_above_the_floor():
    sway = np.sin(np.arange(100) / 15)[:, None, None]
    before = person() + sway * np.array([0.02, 0.1, 0]) - np.array([0, 0, 0.12])
    after = fitted(motion_of(before))
    assert after.fit is not None
    assert after.fit.sliding[0] > 0.15
    assert after.fit.sliding[1] < 0.01
    feet = np.stack([at(positions(after), "left_ankle"), at(positions(after), "right_ankle")])
    assert np.ptp(feet, axis=1).max() < 0.02
    assert feet[..., 2].min() > -0.01
    assert at(before, "left_ankle")[:, 2].max() < -0.02


def test_feet_that_move_or_are_lifted_do_not_rest():
    times, place = np.arange(100) / FPS, np.zeros((100, 2, 3))
    rays = np.broadcast_to(np.array([0.0, 1, 0]), place.shape)
    still = [Rest(0, 0, 100), Rest(1, 0, 100)]
    assert resting(place, rays, times) == still
    walks, lifted, blinks = place.copy(), place.copy(), place.copy()
    walks[:, 1, 0] = 0.5 * times
    lifted[:, 1, 2] = 0.3
    blinks[:, 1, 0] = np.abs((times % 0.2) - 0.1)
    assert [resting(feet, rays, times) for feet in (walks, lifted, blinks)] == [still[:1]] * 3
    deep = place.copy()
    deep[:, 1, 1] = 0.5 * np.sin(times)  # along the ray: hardly seen
    assert resting(deep, rays, times) == still


@pytest.mark.parametrize(("joint", "end", "axis", "degrees"), [
    ("left_knee", "left_ankle", "x", 60), ("right_knee", "right_ankle", "x", 60),
    ("left_elbow", "left_wrist", "x", -70), ("right_elbow", "right_wrist", "x", -70),
    ("left_knee", "left_ankle", "x", -150), ("left_elbow", "left_wrist", "x", 150),
])  # fmt: skip
def test_a_limb_bent_too_far_comes_back(joint: str, end: str, axis: str, degrees: float):
    points = person()
    turn = Rotation.from_euler(axis, degrees, degrees=True)
    points[:, HUMAN36M.index(end)] = at(points, joint) + turn.apply(at(points, end) - at(points, joint))
    after = fitted(motion_of(points))
    assert after.fit is not None
    assert after.fit.broken[0] > 0.9
    assert after.fit.broken[1] == 0
    assert broken(positions(after), HUMAN36M) == 0


def test_a_leg_that_points_backwards_comes_back():
    points = person()
    hip, turn = at(points, "left_hip"), Rotation.from_euler("x", -70, degrees=True)
    for joint in ("left_knee", "left_ankle"):
        points[:, HUMAN36M.index(joint)] = hip + turn.apply(at(points, joint) - hip)
    assert broken(points, HUMAN36M) == 1
    assert broken(positions(fitted(motion_of(points))), HUMAN36M) == 0


@quick
@given(st.integers(0, 1000))
def test_limits_do_not_depend_on_where_a_body_lies_or_which_side_it_is(seed: int):
    turn = Rotation.random(random_state=seed)
    points = shaken(seed, 0.1)[:5]
    there = np.array([limit.beyond for limit in limits(points, HUMAN36M)])
    turned = turn.apply(points.reshape(-1, 3)).reshape(points.shape)
    np.testing.assert_allclose([limit.beyond for limit in limits(turned, HUMAN36M)], there, atol=1e-4)
    mirrored = (points * np.array([-1, 1, 1]))[:, HUMAN36M.mirrored]
    swapped = np.array([limit.beyond for limit in limits(mirrored, HUMAN36M)])
    np.testing.assert_allclose(np.roll(swapped, len(there) // 2, 0), there, atol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 3, 8])
def test_short_clips(frames: int):
    after = fitted(motion_of(shaken(0)[:frames], smoothing=5.0))
    assert np.isfinite(positions(after)).all()
    assert np.ptp(lengths(positions(after)), axis=0).max() < 1e-4


def test_poses_and_world_are_one_motion():
    before = motion_of(shaken(1), scale=1.2)
    after = fitted(before)
    assert after.world is not None
    there = positions(after)
    np.testing.assert_allclose(1.2 * after.poses.positions @ TO_WORLD.T, there - there[:, :1], atol=1e-5)
    assert (after.keypoints, after.person, before.fit) == (before.keypoints, before.person, None)
    again = fitted(before)
    np.testing.assert_array_equal(positions(again), there)
    assert again.fit == after.fit


def test_it_stays_near_the_keypoints():
    after = fitted(motion_of(shaken(2, 0.02)))
    assert after.fit is not None
    assert after.world is not None
    assert after.fit.pixels[0] < 1e-2
    assert after.fit.pixels[1] < 5
    assert after.world.error == after.fit.pixels[1]


def test_without_a_world_feet_are_left_alone():
    plain = motion_of(shaken(3))
    alone = fitted(replace(plain, world=None))
    assert alone.world is None
    assert alone.fit is not None
    assert np.isnan(alone.fit.sliding).all()
    assert "feet are left alone" in told(alone.fit)
    assert np.ptp(lengths(alone.poses.positions), axis=0).max() < 1e-4
    assert plain.world is not None
    still = fitted(replace(plain, world=replace(plain.world, camera_height=float("nan"))))
    assert still.fit is not None
    assert np.isnan(still.fit.sliding).all()
    assert np.isnan(still.fit.pixels).all()


def test_what_cannot_be_fitted_is_refused():
    points = motion_of(person())
    with pytest.raises(PstmoError, match="NaN"):
        fitted(Motion(Poses.from_array(np.full((4, 17, 3), np.nan), fps=25)))
    apart = Skeleton("apart", HUMAN36M.joints, HUMAN36M.bones[:-1], "hip")
    with pytest.raises(SkeletonError, match="no bones lead from hip to right_wrist"):
        fitted(Motion(replace(points.poses, skeleton=apart)))


def test_files_say_what_was_changed(tmp_path):
    for motion in (fitted(motion_of(shaken(4))), fitted(Motion(motion_of(shaken(4)).poses)), motion_of(person())):
        write_motion(tmp_path / "motion.npz", motion)
        again = read_motion(tmp_path / "motion.npz")
        np.testing.assert_equal(again.fit, motion.fit)


def test_the_command_line_fits_on_request_and_says_so(tmp_path, pstmo_here, small_checkpoint, walker):
    write_keypoints(tmp_path / "walker.npz", walker)
    line = f"lift walker.npz -w {small_checkpoint} --mode exact -o"
    code, out, err = pstmo_here(tmp_path, f"{line} fitted --fit-skeleton")
    assert (code, err) == (0, "")
    assert "skeleton fitted: joints moved by" in out
    assert read_motion(tmp_path / "fitted/motion.npz").fit is not None
    assert "skeleton fitted" not in pstmo_here(tmp_path, f"{line} plain").out
    assert read_motion(tmp_path / "plain/motion.npz").fit is None


def test_nobody_knows_the_pixels_where_no_joint_was_seen():
    motion = standing(5)
    assert motion.keypoints is not None
    blind = replace(motion, keypoints=motion.keypoints.trusted(2))
    assert np.isnan(fitted(blind).fit.pixels).all()
