"""Damaged files through every reader: what crashes, hangs, takes too much memory or raises another error than ours.

    python runs/fuzz.py [--inputs 1000000] [--only "keypoints "] [--seed 0]

Each reader runs in a process of its own, so that one that crashes takes no other with it. What is found wrong lies in
runs/out/fuzz, one file for each kind; the table is for docs/reliability.md. Videos get a thousandth of the inputs: they
take as much longer.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

sys.path.append(str(Path(__file__).parents[1] / "fuzz"))
from mutations import mutated
from targets import targets
from trying import counted, memory_limit

from pstmo.benchmark.machine import Machine

KEPT = Path("runs/out/fuzz")
PART = 20_000
"""Inputs of one process; then another goes on."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--inputs", type=int, default=1_000_000, help="over all readers")
    arguments.add_argument("--only", default="", help="readers whose name begins so")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--processes", type=int, default=2)
    options = arguments.parse_args()
    with TemporaryDirectory() as folder:
        names = [name for name in targets(Path(folder)) if name.startswith(options.only)]
    each = -(-options.inputs // len(names))
    started, counts = time.perf_counter(), {name: Counter[str]() for name in names}
    jobs = [
        job for name in names for job in parts(name, max(1, each // 1000) if name == "video" else each, options.seed)
    ]
    with ProcessPoolExecutor(options.processes) as pool:
        for name, found in pool.map(run, jobs):
            counts[name] += found
            print(f"{name}: {dict(found)}", file=sys.stderr, flush=True)
    print("| reader | inputs | read | refused | wrong |\n| --- | --: | --: | --: | --- |")
    for name, found in counts.items():
        wrong = ", ".join(f"{kind}: {number}" for kind, number in found.items() if kind not in ("read", "refused"))
        print(f"| {name} | {found.total():,} | {found['read']:,} | {found['refused']:,} | {wrong or 'nothing'} |")
    minutes, number = (time.perf_counter() - started) / 60, sum(found.total() for found in counts.values())
    print(f"\n{number:,} inputs in {minutes:.0f} minutes. {Machine.here(torch.device('cpu'))}")


def parts(name: str, inputs: int, seed: int) -> Iterator[tuple[str, int, int]]:
    """Name, number of inputs and seed of each process."""
    for number, first in enumerate(range(0, inputs, PART)):
        yield name, min(PART, inputs - first), 1_000_003 * seed + number


def run(job: tuple[str, int, int]) -> tuple[str, Counter[str]]:
    """In a process of its own, of which the reader may take what it likes."""
    try:
        with ProcessPoolExecutor(1, initializer=memory_limit, initargs=(8,)) as alone:
            return job[0], alone.submit(tried, job).result()
    except BrokenProcessPool:
        return job[0], Counter({f"crash with seed {job[2]}": 1})


def tried(job: tuple[str, int, int]) -> Counter[str]:
    name, inputs, seed = job
    with TemporaryDirectory() as folder:
        target = targets(Path(folder))[name]
        chance = random.Random(f"{name} {seed}")
        scratch = Path(folder) / "tried"
        scratch.mkdir()
        return counted(target, (mutated(target.seed, chance) for _ in range(inputs)), scratch, KEPT / name)


if __name__ == "__main__":
    main()
