"""The benchmark really runs, on a tiny network and for a moment; what it says of the machine's speed is not judged."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pstmo.benchmark.clock import PARTS, Clock
from pstmo.benchmark.tables import NAMES, number
from pstmo.benchmark.training import HUMAN36M_FRAMES, made_up, measure
from pstmo.benchmark.ways import OneByOne, attending, loaded
from pstmo.cli import main
from pstmo.cli.settings import recipe
from pstmo.datasets import motions
from pstmo.datasets.clips import Motion
from pstmo.errors import PstmoError
from pstmo.model import layers
from pstmo.presets import Recipe
from pstmo.training.sources import SeenMotion

MODEL = ("model.width=16", "model.hidden=16", "model.heads=2", "model.strides=3,3", "model.depth=1")
TINY = (*MODEL, "finetune.batch=4", "pretrain.batch=4")
WAYS = ["engine, stage II", "engine, stage I", "plain loop, 0 workers", "plain loop, 2 workers"]
WAYS += ["plain loop, ready-made"] * 4


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of one person."""
    positions = made_up(200).positions
    assert isinstance(positions, np.ndarray)
    path = tmp_path_factory.mktemp("data") / "motion.npz"
    motions.save(path, [Motion(positions, 50.0, "01_01", "01", "walk", "cmu")], {}, {})
    return path


