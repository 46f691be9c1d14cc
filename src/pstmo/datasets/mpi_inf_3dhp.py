"""MPI-INF-3DHP (Mehta et al., 2017) to a data set: 16 training sequences from 8 cameras each, 6 test sequences.

Poses are the universal skeleton's (univ_annot3), as `3dhp17`; keypoints are the annotated ones, kind "gt". S1 ... S7
are training and S8 is validation. The field trains on all eight: training has an option to take validation along.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from pstmo.datasets import paired
from pstmo.datasets.mpi_inf_3dhp_files import (
    ACTIVITIES,
    CAMERAS,
    READERS,
    TEST,
    TEST_FPS,
    TRAINING,
    View,
    sequence_of,
)
from pstmo.datasets.paired import PairedDataset
from pstmo.datasets.recording import Recording
from pstmo.errors import FormatError
from pstmo.files.atomic import filling
from pstmo.files.content import naming
from pstmo.files.objects import read_objects
from pstmo.progress import progress
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import MPI_INF_3DHP

NAME = "MPI-INF-3DHP"
SOURCE = "MPI-INF-3DHP, Mehta et al., Monocular 3D Human Pose Estimation In The Wild, 3DV 2017"
LICENCE = "MPI-INF-3DHP: non-commercial research only, see its licence"

_VALIDATION = "S8"
_SIZE = (2048, 2048)
_TEST_SIZES = {"TS5": (1920, 1080), "TS6": (1920, 1080)}


def convert(source: Path, out: Path) -> PairedDataset:
    """Converts what lies in or below `source` into the folder `out`; an unchanged source is not read again.

    Read are S1/Seq1/annot.mat ... S8/Seq2 or, where there are none of these, data_train_3dhp.npz; and
    TS1/annot_data.mat ... TS6 or else data_test_3dhp.npz. Training or test alone will do. The facts say what is
    missing. Raises FormatError naming file and variable, and PstmoError when `out` cannot be written.
    """
    files = _find(source.resolve())
    marks = paired.fingerprint(files)
    if found := paired.made_from(out, marks):
        return found
    missing: list[str] = []
    notes: list[str] = []
    facts = {"source": SOURCE, "licence": LICENCE, "sources": marks, "missing": missing, "notes": notes}
    with filling(out, paired.INDEX) as folder:
        paired.write(folder, NAME, _counted(_recordings(files), missing, notes), ACTIVITIES, facts)
    return paired.load(out)


def _find(source: Path) -> list[Path]:
    """The files to read: for training and for test the original ones if there are any, else the processed one."""
    found = {name: sorted(source.rglob(name)) for name in READERS}
    if source.is_file() and source.name in READERS:
        found[source.name] = [source]
    files = [
        *(found["annot.mat"] or found["data_train_3dhp.npz"]),
        *(found["annot_data.mat"] or found["data_test_3dhp.npz"]),
    ]
    if not files:
        names = "S1/Seq1/annot.mat, TS1/annot_data.mat, data_train_3dhp.npz, data_test_3dhp.npz"
        raise FormatError(f"{source}: found no file of {NAME}, expected in it or further below any of {names}")
    of: dict[str, Path] = {}
    for path in files:
        with naming(path):
            other = of.setdefault(sequence_of(path), path)
            if other != path:
                raise FormatError(f"found the same sequence in {other}, expected each once")
    return files


def _recordings(files: Iterable[Path]) -> Iterator[Recording]:
    for path in progress(files, NAME):
        content = read_objects(path) if path.suffix == ".npz" else path  # which names the file itself
        with naming(path):
            yield from map(_recording, READERS[path.name](content))


def _counted(recordings: Iterable[Recording], missing: list[str], notes: list[str]) -> Iterator[Recording]:
    """The recordings themselves; when all have passed, `missing` and `notes` say what was not among them."""
    there: set[str] = set()
    for recording in recordings:
        test = recording.split == "test"
        sequence = recording.subject if test else f"{recording.subject} {recording.take}"
        there |= {sequence, f"{sequence} camera {recording.camera}"}
        valid = int(recording.poses.observed.sum())
        if test and valid != TEST[sequence]:
            notes.append(f"{sequence}: found {valid} valid frames, published are {TEST[sequence]}")
        yield recording
    if there & set(TEST):
        notes.append(f"the test files do not say their frame rate: {TEST_FPS:g} stands in for it")
    for sequence in (*TRAINING, *TEST):
        cameras = CAMERAS if sequence in TRAINING else ("0",)
        wanted = [f"{sequence} camera {camera}" for camera in cameras] if sequence in there else [sequence]
        missing.extend(name for name in wanted if name not in there)


def _recording(view: View) -> Recording:
    subject, *takes = view.sequence.split()
    split = "test" if not takes else "validation" if subject == _VALIDATION else "train"
    size = _TEST_SIZES.get(subject, _SIZE)
    metres = view.positions / 1000
    observed = np.asarray(np.isfinite(metres).all((1, 2)))
    return Recording(
        subject=subject,
        take=takes[0] if takes else "test",
        action=takes[0] if takes else subject,
        camera=view.camera,
        split=split,
        keypoints={"gt": Keypoints.from_array(view.keypoints, image_size=size, fps=view.fps, skeleton=MPI_INF_3DHP)},
        poses=Poses.from_array(
            metres,
            fps=view.fps,
            skeleton=MPI_INF_3DHP,
            observed=observed if view.valid is None else observed & view.valid,
        ),
        root=metres[:, MPI_INF_3DHP.root_index].astype(np.float32),
        activity=_places(view.activity),
    )


def _places(activity: np.ndarray | None) -> np.ndarray | None:
    """Places in ACTIVITIES, from 0 on."""
    if activity is None:
        return None
    return np.where(activity > 0, activity - 1, paired.NO_ACTIVITY).astype(np.uint8)
