"""Small files in the layouts of Human3.6M, written for the tests: joints anywhere, in the middle of the cameras."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cdflib.cdfwrite
import numpy as np
import torch

from pstmo.datasets.human36m_cameras import human36m_cameras

KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
SYMMETRY = {
    "h36m": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]],
    "coco": [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]],
}


def motion(frames: int, seed: int) -> np.ndarray:
    """(frames, 32, 3) float32 metres in the world: joints anywhere in a cube of 1.6 m, which wanders a little."""
    rng = np.random.default_rng(seed)
    middle = np.array([0.3, 0.5, 0.9]) + np.cumsum(rng.normal(0, 0.01, (frames, 3)), 0)
    return (middle[:, None] + rng.uniform(-0.8, 0.8, (1, 32, 3))).astype(np.float32)


def takes_of(takes: Mapping[str, Iterable[str]], frames: int = 5) -> dict[str, dict[str, np.ndarray]]:
    """positions_3d of those subjects and takes, each with another motion and some frames more than the last."""
    positions: dict[str, dict[str, np.ndarray]] = {}
    for subject, names in takes.items():
        for name in names:
            place = sum(map(len, positions.values()))
            positions.setdefault(subject, {})[name] = motion(frames + place, place)
    return positions


def seen(positions: Mapping[str, Mapping[str, np.ndarray]], later: int = 0, scores: bool = False) -> dict[str, Any]:
    """positions_2d: pixels of the 17 joints in all four cameras, some pixels off, and `later` frames too many."""
    return {
        subject: {
            take: [_view(world, camera, later, scores) for camera in human36m_cameras(subject)]
            for take, world in takes.items()
        }
        for subject, takes in positions.items()
    }


def _view(world: np.ndarray, camera: Any, later: int, scores: bool) -> np.ndarray:
    rng = np.random.default_rng(len(world))
    pixels = camera.see(torch.from_numpy(world[:, KEPT]))[0].numpy()
    pixels = np.concatenate([pixels, np.repeat(pixels[-1:], later, 0)])
    pixels = pixels + rng.normal(0, 3, pixels.shape).astype(np.float32)
    columns = [pixels, rng.uniform(0.1, 1, pixels[..., :1].shape).astype(np.float32)] if scores else [pixels]
    return np.concatenate(columns, -1)


def write_3d(folder: Path, positions: Any, name: str = "h36m") -> Path:
    """As the field's script does."""
    path = folder / f"data_3d_{name}.npz"
    np.savez_compressed(path, positions_3d=positions)
    return path


def write_2d(folder: Path, kind: str, keypoints: Any, layout: str = "h36m", name: str = "h36m") -> Path:
    metadata = {"layout_name": layout, "num_joints": 17, "keypoints_symmetry": SYMMETRY.get(layout, [[], []])}
    path = folder / f"data_2d_{name}_{kind}.npz"
    np.savez_compressed(path, positions_2d=keypoints, metadata=metadata)
    return path


def write_cdf(path: Path, world: np.ndarray, variable: str = "Pose", axes: int = 3) -> Path:
    """(frames, 32, 3) metres, as the original files hold them: a record of (frames, 96) millimetres."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (world * 1000).reshape(len(world), 96)
    spec = {"Variable": variable, "Data_Type": 21, "Num_Elements": 1, "Rec_Vary": True, "Var_Type": "zVariable"}
    sizes = [96] if axes == 2 else list(rows.shape)
    with cdflib.cdfwrite.CDF(path) as file:
        file.write_var({**spec, "Dim_Sizes": sizes}, var_data=rows if axes == 2 else rows[None])
    return path
