"""Fifty kills of a corpus: each at a random moment, with all processes, and each time the same command once more.

    python runs/kills_corpus.py [--kills 50] [--files 24] [--folder out/kills]

After each kill every record must have its motion files, whole, with the poses of a run that nobody disturbed; and an
index, where there is one, must agree with the records. A corpus that ends before its kill must be complete; then the
next one begins anew. What was killed while it was being written may lie about, but only under hidden names.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet
import torch
from corpus import apart, made, seconds_below

from pstmo.benchmark.machine import Machine
from pstmo.corpus.places import place
from pstmo.corpus.records import INDEX, Record, Target

MOMENTS = ("before the first item", "between items", "after the last item")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--files", type=int, default=24)
    arguments.add_argument("--folder", type=Path, default=Path("out/kills"))
    options = arguments.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    source, whole, out = (options.folder / name for name in ("in", "whole", "out"))
    names = [str(path.relative_to(source)) for path in made(source, options.files)]
    started = time.perf_counter()
    assert run(source, whole) == 0
    usual, chance, moments = time.perf_counter() - started, random.Random(0), Counter[str]()
    kept = corpora = 0
    while moments.total() < options.kills:
        before = set(records(out))
        if run(source, out, chance.uniform(0, usual)) == 0:
            complete(names, out, whole)
            shutil.rmtree(out)
            corpora += 1
            continue
        found = records(out)
        assert before <= set(found), "what was finished is gone"
        sound(found, out, whole)
        kept += len(before)
        moments[MOMENTS[(len(found) > 0) + (len(found) == options.files)]] += 1
    assert run(source, out) == 0
    complete(names, out, whole)
    print("| killed | times |\n| --- | --: |")
    for moment in MOMENTS:
        print(f"| {moment} | {moments[moment]} |")
    print(f"\n{moments.total()} kills in {corpora + 1} corpora of {options.files} files, each complete in the end;")
    print(f"finished items met again: {kept}, none lost, none wrong. {Machine.here(torch.device('cpu'))}")


def run(source: Path, out: Path, until: float | None = None) -> int:
    """Killed after so many seconds, with all that it started, wherever it then is."""
    command = [sys.executable, "-m", "pstmo", "lift-corpus", str(source), "-o", str(out), "-w", "cmu-w27"]
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL) as process:
        try:
            return process.wait(until)
        except subprocess.TimeoutExpired:
            below = seconds_below(process.pid)
            os.killpg(process.pid, signal.SIGKILL)
            for number in below:
                try:
                    os.kill(number, signal.SIGKILL)
                except ProcessLookupError:
                    continue
    return process.returncode


def records(out: Path) -> dict[str, Record]:
    return Target(place(str(out))).records()


def sound(found: dict[str, Record], out: Path, whole: Path) -> None:
    """Raises AssertionError."""
    for name, record in found.items():
        assert record.error is None, record.error
        sizes = {path.name: path.stat().st_size for path in (out / name).iterdir() if path.name in record.files}
        assert sizes == record.files
        assert apart(out / name, whole / name) == 0.0
    seen = [path for path in out.rglob("*") if path.is_file() and path.parent.relative_to(out).as_posix() not in found]
    for path in seen:
        assert path.name.startswith(".") or path.name in (INDEX, "motion.npz"), path
    if (out / INDEX).exists():
        assert rows(out) == sorted(found)


def complete(names: list[str], out: Path, whole: Path) -> None:
    """Raises AssertionError."""
    found = records(out)
    assert sorted(found) == rows(out) == sorted(names)
    sound(found, out, whole)


def rows(out: Path) -> list[str]:
    return pyarrow.parquet.read_table(out / INDEX)["item"].to_pylist()


if __name__ == "__main__":
    main()
