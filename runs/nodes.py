"""A machine lost in the middle of a training, and what goes on: two agents of `runs/torchrun.sh`, both on this machine.

    python runs/nodes.py [--folder runs/out/nodes]

One of two processes is killed, or one together with its agent, as when a machine is lost; the other has to end by
itself. Then two processes go on, three, or one, and their losses and weights are compared with a run of
two processes that nobody disturbed. A batch has 25 windows, which neither two nor three processes can share evenly.
The table is for docs/training.md.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from cmu_files import PEOPLE, walker, write_motion

from pstmo.benchmark.machine import Machine
from pstmo.files.tensors import read_tensors

EPOCHS = 4
MODEL = "depth=2 width=32 hidden=64 heads=4 strides=3,3"
SETTINGS = f"epochs={EPOCHS} epoch_windows=500 batch=25 warmup=5 precision=fp32"
FIELDS = [f"model.{field}" for field in MODEL.split()] + [f"finetune.{field}" for field in SETTINGS.split()]
CASES = (("a process", 2), ("a machine", 3), ("a machine", 1))
"""What is lost, and how many processes go on."""

Machines = list["subprocess.Popen[str]"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--folder", type=Path, default=Path("runs/out/nodes"))
    folder = arguments.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_motion(folder / "motion.npz", walker(folder, 300, 60.0).positions, PEOPLE)
    assert end(machines(folder, "whole", 2))[0] == 0
    print("| lost | the other ends after | epochs done | go on | losses differ by | weights |")
    print("| --- | --: | --: | --: | --: | --- |")
    for number, (what, processes) in enumerate(CASES):
        seconds, said = lost(folder, str(number), what)
        epochs = len(losses(folder / str(number)))
        code, errors = end(machines(folder, str(number), processes))
        assert code == 0, errors
        expected, found = losses(folder / "whole"), losses(folder / str(number))
        apart = max(abs(a - b) / a for a, b in zip(expected, found, strict=True))
        same = "the same bits" if weights(folder / str(number)) == weights(folder / "whole") else "up to rounding"
        assert "is gone" in said, said
        facts = (what, f"{seconds:.1f} s", f"{epochs} of {EPOCHS}", processes, f"{apart:.1e}", same)
        print("|", " | ".join(map(str, facts)), "|", flush=True)
    print(f"\n{Machine.here(torch.device('cpu'))}")


def machines(folder: Path, name: str, number: int) -> Machines:
    """As many, with one process each."""
    script = Path(__file__).with_name("torchrun.sh")
    words = ["finetune", "--data", folder / "motion.npz", "-o", folder / name, "--device", "cpu", "--set", *FIELDS]
    told = {"HEAD": "localhost", "PORT": str(20_000 + os.getpid() % 10_000), "NODES": str(number), "PROCESSES": "1"}
    told |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    return [
        subprocess.Popen([script, *words], env=os.environ | told, stderr=subprocess.PIPE, text=True,
                         stdout=subprocess.DEVNULL)
        for _ in range(number)
    ]  # fmt: skip


def end(those: Machines) -> tuple[int, str]:
    """The largest exit code, and all that they said."""
    said = [machine.communicate()[1] for machine in those]
    return max(abs(machine.returncode) for machine in those), "\n".join(said)


def lost(folder: Path, name: str, what: str) -> tuple[float, str]:
    """Seconds that the other needs to end, and what it says then."""
    other, victim = machines(folder, name, 2)
    while not (folder / name / "finetune/log.jsonl").exists():
        assert other.poll() is None, other.communicate()[1]
        time.sleep(0.05)
    process = int(Path(f"/proc/{victim.pid}/task/{victim.pid}/children").read_text().split()[0])
    for number in [process] if what == "a process" else [victim.pid, process]:
        os.kill(number, signal.SIGKILL)
    killed = time.perf_counter()
    other.wait()
    seconds = time.perf_counter() - killed
    told = [line for part in (other, victim) for line in part.communicate()[1].splitlines() if "pstmo: " in line]
    return seconds, "; ".join(line.partition("pstmo: ")[2].partition(";")[0] for line in told) or "nothing"


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "finetune/log.jsonl").read_text().splitlines()]


def weights(out: Path) -> dict[str, bytes]:
    tensors, _ = read_tensors(out / "finetune/model.safetensors")
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


if __name__ == "__main__":
    main()
