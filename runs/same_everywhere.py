"""The same video and weights, computed and read in other ways: how far poses then lie from each other.

    python runs/same_everywhere.py [--weights cmu-w81]

Each row is a whole run in a process of its own, beside one that is as usual; the joint and frame that differ most, of
everybody in the sample's video.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import torch

from pstmo.benchmark.machine import Machine
from pstmo.files import read_motion
from pstmo.samples import VIDEO

MODES = ("exact", "fast", "sequence", "live")

LIFT = """
import sys
from pstmo import threads
from pstmo.cli import main
threads.IN_FLIGHT = int(sys.argv.pop(1))
main()
"""
"""Windows computed at once hold so many frames."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--weights", default="cmu-w81")
    weights = arguments.parse_args().weights
    print("| beside the usual run | metres apart, at most |\n| --- | --: |")
    with TemporaryDirectory() as name:
        folder = Path(name)
        for change, one, other in pairs(folder, weights):
            print(f"| {change} | {apart(one, other):.1e} |", flush=True)
    print(f"\n{Machine.here(torch.device('cpu'))}")


def pairs(folder: Path, weights: str) -> Iterator[tuple[str, Path, Path]]:
    usual = lift(VIDEO, folder / "usual", weights)
    yield "again", usual, lift(VIDEO, folder / "again", weights)
    seen = usual / "detections.jsonl"
    yield "from what was seen, without the video", usual, lift(seen, folder / "seen", weights)
    yield "video from standard input", usual, lift(Path("-"), folder / "pipe", weights, piped=in_fragments(folder))
    cut = folder / "cut"
    cut.mkdir()
    whole = seen.read_bytes().splitlines(keepends=True)
    (cut / "detections.jsonl").write_bytes(b"".join(whole[: len(whole) // 2]))
    yield "stopped after half of the video, and gone on", usual, lift(VIDEO, cut, weights)
    (folder / "list.txt").write_text(str(VIDEO.absolute()))
    run("lift-corpus", folder / "list.txt", "-o", folder / "corpus", "-w", weights, "--all")
    yield "by lift-corpus", usual, next((folder / "corpus").rglob("motion-1.npz")).parent
    for mode in MODES:
        reference = lift(seen, folder / mode, weights, "--mode", mode)
        for threads in (1, 3):
            one = lift(seen, folder / f"{mode}-{threads}", weights, "--mode", mode, threads=threads)
            yield f"{mode}, {threads} thread" + "s" * (threads > 1), reference, one
        for frames in (1, 500):
            one = lift(seen, folder / f"{mode}-of-{frames}", weights, "--mode", mode, frames=frames)
            yield f"{mode}, {max(1, frames // 81)} window" + "s" * (frames > 161) + " at once", reference, one


def lift(source: Path, out: Path, weights: str, *how: str, **where: Any) -> Path:
    run("lift", source, "-o", out, "-w", weights, "--all", *how, **where)
    return out


def run(*arguments: object, threads: int = 2, frames: int = 2048, piped: Path = VIDEO) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-c", LIFT, str(frames), *map(str, arguments)]
    with piped.open("rb") as video:
        subprocess.run(command, check=True, stdin=video, stdout=subprocess.DEVNULL, env=environment)


def in_fragments(folder: Path) -> Path:
    """The same pictures in a file that can be read from its beginning on, as a pipe is."""
    path = folder / "fragments.mp4"
    with (
        av.open(str(VIDEO)) as source,
        av.open(str(path), "w", options={"movflags": "frag_keyframe+empty_moov"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    return path


def apart(one: Path, other: Path) -> float:
    names = sorted(path.name for path in one.glob("motion-*.npz"))
    assert names == sorted(path.name for path in other.glob("motion-*.npz"))
    pairs = [[read_motion(folder / name) for folder in (one, other)] for name in names]
    found = [np.abs(a.poses.positions - b.poses.positions).max() for a, b in pairs]
    return float(max(found + [np.abs(a.positions - b.positions).max() for a, b in pairs]))


if __name__ == "__main__":
    main()
