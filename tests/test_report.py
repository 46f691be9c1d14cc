"""The report shows what was measured, in a real browser without a network, and in any way one looks at it."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluations import EVIL, STAR, evaluation
from pages import browsing
from playwright.sync_api import Browser, Page, expect

from pstmo.errors import PstmoError
from pstmo.evaluate import Evaluation
from pstmo.report.bodies import by_joint
from pstmo.report.page import write_report
from pstmo.report.svg import short
from pstmo.skeleton import BODY25, HUMAN36M, MOCAP, MPI_INF_3DHP, Skeleton
from pstmo.tables import COLUMNS, groups

# Every figure's texts as rectangles: those that overlap another one of the same figure.
OVERLAPS = """() => [...document.querySelectorAll("svg")].flatMap((svg) => {
  const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
  return texts.flatMap(([a, p], i) => texts.slice(i + 1)
    .filter(([, q]) => p.left < q.right && q.left < p.right && p.top + 2 < q.bottom && q.top + 2 < p.bottom)
    .map(([b]) => `${a} / ${b}`));
})"""
# The least contrast between a text and the page behind it, as WCAG counts it.
CONTRAST = """() => {
  const luminance = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const page = luminance(getComputedStyle(document.body).backgroundColor);
  const inside = [...document.querySelectorAll("svg text")].map((text) => getComputedStyle(text).fill);
  const outside = [...document.querySelectorAll("h1, p, td, figcaption, li")].map((e) => getComputedStyle(e).color);
  return Math.min(...[...inside, ...outside].map(luminance)
    .map((l) => (Math.max(l, page) + 0.05) / (Math.min(l, page) + 0.05)));
}"""
CLIPPED = """() => [...document.querySelectorAll("svg")].flatMap((svg) => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter((text) => {
    const own = text.getBoundingClientRect();
    return own.left < box.left - 1 || own.right > box.right + 1 || own.top < box.top - 1 || own.bottom > box.bottom + 1;
  }).map((text) => text.textContent);
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as found:
        yield found


@contextmanager
def opened(browser: Browser, path: Path) -> Iterator[Page]:
    """The page in a browser without a network; requests but for the file itself, errors and dialogs fail the test."""
    page = browser.new_context(offline=True, viewport={"width": 1200, "height": 900}).new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    page.goto(path.as_uri())
    yield page
    page.context.close()
    assert {url for url in requests if not url.startswith("data:")} == {path.as_uri()}
    assert errors == []


def written(folder: Path, shown: Evaluation) -> Path:
    write_report(path := folder / "report.html", shown)
    return path


@pytest.fixture(scope="module")
def shown() -> Evaluation:
    return evaluation(activities=("stand", "sit"))


@pytest.fixture(scope="module")
def page(browser: Browser, shown: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened(browser, written(tmp_path_factory.mktemp("report"), shown)) as page:
        yield page


def test_the_page_says_what_it_shows(page: Page, shown: Evaluation) -> None:
    head = page.locator("header").inner_text()
    for fact in ("net", "gt", "h36m17", f"{shown.by_frame.frames} frames", "3 recordings", "pstmo "):
        assert fact in head
    numbers = page.locator("#numbers").inner_text()
    for errors, mean in ((shown.by_action, "mean of actions"), (shown.by_frame, "mean of frames")):
        for value, unit in ((errors.mpjpe, "mm"), (errors.p_mpjpe, "mm"), (errors.pck, "%"), (errors.auc, "%")):
            assert re.search(rf"{value:.1f} {unit}\s+{mean}", numbers)


def test_the_tables_hold_the_numbers(page: Page, shown: Evaluation) -> None:
    for group, members in groups(shown).items():
        rows = page.locator(f"#by-{group} tbody tr").all_text_contents()
        names = page.locator(f"#by-{group} tbody th").all_text_contents()
        assert names == [name.replace("_", " ") if group == "joint" else name for name in members]
        for row, name, errors in zip(rows, names, members.values(), strict=True):
            cells = [str(errors.frames), *(column.text(errors, "–") for column in COLUMNS)]  # noqa: RUF001
            assert row.strip() == name + "".join(cells)
    assert not page.locator("#by-recording table").is_visible()
    assert page.locator("#by-activity table").is_visible()


def test_each_figure_is_there(page: Page, shown: Evaluation) -> None:
    captions = page.locator("#figures > figure > figcaption b").all_text_contents()
    assert captions == [f"Figure {number}." for number in range(1, 6)]
    assert page.locator("#figures svg").count() == 7  # three recordings in one figure
    assert page.locator("#worst figure").count() == len(shown.worst) == 3
    for svg in page.locator("svg").all():
        box = svg.bounding_box()
        assert box
        assert min(box["width"], box["height"]) > 60
        assert svg.get_attribute("aria-label")
        assert svg.locator("path").count() > 3
    for figure, found in zip(page.locator("#worst figcaption").all(), shown.worst, strict=True):
        assert figure.inner_text() == f"{found.error:.1f} mm {found.recording}, frame {found.frame}"


def test_the_figures_say_the_numbers(page: Page, shown: Evaluation) -> None:
    def texts(figure: int) -> list[str]:
        return page.locator("#figures > figure").nth(figure).locator("text").all_text_contents()

    labels = dict(zip(texts(0)[1::2], texts(0)[::2], strict=True))
    assert labels == {joint.replace("_", " "): f"{e.mpjpe:.1f}" for joint, e in shown.by_joint.items()}
    assert {f"{errors.mpjpe:.1f}" for errors in shown.by("action").values()} <= set(texts(1))
    errors = np.concatenate([curve[~np.isnan(curve)] for curve in shown.curves.values()])
    median, late = np.percentile(errors, (50, 95))
    assert {f"median {median:.1f} mm", f"95th percentile {late:.1f} mm"} <= set(texts(2))
    assert {f"PCK@150 {shown.by_frame.pck:.1f} %", f"AUC {shown.by_frame.auc:.1f} %"} <= set(texts(3))


@pytest.mark.parametrize("width", [360, 1920])
def test_nothing_is_wider_than_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.locator("details").evaluate("(details) => { details.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.locator("details").evaluate("(details) => { details.open = false; }")


def test_text_can_be_read_by_day_and_by_night(page: Page) -> None:
    backgrounds = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) > 4.5
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(backgrounds) == 2
    page.emulate_media(media="print")  # paper is white, at night too
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="screen", color_scheme="light")


def test_ids_are_unique_and_references_find_them(page: Page) -> None:
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))
    references = set(re.findall(r"(?:href=\"|url\()#([^\")]+)", page.content()))
    assert len(references) > 20
    assert references <= set(ids)


