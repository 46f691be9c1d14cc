"""Motions to look at, and a real browser without a network to look at them with."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from pstmo.motion import Motion, Origins, World
from pstmo.sequence import Drawn, Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M

FRAMES, GAP, NO_POSE = 60, 20, 40
WRIST, LATE = COCO.index("left_wrist"), 45
ORIGINS = Origins("given", "model", "camera", "ankles", "reprojection")
WIDE: ViewportSize = {"width": 760, "height": 420}
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]  # fmt: skip


def keypoints(frames: int = FRAMES, unobserved: int = GAP) -> Keypoints:
    xy = np.random.default_rng(0).uniform(40, 400, (frames, len(COCO), 2))
    xy[unobserved] = np.nan
    return Keypoints.from_array(xy, image_size=(640, 480), fps=30)


def poses(frames: int = FRAMES, model: str = "tiny") -> Poses:
    """Somebody with swinging limbs; unseen in one frame, without a pose in another."""
    rng = np.random.default_rng(1)
    swing = np.sin(np.arange(frames) / 5)[:, None, None] * rng.normal(0, 0.15, (1, len(HUMAN36M), 3))
    observed = ~np.isin(np.arange(frames), [GAP, NO_POSE])
    positions = rng.normal(0, 0.4, (1, len(HUMAN36M), 3)) + swing
    positions[NO_POSE : NO_POSE + 1] = np.nan
    return Poses.from_array(positions, fps=30, observed=observed, model=model)


def motion(frames: int = FRAMES, model: str = "tiny") -> Motion:
    return Motion(poses(frames, model), keypoints(frames))


def placed(start: tuple[float, float], person: int, arrives: int = 0, frames: int = FRAMES) -> Motion:
    """Somebody who walks to the right in a world, seen from frame `arrives` on, with a wrist that was filled in."""
    body = poses(frames)
    steps = np.stack([np.arange(frames) * 0.02, np.zeros(frames), np.ones(frames)], -1)[:, None]
    turn = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    where = np.nan_to_num(body.positions) @ turn.T.astype(np.float32) + np.array([*start, 0]) + steps
    observed = np.arange(frames) >= arrives
    world = World(where.astype(np.float32), HUMAN36M, 30.0, observed, turn, 1.5, 900.0, 1.0, 2.0, ORIGINS)
    xy = np.random.default_rng(person).uniform(100, 300, (1, len(COCO), 2)) + np.arange(frames)[:, None, None]
    confidence = np.where(observed[:, None], 0.9, 0.0) * (np.arange(len(COCO)) != WRIST)
    seen = Keypoints.from_array(xy, confidence=confidence, image_size=(640, 480), fps=30)
    error = np.where(seen.observed, 0, 12).astype(np.float32)
    return Motion(body, replace(seen, drawn=Drawn(xy.astype(np.float32), error)), world, person)


def until(page: Page, condition: str) -> None:
    """Waits for what the page's script is asked. Playwright's own way would need eval, which the page forbids."""
    page.evaluate(
        f"""async () => {{
          const end = performance.now() + 30_000;
          while (!({condition})) {{
            if (performance.now() > end) throw new Error("30 seconds have gone by");
            await new Promise((done) => setTimeout(done, 20));
          }}
        }}"""
    )


def stick(to: tuple[float, float, float]) -> Motion:
    """Every joint but the hip at one place; then no pose; then the first pose again, but interpolated."""
    positions = np.full((3, len(HUMAN36M), 3), np.nan)
    positions[::2] = to
    positions[::2, HUMAN36M.root_index] = 0
    return Motion(Poses.from_array(positions, fps=30, observed=np.arange(3) == 0), keypoints(3, 0))


@contextmanager
def browsing() -> Iterator[Browser]:
    """Skips the test where there is no Chromium; not in continuous integration."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        assert "CI" not in os.environ, "no Chromium found"
        pytest.skip("no Chromium found")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, path: Path, script: str = "", size: ViewportSize = WIDE) -> Iterator[Page]:
    """The page in a browser without a network; any request but for the file itself fails the test."""
    page = browser.new_context(offline=True, viewport=size, has_touch=True).new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(script or ";")
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    yield page
    page.context.close()
    assert {url for url in requests if not url.startswith(("data:", "blob:"))} == {path.as_uri()}
    assert [error for error in errors if not (script and "WebGL" in error)] == []
