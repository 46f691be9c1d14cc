"""Laws of smoothing: what it leaves alone, what it takes away, and which frames it may look at."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfiltfilt

from pstmo.errors import PstmoError
from pstmo.smooth import OneEuro, one_euro, zero_phase

quick = settings(max_examples=40, deadline=None)
seeds, cutoffs = st.integers(0, 10_000), st.floats(0.5, 20)


def clock(chance: np.random.Generator, frames: int) -> np.ndarray:
    """Irregular, 25 to 100 frames a second."""
    return np.cumsum(chance.uniform(0.01, 0.04, frames))


def motion(chance: np.random.Generator, frames: int, axes: int = 3) -> np.ndarray:
    return np.cumsum(chance.normal(size=(frames, 4, axes)), 0)


def waves(hertz: float, fps: float = 100.0, frames: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(frames) / fps
    return np.sin(2 * np.pi * hertz * times)[:, None, None], times


@quick
@given(seeds, st.integers(1, 60), cutoffs)
def test_motion_of_constant_velocity_stays_as_it_is(seed: int, frames: int, cutoff: float):
    chance = np.random.default_rng(seed)
    times, (start, velocity) = clock(chance, frames), chance.normal(size=(2, 4, 3))
    steady = start + velocity * times[:, None, None]
    np.testing.assert_allclose(zero_phase(steady, times, cutoff), steady, atol=1e-6)


@quick
@given(seeds, st.integers(1, 60), cutoffs)
def test_played_backwards_it_is_smoothed_the_same(seed: int, frames: int, cutoff: float):
    chance = np.random.default_rng(seed)
    times, moving = clock(chance, frames), motion(chance, frames)
    backwards = zero_phase(moving[::-1], -times[::-1], cutoff)[::-1]
    np.testing.assert_allclose(backwards, zero_phase(moving, times, cutoff), atol=1e-6)


@pytest.mark.parametrize(("hertz", "left"), [(0.5, 1.0), (5.0, 0.5), (20.0, 0.004)])
def test_half_is_left_at_the_cutoff(hertz: float, left: float):
    moving, times = waves(hertz)
    assert np.abs(zero_phase(moving, times, 5.0)[300:-300]).max() == pytest.approx(left, abs=0.02)


def test_it_is_a_butterworth_filter_that_runs_both_ways():
    moving = np.random.default_rng(0).normal(size=(1000, 4, 3))
    both_ways = sosfiltfilt(butter(2, 4.0, fs=200.0, output="sos"), moving, axis=0)
    ours = zero_phase(moving, np.arange(1000) / 200, 4.0)
    assert np.abs(ours - both_ways)[200:-200].max() < 0.01 * np.abs(moving).max()


def test_what_was_not_observed_stays_so_and_changes_no_other_joint():
    chance = np.random.default_rng(0)
    times, moving = clock(chance, 50), motion(chance, 50)
    gappy = moving.copy()
    gappy[10:20, 1], gappy[:, 2], gappy[1:, 3] = np.nan, np.nan, np.nan
    for smooth in (zero_phase, one_euro):
        smoothed, whole = smooth(gappy, times), smooth(moving, times)
        np.testing.assert_array_equal(np.isnan(smoothed), np.isnan(gappy))
        np.testing.assert_allclose(smoothed[:, 0], whole[:, 0])
        np.testing.assert_allclose(smoothed[0, 3], moving[0, 3])


def test_motion_of_constant_velocity_goes_on_over_gaps():
    chance = np.random.default_rng(0)
    times = clock(chance, 60)
    steady = np.ones((60, 2, 3)) * times[:, None, None]
    steady[20:45, 0] = np.nan
    np.testing.assert_allclose(zero_phase(steady, times), steady, atol=1e-9)


@quick
@given(seeds, st.integers(1, 39))
def test_one_euro_knows_nothing_of_what_comes(seed: int, now: int):
    chance = np.random.default_rng(seed)
    times, moving = clock(chance, 40), motion(chance, 40)
    other = moving.copy()
    other[now:] = 100
    np.testing.assert_array_equal(one_euro(moving, times)[:now], one_euro(other, times)[:now])


@quick
@given(seeds)
def test_one_euro_leaves_who_stands_still(seed: int):
    chance = np.random.default_rng(seed)
    still = np.repeat(chance.normal(size=(1, 4, 3)), 30, 0)
    np.testing.assert_array_equal(one_euro(still, clock(chance, 30)), still)


@quick
@given(seeds)
def test_it_does_not_matter_how_the_axes_lie(seed: int):
    chance = np.random.default_rng(seed)
    times, moving = clock(chance, 30), motion(chance, 30)
    turn = np.linalg.qr(chance.normal(size=(3, 3))).Q
    for smooth in (zero_phase, one_euro):
        np.testing.assert_allclose(smooth(moving @ turn, times), smooth(moving, times) @ turn, atol=1e-6)


def test_the_higher_beta_the_less_one_euro_lags_and_the_more_it_trembles():
    chance = np.random.default_rng(0)
    times = np.arange(200) / 50
    going = np.ones((200, 1, 3)) * 2 * times[:, None, None]
    tremble = 0.01 * chance.normal(size=going.shape)

    def off(beta: float) -> tuple[float, float]:
        lag = np.abs(one_euro(going, times, beta=beta) - going)[-50:].mean()
        return float(lag), float(np.abs(np.diff(one_euro(tremble, times, beta=beta), axis=0)).mean())

    (slow, calm), (quick, shaky) = off(0.1), off(10.0)
    assert quick < slow / 3
    assert calm < shaky


def test_after_a_long_gap_a_joint_is_where_it_is_seen():
    smoother = OneEuro(1.0, 0.0)
    smoother.push(np.zeros((1, 2)), 0.0)
    assert np.isnan(smoother.push(np.full((1, 2), np.nan), 0.1)).all()
    np.testing.assert_allclose(smoother.push(np.ones((1, 2)), 100.0), 1, atol=0.01)


def test_single_precision_stays_single():
    moving = motion(np.random.default_rng(0), 20).astype(np.float32)
    for smooth in (zero_phase, one_euro):
        assert smooth(moving, np.arange(20) / 50).dtype == np.float32


def test_wrong_clocks_and_settings_are_refused():
    still = np.zeros((3, 1, 2))
    for times in (np.array([0.0, 2.0, 1.0]), np.array([0.0, np.nan, 1.0])):
        with pytest.raises(PstmoError, match="3 timestamps"):
            zero_phase(still, times)
    with pytest.raises(PstmoError, match="timestamps"):
        one_euro(np.zeros((0, 1, 2)), np.zeros(0))
    with pytest.raises(PstmoError, match="cutoff of 0 Hz"):
        zero_phase(still, np.arange(3.0), cutoff=0)
    with pytest.raises(PstmoError, match="positive"):
        OneEuro(beta=-1)
    smoother = OneEuro()
    smoother.push(np.full((1, 2), np.nan), 1.0)
    with pytest.raises(PstmoError, match="after one at 1 s"):
        smoother.push(np.zeros((1, 2)), 1.0)
    with pytest.raises(PstmoError, match="shape"):
        smoother.push(np.zeros((2, 2)), 2.0)
