"""The page does what it promises in a real browser, without a network."""

import base64
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pages import FRAMES, GAP, NO_POSE, browsing, keypoints, motion, opened, poses, stick
from playwright.sync_api import Browser, Page, expect

import pstmo.view
from pstmo.errors import PstmoError
from pstmo.motion import Motion
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M
from pstmo.view.pack import Pack
from pstmo.view.page import write_page

VIEWER = Path(__file__).parents[1] / "viewer"
BUNDLE = Path(pstmo.view.__file__).parent / "viewer.js"
BARE = "#views, .note, h2, #scale { visibility: hidden }"
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
NO_WEBGL = """
const original = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : original.call(this, kind, ...rest);
};"""
# Where two pictures differ: the share of pixels, and their mean x and y from 0 to 1.
DIFFERENCE = """async (images) => {
  const [a, b] = await Promise.all(images.map(async (image) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(image), (c) => c.charCodeAt(0))]));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, bitmap.width, bitmap.height);
  }));
  let [x, y, n] = [0, 0, 0];
  for (let i = 0; i < a.data.length; i += 4) {
    const changed = [0, 1, 2].some((c) => Math.abs(a.data[i + c] - b.data[i + c]) > 60);
    if (changed) [x, y, n] = [x + (i / 4) % a.width, y + Math.floor(i / 4 / a.width), n + 1];
  }
  return [n / (a.width * a.height), x / n / a.width, y / n / a.height];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    write_page(path := tmp_path_factory.mktemp("view") / "view.html", [motion()], "A tiny motion")
    return path


@pytest.fixture(scope="module")
def shared(browser: Browser, path: Path) -> Iterator[Page]:
    with opened(browser, path) as page:
        yield page


@pytest.fixture
def page(shared: Page) -> Page:
    """One page for many tests: opening it takes longer than they do."""
    shared.locator("[data-view=front]").click()
    shared.locator("#slider").fill("1")
    return shared


def look(page: Page, frame: int | None = None, panel: str = "figure") -> bytes:
    """A picture of one panel, without what lies over it."""
    if frame is not None:
        page.locator("#slider").fill(str(frame))
    page.evaluate(DRAWN)
    return page.locator(f"#{panel}").screenshot(style=BARE)


def number(page: Page) -> int:
    return int(page.locator("#number").inner_text().split(" / ")[0])


def test_the_page_says_what_it_shows(page: Page) -> None:
    assert page.title() == "A tiny motion"
    for fact in ("tiny", "pstmo ", "30 frames/s", "coco17", "640 × 480", "h36m17", "metres", "z up", "hip"):  # noqa: RUF001
        assert fact in page.locator("footer").inner_text()


@pytest.mark.parametrize("panel", ["figure", "keypoints"])
def test_each_frame_has_its_picture(page: Page, panel: str) -> None:
    empty = GAP + 1 if panel == "keypoints" else NO_POSE + 1
    first, other, nobody, again = (base64.b64encode(look(page, frame, panel)).decode() for frame in (1, 9, empty, 1))

    def changed(a: str, b: str) -> float:
        return page.evaluate(DIFFERENCE, [a, b])[0]

    assert changed(first, again) < 0.0005  # smoothed edges may fall differently
    assert min(changed(first, other), changed(first, nobody), changed(other, nobody)) > 0.001


def test_the_scene_is_true_to_the_pose(browser: Browser, tmp_path: Path) -> None:
    write_page(path := tmp_path / "stick.html", [stick((0.6, -0.8, -0.5))])
    with opened(browser, path) as page:
        seen = {}
        for view in ("front", "side", "top"):
            page.locator(f"[data-view={view}]").click()
            pictures = [base64.b64encode(look(page, frame)).decode() for frame in (1, 2)]
            seen[view] = page.evaluate(DIFFERENCE, pictures)
        assert look(page, 1) != look(page, 3)  # hatched
    assert all(area > 0.001 for area, _, _ in seen.values())
    assert seen["front"][1] > 0.52  # to the right of the image
    assert seen["side"][1] < 0.48  # nearer to the camera, seen from its right
    assert seen["top"][1] > 0.52
    assert seen["top"][2] > 0.52  # nearer to the camera, seen from above


def test_the_label_follows_the_address_and_the_slider(page: Page) -> None:
    page.evaluate("location.hash = 'frame=12&view=side'")
    expect(page.locator("[aria-pressed=true]")).to_have_text("Side")
    assert number(page) == 12
    page.locator("#slider").fill("31")
    assert page.locator("#slider").get_attribute("aria-valuetext") == "frame 31 / 60, 1.00 s"


def test_playing_keeps_time_and_pausing_stops(browser: Browser, path: Path) -> None:
    with opened(browser, path, size={"width": 300, "height": 300}) as page:
        page.clock.install(time="2020-01-01")
        page.clock.pause_at("2020-01-02")
        for speed, expected in (("1", 31), ("0.1", 4), ("2", 1)):
            page.locator("#speed").select_option(speed)
            page.locator("#slider").fill("1")
            page.keyboard.press("Space")
            page.clock.run_for(1000)
            page.locator("#play").click()
            paused = number(page)
            assert abs(paused - expected) <= 1  # the 61st frame is the 1st again
            page.clock.run_for(500)
            assert number(page) == paused


def test_keys_step_through_frames(page: Page) -> None:
    for focus in ("#slider", "[data-view=top]"):
        page.locator(focus).focus()
        for key, expected in (("End", 60), ("ArrowRight", 60), ("ArrowLeft", 59), ("Home", 1), ("ArrowRight", 2)):
            page.keyboard.press(key)
            assert number(page) == expected


def test_dragging_turns_and_front_turns_back(page: Page) -> None:
    front = look(page, 9)
    page.locator("#figure").hover()
    page.mouse.down()
    page.mouse.move(600, 200, steps=3)
    page.mouse.up()
    turned = look(page)
    page.mouse.wheel(0, -300)
    zoomed = look(page)
    assert len({front, turned, zoomed}) == 3
    assert page.locator("[aria-pressed=true]").count() == 0
    page.locator("[data-view=front]").click()
    assert look(page) == front


def test_what_was_not_observed_is_said(page: Page) -> None:
    unseen = ["nobody observed", "not observed: interpolated"]
    for frame, said in ((0, ["", ""]), (GAP, unseen), (NO_POSE, ["", "no pose"])):
        page.locator("#slider").fill(str(frame + 1))
        assert page.locator(".note").all_inner_texts() == said
    strip = page.evaluate("Array.from(gaps.getContext('2d').getImageData(0, 0, gaps.width, 1).data)")
    assert np.flatnonzero(strip[3::4]).tolist() == [GAP, NO_POSE]


def test_nobody_at_all(browser: Browser, tmp_path: Path) -> None:
    nobody = Keypoints.from_array(np.full((1, len(COCO), 2), np.nan), image_size=(100, 300), fps=25)
    nothing = Poses.from_array(np.full((1, len(HUMAN36M), 3), np.nan), fps=25)
    write_page(path := tmp_path / "view.html", [Motion(nothing, nobody)])
    with opened(browser, path) as page:
        page.keyboard.press("Space")
        expect(page.locator(".note")).to_have_text(["nobody observed", "no pose"])


def test_text_from_outside_stays_text(browser: Browser, tmp_path: Path) -> None:
    evil = "</title></script><script>document.body.remove()</script><!-- $data & 'x' \"y\""
    write_page(path := tmp_path / "view.html", [motion(model=evil)], evil)
    with opened(browser, path) as page:
        assert page.title() == evil
        expect(page.locator("h1")).to_have_text(evil)
        expect(page.locator("footer")).to_contain_text(evil)


def test_without_webgl_the_input_still_plays(browser: Browser, path: Path) -> None:
    with opened(browser, path, script=NO_WEBGL) as page:
        expect(page.locator("#unavailable")).to_be_visible()
        assert look(page, 1, "keypoints") != look(page, 9, "keypoints")


def test_narrow_and_dark(browser: Browser, path: Path) -> None:
    with opened(browser, path, size={"width": 360, "height": 740}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        light = look(page, 9), look(page, 9, "keypoints")
        page.emulate_media(color_scheme="dark")
        dark = look(page, 9), look(page, 9, "keypoints")
        page.reload()
        assert light != dark == (look(page, 9), look(page, 9, "keypoints"))


def test_the_bundle_is_built_from_its_sources() -> None:
    sources = [VIEWER / "package-lock.json", VIEWER / "build.mjs", *sorted((VIEWER / "src").iterdir())]
    checksum = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    bundle = BUNDLE.read_text("utf-8").lower()
    assert checksum in bundle.partition("\n")[0], "viewer/ has changed: run `npm install && npm run build` there"
    assert "three.js authors" in bundle
    assert "</script" not in bundle
    assert "<!--" not in bundle


def test_ten_thousand_frames_stay_small(tmp_path: Path) -> None:
    write_page(path := tmp_path / "view.html", [motion(10_000)])
    assert path.stat().st_size < 3e6 + BUNDLE.stat().st_size


def test_people_must_go_together(tmp_path: Path) -> None:
    late = replace(keypoints(), timestamps=np.arange(FRAMES) / 30 + 5)
    wrong = {
        "found nobody to show": [],
        "numbers \\[1, 1\\], expected each to have another": [motion(), motion()],
        "60 frames of person 1 and 50 of person 2": [motion(), replace(motion(50), person=2)],
        "persons 1 and 2: found frames at other times": [motion(), Motion(poses(), late, person=2)],
    }
    for message, people in wrong.items():
        with pytest.raises(PstmoError, match=message):
            write_page(tmp_path / "view.html", people)
    assert list(tmp_path.iterdir()) == []


@given(arrays(np.float32, (7, 3), elements=st.floats(-1e6, 1e6, width=32) | st.just(np.nan)))
def test_packing_keeps_numbers_to_half_a_step(values: np.ndarray) -> None:
    (pack := Pack()).add(np.ones((7, 1)), np.int8)
    told = pack.add(values, np.int16)
    content = zlib.decompress(base64.b64decode(pack.text()))
    assert told["at"] == 8
    steps = np.frombuffer(content, "<i2", count=int(str(told["length"])), offset=8).reshape(values.shape)
    integers = np.cumsum(steps, 0, dtype=np.int16)
    assert ((integers == -(2**15)) == np.isnan(values)).all()
    step = float(str(told["scale"]))
    assert np.nanmax(np.abs(integers * step - values), initial=0) <= step * 0.51
