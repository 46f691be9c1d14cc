"""The report's drawings are true to the numbers."""

import re

import numpy as np
import pytest
from evaluations import STAR, evaluation
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pstmo.evaluate import Moment
from pstmo.metrics import AUC_THRESHOLDS
from pstmo.report.bodies import moment
from pstmo.report.figures import _extremes, _smooth, bars, by_action, over_time, pck_curve
from pstmo.report.svg import COLOURS, drawing
from pstmo.sequence import Keypoints
from pstmo.skeleton import Skeleton
from pstmo.tally import Errors


def paths(svg: str, colour: str) -> list[np.ndarray]:
    """(points, 2) of every line in one of COLOURS, in the order of drawing."""
    lines = re.findall(rf'<path d="([^"]+)"[^>]*stroke: var\(--{colour}\)', svg)
    return [np.array(re.findall(r"[ML] (\S+) (\S+)", line), float) for line in lines]


def test_worst_frames_are_drawn_as_the_camera_sees_them() -> None:
    bone = Skeleton("bone", ("core", "tip"), (("core", "tip"),), "core")
    seen = Keypoints.from_array(np.array([[[10, 10], [40, 90]]]), image_size=(99, 99), fps=50, skeleton=bone)
    target, predicted = np.zeros((2, 3)), np.zeros((2, 3))
    target[1], predicted[1] = (0.1, 0.4, -0.3), (0.2, 0.4, -0.1)
    svg = moment(1, Moment("r", 0, 100.0, seen, predicted, target), bone)
    front, side = (line[1] - line[0] for line in paths(svg, "measured"))
    picture, front_too, side_too = (line[1] - line[0] for line in paths(svg, "middle"))
    scale = front[1] / 0.4  # pixels a metre, y down
    assert scale > 0
    for drawn, metres in ((front, (0.1, 0.4)), (side, (-0.3, 0.4)), (front_too, (0.2, 0.4)), (side_too, (-0.1, 0.4))):
        assert drawn / scale == pytest.approx(metres, abs=1e-3)
    assert picture[0] / picture[1] == pytest.approx(3 / 8, abs=1e-2)


def test_sides_have_their_colours() -> None:
    shown = evaluation(("a",), STAR)  # one of its four bones is on the left
    svg = moment(1, shown.worst[0], STAR)
    assert [len(line) for line in paths(svg, "left")][1:] == [2, 2]
    assert [len(line) for line in paths(svg, "middle")][1:] == [6, 6]
    assert paths(svg, "right") == []


def test_the_middle_recording_lies_between_the_others() -> None:
    curves = {name: np.full(20, level, np.float32) for name, level in zip("edabc", (50, 40, 10, 20, 30), strict=True)}
    texts = [re.findall(r"<text[^>]*>([^<]+)", svg) for svg in over_time(curves | {"none": np.full(3, np.nan)})]
    assert [text[-2:] for text in texts] == [["best: 10.0 mm", "a"], ["median: 30.0 mm", "c"], ["worst: 50.0 mm", "e"]]


def test_bars_are_as_long_as_errors() -> None:
    actions = {name: Errors(1, size, 15.0, 0.0, 0.0, 0.0, 0.0) for name, size in (("a", 20.0), ("b", 80.0))}
    svg = by_action(actions, {"mean of actions": actions["a"]})
    drawn = re.findall(r'<path d="M (\S+) \S+  L (\S+) [^"]*" clip[^>]*fill: var\(--bar\)', svg)
    small, large = (float(end) - float(start) for start, end in drawn)
    assert large / small == pytest.approx(4, abs=0.01)
    marks = re.findall(r'<use [^>]*x="(\S+)" y="\S+" style="fill: var\(--text\)', svg)
    assert [(float(x) - float(drawn[0][0])) / small for x in marks[:2]] == pytest.approx([0.75, 0.75], abs=0.01)


def test_values_stand_beside_the_bars_where_no_line_is() -> None:
    svg = bars("joint", "label", {"a": 40.0, "b": 80.0, "c": 2345.6}, {}, ("mean", 52.0))
    values = [float(re.findall(rf'x="(\S+)" [^>]*>{value}<', svg)[0]) for value in ("40.0", "80.0", "2345.6")]
    assert values == values[:1] * 3
    longest = max(float(end) for end in re.findall(r"<path d=\"M \S+ \S+  L (\S+) [^>]*fill: var\(--bar\)", svg))
    assert values[0] - 45 > longest > paths(svg, "text")[0][0, 0]


@pytest.mark.parametrize("most", [0.0, 4.0, 12.0, 21.0, 90.0])
def test_labels_of_pck_stand_apart(most: float) -> None:
    share = np.linspace(0, most, len(AUC_THRESHOLDS))
    svg = pck_curve(share, Errors(1, 1.0, 1.0, 1.0, 1.0, most, most / 2))
    pck, auc = (float(re.findall(rf'y="(\S+)" [^>]*>{name} ', svg)[0]) for name in ("PCK@150", "AUC"))
    assert abs(pck - auc) > 14


@given(st.integers(1, 3000), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_a_shorter_line_keeps_the_peaks(frames: int, gaps: float, seed: int) -> None:
    chance = np.random.default_rng(seed)
    curve = np.where(chance.random(frames) < gaps, np.nan, chance.gamma(4, 10, frames))
    places, values = _extremes(curve)
    assert len(places) == len(values) <= 600
    assert (np.diff(places) > 0).all()
    for bound in (np.fmax, np.fmin):
        assert bound.reduce(values) == pytest.approx(bound.reduce(curve), nan_ok=True)


@given(
    arrays(np.float32, st.integers(1, 60), elements=st.floats(0, 1e3, width=32) | st.just(np.nan)), st.integers(1, 9)
)
def test_smoothing_stays_between_its_neighbours(curve: np.ndarray, reach: int) -> None:
    smooth = _smooth(curve, reach)
    assert (np.isnan(smooth) == np.isnan(curve)).all()
    if np.isfinite(curve).any():
        assert np.nanmin(curve) - 1e-3 <= np.nanmin(smooth)
        assert np.nanmax(smooth) <= np.nanmax(curve) + 1e-3
    constant = np.where(np.isnan(curve), curve, 7)
    np.testing.assert_allclose(_smooth(constant, reach), constant, rtol=1e-6)


def test_a_drawing_belongs_to_its_page() -> None:
    """Its own ids, the page's colours, text that stays text."""

    def draw(figure) -> None:
        plot = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        plot.plot([0, 1], [0, 1], "o-", color=COLOURS["left"])
        plot.text(0.5, 0.5, "$a$ <b> #17202c url(#x)")

    svg = drawing("one", 'a "label"', (200, 100), draw)
    assert svg.startswith('<svg viewBox="0 0 200 100" role="img" aria-label="a &quot;label&quot;"')
    assert "$a$ &lt;b&gt; #17202c url(#x)</text>" in svg
    assert "var(--left)" in svg
    assert not re.search("<style|<metadata|<!--|matplotlib", svg)
    assert set(re.findall(r' id="(\w+)-', svg)) == {"one"}
    assert drawing("two", 'a "label"', (200, 100), draw) == svg.replace('"one-', '"two-').replace("#one-", "#two-")
