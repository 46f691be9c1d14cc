"""From process start to files: 1,000 frames of keypoints, as a user types it, and the lifter's own speed.

python runs/benchmark_lift.py [--frames 1000] [--repeats 3]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from pstmo.files import read_keypoints, write_keypoints
from pstmo.samples import KEYPOINTS


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--frames", type=int, default=1000)
    arguments.add_argument("--repeats", type=int, default=3)
    options = arguments.parse_args()
    sample = read_keypoints(KEYPOINTS)
    rows = np.resize(np.arange(sample.frames), options.frames)  # over and over
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "keypoints.npz"
        write_keypoints(source, replace(sample, xy=sample.xy[rows], confidence=sample.confidence[rows]))
        for mirror in ("--mirror", "--no-mirror"):
            seconds = []
            for _ in range(options.repeats):
                started = time.perf_counter()
                command = [sys.executable, "-m", "pstmo", "lift", str(source), "-o", f"{folder}/out", mirror]
                subprocess.run(command, check=True, capture_output=True)
                seconds.append(time.perf_counter() - started)
            print(f"{options.frames} frames, {mirror}: {min(seconds):.1f} s at best, {max(seconds):.1f} s at worst")


if __name__ == "__main__":
    main()
