"""A whole training as one job: what its report says of what it was told."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recordings import recording
from test_training import PEOPLE, write_motion

from pstmo.datasets import paired
from pstmo.presets import PRESETS
from pstmo.skeleton import COCO
from pstmo.train import Job
from pstmo.training.engine import Engine

LIVE = PRESETS["cmu-w27"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With people, a folder of paired data, and motion.npz."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "people").mkdir()
    splits = [
        recording(f"Walk {i}", kinds={"a": COCO, "b": COCO}, split=s) for i, s in enumerate(("train", "validation"))
    ]
    paired.write(folder / "people", "people", splits)
    write_motion(folder / "motion.npz", np.random.default_rng(0).normal(0, 0.5, (30, 22, 3)), PEOPLE)
    return folder


@pytest.mark.parametrize(
    ("data", "rates", "stage", "told", "untold"),
    [
        (
            "people",
            LIVE.rates,
            "finetune",
            {"data": "{}, keypoints b", "tds": "1"},
            {"rates", "masking", "pretrain"},
        ),
        ("motion.npz", LIVE.rates, "pretrain", {"data": "{}", "rates": "20.0, 60.0"}, {"tds", "finetune"}),
        (
            "motion.npz",
            None,
            "pretrain",
            {"tds": "1", "with validation": "yes", "keep": "last"},
            {"rates", "refine"},
        ),
    ],
)
def test_a_report_says_the_data_and_what_was_used(data, rates, stage, told, untold, folder: Path, tmp_path: Path):
    recipe, kind = replace(LIVE, rates=rates), "b" if data == "people" else None
    job = Job.of(folder / data, recipe, tmp_path / "mine", Engine("cpu"), kind, everything="with validation" in told)
    (tmp_path / "mine" / stage).mkdir(parents=True)
    (tmp_path / "mine" / stage / "log.jsonl").write_text('{"epoch": 1, "validation": 90.0}\n')
    job.report()
    page = (tmp_path / "mine/report.html").read_text("utf-8")
    settings = dict(re.findall(r"<th scope=row>([^<]+)<td>([^<\n]+)", page))
    told = {name: value.format(folder / data) for name, value in told.items()}
    assert settings.items() >= told.items()
    names = settings.keys() | set(re.findall("<h3>(.*?)</h3>", page))
    assert stage in names
    assert not names & untold
    assert f"<h1>mine: window 27, trained on {settings['data']}</h1>" in page
