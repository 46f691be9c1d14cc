"""The page that a training leaves is true to its logs and to the check of its network."""

import re
import sys
from collections.abc import Iterator
from math import inf, nan
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import test_report
import torch
from conftest import SMALL
from evaluations import EVIL
from playwright.sync_api import Browser, Page
from test_report import CLIPPED, CONTRAST, OVERLAPS, opened
from test_report_figures import paths
from test_training_check import tiny

from pstmo.errors import PstmoError
from pstmo.model.stmo import STMO
from pstmo.report.curves import Curve, over_epochs, over_window
from pstmo.report.training import write_training_report
from pstmo.skeleton import COCO, HUMAN36M, Skeleton
from pstmo.training.check import SAMPLES, Check, Sample, Score, check

browser = test_report.browser


# The figures


def test_lines_are_true_to_the_log() -> None:
    values = np.array([90.0, nan, 60.0, 70.0, 55.0, 58.0])
    epochs = np.arange(1.0, 7)
    curves = [Curve("v", values, "bar", 130), Curve("l", values / 9, "right", 100)]
    svg = over_epochs("x", "label", epochs, curves, 4, "told so")
    known = np.isfinite(values)
    for colour in ("bar", "right"):
        x, y = paths(svg, colour)[0].T
        assert len(x) == known.sum()
        across, up = np.polyfit(epochs[known], x, 1), np.polyfit(values[known], y, 1)
        assert across[0] > 0 > up[0]
        assert np.polyval(across, epochs[known]) == pytest.approx(x, abs=0.02)
        assert np.polyval(up, values[known]) == pytest.approx(y, abs=0.02)
    [dot] = re.findall(r'<use [^>]*x="(\S+)" y="(\S+)" style="fill: var\(--text\)', svg)
    assert np.float64(dot) == pytest.approx(paths(svg, "bar")[0][3], abs=0.02)


def test_early_errors_do_not_flatten_the_rest() -> None:
    steep = np.concatenate([[900.0, 300.0], np.linspace(110, 100, 18)])
    assert Curve("", steep, "bar", 9).range == (100, 110)
    assert Curve("", steep, "bar", 9).cut
    assert Curve("", steep, "bar", 9, whole=True).range == (100, 900)
    slow, late = np.linspace(110, 100, 20), np.concatenate([np.linspace(110, 100, 19), [900]])
    for values in (slow, late, np.array([5.0]), np.array([nan, 5, 5])):
        assert Curve("", values, "bar", 9).range == (np.nanmin(values), np.nanmax(values))
        assert not Curve("", values, "bar", 9).cut


def test_places_of_the_window_stand_around_its_centre() -> None:
    sequence = np.array([9.0, 7, 6, 7, 8])
    svg = over_window(sequence, 6.5)
    line = max(paths(svg, "bar"), key=len)
    assert np.polyval(np.polyfit(sequence, line[:, 1], 1), sequence) == pytest.approx(line[:, 1], abs=0.02)
    [mark] = [np.float64(at) for at in re.findall(r'<use [^>]*x="(\S+)" y="(\S+)" style="fill: var\(--text\)', svg)]
    assert mark[0] == pytest.approx(line[2, 0], abs=0.02)
    assert mark[1] == pytest.approx((line[1, 1] + line[2, 1]) / 2, abs=0.02)


# The page


def log(*errors: float | None, **more: float) -> list[dict[str, float | int | None]]:
    """Half an hour an epoch, 100 windows a second."""
    return [
        {
            "epoch": i,
            "loss": 2.0 / i,
            "validation": error,
            "lr": 1e-3 / i,
            "seconds": 1800.0,
            "windows_per_second": 100.0,
        }
        | more
        for i, error in enumerate(errors, 1)
    ]


STAGES = {"pretrain": log(0.51234, 0.31234, 0.41234), "finetune": log(*np.linspace(300, 90, 40)), "refine": log(88.0)}
SETTINGS = {
    "data": Path("a/b.npz"), "none": None, "model": {"strides": (3, 3), "inner": {"dropout": 0.25, "on": True}},
    "empty": {}, EVIL: {EVIL: EVIL},
}  # fmt: skip


