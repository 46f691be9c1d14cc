"""How long does it take to open the benchmark, to read it whole, and to measure half a million frames?

    python runs/benchmark_evaluate.py [--data data/cmu4] [--frames 500000]

Needs the benchmark (`pstmo data cmu4`). Predictions are the measured poses moved about at random, computed beforehand
and kept in a file, as another lifter would hand them in. Prints a table.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np

from pstmo.datasets import paired
from pstmo.datasets.recording import Recording
from pstmo.evaluate import evaluate, stored
from pstmo.files.objects import read_objects
from pstmo.files.predictions import Predictions, writing
from pstmo.report.page import write_report
from pstmo.sequence import Poses
from pstmo.tables import write_tables


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path("data/cmu4"))
    arguments.add_argument("--frames", type=int, default=500_000)
    options = arguments.parse_args()
    clock = Clock()
    data = paired.load(options.data)
    kind = next(iter(data.keypoints))
    first = next(data.recordings([kind]))
    clock.lap(f"open the data set ({data.frames:,} frames) and read its first recording ({first.frames} frames)")
    frames = sum(recording.frames for recording in data.recordings())
    clock.lap(f"read all of it, every kind of keypoints ({frames:,} frames)")
    for path in sorted(options.data.glob("data_*.npz")):
        read_objects(path)
        clock.lap(f"read {path.name} ({path.stat().st_size / 1e6:.0f} MB)")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "predictions.npz"
        with writing(file) as predictions:
            for recording in data.recordings([kind]):
                predictions.add(recording.name, moved(recording.poses))
        clock.start()
        predict = stored(Predictions(file))
        endless = up_to(options.frames, data, kind)
        found = evaluate(predict, endless, data=data.name, keypoints=kind, activities=data.activities)
        clock.lap(f"measure {found.by_frame.frames:,} predicted frames, all metrics")
        write_tables(Path(folder), found)
        write_report(Path(folder) / "report.html", found)
        size = (Path(folder) / "report.html").stat().st_size / 1e6
        clock.lap(f"write tables and report ({len(found.curves)} recordings, {size:.1f} MB)")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def moved(poses: Poses) -> Poses:
    chance = np.random.default_rng(0)
    noise = chance.normal(0, 0.03, poses.positions.shape).astype(np.float32)
    return Poses.from_array(poses.positions + noise, fps=poses.fps, skeleton=poses.skeleton, model="moved")


def up_to(frames: int, data: paired.PairedDataset, kind: str) -> Iterator[Recording]:
    """The recordings, again and again, until there are so many frames."""
    for entry in cycle(data.entries):
        if frames <= 0:
            return
        frames -= entry.frames
        yield data.read(entry, [kind])


class Clock:
    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.last = time.perf_counter()

    def lap(self, what: str) -> None:
        print(f"{time.perf_counter() - self.last:8.2f} s  {what}", flush=True)
        self.start()


if __name__ == "__main__":
    main()
