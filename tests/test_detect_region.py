"""Laws of regions: where a person is, and the picture of it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pstmo.detect.region import MARGIN, Region, cut
from pstmo.detect.steady import SteadyRegion

SIDE = 32

coordinates = st.floats(-500, 500)
points = st.tuples(coordinates, coordinates).map(np.array)
regions = st.builds(
    lambda hips, angle, radius: Region(hips, hips + radius * np.array([np.sin(angle), -np.cos(angle)])),
    points,
    st.floats(-3, 3),
    st.floats(1, 300),
)


@given(regions)
def test_the_hips_are_in_the_middle_and_the_top_is_above(region: Region):
    affine = region.affine(SIDE)
    for at, point in (((0.5, 0.5), region.hips), ((0.5, 0.5 - 0.5 / MARGIN), region.top)):
        np.testing.assert_allclose(affine @ (*np.multiply(at, SIDE), 1), point, atol=1e-6)


@given(regions)
def test_axes_are_a_turn(region: Region):
    np.testing.assert_allclose(region.axes @ region.axes.T, np.eye(2), atol=1e-9)
    assert np.linalg.det(region.axes) > 0


@given(regions, regions)
def test_being_the_same_is_mutual(one: Region, other: Region):
    assert one.same(one)
    assert one.same(other) == other.same(one)


def test_a_cut_without_a_change_is_the_picture():
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    np.testing.assert_array_equal(cut(image, np.eye(2, 3), SIDE), image)


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-20, 60), st.floats(-20, 60))
def test_a_slope_stays_a_slope_and_edges_go_on(turn: float, scale: float, x: float, y: float):
    down, right = np.mgrid[:40, :50]
    image = np.stack([2 * down, 3 * right, down + right], -1).astype(np.uint8)
    affine = np.array([[scale, -turn, x], [turn, scale, y]])
    place = affine @ np.stack([*np.mgrid[:SIDE, :SIDE].reshape(2, -1)[::-1], np.ones(SIDE**2)])
    right, down = place[0].clip(0, 49), place[1].clip(0, 39)
    expected = np.stack([2 * down, 3 * right, down + right], -1).reshape(SIDE, SIDE, 3)
    np.testing.assert_allclose(cut(image, affine, SIDE), expected, atol=1e-3)


@given(regions, st.floats(0.001, 10))
def test_who_stands_still_stays_there(region: Region, step: float):
    steady = SteadyRegion(region)
    for i in range(4):
        steady.follow(region, i * step)
        np.testing.assert_allclose(np.stack(steady.region), np.stack(region), atol=1e-6)


def test_trembling_is_smoothed_and_walking_is_followed():
    chance, steady = np.random.default_rng(0), SteadyRegion(Region(np.array([100.0, 100]), np.array([100.0, 0])))
    smooth = []
    for i in range(60):
        noise = chance.normal(0, 1, 2)
        steady.follow(Region(np.array([100.0, 100]) + noise, np.array([100.0, 0]) + noise), i / 30)
        smooth.append(steady.region.hips)
    assert np.diff(smooth[10:], axis=0).std() < 0.5
    for i in range(60, 90):
        moved = np.array([5.0 * (i - 60), 0])
        steady.follow(Region(np.array([100.0, 100]) + moved, np.array([100.0, 0]) + moved), i / 30)
    assert 0 <= 100 + 5 * 29 - steady.region.hips[0] < 15


def test_a_clock_that_stands_still_takes_the_new_place():
    steady = SteadyRegion(Region(np.zeros(2), np.array([0.0, -10])))
    for hips in (np.array([50.0, 50]), np.array([90.0, 20])):
        steady.follow(Region(hips, hips - (0, 10)), 1.0)
        np.testing.assert_array_equal(steady.region.hips, hips)
