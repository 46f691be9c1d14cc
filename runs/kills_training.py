"""Kills of a small real training, stage I, stage II and report: what they lose, and whether anything comes out wrong.

    python runs/kills_training.py [--kills 50] [--seed 0] [--folder runs/out/kills]

The command runs undisturbed once. Then again, each time with SIGKILL for its whole process group at a random moment,
uniform over the time of an undisturbed run, Python's start and all writing included; it is started again until it
finishes, then the next run begins, until there were enough kills. A state is saved after the 20 steps of an epoch, and
after its validation. After each kill all that is there must be whole; at the end of each run it must equal the
undisturbed one: weights, optimizers and losses bit by bit, every step in the curves once, nothing left over. The table
is for docs/reliability.md.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from cmu_files import PEOPLE, walker, write_motion

from pstmo import checkpoint
from pstmo.benchmark.machine import Machine
from pstmo.cli import main as command
from pstmo.errors import PstmoError
from pstmo.files.tensors import read_tensors
from pstmo.train import Job
from pstmo.training import loop
from pstmo.training.logs import Logs
from pstmo.training.loop import Run
from pstmo.training.state import RunState

STAGES = {"pretrain": "stage I", "finetune": "stage II"}
MODEL = "depth=2 width=32 hidden=64 heads=4 dropout=0.1 strides=3,3"
SETTINGS = "epochs=3 epoch_windows=80 batch=4 warmup=5"
START = "start-up, end, between stages"
PLACES = (START, "steps of stage I", "steps of stage II", "validation", "writing", "report")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--folder", type=Path, default=Path("runs/out/kills"))
    options = arguments.parse_args()
    folder, begun = options.folder, time.perf_counter()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_motion(folder / "motion.npz", walker(folder, 49, 60.0).positions, PEOPLE)
    usual, _ = attempt(folder, "whole", None)
    print(f"undisturbed: {usual:.1f} s", file=sys.stderr, flush=True)
    chance, kills, lost, wrong, runs = random.Random(options.seed), Counter[str](), Counter[str](), Counter[str](), 0
    place: str | None = ""
    while kills.total() < options.kills or place is not None:
        moment = chance.uniform(0, usual) if kills.total() < options.kills else None
        _, place = attempt(folder, str(runs), moment)
        if place is None:
            problems = differences(folder / "whole", folder / str(runs))
            runs += 1
        else:
            kills[place] += 1
            problems = damage(folder / str(runs))
            lost[place] += steps_lost(folder / str(runs))
        wrong[place or "finished"] += len(problems)
        print(kills.total(), place or "finished", *problems, sep=", ", file=sys.stderr, flush=True)
    print("| the kill fell into | kills | steps made again | found wrong after it |\n| --- | --: | --: | --: |")
    for place in PLACES:
        print(f"| {place} | {kills[place]} | {lost[place]} | {wrong[place]} |")
    print(f"| together | {kills.total()} | {lost.total()} | {wrong.total() - wrong['finished']} |")
    minutes = (time.perf_counter() - begun) / 60
    print(f"\n{kills.total()} kills in {runs} runs that take {usual:.0f} s each, {minutes:.0f} minutes in all; "
          f"different from the undisturbed run at the end: {wrong['finished']}. "
          f"{Machine.here(torch.device('cpu'))}")  # fmt: skip


def attempt(folder: Path, name: str, moment: float | None) -> tuple[float, str | None]:
    """Starts the run, or goes on with it; kills it after `moment` seconds. Gives the seconds that it ran and the place
    where the kill fell, None if it had finished."""
    trace = folder / name / "trace"
    trace.parent.mkdir(exist_ok=True)
    trace.write_text((trace.read_text() if trace.exists() else "") + f"place {START}\n")
    fields = [f"model.{field}" for field in MODEL.split()]
    fields += [f"{stage}.{field}" for stage in STAGES for field in SETTINGS.split()]
    words = ["train", "--data", folder / "motion.npz", "-o", folder / name / "out", "--device", "cpu", "--set", *fields]
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, __file__, "traced", trace, *words],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            _, said = process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            _, said = process.communicate()
    if process.returncode == -signal.SIGKILL:
        return time.perf_counter() - started, last_place(trace)
    assert process.returncode == 0, said.decode()
    return time.perf_counter() - started, None


def traced(trace: Path) -> None:
    """The command in this process; the trace gets a line for each step and wherever the work turns to another thing."""
    handle, places = os.open(trace, os.O_WRONLY | os.O_APPEND), [START]

    def note(line: str) -> None:
        os.write(handle, f"{line}\n".encode())  # it is there, whatever happens to the process

    def within(place: str | None, job: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(job)
        def noted(first: Any, *others: Any, **named: Any) -> Any:
            places.append(place or f"steps of {STAGES[first.folder.name]}")
            note(f"place {places[-1]}")
            result = job(first, *others, **named)
            places.pop()
            note(f"place {places[-1]}")
            return result

        return noted

    made = Run._step

    def counted(self: Run, epoch: int, step: int, numbers: torch.Tensor) -> torch.Tensor:
        note(f"step {self.folder.name} {epoch} {step}")
        return made(self, epoch, step, numbers)

    loop.SAVING = 0.5
    for owner, name, place in (
        *((Run, "train", None), (Run, "_finish", "validation"), (RunState, "save", "writing")),
        *((checkpoint, "save", "writing"), (Logs, "epoch", "writing"), (Job, "report", "report")),
    ):
        setattr(owner, name, within(place, getattr(owner, name)))
    Run._step = counted
    command()


def last_place(trace: Path) -> str:
    return [line for line in trace.read_text().splitlines() if line.startswith("place")][-1].removeprefix("place ")


def steps_lost(folder: Path) -> int:
    """Steps of the attempt that was killed which no state has."""
    lost = 0
    for line in (folder / "trace").read_text().rpartition(f"place {START}\n")[2].splitlines():
        if line.startswith("step"):
            _, stage, epoch, step = line.split()
            lost += (int(epoch), int(step)) >= saved(folder / "out" / stage)
    return lost


def saved(stage: Path) -> tuple[int, int]:
    """Epoch and step from which a stage goes on."""
    path = stage / "state.safetensors"
    position = json.loads(read_tensors(path)[1]["position"]) if path.exists() else {"history": [], "step": 0}
    return len(position["history"]), position["step"]


def damage(folder: Path) -> list[str]:
    """What is there and not whole."""
    problems = []
    for path in folder.rglob("[!.]*.safetensors"):
        try:
            (read_tensors if path.name == "state.safetensors" else checkpoint.load)(path)
        except PstmoError as error:
            problems.append(str(error))
    for path in folder.rglob("log.jsonl"):
        epochs = [line["epoch"] for line in log(path)]
        problems += [] if epochs == list(range(1, len(epochs) + 1)) else [f"{path} has epochs {epochs}"]
    return problems


def log(path: Path) -> list[dict[str, float]]:
    """Without times."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in line.items() if not key.startswith(("seconds", "windows"))} for line in lines]


