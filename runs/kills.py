"""Jobs killed at random moments, each time started once more: what is lost, and what is wrong.

    python runs/kills.py [--only corpus video conversion] [--kills 50] [--folder out/kills]

*corpus*: `lift-corpus` of 24 keypoint files; *video*: `lift` of the sample; *conversion*: `data human36m`. A kill takes
the job with all its processes, at any moment of its usual time. After each, all that lies in the target under a name
that is not hidden must be whole and equal to what a job that nobody disturbed has written, or (of detections) its
beginning; and what was done must still be there. A job that ends before its kill must have all of it; then the next
one begins anew.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet
import torch
from corpus import apart, kill, made

from pstmo.benchmark.machine import Machine
from pstmo.samples import VIDEO

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from human36m_files import takes_of, write_3d

MOMENTS = ("nothing", "a part", "all")


class Job(NamedTuple):
    """make: what it reads, in a folder. command: what it does, with {source} and {out}. kept: the parts of the work
    that are done, in the target, and must stay."""

    make: Callable[[Path], Path]
    command: str
    kept: Callable[[Path], set[str]]


def corpus(folder: Path) -> Path:
    made(folder, 24)
    return folder


def conversion(folder: Path) -> Path:
    folder.mkdir(parents=True)
    subjects = {subject: ["Walking", "Eating 1", "Phoning"] for subject in ("S1", "S5", "S9")}
    write_3d(folder, takes_of(subjects, frames=4000))
    return folder


def files(pattern: str) -> Callable[[Path], set[str]]:
    return lambda out: set(map(str, out.rglob(pattern)))


def looked_at(out: Path) -> set[str]:
    """Pictures by tens, between which the detector can be stopped; then the motion files."""
    path = out / "detections.jsonl"
    lines = path.read_bytes().count(b"\n") - 1 if path.exists() else 0
    return {f"ten {number}" for number in range(lines // 10)} | {name.name for name in out.glob("motion-*.npz")}


JOBS = {
    "corpus": Job(corpus, "lift-corpus {source} -o {out} -w cmu-w27", files("record.json")),
    "video": Job(lambda _: VIDEO, "lift {source} -o {out} --all -w cmu-w27", looked_at),
    "conversion": Job(conversion, "data human36m --from {source} -o {out}", files("*.json")),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", nargs="+", choices=JOBS, default=list(JOBS))
    arguments.add_argument("--kills", type=int, default=50, help="of each")
    arguments.add_argument("--folder", type=Path, default=Path("out/kills"))
    options = arguments.parse_args()
    print("| job | kills | with nothing done | a part | all | times it ended | lost or wrong |")
    print("| --- | --: | --: | --: | --: | --: | --: |")
    for name in options.only:
        shutil.rmtree(options.folder / name, ignore_errors=True)
        moments, ended = killed(JOBS[name], options.folder / name, options.kills)
        counts = " | ".join(str(moments[moment]) for moment in MOMENTS)
        print(f"| {name} | {moments.total()} | {counts} | {ended} | 0 |", flush=True)
    print(f"\n{Machine.here(torch.device('cpu'))}")


def killed(job: Job, folder: Path, kills: int) -> tuple[Counter[str], int]:
    """How much was done at each kill, and how often the job came to its end. Raises AssertionError."""
    source, whole, out = job.make(folder / "in"), folder / "whole", folder / "out"
    started = time.perf_counter()
    assert run(job, source, whole) == 0
    usual, chance, moments, ended = time.perf_counter() - started, random.Random(0), Counter[str](), 0
    of = len(job.kept(whole))
    while moments.total() < kills:
        before = job.kept(out)
        if run(job, source, out, chance.uniform(0, usual)) == 0:
            complete(out, whole)
            shutil.rmtree(out)
            ended += 1
            continue
        done = job.kept(out)
        assert before <= done, "what was done is gone"
        sound(out, whole)
        moments[MOMENTS[(len(done) > 0) + (len(done) == of)]] += 1
    assert run(job, source, out) == 0
    complete(out, whole)
    return moments, ended + 1


def run(job: Job, source: Path, out: Path, until: float | None = None) -> int:
    """Killed after so many seconds, with all that it started, wherever it then is."""
    arguments = [part.format(source=source, out=out) for part in job.command.split()]
    command = [sys.executable, "-m", "pstmo", *arguments]
    with subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            return process.wait(until)
        except subprocess.TimeoutExpired:
            kill(process)
    return process.returncode


def visible(folder: Path) -> set[Path]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path for path in found if not any(part.startswith(".") for part in path.parts)}


def complete(out: Path, whole: Path) -> None:
    assert visible(out) == visible(whole)
    sound(out, whole)


def sound(out: Path, whole: Path) -> None:
    """Raises AssertionError."""
    assert visible(out) <= visible(whole)
    for name in visible(out):
        mine, wanted = out / name, whole / name
        if name.match("motion*.npz"):
            assert apart(mine, wanted) == 0.0, mine
        elif name.name == "record.json":
            record = json.loads(mine.read_bytes())
            assert record["error"] is None, mine
            assert all((mine.parent / file).stat().st_size == size for file, size in record["files"].items()), mine
        elif name.suffix == ".parquet":
            items = pyarrow.parquet.read_table(mine)["item"].to_pylist()
            assert items == sorted(str(path.parent.relative_to(out)) for path in out.rglob("record.json"))
        elif name.suffix == ".jsonl":
            lines = mine.read_bytes().splitlines(keepends=True)
            assert b"".join(line for line in lines if line.endswith(b"\n")) in wanted.read_bytes(), mine
        else:
            assert mine.read_bytes() == wanted.read_bytes(), mine


if __name__ == "__main__":
    main()
