"""How long does it take to convert all of Human3.6M? With files as large as the real ones, of people who don't exist.

    python runs/benchmark_convert.py [--frames 2510]

Writes data_3d_h36m.npz and two data_2d_h36m_*.npz (7 subjects, 15 actions in two takes, FRAMES a take: 527,100 frames
of four cameras) to a temporary folder of about 3 GB, converts them, converts them again, and prints a table.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from pstmo.datasets import human36m
from pstmo.datasets.human36m_cameras import human36m_cameras
from pstmo.datasets.human36m_files import KEPT
from pstmo.datasets.inventory import inventory
from pstmo.files.objects import write_objects

METADATA = {
    "layout_name": "h36m",
    "num_joints": 17,
    "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--frames", type=int, default=2510)
    frames = arguments.parse_args().frames
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "source", Path(folder) / "human36m"
        source.mkdir()
        write_source(source, frames)
        size = sum(path.stat().st_size for path in source.iterdir()) / 1e6
        for what in (f"convert {size:,.0f} MB", "convert the same again"):
            started = time.perf_counter()
            found = human36m.convert(source, out)
            print(f"{time.perf_counter() - started:8.2f} s  {what}", flush=True)
        started = time.perf_counter()
        text = inventory(found)
        print(f"{time.perf_counter() - started:8.2f} s  take stock of {found.frames:,} frames")
        print(text)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def write_source(folder: Path, frames: int) -> None:
    """Everybody drifts through the room; the detector is 3 pixels off."""
    chance = np.random.default_rng(0)
    body = chance.uniform(-0.8, 0.8, (32, 3)) + (0.2, 0.3, 0.9)
    positions, detected = {}, {}
    for subject in human36m.SPLITS:
        positions[subject], detected[subject] = {}, {}
        for action in human36m.ACTIONS:
            for take in (action, f"{action} 1"):
                path = 0.001 * np.cumsum(chance.normal(0, 1, (frames, 1, 3)), 0)
                world = (body + path).astype(np.float32)
                pixels = [camera.see(torch.from_numpy(world[:, KEPT]))[0] for camera in human36m_cameras(subject)]
                positions[subject][take] = world
                detected[subject][take] = [(seen + 3 * torch.randn_like(seen)).numpy() for seen in pixels]
    write_objects(folder / "data_3d_h36m.npz", positions_3d=positions)
    for kind in ("cpn_ft_h36m_dbb", "hrnet"):
        write_objects(folder / f"data_2d_h36m_{kind}.npz", positions_2d=detected, metadata=METADATA)


if __name__ == "__main__":
    main()
