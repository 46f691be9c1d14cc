"""A training on several machines: torchrun and SLURM start its processes, some of them are lost, others go on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Result
from tasks import Task, started
from test_engine import FIELDS
from test_training import assert_same_run, data, read_log, walk  # noqa: F401

RUNS = Path(__file__).parents[1] / "runs"
EPOCHS = 3


def call(data: Path, out: Path) -> str:  # noqa: F811
    """Epochs of 20 steps, of 5 windows: they cannot be halved."""
    settings = f"epochs={EPOCHS} epoch_windows=100 batch=5 warmup=5".split()
    fields = [*FIELDS, *(f"finetune.{setting}" for setting in settings)]
    return f"finetune --data {data} -o {out} --device cpu --set {' '.join(fields)}"


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """What two tasks leave that nobody disturbs; only one of them writes and talks."""
    out = tmp_path_factory.mktemp("whole")
    first, other = started([call(data, out)] * 2, out)
    assert first.end() == (0, first.said().splitlines()[-1])
    assert [line.partition(",")[0] for line in first.said().splitlines()] == [
        f"finetune: epoch {epoch}/{EPOCHS}" for epoch in range(1, EPOCHS + 1)
    ]
    assert other.end() == (0, "")
    assert {path.name for path in (out / "finetune").iterdir()} == {
        *("log.jsonl", "model.safetensors", "state.safetensors", "tensorboard")
    }
    assert len(list((out / "finetune/tensorboard").iterdir())) == 1
    return out / "finetune"


def wait_for_an_epoch(folder: Path, alive: Callable[[], bool]) -> None:
    while not (folder / "finetune/log.jsonl").exists():
        assert alive()
        time.sleep(0.01)


def begun(calls: list[str], folder: Path, silence: float = 60.0) -> list[Task]:
    """Tasks that have one epoch behind them."""
    tasks = started(calls, folder, silence)
    wait_for_an_epoch(folder, tasks[0].process.is_alive)
    return tasks


def test_a_machine_is_lost_and_one_goes_on(
    whole: Path,
    data: Path,  # noqa: F811
    tmp_path: Path,
    pstmo_here: Callable[[Path, str], Result],
):
    """Of two with `runs/torchrun.sh` on each; the losses are those of two processes."""
    told = {"HEAD": "localhost", "PORT": str(20_000 + os.getpid() % 10_000), "PROCESSES": "1", "OMP_NUM_THREADS": "1"}
    told["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    line = [RUNS / "torchrun.sh", *call(data, tmp_path).split()]
    machines = [subprocess.Popen(line, env=os.environ | told, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    wait_for_an_epoch(tmp_path, lambda: machines[0].poll() is None)
    for process in (machines[1].pid, *children(machines[1].pid)):
        os.kill(process, signal.SIGKILL)
    killed = time.monotonic()
    said, _ = (machine.communicate()[1] for machine in machines)
    assert time.monotonic() - killed < 30
    assert [machine.returncode for machine in machines] == [1, -signal.SIGKILL]
    assert "pstmo: another process of this run is gone, or was silent for 5 minutes" in said or "SIGTERM" in said
    assert 1 <= len(read_log(tmp_path / "finetune")) < EPOCHS
    assert pstmo_here(tmp_path, call(data, tmp_path)).code == 0
    losses = [[line["loss"] for line in read_log(folder)] for folder in (tmp_path / "finetune", whole)]
    np.testing.assert_allclose(*losses, rtol=1e-3)


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_slurm_stops_a_run_and_starts_it_again(whole: Path, data: Path, tmp_path: Path):  # noqa: F811
    """One of two tasks gets SIGTERM: both end, and both go on to the bits of an undisturbed run."""
    first, other = begun([call(data, tmp_path)] * 2, tmp_path)
    os.kill(other.process.pid, signal.SIGTERM)
    code, said = first.end()
    assert code == 143
    assert said.startswith("pstmo: stopped by SIGTERM in epoch ")
    assert other.end() == (143, "")
    assert len(read_log(tmp_path / "finetune")) < EPOCHS
    assert [task.end()[0] for task in started([call(data, tmp_path)] * 2, tmp_path)] == [0, 0]
    assert_same_run(whole, tmp_path / "finetune")


def test_silence_ends_a_run(data: Path, tmp_path: Path):  # noqa: F811
    """As of a machine without power: nothing is heard from it any more, and no connection is closed."""
    first, other = begun([call(data, tmp_path)] * 2, tmp_path, silence=3)
    os.kill(other.process.pid, signal.SIGSTOP)
    try:
        code, said = first.end()
    finally:
        other.process.kill()
    assert code == 75
    assert said.startswith("pstmo: another process of this run is gone, or was silent for 0.05 minutes")
    assert said.endswith("state.safetensors, on as many processes as there are")


def test_machines_must_share_a_folder(whole: Path, data: Path, tmp_path: Path):  # noqa: F811
    """One has a state, the other has none: they would not be at the same step."""
    shutil.copytree(whole, tmp_path / "here/finetune")
    for task in started([call(data, tmp_path / "here"), call(data, tmp_path / "there")], tmp_path):
        code, said = task.end()
        assert code == 2
        assert said.startswith("pstmo: error: the processes of this run found different data, or different states in ")


@pytest.mark.parametrize(
    ("code", "starts", "again"), [(0, 0, False), (2, 0, False), (143, 3, True), (75, 0, True), (137, 19, False)]
)
def test_slurms_script_puts_a_job_back_that_can_go_on(code: int, starts: int, again: bool, tmp_path: Path):
    """With programs that stand in for SLURM's."""
    for name, does in {"srun": f"echo srun $*; exit {code}", "scontrol": "echo scontrol $*"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    slurm = {"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": str(starts), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    line = ["bash", RUNS / "slurm.sh", "train", "--data", "a b"]
    done = subprocess.run(line, env=os.environ | slurm, check=False, capture_output=True, text=True)
    said = ["srun --kill-on-bad-exit=1 python -m pstmo train --data a b", *["scontrol requeue 7"] * again]
    assert (done.stdout.splitlines(), done.returncode) == (said, 0 if again else code)
