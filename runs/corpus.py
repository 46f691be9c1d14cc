"""Lifting a corpus: its throughput beside that of the bare engine, and what two kills do to it.

    python runs/corpus.py [--files 1000] [--kills 2] [--folder out/corpus]

Makes keypoint files of 10 seconds from the sample's, each a little different; lifts them with `pstmo lift-corpus`; and
before and after it, half each, the same frames with `Lifter.lift`, in one process, nothing read or written. Then the
corpus once more, the whole process group killed at random moments and started again. Checks that the index is complete
and that motion files equal those of `pstmo lift`, to 1e-5 m. Other work on the machine slows both sides: beside wall
time stand CPU seconds, of all processes that a side started.
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
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command does

import numpy as np
import pyarrow.parquet

import pstmo
from pstmo.files import read_keypoints, read_motion, write_keypoints
from pstmo.samples import KEYPOINTS

PARTS = 4
"""Of the engine's work: half before the corpus, half after it."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--files", type=int, default=1000)
    arguments.add_argument("--kills", type=int, default=2)
    arguments.add_argument("--folder", type=Path, default=Path("out/corpus"))
    options = arguments.parse_args()
    source, out = options.folder / "in", options.folder / "out"
    shutil.rmtree(options.folder, ignore_errors=True)
    clips = made(source, options.files)
    parts = [clips[start::PARTS] for start in range(PARTS)]
    engine = [bare(part) for part in parts[: PARTS // 2]]
    corpus = whole_run(source, out)
    engine += [bare(part) for part in parts[PARTS // 2 :]]
    frames = corpus.pop("frames")
    wall, cpu = (sum(part[i] for part in engine) for i in range(2))
    print("| | wall s | frames/s | CPU s |\n| --- | --: | --: | --: |")
    print(f"| `Lifter.lift`, one process | {wall:.0f} | {frames / wall:.0f} | {cpu:.0f} |")
    print(f"| `pstmo lift-corpus` | {corpus['wall']:.0f} | {frames / corpus['wall']:.0f} | {corpus['cpu']:.0f} |")
    print(f"throughput: {wall / corpus['wall']:.0%} by wall time, {cpu / corpus['cpu']:.0%} by CPU time", flush=True)
    print(f"of it the command's own process, which hands out the items: {corpus['own']:.0f} s")
    rate = (1 - (os.cpu_count() or 1) / options.files) * frames / steady(out)
    print(f"without Ray's start, from the first items' end to the last's: {rate:.0f} frames/s")
    print(f"where it went, s of all workers: {json.dumps(stages(out))}")
    killed(source, options.folder / "killed", options.kills, options.files)
    check(source, options.folder, options.files)


def made(folder: Path, files: int) -> list[Path]:
    """Forth and back through the sample, from another frame on in each, a pixel of noise."""
    folder.mkdir(parents=True)
    sample, paths = read_keypoints(KEYPOINTS), []
    for number in range(files):
        place = np.arange(round(10 * sample.fps)) + number
        place = np.abs(place % (2 * sample.frames - 2) - (sample.frames - 1))
        noise = np.random.default_rng(number).normal(0, 1, (len(place), len(sample.skeleton), 2)).astype(np.float32)
        paths.append(folder / f"{number // 100:02}/clip-{number:04}.npz")
        paths[-1].parent.mkdir(exist_ok=True)
        write_keypoints(paths[-1], replace(sample, xy=sample.xy[place] + noise, confidence=sample.confidence[place]))
    return paths


def bare(paths: list[Path]) -> tuple[float, float]:
    """Wall and CPU seconds of the lifting alone, after a first clip that counts for nothing."""
    clips, lifter = [read_keypoints(path) for path in paths], pstmo.load()
    lifter.lift(clips[0])
    started, cpu = time.perf_counter(), time.process_time()
    for clip in clips:
        lifter.lift(clip)
    return time.perf_counter() - started, time.process_time() - cpu


def whole_run(source: Path, out: Path) -> dict[str, float]:
    """From the command's start to its end."""
    started = time.perf_counter()
    with run(source, out) as process:
        cpu: dict[int, float] = {}
        while process.poll() is None:
            cpu |= seconds_below(process.pid)
            time.sleep(1)
    assert process.returncode == 0
    wall = time.perf_counter() - started
    own = cpu[process.pid]
    return {"wall": wall, "cpu": sum(cpu.values()), "own": own, "frames": sum(table(out)["frames"].to_pylist())}


def run(source: Path, out: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pstmo", "lift-corpus", str(source), "-o", str(out)]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)


def seconds_below(root: int) -> dict[int, float]:
    """CPU seconds of a process and of all that it started, by number; /proc knows them by their parents."""
    found: dict[int, tuple[int, float]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            facts = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        found[int(path.parent.name)] = (int(facts[1]), (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK"))
    below = {root}
    while more := {number for number, (parent, _) in found.items() if parent in below} - below:
        below |= more
    return {number: found[number][1] for number in below if number in found}


def kill(process: "subprocess.Popen[bytes]") -> None:
    """With all that it started."""
    for number in seconds_below(process.pid):
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def steady(out: Path) -> float:
    """Seconds without Ray's start and end."""
    ends = [path.stat().st_mtime for path in out.rglob("record.json")]
    return max(ends) - min(ends)


def stages(out: Path) -> dict[str, float]:
    total: dict[str, float] = {}
    for path in out.rglob("record.json"):
        for stage, seconds in json.loads(path.read_text())["took"].items():
            total[stage] = total.get(stage, 0.0) + seconds
    return {stage: round(seconds, 1) for stage, seconds in total.items()}


def killed(source: Path, out: Path, kills: int, files: int) -> None:
    """Each time after a random number of items."""
    for moment in sorted(random.Random(0).sample(range(1, files), kills)):
        with run(source, out) as process:
            while process.poll() is None and len(list(out.rglob("record.json"))) < moment:
                time.sleep(0.5)
            os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL, "it ended before it was killed"
        print(f"killed: {len(list(out.rglob('record.json')))} items have a record, the index is "
              f"{'there' if (out / 'index.parquet').exists() else 'not there'}", flush=True)  # fmt: skip
    with run(source, out) as process:
        process.wait()
    assert process.returncode == 0


def check(source: Path, folder: Path, files: int) -> None:
    """Raises AssertionError."""
    names = sorted(str(path.relative_to(source)) for path in source.rglob("*.npz"))
    for out in (folder / "out", folder / "killed"):
        rows = table(out)
        assert rows["item"].to_pylist() == names
        assert rows["error"].null_count == files
    worst = max(apart(*(folder / out / name / "motion.npz" for out in ("out", "killed"))) for name in names)
    print(f"{files} of {files} in the index; killed and not killed: at most {worst:.1e} m apart")
    singles = random.Random(1).sample(names, min(20, files))
    for name in singles:
        command = [sys.executable, "-m", "pstmo", "lift", str(source / name), "-o", str(folder / "single" / name)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    single = max(apart(*(folder / out / name / "motion.npz" for out in ("killed", "single"))) for name in singles)
    print(f"`pstmo lift` of {len(singles)} of them: at most {single:.1e} m apart")
    assert max(worst, single) <= 1e-5


def apart(one: Path, other: Path) -> float:
    """Metres: poses, and places in the world."""
    a, b = read_motion(one), read_motion(other)
    return max(
        float(np.abs(a.poses.positions - b.poses.positions).max()), float(np.abs(a.positions - b.positions).max())
    )


def table(out: Path) -> "pyarrow.Table":
    return pyarrow.parquet.read_table(out / "index.parquet")


if __name__ == "__main__":
    main()