@pytest.fixture(scope="module")
def checked() -> Check:
    torch.manual_seed(0)
    actions = [("walk", EVIL, "sit\0down\udc80 " * 9)[i % 3] for i in range(12)]
    return check(STMO(SMALL), tiny(12), actions, HUMAN36M)


def written(
    path: Path, stages: Any = STAGES, shown: Check | None = None, title: str = "net", layouts: Any = (COCO, HUMAN36M)
) -> str:
    """The page, in which every drawing is well-formed."""
    write_training_report(path, title, stages, SETTINGS, shown, *layouts)
    text = path.read_text("utf-8")
    for svg in re.findall("<svg.*?</svg>", text, re.S):
        assert len(list(ElementTree.fromstring(svg).iter("path"))) > 1
    return text


def sections(text: str) -> list[tuple[str, list[str]]]:
    """The main numbers: title, and each number with its unit and what it is."""
    return [
        (title, [re.sub("<[^>]+>", " ", value).strip() for value in values.split("</p>")[:-1]])
        for title, values in re.findall("<section><h2>(.*?)</h2>(.*?)</section>", text)
    ]


@pytest.fixture(scope="module")
def page(browser: Browser, checked: Check, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    path = tmp_path_factory.mktemp("report") / "training.html"
    written(path, STAGES, checked, EVIL)
    with opened(browser, path) as page:
        yield page


def test_the_page_says_the_numbers_of_the_check(page: Page, checked: Check) -> None:
    totals = page.locator("#numbers section").last.inner_text()
    assert re.sub(r"\s+", " ", totals) == (
        f"On 12 held-out windows {checked.total.mpjpe:.1f} mm MPJPE {checked.total.p_mpjpe:.1f} mm P-MPJPE"
    )
    joints, actions, _ = (figure.locator("text").all_text_contents() for figure in page.locator("#errors figure").all())
    for joint, error in checked.joints.items():
        assert {joint.replace("_", " "), f"{error:.1f}"} <= set(joints)
    assert {f"{score.mpjpe:.1f}" for score in checked.actions.values()} <= set(actions)
    rows = [row.all_text_contents() for row in (r.locator("th, td") for r in page.locator("#by-action tbody tr").all())]
    assert [[cell.strip() for cell in row[1:]] for row in rows] == [
        [str(score.windows), f"{score.mpjpe:.1f}", f"{score.p_mpjpe:.1f}"] for score in checked.actions.values()
    ]
    captions = page.locator("#samples b").all_text_contents()
    assert captions == [f"{sample.error:.1f} mm" for sample in checked.samples]
    assert page.locator("#samples svg").count() == SAMPLES


def test_the_page_says_how_training_went(page: Page) -> None:
    told = sections(page.content())[:3]
    rest = ["{} windows seen", "{} of training", "100 windows a second"]
    for (title, numbers), best, seen, hours in zip(
        told,
        ("0.3123 best validation, epoch 2", "90.0 mm best validation, epoch 40", "88.0 mm best validation, epoch 1"),
        ("540,000", "7.2 million", "180,000"),
        ("1.5 h", "20.0 h", "30.0 min"),
        strict=True,
    ):
        assert title.startswith("Stage I")
        spoken = [re.sub(r"\s+", " ", number) for number in numbers]
        assert spoken == [best, rest[0].format(seen), rest[1].format(hours), rest[2]]
    texts = page.locator("#figures figure").nth(1).locator("text").all_text_contents()
    assert {"best: 90.0 mm, epoch 40", "validation error, mm", "training loss", "learning rate"} <= set(texts)
    captions = page.locator("figcaption b").all_text_contents()
    assert captions[:6] == [f"Figure {number}." for number in range(1, 7)]


def test_every_setting_is_on_the_page(page: Page) -> None:
    tables = {
        part.locator("h3").inner_text(): [cell.inner_text() for cell in part.locator("th, td").all()]
        for part in page.locator("#settings section").all()
    }
    assert tables == {
        "general": ["data", "a/b.npz", "none", "none"],
        "model": ["strides", "3, 3", "inner.dropout", "0.25", "inner.on", "yes"],
        EVIL: [EVIL, EVIL],
    }


def test_text_from_outside_stays_text(page: Page, checked: Check) -> None:
    assert page.title() == EVIL
    assert page.locator("h1").inner_text() == EVIL
    assert page.locator("img, script, svg style").count() == 0
    assert EVIL in page.locator("#by-action th").all_text_contents()
    assert any(EVIL in caption for caption in page.locator("#samples figcaption").all_text_contents())


def test_the_page_can_be_read_in_every_way(page: Page) -> None:
    assert page.evaluate(OVERLAPS) == page.evaluate(CLIPPED) == []
    page.locator("details").evaluate("(details) => { details.open = true; }")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) > 4.5
    for width in (360, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))
    references = set(re.findall(r"(?:href=\"|url\()#([^\")]+)", page.content()))
    assert len(references) > 20
    assert references - {"id"} <= set(ids)  # that one is in a name


