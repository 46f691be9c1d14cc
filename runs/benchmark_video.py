"""Seconds by stage from real videos to files: a table for docs/benchmarks.md.

pip download --no-deps sports2d==0.8.34 pose2sim==0.10.49     # BSD 3-Clause; unzip the wheels
python runs/benchmark_video.py Sports2D/Demo/demo.mp4 Pose2Sim/Demo_SinglePerson/videos/cam01.mp4 ...
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from pstmo.benchmark.machine import Machine

STAGES = ("looking for people", "keeping them apart", "loading", "lifting", "the world", "writing")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("videos", nargs="+", type=Path)
    machine = Machine.here(torch.device("cpu"))
    print("| video | pictures | people | " + " | ".join(STAGES) + " | all | lifting, % |")
    print("| --- " + "| --: " * (len(STAGES) + 4) + "|")
    for video in arguments.parse_args().videos:
        print(row(video))
    print(f"\n{machine}")


def row(video: Path) -> str:
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pstmo", "lift", str(video), "-o", folder]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    facts = re.search(r"(\d+) x (\d+) pixels, .* frames/s, (\d+) frames, (\d+) p", told)
    assert facts is not None
    width, height, frames, people = facts.groups()
    seconds = {stage: float(told.split(f"{stage} ")[1].split(",")[0].split(";")[0]) for stage in STAGES}
    whole = sum(seconds.values())
    share = 100 * seconds["lifting"] / whole
    cells = " | ".join(f"{seconds[stage]:.1f}" for stage in STAGES)
    return f"| {video.name}, {width} x {height} | {frames} | {people} | {cells} | {whole:.1f} | {share:.0f} |"


if __name__ == "__main__":
    main()
