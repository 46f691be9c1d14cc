"""The benchmark of lifting really runs, for a moment; what it says of the machine's speed is not judged."""

import json
from pathlib import Path

import pytest
import torch

import pstmo
from pstmo.benchmark.lifting import MODES, described, latency, measure, mode_macs, plainly, swaying
from pstmo.benchmark.lifting_tables import table, to_json
from pstmo.errors import CheckpointError
from pstmo.lift import Lifter
from pstmo.model.cost import exact_macs, macs

SECONDS = 0.05


@pytest.fixture(scope="module")
def lifter(small_checkpoint: Path) -> Lifter:
    return pstmo.load(small_checkpoint)


def test_every_mode_stands_beside_the_plain_network(small_checkpoint: Path):
    result = measure(str(small_checkpoint), "cpu", SECONDS)
    ways = [(speed.way, speed.precision) for speed in result.speeds]
    assert ways == [("plain network, window by window", "fp32")] + [(m, p) for m in MODES for p in ("fp32", "bf16")]
    plain, exact, narrow, *_ = result.speeds
    assert plain.apart == 0
    assert exact.apart < 1e-6
    assert 1e-6 < narrow.apart < 0.1
    assert all(speed.range[0] <= speed.frames_per_second <= speed.range[1] for speed in result.speeds)
    assert all(0 < result.share(speed) < 1 for speed in result.speeds)
    assert (result.weights, result.window, result.framing) == ("small", 9, "person")
    assert 0 < result.load < result.start < 60
    assert [(each.precision, each.lag) for each in result.latencies] == [
        ("fp32", 0), ("fp32", 4), ("bf16", 0), ("bf16", 4)
    ]  # fmt: skip
    assert all(0 < each.p50 <= each.p95 for each in result.latencies)
    told, facts = table(result), json.loads(to_json(result))
    assert [speed["way"] for speed in facts["speeds"]] == [way for way, _ in ways]
    assert facts["speeds"][1]["times_plain"] == pytest.approx(exact.frames_per_second / plain.frames_per_second)
    assert all(way in told for way, _ in ways)
    assert len({len(line) for line in told.splitlines() if line.startswith("| ") and "frames/s" not in line}) <= 3


def test_the_plain_network_does_what_exact_lifting_does(lifter: Lifter):
    torch.testing.assert_close(plainly(lifter, 20), lifter.lift(swaying(20), mode="exact").positions, atol=1e-5, rtol=0)


def test_work_is_counted_once(lifter: Lifter):
    config = lifter.network.config
    cost = macs(config)
    assert mode_macs(lifter, MODES["exact"]) == 2 * exact_macs(config)
    assert mode_macs(lifter, MODES["fast"]) == 2 * exact_macs(config) / 5
    window = 9 * cost.tokens + cost.encoder + cost.sequence_head
    assert mode_macs(lifter, MODES["sequence, overlap 0"]) == pytest.approx(2 * window / 9)
    assert mode_macs(lifter, MODES["sequence, overlap 0.5"]) == pytest.approx(2 * window / 4)


def test_threads_are_given_back(lifter: Lifter):
    before = torch.get_num_threads()
    latency(lifter, 0, frames=6)
    assert torch.get_num_threads() == before


def test_presets_are_untrained_networks():
    found = described("p-stmo-s")
    assert (found.framing, found.network.config.frames) == ("screen", 243)
    assert "untrained" in found.name
    with pytest.raises(CheckpointError, match="available: "):
        described("nonsense")


def test_the_command_prints_and_writes(small_checkpoint: Path, tmp_path: Path, pstmo_here):
    line = f"benchmark lift --weights {small_checkpoint} --seconds {SECONDS} --json lift.json"
    result = pstmo_here(tmp_path, line)
    assert result.code == 0
    assert "Lifting with small: window 9" in result.out
    assert json.loads((tmp_path / "lift.json").read_text())["format"] == "pstmo benchmark lift 1"
