"""The page of a long clip: how large it is, and what a frame costs in a headless browser; for docs/page.md.

python runs/benchmark_page.py [--minutes 10] [--people 2]           # needs Chromium

A person is the sample's, over and over, with noise on joints and keypoints, so that nothing compresses better than a
detector's output would, and walks across the room. "script" is what the page computes and draws for a frame, "between
frames" what passes from one to the next while it plays; that of a machine without a GPU is mostly WebGL in software.
"""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from playwright.sync_api import Page, sync_playwright

from pstmo.benchmark.machine import Machine
from pstmo.files import read_keypoints
from pstmo.lift import load
from pstmo.motion import Motion, Origins, World
from pstmo.samples import KEYPOINTS
from pstmo.sequence import Drawn, Keypoints
from pstmo.view.page import write_page

FPS = 30
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SIZES = {"phone": (390, 844), "laptop": (1440, 900), "wall": (3840, 2160)}
UPRIGHT = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
COSTS = """async () => {
  const wait = () => new Promise(requestAnimationFrame);
  const costs = [];
  for (let frame = 0; frame < 100; frame++) {
    await wait();
    const began = performance.now();
    window.pstmo.show(3000 + frame);
    costs.push(performance.now() - began);
  }
  return costs;
}"""
STEPS = """async () => {
  document.getElementById("play").click();
  const times = [];
  for (let i = 0; i < 40; i++) times.push(await new Promise(requestAnimationFrame));
  document.getElementById("play").click();
  return times.slice(1).map((time, i) => time - times[i]);
}"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--people", type=int, default=2)
    options = arguments.parse_args()
    frames = round(60 * FPS * options.minutes)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "view.html"
        write_page(path, [walker(person, frames) for person in range(1, options.people + 1)])
        print(f"{frames} frames, people: {options.people}, {path.stat().st_size / 1e6:.1f} MB\n")
        print("| screen | ready, s | script, ms: median | p95 | between frames, ms: median | p95 |")
        print("| --- | --: | --: | --: | --: | --: |")
        with sync_playwright() as playwright:
            names = ("chromium", "chromium-browser", "google-chrome")
            found = next(filter(None, map(shutil.which, names)), None)
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
            for name, (width, height) in SIZES.items():
                page = browser.new_page(viewport={"width": width, "height": height})
                print(f"| {name}, {width} x {height} | {row(page, path)} |")
                page.close()
            browser.close()
    print(f"\n{Machine.here(torch.device('cpu'))}")


def row(page: Page, path: Path) -> str:
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    ready = page.evaluate("performance.now()") / 1000
    page.evaluate(COSTS)  # once for the compiler
    found = [np.percentile(page.evaluate(script), (50, 95)) for script in (COSTS, STEPS)]
    return f"{ready:.1f} | " + " | ".join(f"{value:.1f}" for value in np.ravel(found))


def walker(person: int, frames: int) -> Motion:
    sample = read_keypoints(KEYPOINTS)
    rows, chance = np.resize(np.arange(sample.frames), frames), np.random.default_rng(person)
    xy = sample.xy[rows] + chance.normal(0, 1.5, (frames, *sample.xy.shape[1:]))
    confidence = np.where(sample.observed[rows], chance.uniform(0.3, 1, xy.shape[:2]), 0)
    seen = Keypoints.from_array(
        xy, confidence=confidence, image_size=sample.image_size, fps=FPS, skeleton=sample.skeleton
    )
    filled = np.where(seen.observed[..., None], xy, np.nanmean(xy, axis=(0, 1))).astype(np.float32)
    error = np.where(seen.observed, 0, chance.uniform(5, 50, xy.shape[:2])).astype(np.float32)
    poses = load("cmu-w27").lift(sample, mode="fast")
    positions = poses.positions[rows] + chance.normal(0, 0.003, (frames, *poses.positions.shape[1:])).astype(np.float32)
    poses = replace(poses, positions=positions, observed=seen.observed.any(1), fps=float(FPS))
    way = np.stack([3 * np.sin(np.arange(frames) / 200 + person), np.full(frames, 4.0 + person), np.ones(frames)], -1)
    world = (positions @ UPRIGHT.T + way[:, None]).astype(np.float32)
    origins = Origins("assumed", "model", "body", "ankles", "reprojection")
    where = World(world, poses.skeleton, poses.fps, poses.observed, UPRIGHT, 1.5, 900.0, 1.0, 3.0, origins)
    return Motion(poses, replace(seen, drawn=Drawn(filled, error)), where, person)


if __name__ == "__main__":
    main()
