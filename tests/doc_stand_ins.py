"""Small files in place of those that README.md and docs/ speak of: videos, keypoints, data sets, weights.

Data sets are noise in the right form: what is made of them means nothing, but every step is a true one.
"""

import shutil
import tarfile
from pathlib import Path

import numpy as np
import torch
from cmu_files import walk, write_amc
from doc_pages import ROOT
from human36m_files import seen, takes_of, write_2d, write_3d
from keypoint_files import write_mmpose
from parity import weights

from pstmo.files import read_keypoints, write_keypoints
from pstmo.samples import KEYPOINTS, VIDEO


def make(folder: Path) -> None:
    """All of them, into an empty folder."""
    for name in ("video.mp4", "walk.mp4"):
        shutil.copy(VIDEO, folder / name)
    clip = read_keypoints(KEYPOINTS).to("coco17")
    write_mmpose(folder, clip).rename(folder / "keypoints.json")
    write_keypoints(folder / "keypoints.npz", clip)
    pixels = np.random.default_rng(0).uniform(300, 700, (30, 17, 2))
    np.savez(folder / "human36m_keypoints.npz", keypoints=pixels, skeleton="h36m17", image_size=(1000, 1002), fps=50)
    shapes = ROOT / "tests/parity/stmo_f27_l3.json"
    state = {name: torch.from_numpy(values) for name, values in weights.state_dict(str(shapes)).items()}
    torch.save(state, folder / "p-stmo-s.pth")
    motion_capture(folder / "cmu.tar.xz")
    human36m(folder / "human36m")


def motion_capture(archive: Path) -> None:
    """One person each to train, validate and test, walking."""
    clips = archive.parent / "cmu"
    clips.mkdir()
    for name in ("01_01", "05_01", "07_01"):
        write_amc(clips / f"{name}.amc", *walk(361, 120.0))
    with tarfile.open(archive, "w:xz") as file:
        file.add(clips, "cmu")


def human36m(folder: Path) -> None:
    folder.mkdir()
    positions = takes_of({name: ["Walking 1"] for name in ("S1", "S5", "S6", "S7", "S8", "S9", "S11")}, frames=40)
    write_3d(folder, positions)
    write_2d(folder, "cpn_ft_h36m_dbb", seen(positions))