def test_text_from_outside_stays_text(browser: Browser, tmp_path: Path) -> None:
    name = EVIL + "long" * 50
    evil = evaluation((EVIL, "x\0\x0b\udc80"), name=name, activities=(EVIL, "b"))
    with opened(browser, written(tmp_path, evil)) as page:
        assert page.title() == f"{name} on {name}"
        expect(page.locator("h1")).to_have_text(name)
        assert page.locator("img, script, svg style").count() == 0
        assert EVIL in page.locator("#by-action th").all_text_contents()
        texts = "".join(page.locator("svg text").all_text_contents())
        assert short(EVIL, 24) in texts
        assert page.evaluate(CLIPPED) == []
        page.set_viewport_size({"width": 360, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_labels_keep_apart(browser: Browser, page: Page) -> None:
    """In every figure, and on any skeleton."""
    assert page.evaluate(OVERLAPS) == page.evaluate(CLIPPED) == []
    other = browser.new_page()
    for skeleton in (HUMAN36M, MPI_INF_3DHP, MOCAP, BODY25, STAR):
        found = evaluation(("a",), skeleton, frames=2, gap=slice(0))
        other.set_content(by_joint(skeleton, found.by_joint, found.worst))
        assert other.locator("text").count() == 2 * len(skeleton)
        assert other.evaluate(OVERLAPS) == other.evaluate(CLIPPED) == []
    other.close()


FOUR = replace(HUMAN36M, name="four", joints=HUMAN36M.joints[:4], bones=HUMAN36M.bones[3:6])
POINT = Skeleton("point", ("core",), (), "core")
MANY = [f"action {number} {'long ' * 20}" for number in range(50)]
WHOLE = slice(0)


@pytest.mark.parametrize(
    ("actions", "skeleton", "frames", "gap"),
    [(("",), HUMAN36M, 1, WHOLE), (("a", "b"), STAR, 1, WHOLE), (("a",), FOUR, 9, slice(2, 5)),
     (("a",), POINT, 2, WHOLE), (MANY, STAR, 3, WHOLE)],
    ids=["one-frame", "two-recordings", "four-joints", "one-joint", "many-actions"],
)  # fmt: skip
def test_little_and_odd_data_give_a_page(
    tmp_path: Path, actions: list[str], skeleton: Skeleton, frames: int, gap: slice
) -> None:
    page = written(tmp_path, evaluation(actions, skeleton, frames=frames, gap=gap)).read_text("utf-8")
    assert not re.search(r"\bnan\b|\binf\b", page, re.I)
    assert page.count("<svg") > 3
    assert all(joint.replace("_", " ") in page for joint in skeleton.joints)


def test_the_same_bytes_every_time(tmp_path: Path, shown: Evaluation) -> None:
    first = written(tmp_path, shown).read_bytes()
    assert written(tmp_path, shown).read_bytes() == first
    assert not re.search(rb"20\d\d-\d\d-\d\d", first)


def test_a_large_data_set_stays_small(tmp_path: Path, shown: Evaluation) -> None:
    """As large as the test set of Human3.6M, four cameras each, and more."""
    chance = np.random.default_rng(0)
    cell = shown.cells[0]
    names = [f"S9/Walking {number}/54138969" for number in range(836)]
    curves = {name: chance.gamma(4, 10, 2000).astype(np.float32) for name in names}
    large = replace(shown, cells=tuple(cell._replace(recording=name) for name in names), curves=curves)
    assert written(tmp_path, large).stat().st_size < 1e6


def test_without_matplotlib_it_says_what_to_install(
    tmp_path: Path, shown: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PstmoError, match=r"pip install 'pstmo\[report\]'"):
        write_report(tmp_path / "report.html", shown)
    assert list(tmp_path.iterdir()) == []
