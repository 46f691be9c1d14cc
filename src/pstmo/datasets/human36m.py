"""Human3.6M (Ionescu et al., 2014) to a data set: 7 subjects, 15 actions in two takes each, seen by 4 cameras.

S1, S5, S6 and S7 are training and S8 is validation; S9 and S11 are test. The field trains on all five of the former:
training has an option to take validation along. What it reads is described in `human36m_files`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from pstmo.camera import Camera
from pstmo.datasets import paired
from pstmo.datasets.human36m_cameras import human36m_cameras
from pstmo.datasets.human36m_files import (
    Detections,
    Positions,
    originals,
    read_detections,
    read_originals,
    read_positions,
)
from pstmo.datasets.paired import PairedDataset
from pstmo.datasets.recording import Recording
from pstmo.errors import FormatError
from pstmo.files.atomic import filling
from pstmo.progress import progress
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import HUMAN36M, Skeleton

NAME = "Human3.6M"
SOURCE = "Human3.6M, Ionescu et al., Large Scale Datasets and Predictive Methods for 3D Human Sensing, TPAMI 2014"
LICENCE = "Human3.6M: for research, by agreement with its authors (vision.imar.ro/human3.6m); not to be passed on"

SPLITS = {**dict.fromkeys(("S1", "S5", "S6", "S7"), "train"), "S8": "validation", "S9": "test", "S11": "test"}

ACTIONS = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting",
    "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether",
)  # fmt: skip

FPS = 50.0

_SHORT = "h36m"
_CORRUPT = ("S11", "Directions")
"""The one take that the field leaves out, because its video is corrupt."""


def convert(source: Path, out: Path) -> PairedDataset:
    """Converts what lies in `source` into the folder `out`; an unchanged source is not read again.

    Read are data_3d_h36m.npz or else the files S1/MyPoseFeatures/D3_Positions/*.cdf anywhere below; and beside them
    every data_2d_h36m_KIND.npz. Keypoints of kind "gt" are projected from 3D, lens distortion and all, where no file
    has them. The facts say what is missing. Raises FormatError naming file, take and camera, and PstmoError when `out`
    cannot be written.
    """
    source = source.resolve()
    archive, files = source / f"data_3d_{_SHORT}.npz", _detection_files(source, _SHORT)
    captured = [archive] if archive.is_file() else originals(source)
    if not captured:
        raise FormatError(f"{source}: found neither {archive.name} nor S1/MyPoseFeatures/D3_Positions/*.cdf below it")
    marks = paired.fingerprint([*captured, *files.values()])
    if done := paired.made_from(out, marks):
        return done
    positions = read_positions(archive) if captured == [archive] else read_originals(captured)
    positions.get(_CORRUPT[0], {}).pop(_CORRUPT[1], None)
    found = {kind: read_detections(path, kind) for kind, path in files.items()}
    kinds = {kind: file for kind, file in found.items() if file.joints == len(HUMAN36M)}
    others = [f"{files[k].name} left out: {found[k].joints} joints, not 17" for k in found if k not in kinds]
    facts = {
        "source": SOURCE,
        "licence": LICENCE,
        "sources": marks,
        "missing": _missing(positions),
        "notes": [*_notes(positions, kinds), *others],
    }
    with filling(out, paired.INDEX) as folder:
        paired.write(folder, NAME, _recordings(positions, kinds, SPLITS), facts=facts)
    return paired.load(out)


def field_recordings(folder: Path, name: str, splits: Mapping[str, str]) -> Iterator[Recording]:
    """The recordings in data_3d_NAME.npz and in every data_2d_NAME_KIND.npz, through the cameras of Human3.6M.

    splits: of each subject, who is one of Human3.6M's by name and set of cameras. Keypoints of kind "gt" are projected
    where no file has them. Raises FormatError.
    """
    kinds = {kind: read_detections(path, kind) for kind, path in _detection_files(folder, name).items()}
    return _recordings(read_positions(folder / f"data_3d_{name}.npz"), kinds, splits)


def _detection_files(folder: Path, name: str) -> dict[str, Path]:
    """By kind."""
    start = f"data_2d_{name}_"
    return {path.stem.removeprefix(start): path for path in sorted(folder.glob(f"{start}*.npz"))}


def _recordings(
    positions: Positions, kinds: Mapping[str, Detections], splits: Mapping[str, str]
) -> Iterator[Recording]:
    """Subject by subject, take by take, camera by camera."""
    for subject in positions:
        if subject not in splits:
            raise FormatError(f"found positions of subject {subject!r}, expected only {', '.join(splits)}")
    takes = [(subject, take) for subject in splits for take in sorted(positions.get(subject, {}))]
    for subject, take in progress(takes, "converting"):
        world, cameras = positions[subject][take], human36m_cameras(subject)
        names = tuple(camera.name for camera in cameras)
        views = {kind: file.views(subject, take, names, len(world)) for kind, file in kinds.items()}
        for i, camera in enumerate(cameras):
            pixels, points = camera.see(torch.from_numpy(world))
            seen = {"gt": _keypoints(pixels.numpy(), HUMAN36M, camera)}
            seen |= {kind: _keypoints(views[kind][i], kinds[kind].skeleton, camera) for kind in kinds}
            yield Recording(
                subject=subject,
                take=take,
                action=take.split(maxsplit=1)[0],
                camera=camera.name,
                split=splits[subject],
                keypoints=seen,
                poses=Poses.from_array(points.numpy(), fps=FPS, skeleton=HUMAN36M),
                root=points[:, HUMAN36M.root_index].numpy(),
                lens=camera.lens,
            )


def _keypoints(array: np.ndarray, skeleton: Skeleton, camera: Camera) -> Keypoints:
    """(frames, 17, 2 or 3) pixels, and confidence if there is a third column."""
    return Keypoints.from_array(
        array[..., :2],
        confidence=array[..., 2] if array.shape[2] == 3 else None,
        skeleton=skeleton,
        image_size=camera.image_size,
        fps=FPS,
    )


def _missing(positions: Positions) -> list[str]:
    """What the field has and this has not, in words: subjects, actions, takes."""
    missing = []
    for subject in SPLITS:
        there = Counter(take.split(maxsplit=1)[0] for take in positions.get(subject, {}))
        for action in ACTIONS if there else ():
            takes = 1 if (subject, action) == _CORRUPT else 2
            if there[action] < takes:
                missing.append(f"{subject}/{action}: {there[action]} of {takes} takes")
        missing += [] if there else [f"{subject}: everything"]
    return missing


def _notes(positions: Positions, kinds: Mapping[str, Detections]) -> list[str]:
    """How many takes of each file of keypoints are left out, because nobody knows their positions."""
    known = {(subject, take) for subject, takes in positions.items() for take in takes} | {_CORRUPT}
    notes = []
    for file in kinds.values():
        seen = {(subject, take) for subject, takes in file.takes.items() for take in takes}
        if strangers := sorted(f"{subject}/{take}" for subject, take in seen - known):
            notes.append(f"{file.path.name}: {len(strangers)} takes have no positions, the first {strangers[0]}")
    return notes
