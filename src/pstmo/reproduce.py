"""The paper's variants as they were released: which files they need, and what must come out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from pstmo.checkpoint import Checkpoint, expect, import_official
from pstmo.datasets import human36m, mpi_inf_3dhp
from pstmo.datasets.paired import INDEX, PairedDataset
from pstmo.errors import PstmoError
from pstmo.evaluate import Evaluation, Predict, lifting
from pstmo.lift import Lifter, placed
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.official import in_metres
from pstmo.skeleton import COCO, HUMAN36M, MPI_INF_3DHP, Skeleton

CHECKPOINTS_FROM = "https://github.com/paTRICK-swk/P-STMO#evaluating-our-models (one archive for all of them)"
DATA = {
    "human36m": human36m.NAME,
    "mpi-inf-3dhp": mpi_inf_3dhp.NAME,
}
"""Names of the data sets, by what `pstmo data` calls them."""

DATA_FROM = {
    "human36m": "https://github.com/paTRICK-swk/P-STMO#human36m (npz files), or http://vision.imar.ro/human3.6m",
    "mpi-inf-3dhp": "https://vcai.mpi-inf.mpg.de/3dhp-dataset/, or https://github.com/paTRICK-swk/P-STMO#mpi-inf-3dhp",
}


@dataclass(frozen=True)
class Release:
    """A released model. expected: by the name of an `Errors` field; mm or percent, with `tolerance` either way.

    step: recorded frames between two frames of a window. average: "by_action" or "by_frame".
    """

    data: str  # as `pstmo data` calls it
    keypoints: str
    file: str
    expected: dict[str, float]
    refine: str | None = None
    layouts: tuple[Skeleton, Skeleton] = (HUMAN36M, HUMAN36M)
    step: int = 2
    millimetres: bool = False  # what the network gives
    average: str = "by_action"
    tolerance: float = 0.1


_H36M = Release("human36m", "cpn_ft_h36m_dbb", "PSTMOS_no_refine_28_4306_h36m_cpn.pth", {"mpjpe": 43.06})
RELEASES = {
    "p-stmo-s": _H36M,
    "p-stmo": replace(_H36M, file="PSTMO_no_refine_11_4288_h36m_cpn.pth", expected={"mpjpe": 42.88}),
    "p-stmo-refined": replace(
        _H36M,
        file="PSTMO_no_refine_6_4215_h36m_cpn.pth",
        refine="PSTMO_refine_6_4215_h36m_cpn.pth",
        expected={"mpjpe": 42.15},
    ),
    "p-stmo-s-gt": replace(
        _H36M, keypoints="gt", file="PSTMOS_no_refine_15_2936_h36m_gt.pth", expected={"mpjpe": 29.36}
    ),
    "p-stmo-s-coco": replace(
        _H36M,
        keypoints="detectron_pt_coco",
        file="PSTMOS_no_refine_48_5137_in_the_wild.pth",
        expected={"mpjpe": 51.37},
        layouts=(COCO, HUMAN36M),
    ),
    "p-stmo-s-3dhp": Release(
        "mpi-inf-3dhp",
        "gt",
        "PSTMOS_no_refine_50_3203_3dhp.pth",
        {"mpjpe": 32.03, "pck": 97.9, "auc": 75.8},
        layouts=(MPI_INF_3DHP, MPI_INF_3DHP),
        step=1,
        millimetres=True,
        average="by_frame",
    ),
}
"""MPJPE as in the files' names; PCK and AUC are the paper's. Its P-MPJPE mixes actions and is left out."""


class Compared(NamedTuple):
    """One number beside the published one."""

    measure: str
    found: float
    expected: float
    agrees: bool


def needed(release: Release, data: Path, checkpoints: Path) -> list[str]:
    """What is not there yet, each with the place where it comes from."""
    files = [checkpoints / name for name in (release.file, release.refine) if name is not None]
    missing = [f"{file}, from {CHECKPOINTS_FROM}" for file in files if not file.is_file()]
    if not (data / INDEX).is_file():
        made = f"pstmo data {release.data} --from FOLDER -o {data}"
        missing.append(f"{data}, made by `{made}` with {release.keypoints!r} 2D, from {DATA_FROM[release.data]}")
    return missing


def predictor(release: Release, checkpoints: Path, device: str = "cpu") -> Predict:
    """The released model, lifting its kind of keypoints as it was measured: mirrored, with its step.

    Raises CheckpointError for a file of another kind.
    """
    path = checkpoints / release.file
    network = expect(import_official(path), STMO, path)
    if release.millimetres:
        in_metres(network)
    described = Checkpoint(network, *release.layouts, path.stem, "screen", 50 / release.step)
    refine = None
    if release.refine is not None:
        path = checkpoints / release.refine
        refine = expect(import_official(path), Refine, path)
    lifter = Lifter(described, placed(network, device))
    return lifting(lifter, release.keypoints, step=release.step, refine=refine)


def check_data(release: Release, data: PairedDataset) -> PairedDataset:
    """The test recordings. Raises PstmoError when it is other data, or lacks the kind of keypoints."""
    if data.name != DATA[release.data]:
        raise PstmoError(
            f"{data.folder} holds {data.name}, expected {DATA[release.data]}, from {DATA_FROM[release.data]}"
        )
    data.skeleton_of(release.keypoints)
    return data.split("test")


def compare(release: Release, evaluation: Evaluation) -> Iterator[Compared]:
    """Each published number beside the one found."""
    errors = getattr(evaluation, release.average)
    for measure, expected in release.expected.items():
        found = getattr(errors, measure)
        yield Compared(measure, found, expected, abs(found - expected) <= release.tolerance)
