"""Shared by the tests: tiny networks and tiny motion, so that everything real can be run in a moment."""

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import settings

from pstmo.checkpoint import Checkpoint, save
from pstmo.cli import main
from pstmo.model.stmo import STMO
from pstmo.presets import ModelConfig
from pstmo.sequence import Keypoints
from pstmo.skeleton import COCO, HUMAN36M

torch.set_num_threads(1)  # small networks: a second thread costs more than it gives

settings.register_profile("same", derandomize=True, deadline=None)  # what fails here fails everywhere, however slow
settings.load_profile("same")

SMALL = ModelConfig(strides=(3, 3), depth=2, width=32, hidden=64, heads=4, dropout=0.0)


@pytest.fixture
def small() -> ModelConfig:
    return SMALL


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory) -> Path:
    """A tiny untrained lifter, COCO-17 in, Human3.6M-17 out."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    torch.manual_seed(0)
    save(path, Checkpoint(STMO(SMALL), COCO, HUMAN36M, "small", "person", rate=50.0))
    return path


@pytest.fixture
def walker() -> Keypoints:
    """Forty frames of a person who sways, in a picture of 640 x 480."""
    return keypoints(frames=40)


def keypoints(frames: int, seed: int = 0) -> Keypoints:
    chance = np.random.default_rng(seed)
    pose = chance.uniform((200, 100), (440, 400), (1, 17, 2))
    sway = 20 * np.sin(np.arange(frames) / 8 + chance.uniform(0, 6, (17, 2, 1))).transpose(2, 0, 1)
    return Keypoints.from_array(pose + sway, image_size=(640, 480), fps=30)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Names of files that are no text stand in logs; reports with them could not go from one process to another."""
    report = yield
    report.sections = [(name, text.encode(errors="replace").decode()) for name, text in report.sections]
    return report


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def pstmo_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Path, str], Result]:
    """`pstmo` in this process, in a folder: as `start` and `finish`, but quick."""

    def run(folder: Path, line: str) -> Result:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["pstmo", *line.split()])
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        assert isinstance(code, int)
        return Result(code, *capsys.readouterr())

    return run
