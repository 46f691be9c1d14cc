"""Several people, plots and the video in the page, in a real browser without a network."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pages import FRAMES, LATE, WRIST, browsing, opened, placed, poses, until
from playwright.sync_api import Browser, Page, expect
from video_files import SIZE, film, number_of

from pstmo.errors import PstmoError
from pstmo.motion import Motion
from pstmo.sequence import Keypoints
from pstmo.skeleton import COCO, HUMAN36M
from pstmo.view.page import write_page

PEOPLE = [placed((0, 5), person=3), placed((1, 6), person=7, arrives=LATE)]
FILM = 40
# A canvas in base64 of red, green, blue, alpha, with its width, and the frame that the page tells.
PIXELS = """(selector) => {
  const canvas = document.querySelector(selector);
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let text = "";
  for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
  return [btoa(text), width, window.pstmo.frame()];
}"""
ARRIVED = """(wanted) => new Promise((done) => {
  const film = document.getElementById("film");
  film.requestVideoFrameCallback(() => requestAnimationFrame(done));
  window.pstmo.show(wanted);
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def shared(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    write_page(path := tmp_path_factory.mktemp("people") / "view.html", PEOPLE)
    with opened(browser, path, size={"width": 1000, "height": 700}) as page:
        yield page


@pytest.fixture
def page(shared: Page) -> Page:
    """One page for many tests."""
    shared.keyboard.press("1")
    shared.locator("[data-view=front]").click()
    shared.locator("#slider").fill("1")
    return shared


def number(page: Page) -> int:
    return int(page.locator("#number").inner_text().split(" / ")[0])


def drawn(page: Page, person: int, frame: int) -> np.ndarray:
    """(joints, 3), NaN where nothing is drawn."""
    joints = page.evaluate("([person, frame]) => (pstmo.show(frame), pstmo.joints(person))", [person, frame])
    return np.array([joint or [np.nan] * 3 for joint in joints])


def pixels(page: Page, canvas: str) -> tuple[np.ndarray, int]:
    """(height, width, 4), and the frame that the page tells."""
    text, width, frame = page.evaluate(PIXELS, canvas)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, width, 4), frame


def shown(page: Page) -> tuple[np.ndarray, int]:
    """The picture of the 2D panel, without the panel around it, and the frame."""
    canvas, frame = pixels(page, "#keypoints")
    there = canvas[..., 3] > 250
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    return canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, :3], frame


@pytest.mark.parametrize("frame", [0, 17, LATE, FRAMES - 1])
def test_people_are_drawn_where_they_are(page: Page, frame: int) -> None:
    for at, motion in enumerate(PEOPLE):
        found = drawn(page, at, frame)
        if motion.observed[frame]:
            np.testing.assert_allclose(found, motion.positions[frame], atol=1e-3)
        elif frame < LATE - 30:
            assert np.isnan(found).all()  # not there yet


def test_the_focus_is_switched_by_mouse_and_keys(page: Page) -> None:
    person = page.locator(".who[aria-pressed=true]")
    expect(person).to_have_text("Person 3")
    page.locator(".who").nth(1).click()
    expect(person).to_have_text("Person 7")
    assert page.locator("#room .note").inner_text() == "not in view"
    page.keyboard.press("n")
    expect(person).to_have_text("Person 3")
    page.keyboard.press("2")
    expect(person).to_have_text("Person 7")
    strip = page.evaluate("Array.from(gaps.getContext('2d').getImageData(0, 0, gaps.width, 1).data)")
    assert np.flatnonzero(strip[3::4]).tolist() == list(range(LATE))
    page.evaluate("location.hash = 'person=3&frame=9'")
    expect(person).to_have_text("Person 3")
    assert number(page) == 9


def test_who_is_hidden_is_not_drawn(page: Page) -> None:
    page.keyboard.press("h")
    assert np.isnan(drawn(page, 0, 50)).all()
    assert np.isfinite(drawn(page, 1, 50)).all()
    expect(page.locator("#tags span:visible")).to_have_text("7")
    page.locator(".eye").nth(0).click()
    assert np.isfinite(drawn(page, 0, 50)).all()


def test_following_keeps_a_person_in_the_middle(page: Page) -> None:
    def tag() -> np.ndarray:
        page.evaluate("new Promise(requestAnimationFrame)")
        box = page.locator("#tags span").nth(0).bounding_box()
        assert box is not None
        return np.array([box["x"], box["y"]])

    seen = []
    for following in (False, True):
        if following:
            page.keyboard.press("f")
        page.evaluate("pstmo.show(0)")
        first = tag()
        page.evaluate("pstmo.show(50)")
        seen.append(tag() - first)
    page.locator("#follow").click()
    assert seen[0][0] > 30
    assert abs(seen[1][0]) < 3
    expect(page.locator("#follow")).to_have_attribute("aria-pressed", "false")


def test_plots_tell_the_values_of_the_frame(page: Page) -> None:
    frame, motion = 23, PEOPLE[0]
    page.locator("[data-plot=position] select").select_option("right wrist")
    page.locator("[data-plot=angle] select").select_option("elbow flexion")
    page.evaluate("(frame) => pstmo.show(frame)", frame)
    joint = HUMAN36M.index("right_wrist")

    def told(plot: str) -> list[float]:
        texts = page.locator(f"[data-plot={plot}] output b").all_inner_texts()
        return [float(text.replace("\N{MINUS SIGN}", "-")) for text in texts]

    np.testing.assert_allclose(told("position"), motion.positions[frame, joint], atol=0.006)
    step = motion.positions[frame + 1, joint] - motion.positions[frame - 1, joint]
    np.testing.assert_allclose(told("speed"), [np.linalg.norm(step) * 15], atol=0.02)
    bent = []
    for side in ("left", "right"):
        names = (f"{side}_{name}" for name in ("shoulder", "elbow", "wrist"))
        a, b, c = (motion.positions[frame, HUMAN36M.index(name)] for name in names)
        inner = (a - b) @ (c - b) / np.linalg.norm(a - b) / np.linalg.norm(c - b)
        bent.append(180 - np.degrees(np.arccos(inner)))
    np.testing.assert_allclose(told("angle"), bent, atol=0.7)


def test_a_peak_of_one_frame_is_seen_in_a_long_plot(browser: Browser, tmp_path: Path) -> None:
    still = poses(1).positions.repeat(9000, 0)
    still[6000, HUMAN36M.index("head_top"), 1] -= 3
    write_page(path := tmp_path / "view.html", [Motion(replace(poses(9000), positions=still))])
    with opened(browser, path) as page:
        assert page.locator("#picture").is_hidden()  # no keypoints
        assert page.locator("#room").is_visible()
        page.locator("[data-plot=position] select").select_option("head top")
        colours, _ = pixels(page, "[data-plot=position] canvas")
        left, right = 2.9 * 14, colours.shape[1] - 0.7 * 14
        peak = round(left + (right - left) * 6000 / 8999)
        above = colours[10 : len(colours) // 3, peak - 3 : peak + 4]
        blue = (above[..., 2].astype(int) - above[..., 0] > 60) & (above[..., 3] > 60)
        assert blue.any(1).mean() > 0.8
        elsewhere = colours[12 : len(colours) // 3, peak + 20 : peak + 60]
        assert not ((elsewhere[..., 2].astype(int) - elsewhere[..., 0] > 60) & (elsewhere[..., 3] > 60)).any()


def test_plots_are_scrubbed_by_mouse_and_touch(page: Page) -> None:
    page.locator("[data-plot=speed]").scroll_into_view_if_needed()
    box = page.locator("[data-plot=speed] canvas").bounding_box()
    assert box is not None
    left, right, y = box["x"] + 2.9 * 14, box["x"] + box["width"] - 0.7 * 14, box["y"] + 40

    def place(frame: int) -> float:
        return left + (right - left) * frame / (FRAMES - 1)

    page.mouse.click(place(12), y)
    assert number(page) == 13
    page.mouse.down()
    page.mouse.move(place(30), y, steps=2)
    page.mouse.up()
    assert number(page) == 31
    touch = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [place(5)]), ("touchMove", [place(20)]), ("touchMove", [place(44)]), ("touchEnd", []),
    ):  # fmt: skip
        touches = [{"x": x, "y": y} for x in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    until(page, "pstmo.frame() === 44")
    slider = page.locator("#slider").bounding_box()
    assert slider is not None
    page.touchscreen.tap(slider["x"] + slider["width"] / 2, slider["y"] + slider["height"] / 2)
    assert abs(number(page) - FRAMES / 2) <= 1


def test_the_theme_and_the_help_are_a_key_away(page: Page) -> None:
    def background() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = background()
    page.keyboard.press("t")
    assert background() != light
    expect(page.locator("#theme")).to_have_attribute("aria-pressed", "true")
    page.locator("#theme").click()
    assert background() == light
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("2")  # not while the help is open
    expect(page.locator(".who[aria-pressed=true]")).to_have_text("Person 3")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()


def test_the_legend_explains_what_is_there(browser: Browser, page: Page, tmp_path: Path) -> None:
    shown = page.locator("#legend li:visible")
    assert shown.all_inner_texts() == ["left", "right", "filled in", "expected error", "not observed", "camera"]
    whole = replace(poses(2), observed=np.ones(2, bool))
    write_page(path := tmp_path / "view.html", [Motion(whole)])
    with opened(browser, path) as calm:
        assert calm.locator("#legend li:visible").all_inner_texts() == ["left", "right"]
        assert calm.locator("#people").is_hidden()


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person whose left wrist moves a pixel a frame, and a video that tells its frames' numbers."""
    folder = tmp_path_factory.mktemp("film")
    video = film(folder / "film.mp4", range(FILM), scale=4)
    xy = np.full((FILM, len(COCO), 2), np.nan)
    xy[:, WRIST] = np.stack([200 + np.arange(FILM), np.full(FILM, 150)], -1)
    seen = Keypoints.from_array(xy, image_size=(4 * SIZE[0], 4 * SIZE[1]), fps=30)
    write_page(path := folder / "view.html", [Motion(poses(FILM), seen)], video=video)
    return path


def test_the_picture_is_that_of_the_frame(browser: Browser, filmed: Path) -> None:
    with opened(browser, filmed) as page:
        until(page, "document.getElementById('film').readyState >= 2")
        for wanted in (1, 25, 24, 7, FILM - 1, 0, 33):
            page.evaluate(ARRIVED, wanted)
            picture, frame = shown(page)
            assert number_of(picture) == frame == wanted
            scale = picture.shape[1] / (4 * SIZE[0])
            x, y = round(scale * (200 + wanted)), round(scale * 150)
            np.testing.assert_allclose(picture[y, x], [0xD5, 0x5E, 0x00], atol=30)  # the colour of left


def test_picture_and_frame_stay_together_while_playing(browser: Browser, filmed: Path) -> None:
    with opened(browser, filmed) as page:
        until(page, "document.getElementById('film').readyState >= 2")
        page.keyboard.press("Space")
        found = []
        for _ in range(6):
            page.wait_for_timeout(120)
            picture, frame = shown(page)
            found.append((number_of(picture), frame))
        assert all(picture == frame for picture, frame in found), found
        assert len(set(found)) > 3
        page.keyboard.press("Space")
        page.wait_for_timeout(100)
        stopped = shown(page)[1]
        page.wait_for_timeout(150)
        picture, frame = shown(page)
        assert number_of(picture) == frame == stopped


def test_a_part_of_a_video_is_embedded_by_its_times(browser: Browser, tmp_path: Path) -> None:
    video = film(tmp_path / "film.mp4", [0, 1, 2, 5, 6, 9, 12, 13, 14, 15], scale=4)  # with gaps in the clock
    times = np.array([2, 5, 6, 9, 12, 13]) / 30
    xy = np.full((6, len(COCO), 2), 5.0)
    seen = Keypoints.from_array(xy, image_size=(4 * SIZE[0], 4 * SIZE[1]), fps=30, timestamps=times)
    write_page(path := tmp_path / "view.html", [Motion(poses(6), seen)], video=video)
    with opened(browser, path) as page:
        until(page, "document.getElementById('film').readyState >= 2")
        assert page.locator("#time").inner_text() == "0.07 s"
        for frame in (3, 0, 5):
            page.evaluate(ARRIVED, frame)
            assert number_of(shown(page)[0]) == 2 + frame


def test_frames_closer_than_a_films_clock_can_tell_have_pictures_too(tmp_path: Path) -> None:
    video = film(tmp_path / "film.mp4", range(5), scale=4)
    seen = Keypoints.from_array(np.full((3, len(COCO), 2), 5.0), image_size=(64, 64), fps=30)
    close = replace(seen, timestamps=np.array([0, 1e-6, 0.1]))
    write_page(path := tmp_path / "view.html", [Motion(poses(3), close)], video=video)
    assert path.exists()


def test_what_is_no_video_leaves_no_page(tmp_path: Path) -> None:
    (text := tmp_path / "film.mp4").write_text("no film")
    for video in (text, tmp_path / "nothing.mp4"):
        with pytest.raises(PstmoError, match=f"{video.name}: "):
            write_page(tmp_path / "view.html", PEOPLE, video=video)
    assert list(tmp_path.iterdir()) == [text]


def test_the_page_says_whose_place_is_known(browser: Browser, tmp_path: Path) -> None:
    write_page(path := tmp_path / "view.html", [PEOPLE[0], replace(PEOPLE[1], world=None)])
    with opened(browser, path) as page:
        told = page.locator("footer").inner_text()
        assert "Focal length given, up from the camera, size from the model" in told
        assert "Person 7: the place in the room is not known" in told
        expected = PEOPLE[1].poses.positions[50, :, [0, 2, 1]].T * [1, 1, -1]  # about the hip
        found = drawn(page, 1, 50)
        np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-3)
