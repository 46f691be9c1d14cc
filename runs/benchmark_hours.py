"""Long clips in sequence mode: time and memory by length, each length in a process of its own.

    python runs/benchmark_hours.py [--minutes 15 30 60] [--weights cmu-w81]

Keypoints at 50 frames a second of somebody who sways, with joints missed here and there. Memory is the process's peak,
Python, PyTorch and the keypoints included.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np

import pstmo
from pstmo.benchmark.lifting import RATE, swaying


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, nargs="+", default=[15, 30, 60])
    arguments.add_argument("--weights", default=pstmo.checkpoint.DEFAULT)
    arguments.add_argument("--one", type=float, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.one is not None:
        print(json.dumps(measured(options.weights, options.one)))
        return
    print(f"| minutes, `{options.weights}` | frames | seconds | frames/s | peak memory, MiB |")
    print("| --: | --: | --: | --: | --: |")
    for minutes in options.minutes:
        command = [sys.executable, __file__, "--one", str(minutes), "--weights", options.weights]
        frames, seconds, memory = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        print(f"| {minutes:g} | {frames:,} | {seconds:.1f} | {frames / seconds:,.0f} | {memory:.0f} |", flush=True)


def measured(weights: str, minutes: float) -> tuple[int, float, float]:
    """Frames, seconds, peak memory in MiB."""
    seen, missed = swaying(round(60 * RATE * minutes)), np.random.default_rng(0)
    confidence = (missed.random(seen.confidence.shape) > 0.05).astype(np.float32)
    lifter = pstmo.load(weights)
    started = time.perf_counter()
    poses = lifter.lift(replace(seen, confidence=confidence), mode="sequence")
    seconds = time.perf_counter() - started
    return poses.frames, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
