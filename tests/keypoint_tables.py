"""Small tables, .csv and .h5, laid out as the programs write them that users have; and the writers of every format."""

import csv
import json
import pickle
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import h5py
import numpy as np
from keypoint_files import (
    SIZE,
    triples,
    write_alphapose,
    write_coco,
    write_detectron2,
    write_mediapipe,
    write_mmpose,
    write_mmpose_demo,
    write_npz,
    write_openpose,
    write_pose_results,
    write_results,
    write_vitpose,
)

from pstmo.sequence import Keypoints


def write_rows(path: Path, rows: Iterable[Iterable[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def cells(keypoints: Keypoints) -> list[list[object]]:
    """x, y, confidence of each joint for each frame; empty where it is not observed."""
    return [[value or "" for row in rows for value in row] for rows in triples(keypoints)]


def write_wide(folder: Path, keypoints: Keypoints) -> Path:
    heads = [f"{joint}_{part}" for joint in keypoints.skeleton.joints for part in ("x", "y", "confidence")]
    rows = [[i, i / keypoints.fps, *row] for i, row in enumerate(cells(keypoints))]
    return write_rows(folder / "wide.csv", [["frame", "time", *heads], *rows])


def write_long(folder: Path, keypoints: Keypoints) -> Path:
    rows = [
        [frame, 4, joint, *row]
        for frame, joints in enumerate(triples(keypoints))
        for joint, row in zip(keypoints.skeleton.joints, joints, strict=True)
    ]
    return write_rows(folder / "long.csv", [["frame", "person", "joint", "x", "y", "confidence"], *rows])


def write_marks(folder: Path, keypoints: Keypoints) -> Path:
    """As tutorials save MediaPipe's landmarks, a row for each frame."""
    heads = ["frame", *(f"{part}{i}" for i in range(1, 34) for part in "xyzv")]
    rows = [
        [i, *(n for x, y, c in joints for n in (x / SIZE[0], y / SIZE[1], 0.0, c))]
        for i, joints in enumerate(triples(keypoints))
    ]
    return write_rows(folder / "coords.csv", [heads, *rows])


def heads_of(keypoints: Keypoints, *individuals: str) -> list[tuple[str, ...]]:
    """DeepLabCut's columns."""
    scorer = "DLC_resnet50_walkOct30shuffle1_100000"
    parts = [(joint, part) for joint in keypoints.skeleton.joints for part in ("x", "y", "likelihood")]
    return [(scorer, *who, *part) for who in ([(name,) for name in individuals] or [()]) for part in parts]


LEVELS = {3: ("scorer", "bodyparts", "coords"), 4: ("scorer", "individuals", "bodyparts", "coords")}


def write_deeplabcut_csv(folder: Path, *clips: Keypoints) -> Path:
    """Of several animals, when there are several clips."""
    heads = heads_of(clips[0], *(f"person{i}" for i in range(len(clips)) if len(clips) > 1))
    names = [[level, *column] for level, column in zip(LEVELS[len(heads[0])], zip(*heads, strict=True), strict=True)]
    rows = [[i, *chain(*row)] for i, row in enumerate(zip(*map(cells, clips), strict=True))]
    return write_rows(folder / "clipDLC.csv", [*names, *rows])


def values_of(clips: Iterable[Keypoints]) -> np.ndarray:
    """(frames, columns), NaN where a joint is not observed."""
    arrays = [
        np.concatenate([clip.xy, np.where(clip.observed, clip.confidence, np.nan)[..., None]], -1) for clip in clips
    ]
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], 1).astype(float)


def write_deeplabcut_h5(folder: Path, *clips: Keypoints) -> Path:
    """As pandas writes format "table"."""
    heads = heads_of(clips[0], *(f"person{i}" for i in range(len(clips)) if len(clips) > 1))
    values = values_of(clips)
    table = np.empty(len(values), [("index", "<i8"), ("values_block_0", "<f8", values.shape[1:])])
    table["index"], table["values_block_0"] = np.arange(len(values)), values
    about = {1: {"names": list(LEVELS[len(heads[0])]), "type": "MultiIndex"}, "index": {}}
    with h5py.File(folder / "clipDLC.h5", "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_("frame_table")
        group.attrs["info"] = np.bytes_(pickle.dumps(about, 0))
        group.attrs["TITLE"] = h5py.Empty("S1")
        group.create_dataset("table", data=table).attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(heads, 0))
    return folder / "clipDLC.h5"


def write_deeplabcut_fixed(folder: Path, *clips: Keypoints) -> Path:
    """As pandas writes format "fixed"."""
    heads = heads_of(clips[0], *(f"person{i}" for i in range(len(clips)) if len(clips) > 1))
    with h5py.File(folder / "clipDLC.h5", "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_("frame")
        for i, names in enumerate(zip(*heads, strict=True)):
            there = list(dict.fromkeys(names))
            for index in ("axis0", "block0_items"):
                level = group.create_dataset(f"{index}_level{i}", data=np.array(there, "S"))
                level.attrs["name"] = np.bytes_(LEVELS[len(heads[0])][i])
                group[f"{index}_label{i}"] = np.array([there.index(name) for name in names], np.int8)
        group["block0_values"] = values_of(clips)
        group["axis1"] = np.arange(clips[0].frames)
    return folder / "clipDLC.h5"


def write_sleap(folder: Path, *clips: Keypoints, order: str = "") -> Path:
    """The analysis file of SLEAP, or, with an order of axes such as "frame track node xy", of sleap-io."""
    xy, scores = (np.stack([getattr(clip, name) for clip in clips]) for name in ("xy", "confidence"))
    usual = ["track", "xy", "node", "frame"]
    dims = order.split() or usual
    arrays = {
        "tracks": xy.transpose(0, 3, 2, 1),
        "point_scores": np.where(scores > 0, scores, np.nan).transpose(0, 2, 1),
    }
    with h5py.File(folder / "clip.analysis.h5", "w") as file:
        for name, array in arrays.items():
            axes = [axis for axis in usual if axis != "xy" or array.ndim == 4]
            wanted = [axis for axis in dims if axis in axes]
            saved = file.create_dataset(
                name, data=array.transpose([axes.index(axis) for axis in wanted]), compression="gzip"
            )
            if order:
                saved.attrs["dims"] = json.dumps(wanted)
        file["node_names"] = [np.bytes_(joint) for joint in clips[0].skeleton.joints]
        file["track_names"] = [np.bytes_(f"track_{i}") for i in range(len(clips)) if len(clips) > 1]
        file["video_path"] = "clip.mp4"
    return folder / "clip.analysis.h5"


def write_sleap_csv(folder: Path, keypoints: Keypoints) -> Path:
    names = keypoints.skeleton.joints
    heads = [
        "track",
        "frame_idx",
        "instance.score",
        *(f"{name}.{part}" for name in names for part in ("x", "y", "score")),
    ]
    rows = [["", i, 0.9, *row] for i, row in enumerate(cells(keypoints)) if any(row)]
    return write_rows(folder / "clip.csv", [heads, *rows])


WRITERS = [
    ("npz", write_npz, "coco17"),
    ("npz", write_npz, "h36m17"),
    ("coco", write_coco, "coco17"),
    ("coco", write_results, "coco17"),
    ("alphapose", write_alphapose, "coco17"),
    ("alphapose", write_alphapose, "halpe26"),
    ("openpose", write_openpose, "body25"),
    ("mediapipe", write_mediapipe, "mediapipe33"),
    ("mmpose", write_mmpose, "coco17"),
    ("mmpose", write_mmpose, "halpe26"),
    ("mmpose", write_mmpose_demo, "coco17"),
    ("mmpose", write_pose_results, "coco17"),
    ("vitpose", write_vitpose, "coco17"),
    ("detectron2", write_detectron2, "coco17"),
    ("csv", write_wide, "h36m17"),
    ("csv", write_long, "body25"),
    ("csv", write_marks, "mediapipe33"),
    ("csv", write_sleap_csv, "coco17"),
    ("deeplabcut", write_deeplabcut_csv, "coco17"),
    ("deeplabcut", write_deeplabcut_h5, "coco17"),
    ("deeplabcut", write_deeplabcut_fixed, "mocap22"),
    ("sleap", write_sleap, "coco17"),
]
