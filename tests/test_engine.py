"""Several processes, signals and losses that are no numbers: the command itself, as people run it."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL
from test_training import assert_same_run, data, read_log, sources, walk  # noqa: F401
from torch import nn

from pstmo.chance import Chance
from pstmo.errors import PstmoError, Stopped
from pstmo.presets import Optimisation
from pstmo.training.engine import Engine
from pstmo.training.finetune import finetune
from pstmo.training.stop import Stop
from pstmo.training.synchronised import SynchronisedBatchNorm, synchronised

MODEL = [f"model.{name}={value}" for name, value in asdict(SMALL).items() if isinstance(value, int)]
FIELDS = [*MODEL, "model.strides=3,3", "finetune.precision=fp32", "finetune.lr=2e-3"]


def command(words: str, *fields: str) -> list[str]:
    return [sys.executable, "-m", "pstmo", *words.split(), "--device", "cpu", "--set", *FIELDS, *fields]


def run(words: str, *fields: str, code: int = 0) -> str:
    """Standard error of a command that ends with this code."""
    done = subprocess.run(
        command(words, *fields), check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert done.returncode == code, done.stderr
    return done.stderr


# Several processes


def test_two_processes_are_one(data: Path, tmp_path: Path):  # noqa: F811
    """Fifty steps on the same global batches, of a size that cannot be halved: the same losses to 1e-5."""
    fields = (
        "finetune.epochs=50",
        "finetune.epoch_windows=25",
        "finetune.batch=25",
        "finetune.optimizer=adam",
        "finetune.warmup=5",
    )
    for processes in (1, 2):
        said = run(f"finetune --data {data} -o {tmp_path / str(processes)} --processes {processes}", *fields)
        told = [line for line in said.splitlines() if line.startswith("finetune: ")]
        assert [line.split(",")[0] for line in told] == [f"finetune: epoch {i}/50" for i in range(1, 51)]
    one, two = (read_log(tmp_path / str(processes) / "finetune") for processes in (1, 2))
    assert len(one) == len(two) == 50
    assert one[-1]["loss"] < 0.8 * one[0]["loss"]
    np.testing.assert_allclose([x["loss"] for x in two], [x["loss"] for x in one], rtol=0, atol=1e-5)
    # biases before a batch norm have no gradient but rounding; running averages lag behind where it takes them
    np.testing.assert_allclose([x["validation"] for x in two], [x["validation"] for x in one], rtol=3e-3)


def test_stage_1_is_shared_too_and_torchrun_starts_it(data: Path, tmp_path: Path):  # noqa: F811
    fields = [*FIELDS, "pretrain.epochs=4", "pretrain.epoch_windows=64", "pretrain.batch=32", "pretrain.precision=fp32"]
    words = ["pretrain", "--data", data, "--device", "cpu"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "pstmo"]
    for start, out in (([sys.executable, "-m", "pstmo"], "one"), (torchrun, "two")):
        line = [*start, *words, "-o", tmp_path / out, "--set", *fields]
        subprocess.run(line, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True, capture_output=True)
    one, two = (read_log(tmp_path / out / "pretrain") for out in ("one", "two"))
    np.testing.assert_allclose([x["loss"] for x in two], [x["loss"] for x in one], rtol=0, atol=1e-5)


def test_parts_of_a_batch_add_up_to_it(data: Path, tmp_path: Path):  # noqa: F811
    """Without batch norm's averages, which each part has its own of, the steps are those of the whole batch."""
    settings = Optimisation(epochs=3, batch=24, lr=1e-3, epoch_windows=48)
    logs = {}
    for parts in (1, 3, 5):
        folder = tmp_path / str(parts)
        finetune(*sources(data), folder, SMALL, replace(settings, accumulate=parts), engine=Engine("cpu"))
        logs[parts] = read_log(folder)
    losses = np.array([[line["loss"] for line in log] for log in logs.values()])
    np.testing.assert_allclose(losses[1:], losses[:1].repeat(2, 0), rtol=0.1)
    assert (losses[1:] != losses[0]).any()


def test_what_a_window_meets_does_not_depend_on_who_holds_it():
    whole = Chance.of(0, "step", 5)
    parts = [Chance.of(0, "step", 5, whole=7, start=start) for start in (0, 3, 4)]
    sizes = (3, 1, 3)
    for draw in ("uniform", "normal"):
        there = getattr(whole, draw)(7, 4, 2)
        assert torch.equal(torch.cat([getattr(p, draw)(n, 4, 2) for p, n in zip(parts, sizes, strict=True)]), there)
    there = whole.integers(100, 7)
    assert torch.equal(torch.cat([part.integers(100, size) for part, size in zip(parts, sizes, strict=True)]), there)
    assert not torch.equal(Chance.of(0, "step", 6).uniform(7), Chance.of(0, "step", 5).uniform(7))


def test_a_batch_norm_over_processes_is_one_over_the_whole_batch(tmp_path: Path):
    """Forward, backward and running averages, on shares of different sizes with a mean far from 0."""
    torch.manual_seed(0)
    x, y = torch.randn(11, 6) * torch.tensor([1, 2, 0.1, 5, 1, 1]) + 300, torch.randn(11, 6)
    reference = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 6))
    torch.save({"x": x, "y": y, "state": reference.state_dict()}, tmp_path / "case.pt")
    processes = [
        subprocess.Popen([sys.executable, __file__, str(tmp_path), str(rank)], stderr=subprocess.PIPE)
        for rank in range(2)
    ]
    assert [process.communicate()[1] and process.returncode for process in processes] in ([b"", b""], [0, 0])
    x.requires_grad_()
    (reference(x) * y).sum().backward()
    found = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    torch.testing.assert_close(torch.cat([part["x"] for part in found]), x.grad, atol=1e-4, rtol=1e-3)
    for name, weight in reference.named_parameters():
        torch.testing.assert_close(found[0][name] + found[1][name], weight.grad, atol=1e-3, rtol=1e-3)
    for name, buffer in reference.named_buffers():
        assert torch.equal(found[0]["buffers"][name], found[1]["buffers"][name])
        torch.testing.assert_close(found[0]["buffers"][name], buffer)


