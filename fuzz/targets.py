"""What reads files from strangers, and small files that it reads well: where fuzzing starts from.

Used by `runs/fuzz.py`, by `fuzz/guided.py` and by `tests/test_fuzz.py`.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import cmu_files
import keypoint_files as lists
import keypoint_tables as tables
from moving_people import moving
from mpi_inf_3dhp_files import write_training

from pstmo import checkpoint
from pstmo.checkpoint import Checkpoint
from pstmo.datasets import asf, bvh, matlab
from pstmo.files import FORMATS as KEYPOINTS
from pstmo.files import read_keypoints
from pstmo.files.detections import About, DetectionsFile
from pstmo.files.predictions import Predictions, writing
from pstmo.model.stmo import STMO
from pstmo.motions import FORMATS as MOTIONS
from pstmo.motions import read_motions, write_motions
from pstmo.people import Detection
from pstmo.presets import ModelConfig
from pstmo.samples import VIDEO
from pstmo.skeleton import COCO, HUMAN36M
from pstmo.video import open_video


class Target(NamedTuple):
    """name: of the file that is read. seed: its content. read: from a path, or PstmoError."""

    name: str
    seed: bytes
    read: Callable[[Path], object]


def targets(folder: Path) -> dict[str, Target]:
    """Of every reader of files that people pass on. folder: an empty one to make the seeds in."""
    found = {
        f"keypoints {path.name}": Target(path.name, path.read_bytes(), _keypoints) for path in _keypoint_files(folder)
    }
    for name, format in MOTIONS.items():
        path = write_motions(folder / f"motion{format.ENDING}", [moving(frames=4, unseen=(1,))])[0]
        found[f"motion {name}"] = Target(path.name, path.read_bytes(), read_motions)
    others = {
        "checkpoint": (_checkpoint(folder), checkpoint.load),
        "predictions": (_predictions(folder), _predicted),
        "matlab": (_matlab(folder), partial(matlab.read, names=("annot2", "annot3", "univ_annot3", "cameras"))),
        "bvh": (_bvh(folder), bvh.read),
        "asf": (folder / "01.asf", partial(_asf, amc=_amc(folder))),
        "amc": (folder / "01_01.amc", partial(asf.read, folder / "01.asf", fps=60.0)),
        "video": (VIDEO, _video),
    }
    return found | {name: Target(path.name, path.read_bytes(), read) for name, (path, read) in others.items()}


def _keypoints(path: Path) -> object:
    return read_keypoints(path, image_size=(640, 480), fps=25, skeleton="coco17")


def _keypoint_files(folder: Path) -> list[Path]:
    """One of every format; of folders of files, a file."""
    person = lists.person(frames=3, missing=(2,))
    marks = lists.person("mediapipe33", frames=3, missing=(2,))
    coco = [lists.write_coco, lists.write_results, lists.write_alphapose, lists.write_cmu, lists.write_npz]
    mmpose = [lists.write_mmpose, lists.write_mmpose_demo, lists.write_pose_results, lists.write_vitpose]
    others = [lists.write_detectron2, lists.write_videopose3d, tables.write_wide, tables.write_long]
    labs = [tables.write_deeplabcut_csv, tables.write_deeplabcut_h5, tables.write_sleap, tables.write_sleap_csv]
    made = [write(folder, person) for write in coco + mmpose + others + labs]
    made += [lists.write_mediapipe(folder, marks), tables.write_marks(folder, marks)]
    made.append(_detections(folder))
    assert len(made) > len(KEYPOINTS)
    return made


def _detections(folder: Path) -> Path:
    path = folder / "detections.jsonl"
    with DetectionsFile(path, About("clip", "eyes", "coco17", (640, 480), 25.0, None)) as file:
        for frame in range(3):
            file.add(frame / 25, [Detection(frame, np.full((17, 3), 1.0 + frame), 0.5, memory=(frame / 25, 1.5))])
        file.finish(25.0, None)
    return path


def _checkpoint(folder: Path) -> Path:
    torch.manual_seed(0)
    network = STMO(ModelConfig(strides=(3,), depth=1, width=4, hidden=8, heads=2, dropout=0.0))
    path = folder / "small.safetensors"
    checkpoint.save(path, Checkpoint(network, COCO, HUMAN36M, "small", "person", rate=50.0))
    return path


def _predictions(folder: Path) -> Path:
    path = folder / "predictions.npz"
    with writing(path) as file:
        file.add("walk", moving(frames=4).poses)
    return path


def _predicted(path: Path) -> object:
    return Predictions(path).poses("walk", HUMAN36M, 25.0)


def _matlab(folder: Path) -> Path:
    write_training(folder, "S1/Seq1", 2)
    return folder / "S1/Seq1/annot.mat"


def _bvh(folder: Path) -> Path:
    return cmu_files.write_daz(folder / "01_01.bvh", 3, 60.0)


def _amc(folder: Path) -> Path:
    root, angles = cmu_files.walk(3, 60.0)
    cmu_files.write_asf(folder / "01.asf")
    return cmu_files.write_amc(folder / "01_01.amc", root, angles)


def _asf(path: Path, amc: Path) -> object:
    return asf.read(path, amc, 60.0)


def _video(path: Path) -> int:
    return sum(1 for _ in open_video(path, end=0.2))