def command(*options: str) -> tuple[int, str, str]:
    """`pstmo benchmark train`: exit code, what it prints, what it prints as errors."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["pstmo", "benchmark", "train", "--device", "cpu", *options])
        try:
            main()
        except SystemExit as end:
            code = int(str(end.code))
    return code, out.getvalue(), err.getvalue()


class Measured(NamedTuple):
    out: str
    json: dict[str, Any]
    path: Path


@pytest.fixture(scope="module")
def measured(motion: Path, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """A run with all ways."""
    path = tmp_path_factory.mktemp("results") / "speed.json"
    told = ("--seconds", "0.1", "--data", str(motion), "--json", str(path), "--compare")
    code, out, err = command("--preset", "p-stmo-s", *told, "--set", *TINY)
    assert (code, err) == (0, "")
    return Measured(out, json.loads(path.read_text()), path)


def rows(out: str, heading: str) -> list[list[str]]:
    """The cells of the table whose heading begins so."""
    lines = out[out.index(f"| {heading}") :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_says_what_the_json_says(measured: Measured, motion: Path):
    out, found, path = measured
    what = [found[name] for name in ("format", "preset", "window", "batch", "optimizer", "data")]
    assert what == ["pstmo benchmark train 1", "p-stmo-s", 9, 4, "adam", str(motion)]
    for value in ("p-stmo-s", "window 9", "batch 4", "adam", str(motion), found["machine"]["cpu"], torch.__version__):
        assert value in out
    assert [way["way"] for way in found["ways"]] == WAYS
    for way, cells in zip(found["ways"], rows(out, "way"), strict=True):
        numbers = [way[name] for name in ("windows_per_second", "slowest_turn", "quickest_turn")]
        expected = [way["way"], way["precision"], way["attention"], *map(number, numbers)]
        assert cells == [*expected, f"{way['times_plain']:.2f}"]
    for part, cells in zip(PARTS, rows(out, "a step"), strict=True):
        seconds, share = found["step"]["seconds"][part], found["step"]["shares"][part]
        assert cells == [NAMES[part], f"{1000 * seconds:.1f}", f"{share:.1%}"]
    assert f"everything else: {found['step']['outside']:.1%} of a step" in out
    assert f"takes {number(sum(stage['hours'] for stage in found['schedule']))} hours (extrapolated, not run)" in out
    assert out.endswith(f"wrote {path}\n")
    assert list(path.parent.iterdir()) == [path]


def test_shares_are_of_the_whole_step(measured: Measured):
    step = measured.json["step"]
    assert list(step["shares"]) == list(PARTS)
    assert sum(step["shares"].values()) == pytest.approx(1)
    assert min(step["shares"].values()) > 0
    assert step["outside"] == pytest.approx(step["shares"]["batch"] + step["shares"]["rest"])
    [engine] = [way for way in measured.json["ways"] if way["way"] == "engine, stage II"]
    assert 4 / sum(step["seconds"].values()) == pytest.approx(engine["windows_per_second"])


def test_speeds_are_compared_with_the_quickest_plain_loop(measured: Measured):
    ways = {
        way["way"]: way for way in measured.json["ways"] if way["precision"] == "fp32" and way["attention"] == "fused"
    }
    plain = max(ways[f"plain loop, {workers} workers"]["windows_per_second"] for workers in (0, 2))
    for way in measured.json["ways"]:
        assert way["times_plain"] == pytest.approx(way["windows_per_second"] / plain)
        assert 0 < way["slowest_turn"] <= way["windows_per_second"] * (1 + 1e-9)
        assert way["windows_per_second"] <= way["quickest_turn"] * (1 + 1e-9)


def test_precision_and_attention_are_told_apart(measured: Measured):
    ready = [
        (way["precision"], way["attention"]) for way in measured.json["ways"] if way["way"] == "plain loop, ready-made"
    ]
    assert ready == [("fp32", "fused"), ("fp32", "pstmo"), ("bf16", "fused"), ("bf16", "pstmo")]


def test_the_schedule_is_every_window_of_the_papers_data(measured: Measured):
    engines = {way["way"]: way["windows_per_second"] for way in measured.json["ways"]}
    for stage in measured.json["schedule"]:
        assert (stage["epochs"], stage["windows"]) == (80, 2 * HUMAN36M_FRAMES)
        seconds = 80 * 2 * HUMAN36M_FRAMES / engines[f"engine, {stage['name']}"]
        assert stage["hours"] == pytest.approx(seconds / 3600)


def test_without_a_gpu_nothing_is_said_of_one(measured: Measured):
    assert measured.json["machine"]["gpu"] is None
    assert measured.json["gpu"] == {"peak_memory_gib": None, "utilisation_percent": None}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--preset", "p-stmo-xl"], "unknown preset 'p-stmo-xl'; available: cmu-w27"),
        (["--set", "finetune.btch=3"], "no such field; available: epochs"),
        (["--seconds", "0"], "found 0 seconds, expected more than 0"),
        (["--data", "nowhere.npz"], "nowhere.npz"),
        (["--json", "nowhere/speed.json"], "cannot write nowhere/speed.json: expected the name of a file in a folder"),
        (["--json", "."], "cannot write .: expected the name of a file"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = command(*options)
    assert (code, out) == (2, "")
    assert err.startswith("pstmo: error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_data_smaller_than_a_batch_is_refused(motion: Path):
    with pytest.raises(PstmoError, match="found 200 frames, expected as many as there are windows in a batch"):
        measure(recipe("cmu-w27", MODEL), "cmu-w27", motion, "cpu", 0.1)


def test_a_clock_tells_parts_apart_and_leaves_out_what_does_not_count():
    clock = Clock()
    for what in ("batch", "forward", "batch", ""):
        clock.mark(what)
        sleep(0.01)
    clock.mark("rest")
    clock.mark("")
    parts = clock.take()
    assert set(parts) == set(PARTS)
    assert parts["batch"] >= 0.02
    assert parts["forward"] >= 0.01
    assert parts["backward"] == parts["optimizer"] == 0
    assert sum(clock.take().values()) == 0


def test_the_other_way_to_attend_gives_the_same_and_ends_with_its_block():
    before, fused = layers.attend, F.scaled_dot_product_attention
    q, k, v = torch.randn(3, 2, 4, 9, 8).unbind()
    with attending("fused"):
        assert layers.attend is not before
        torch.testing.assert_close(layers.attend(q, k, v, dropout=0.0), fused(q, k, v))
    assert layers.attend is before
    with attending("pstmo"):
        assert layers.attend is before


@pytest.mark.parametrize("workers", [0, 1])
def test_the_plain_loader_gives_batches_of_windows_without_end(workers: int):
    small: Recipe = recipe("cmu-w27", TINY)
    windows = OneByOne(SeenMotion.of(made_up(30), small), 9)
    batches = loaded(windows, 8, workers, torch.device("cpu"))
    for _ in range(4):  # an epoch has three
        keypoints, poses = next(batches)
        assert (keypoints.shape, poses.shape) == ((8, 9, 17, 2), (8, 9, 17, 3))
        assert keypoints.isfinite().all()
