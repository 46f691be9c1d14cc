"""Small files in the forms of MPI-INF-3DHP, written for the tests: what each holds comes back as plain arrays."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import scipy.io

from pstmo.skeleton import MPI_INF_3DHP

CAMERAS = 14

JOINTS = (
    "spine3", "spine4", "spine2", "spine", "pelvis", "neck", "head", "head_top", "left_clavicle", "left_shoulder",
    "left_elbow", "left_wrist", "left_hand", "right_clavicle", "right_shoulder", "right_elbow", "right_wrist",
    "right_hand", "left_hip", "left_knee", "left_ankle", "left_foot", "left_toe", "right_hip", "right_knee",
    "right_ankle", "right_foot", "right_toe",
)  # fmt: skip
"""The 28 of the training files, as the data set names them."""


class Body(NamedTuple):
    """keypoints: (frames, 17, 2) pixels. positions: (frames, 17, 3) millimetres, camera axes. Both as `3dhp17`."""

    keypoints: np.ndarray
    positions: np.ndarray


def body(frames: int, seed: int = 0) -> Body:
    chance = np.random.default_rng(seed)
    positions = chance.uniform(-900, 900, (frames, 17, 3)) + (200, 100, 3500)
    return Body(chance.uniform(0, 2048, (frames, 17, 2)), positions)


def camera_cells(frames: int) -> tuple[dict[str, np.ndarray], list[Body]]:
    """annot2 and univ_annot3 of all cameras as MATLAB cells, and what they say of the 17 joints, camera by camera."""
    chance, bodies = np.random.default_rng(frames), [body(frames, camera) for camera in range(CAMERAS)]
    cells = {name: np.empty((CAMERAS, 1), object) for name in ("annot2", "univ_annot3")}
    columns = [JOINTS.index(joint) for joint in MPI_INF_3DHP.joints]
    for camera, seen in enumerate(bodies):
        for name, joints in zip(cells, seen, strict=True):
            rows = chance.uniform(-5000, 5000, (frames, len(JOINTS), joints.shape[2]))
            rows[:, columns] = joints
            cells[name][camera, 0] = rows.reshape(frames, -1)
    return cells, bodies


def write_training(folder: Path, sequence: str, frames: int, **changes: object) -> list[Body]:
    """SUBJECT/SEQUENCE/annot.mat below the folder; a change of None leaves a variable out. Returns it by camera."""
    cells, bodies = camera_cells(frames)
    extra = {"annot3": cells["univ_annot3"], "frames": np.arange(frames), "cameras": np.arange(CAMERAS)}
    content = {**extra, **cells, **changes}
    path = folder.joinpath(*sequence.split(), "annot.mat")
    path.parent.mkdir(parents=True)
    scipy.io.savemat(path, {k: v for k, v in content.items() if v is not None}, do_compression=True)
    return bodies


def write_test(folder: Path, name: str, seen: Body, valid: np.ndarray, activity: np.ndarray) -> Path:
    """NAME/annot_data.mat below the folder: HDF5 behind MATLAB's 512 bytes, axes in reverse of MATLAB's order."""
    path = folder / name / "annot_data.mat"
    path.parent.mkdir(parents=True)
    matlab = {
        "annot2": seen.keypoints.T[:, :, None],  # 2 x 17 x 1 x frames
        "univ_annot3": seen.positions.T[:, :, None],
        "valid_frame": valid[None].astype(float),  # 1 x frames
        "activity_annotation": activity[None].astype(float),
    }
    with h5py.File(path, "w", userblock_size=512) as file:
        for key, array in matlab.items():
            file.create_dataset(key, data=array.T).attrs["MATLAB_class"] = np.bytes_(b"double")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64 HDF5 schema 1.00 .".ljust(116))
        file.write(bytes(8) + struct.pack("<H", 0x0200) + b"IM")
    return path


def write_processed_training(path: Path, sequences: Mapping[str, tuple[Mapping[str, Body], float]]) -> None:
    """data_train_3dhp.npz: {"S1 Seq1": ({"0": body, ...}, fps)}, pickled as the field does it."""
    data = {
        name: [
            {camera: {"data_2d": seen.keypoints, "data_3d": seen.positions} for camera, seen in cameras.items()},
            fps,
        ]
        for name, (cameras, fps) in sequences.items()
    }
    np.savez_compressed(path, data=np.array(data))


def write_processed_test(path: Path, sequences: Mapping[str, tuple[Body, np.ndarray]]) -> None:
    """data_test_3dhp.npz: {"TS1": (body, valid)}, pickled as the field does it."""
    data = {
        name: {"data_2d": seen.keypoints, "data_3d": seen.positions, "valid": valid.astype(float)}
        for name, (seen, valid) in sequences.items()
    }
    np.savez_compressed(path, data=np.array(data))