def differences(one: Path, other: Path) -> list[str]:
    """Between two finished runs."""
    problems = damage(other)
    here, there = (sorted(str(path.relative_to(run)) for path in run.rglob("*") if "tensorboard" not in path.parts)
                   for run in (one, other))  # fmt: skip
    problems += [] if here == there else [f"{other} has {there}"]
    for name in STAGES:
        a, b = one / "out" / name, other / "out" / name
        problems += [] if log(a / "log.jsonl") == log(b / "log.jsonl") else [f"another log in {b}"]
        problems += [] if curve(a) == curve(b) else [f"another curve in {b}"]
        for path in a.glob("*.safetensors"):
            expected, found = read_tensors(path)[0], read_tensors(b / path.name)[0]
            same = expected.keys() == found.keys() and all(torch.equal(expected[key], found[key]) for key in expected)
            problems += [] if same else [f"other bits in {b / path.name}"]
    return problems


def curve(stage: Path) -> list[tuple[int, float]]:
    """The loss at each block of steps, as TensorBoard shows it."""
    events = EventAccumulator(str(stage / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars("loss")]


if __name__ == "__main__":
    if sys.argv[1:2] == ["traced"]:
        trace = Path(sys.argv[2])
        sys.argv[:3] = ["pstmo"]
        traced(trace)
    else:
        main()
