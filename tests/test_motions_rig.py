"""Turns fitted to positions, and their angles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from moving_people import places
from scipy.spatial.transform import Rotation

from pstmo.datasets import rotations
from pstmo.datasets.animation import Animation
from pstmo.errors import SkeletonError
from pstmo.motions.axes import y_up, z_up
from pstmo.motions.euler import ORDER, to_euler
from pstmo.motions.rig import fitted
from pstmo.skeleton import HUMAN36M, Skeleton


def joints_of(animation: Animation) -> np.ndarray:
    """(frames, 17, 3), those of the skeleton."""
    posed = animation.posed()
    return posed.positions[:, [posed.joints.index(joint) for joint in HUMAN36M.joints]]


NUMBERS = st.floats(-1, 1, allow_subnormal=False)


def unit(vector: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vector)
    return vector / length if length > 1e-3 else np.eye(len(vector))[0]


def same_turns(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(rotations.to_matrix(found), rotations.to_matrix(wanted), atol=1e-6)


@given(arrays(float, (3, 2, 4), elements=NUMBERS))
def test_angles_are_the_turns(numbers):
    turns = np.apply_along_axis(unit, -1, numbers)
    same_turns(rotations.from_euler(to_euler(turns), ORDER), turns)


@pytest.mark.parametrize("tilt", [0, 89, 90, 91, 270])
def test_angles_do_not_jump(tilt):
    """Somersaults, pirouettes, and pirouettes while lying on the belly: no step is larger than the turn's."""
    steps = np.arange(0, 1080, 5.0)
    for axis in range(3):
        angles = np.zeros((len(steps), 1, 3))
        angles[:, 0, 1] = tilt
        angles[:, 0, axis] += steps
        turns = rotations.from_euler(angles, ORDER)
        found = to_euler(turns)
        same_turns(rotations.from_euler(found, ORDER), turns)
        assert np.abs(np.diff(found, axis=0)).max() < 5.001


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), arrays(float, 4, elements=NUMBERS), arrays(float, 3, elements=NUMBERS))
def test_a_figure_turned_and_moved_as_a_whole_turns_at_its_root_only(seed, turn, way):
    positions, rotation = places(seed=seed, frames=5), rotations.to_matrix(unit(turn))
    before, after = (fitted(at, HUMAN36M, 25.0) for at in (positions, positions @ rotation.T + way))
    np.testing.assert_allclose(after.offsets, before.offsets, atol=1e-9)
    same_turns(after.turns[:, 1:], before.turns[:, 1:])
    same_turns(after.turns[:, 0], rotations.multiply(unit(turn), before.turns[:, 0]))


def test_constant_bones_come_back_exactly_and_others_keep_their_direction():
    positions = places(frames=20)
    np.testing.assert_allclose(joints_of(fitted(positions, HUMAN36M, 25.0)), positions, atol=1e-9)
    stretched = positions.copy()
    stretched[3:6, 3] += 0.1 * (positions[3:6, 3] - positions[3:6, 2])
    np.testing.assert_allclose(joints_of(fitted(stretched, HUMAN36M, 25.0)), positions, atol=1e-9)


def test_one_bone_swings_by_the_least_and_several_as_one_piece():
    positions = places(frames=8)
    animation = fitted(positions, HUMAN36M, 25.0)
    at = {name: i for i, name in enumerate(animation.joints)}
    elbow = animation.turns[:, at["left_elbow"]]
    bend = animation.offsets[at["left_wrist"]]
    np.testing.assert_allclose(elbow[:, 1:] @ bend, 0, atol=1e-12)  # no turn about the bone itself
    bones = [animation.offsets[at[name]] for name in ("right_hip", "left_hip", "spine")]
    for frame in range(8):
        wanted = positions[frame, [1, 4, 7]] - positions[frame, 0]
        turn, _ = Rotation.align_vectors(wanted, bones)
        np.testing.assert_allclose(rotations.to_matrix(animation.turns[frame, 0]), turn.as_matrix(), atol=1e-3)


@pytest.mark.parametrize("length", [0.0, 0.3])
def test_bones_that_point_backwards_or_nowhere(length):
    """Every bone at rest turned about, and a figure that is one point."""
    rest = fitted(places(frames=2), HUMAN36M, 25.0)
    still = np.zeros((2, 17, 3))
    for joint in rest.joints:
        if joint in HUMAN36M.joints[1:]:
            i = HUMAN36M.index(joint)
            still[:, i] = still[:, HUMAN36M.parents[i]] - length * rest.offsets[rest.joints.index(joint)]
    np.testing.assert_allclose(joints_of(fitted(still, HUMAN36M, 25.0)), still, atol=1e-9)


def test_axes_turn_back():
    positions = places()
    np.testing.assert_array_equal(z_up(y_up(positions)), positions)
    np.testing.assert_array_equal(y_up(np.array([0.0, 0.0, 1.0])), [0, 1, 0])
    np.testing.assert_array_equal(y_up(np.array([0.0, -1.0, 0.0])), [0, 0, 1])  # towards the camera


def test_a_skeleton_that_is_no_tree_is_refused():
    loose = Skeleton("loose", ("a", "b", "c"), (("a", "b"),), root="a")
    with pytest.raises(SkeletonError, match="'loose': expected bones that lead from a to every joint"):
        fitted(np.zeros((2, 3, 3)), loose, 25.0)