UNKNOWN = log(None, nan, loss=nan, lr=None, seconds=None)
LITTLE = {
    "single-epoch": ({"finetune": log(90.0)}, "90.0"),
    "some-unknown": ({"finetune": log(nan, 80.0, None, -inf, 85.0, loss=nan)}, "80.0"),
    "all-unknown": ({"pretrain": UNKNOWN, "finetune": log(0.0, 0.0)}, "–"),  # noqa: RUF001
    "no-keys": ({"pretrain": [{}, {"validation": 3}]}, "3.0000"),
    "empty-stage": ({"pretrain": [], "refine": log(5.0, 4.0)}, "4.0"),
}


@pytest.mark.parametrize(("stages", "best"), LITTLE.values(), ids=list(LITTLE))
def test_little_and_odd_logs_give_a_page(tmp_path: Path, stages: dict[str, Any], best: str) -> None:
    text = written(tmp_path / "a.html", stages)
    assert not re.search(r"\bnan\b|\binf\b", text, re.I)
    assert sections(text)[0][1][0].startswith(best)
    assert len(sections(text)) == len([lines for lines in stages.values() if lines])
    assert "held-out windows</h2>" not in text


def test_little_and_odd_checks_give_a_page(tmp_path: Path) -> None:
    """One window of one frame, exactly right, of a point that was not seen and has no bones."""
    point = Skeleton("<point>", ("core",), (), "core")
    sample = Sample("", 0.0, np.full((1, 2), np.nan), np.zeros((1, 3)), np.zeros((1, 3)))
    shown = Check(Score(1, 0.0, 0.0), {"": Score(1, 0.0, 0.0)}, {"core": 0.0}, np.zeros(1), (sample,))
    text = written(tmp_path / "a.html", {}, shown, layouts=(point, point))
    assert not re.search(r"\bnan\b|\binf\b", text, re.I)
    assert "&lt;point&gt; (1 joint)" in text
    assert text.count("<svg") == 4
    assert sections(text) == [("On 1 held-out window", ["0.0  mm MPJPE", "0.0  mm P-MPJPE"])]


def test_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = (written(tmp_path / name, {"finetune": log(9.0, 8.0)}) for name in ("a.html", "b.html"))
    assert first == again
    with pytest.raises(PstmoError, match="there is no folder"):
        written(tmp_path / "none" / "a.html", {"finetune": log(9.0)})
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PstmoError, match=r"pip install 'pstmo\[report\]'"):
        written(tmp_path / "a.html", {"finetune": log(7.0)})
    assert (tmp_path / "a.html").read_text("utf-8") == first
    assert {path.name for path in tmp_path.iterdir()} == {"a.html", "b.html"}