def batch_norm_of_one_process(folder: Path, rank: int) -> None:
    store = torch.distributed.FileStore(str(folder / "store"), 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    case = torch.load(folder / "case.pt")
    network = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 6))
    network.load_state_dict(case["state"])
    synchronised(network)
    assert type(network[0]) is SynchronisedBatchNorm
    rows = slice(0, 4) if rank == 0 else slice(4, 11)
    x = case["x"][rows].requires_grad_()
    (network(x) * case["y"][rows]).sum().backward()
    gradients = {name: weight.grad for name, weight in network.named_parameters()}
    torch.save({"x": x.grad, "buffers": dict(network.named_buffers()), **gradients}, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def test_what_cannot_be_had_is_said(data: Path, tmp_path: Path):  # noqa: F811
    if not torch.cuda.is_available():
        with pytest.raises(PstmoError, match=r"^there is no device 'cuda' here; available: auto, cpu(, mps)?$"):
            Engine("cuda")
    with pytest.raises(PstmoError, match=r"^there is no device 'tpu' here; available: auto, cpu"):
        Engine("tpu")
    with pytest.raises(PstmoError, match=r"^found 0 processes, expected 1 or more$"):
        Engine("cpu", 0)
    settings = Optimisation(epochs=1, batch=8, accumulate=5)
    with pytest.raises(PstmoError, match="a batch of 8 windows cannot be shared by 1 processes in 5 parts each"):
        finetune(*sources(data), tmp_path / "out", SMALL, settings)


# Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_exits(number: signal.Signals, data: Path, tmp_path: Path):  # noqa: F811
    """In the middle of an epoch; the same command then ends with the bits of an undisturbed run."""
    fields = ("finetune.epochs=2", "finetune.batch=2", "finetune.epoch_windows=600", "finetune.warmup=10")
    stopped = tmp_path / "stopped"
    line = command(f"finetune --data {data} -o {stopped}", *fields)
    with subprocess.Popen(
        line, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not (stopped / "finetune/tensorboard").exists():
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(number)
        _, said = process.communicate()
    assert process.returncode == 128 + number
    assert f"stopped by {number.name} in epoch 1, step" in said.splitlines()[-1]
    assert (stopped / "finetune/state.safetensors").exists()
    assert not (stopped / "finetune/log.jsonl").exists()
    run(f"finetune --data {data} -o {stopped}", *fields)
    run(f"finetune --data {data} -o {tmp_path / 'whole'}", *fields)
    assert_same_run(stopped / "finetune", tmp_path / "whole/finetune")


def test_signals_are_what_they_were_after_a_run():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    engine = Engine("cpu")
    with Stop() as stop:
        assert not stop.asked(engine)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.now(engine)
        assert stop.asked(engine)
        assert isinstance(stop.error("here"), Stopped)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_five_kills_leave_no_trace(data: Path, tmp_path: Path):  # noqa: F811
    """SIGKILL at five random moments of both stages, each time gone on with: bit-equal to the undisturbed run."""
    small = ("epochs=3", "epoch_windows=400", "batch=4", "warmup=5")
    fields = [f"{stage}.{field}" for stage in ("pretrain", "finetune") for field in small]
    env, line = os.environ | {"OMP_NUM_THREADS": "1"}, f"train --data {data} -o {tmp_path / 'killed'}"
    started = time.monotonic()
    run(f"train --data {data} -o {tmp_path / 'whole'}", *fields)
    duration, chance, kills = time.monotonic() - started, random.Random(1), 0
    while kills < 5:
        with subprocess.Popen(
            command(line, *fields), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(chance.uniform(0.3, 0.7) * duration)
            process.kill()
        kills += process.returncode == -signal.SIGKILL
        if process.returncode == 0:  # other programs took less time from it than from the first one
            shutil.rmtree(tmp_path / "killed")
            kills, duration = 0, duration / 2
    run(line, *fields)
    for stage in ("pretrain", "finetune"):
        assert_same_run(tmp_path / "whole" / stage, tmp_path / "killed" / stage)


# Losses that are no numbers


def test_a_loss_that_is_no_number_stops_with_its_batch_saved(data: Path, tmp_path: Path):  # noqa: F811
    settings = Optimisation(epochs=20, batch=8, lr=1e30, epoch_windows=80)
    with pytest.raises(
        PstmoError, match=r"the loss was (nan|inf) in epoch \d+, step \d+ of 10; its batch is in .*diverged.npz"
    ):
        finetune(*sources(data), tmp_path, SMALL, settings)
    with np.load(tmp_path / "diverged.npz", allow_pickle=False) as saved:
        assert saved["keypoints"].shape == (8, 9, 17, 2)
        assert saved["poses"].shape == (8, 9, 17, 3)
        assert len(saved["numbers"]) == 8
    log = tmp_path / "log.jsonl"
    assert not log.exists() or all(np.isfinite(json.loads(x)["loss"]) for x in log.read_text().splitlines())


if __name__ == "__main__":
    batch_norm_of_one_process(Path(sys.argv[1]), int(sys.argv[2]))
