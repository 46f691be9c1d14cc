"""The banded system is the one that it says it is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pstmo.spline import smoothest

quick = settings(max_examples=60, deadline=None)


def dense(matrix: np.ndarray, vector: np.ndarray, times: np.ndarray, price: float) -> np.ndarray:
    """As a matrix of all frames at once, from divided differences."""
    frames, axes = vector.shape[:2]
    whole = np.zeros((frames, axes, frames, axes))
    for i in range(frames):
        whole[i, :, i] = matrix[i]
    for i in range(1, frames - 1):
        before, after = times[i] - times[i - 1], times[i + 1] - times[i]
        acceleration = np.zeros(frames)
        acceleration[i - 1 : i + 2] = np.array([1 / before, -1 / before - 1 / after, 1 / after]) * 2 / (before + after)
        for axis in range(axes):
            cost = price * np.outer(acceleration, acceleration) * (before + after) / 2
            whole[:, axis, :, axis] += cost
    size = frames * axes
    return np.linalg.solve(whole.reshape(size, size), vector.reshape(size, -1)).reshape(vector.shape)


@quick
@given(st.integers(1, 40), st.integers(1, 3), st.floats(1e-4, 10), st.integers(0, 10_000))
def test_it_solves_what_all_frames_at_once_would(frames: int, axes: int, price: float, seed: int):
    chance = np.random.default_rng(seed)
    times = np.cumsum(chance.uniform(0.5, 1.5, frames))
    roots = chance.normal(size=(frames, axes, axes))
    matrix, vector = roots @ roots.mT + 0.1 * np.eye(axes), chance.normal(size=(frames, axes, 2))
    np.testing.assert_allclose(
        smoothest(matrix, vector, times, price), dense(matrix, vector, times, price), rtol=1e-7, atol=1e-9
    )


def test_frames_of_which_nothing_is_known_lie_on_a_line_between_two():
    matrix, vector = np.zeros((9, 1, 1)), np.zeros((9, 1, 1))
    matrix[[0, 8]], vector[8] = 1, 8
    found = smoothest(matrix, vector, np.arange(9.0), 1.0)
    np.testing.assert_allclose(found[:, 0, 0], np.arange(9), atol=1e-9)
