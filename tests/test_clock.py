"""A file's clock: regular ones become a rate, irregular ones times of every frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pstmo.errors import FormatError
from pstmo.files.clock import clock


@given(st.integers(1, 240), st.integers(2, 50), st.floats(-100, 100))
def test_a_regular_clock_is_a_rate(rate, frames, start):
    times = {frame: start + frame / rate for frame in range(frames)}
    fps, timestamps = clock(times, range(frames))
    assert fps == pytest.approx(rate, rel=1e-6)
    assert timestamps is None


def test_milliseconds_are_rounded():
    fps, timestamps = clock({i: round(1000 * i / 30) / 1000 for i in range(100)}, range(100))
    assert fps == pytest.approx(30, rel=1e-3)
    assert timestamps is None


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=20), st.sets(st.integers(1, 30), max_size=10))
def test_times_of_frames_are_kept_and_rise(steps, missing):
    numbers = [number for number in range(len(steps) + len(missing) + 1) if number not in missing][: len(steps)]
    times = dict(zip(numbers, np.cumsum(steps).tolist(), strict=True))
    whole = range(-2, numbers[-1] + 3)
    _, timestamps = clock(times, whole)
    if timestamps is not None:
        np.testing.assert_allclose([timestamps[number + 2] for number in numbers], list(times.values()))
        assert len(timestamps) == len(whole)
        assert (np.diff(timestamps) > 0).all()


def test_an_irregular_clock_and_frames_without_a_time():
    fps, timestamps = clock({1: 0.1, 3: 0.3, 4: 0.9, 5: 1.0}, range(7))
    assert fps == pytest.approx(10)
    np.testing.assert_allclose(timestamps, [0, 0.1, 0.2, 0.3, 0.9, 1.0, 1.1], atol=1e-9)


def test_no_clock():
    assert clock({}, range(3)) == (None, None)
    assert clock({1: 2.0}, range(3)) == (None, None)


@pytest.mark.parametrize("times", [{0: 1.0, 1: 1.0}, {0: 1.0, 1: 0.5}])
def test_time_goes_forward(times):
    with pytest.raises(FormatError, match=r"times of frames 0 and 1: found 1 s, then (1|0.5) s, expected later ones"):
        clock(times, range(2))
