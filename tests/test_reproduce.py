"""The paper's variants: what is missing is named, and what is there is run as it was measured."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from recordings import lens, recording

from pstmo import reproduce
from pstmo.checkpoint import export_official
from pstmo.datasets import paired
from pstmo.datasets.paired import PairedDataset
from pstmo.errors import CheckpointError, PstmoError
from pstmo.evaluate import Errors, evaluate
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.presets import PRESETS, ModelConfig
from pstmo.reproduce import RELEASES, Release
from pstmo.skeleton import COCO, HUMAN36M, MPI_INF_3DHP

SMALL = ModelConfig(strides=(3, 3), width=32, hidden=32, heads=8)
H36M_KINDS = {"gt": HUMAN36M, "cpn_ft_h36m_dbb": HUMAN36M, "detectron_pt_coco": COCO}


@pytest.fixture(scope="module")
def human36m(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set that calls itself Human3.6M: two test recordings and one of training."""
    folder = tmp_path_factory.mktemp("human36m")
    place = {"root": np.tile(np.float32([0.1, 0.2, 5.0]), (12, 1)), "lens": lens()}
    people = [recording(take, kinds=H36M_KINDS, **place) for take in ("Walking 1", "Sitting 1")]
    train = recording("Walking 1", kinds=H36M_KINDS, subject="S1", split="train", **place)
    paired.write(folder, "Human3.6M", [*people, train])
    return folder


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small networks under the names of the released ones."""
    folder = tmp_path_factory.mktemp("checkpoint")
    torch.manual_seed(0)
    for release in RELEASES.values():
        export_official(STMO(SMALL).eval(), folder / release.file)
        if release.refine is not None:
            export_official(Refine(), folder / release.refine)
    return folder


def run(release: Release, data: PairedDataset, checkpoints: Path):
    predict = reproduce.predictor(release, checkpoints)
    recordings = data.recordings([release.keypoints])
    return evaluate(predict, recordings, data=data.name, keypoints=release.keypoints)


@pytest.mark.parametrize("name", ["p-stmo-s", "p-stmo", "p-stmo-refined", "p-stmo-s-gt", "p-stmo-s-coco"])
def test_each_variant_on_human36m_is_run_and_compared(name: str, human36m: Path, checkpoints: Path):
    data = reproduce.check_data(RELEASES[name], paired.load(human36m))
    assert {entry.subject for entry in data.entries} == {"S9"}
    evaluation = run(RELEASES[name], data, checkpoints)
    [line, *_] = reproduce.compare(RELEASES[name], evaluation)
    assert (line.measure, line.expected) == ("mpjpe", RELEASES[name].expected["mpjpe"])
    assert line.found == evaluation.by_action.mpjpe
    assert not line.agrees  # an untrained network
    honest = replace(RELEASES[name], expected={"mpjpe": line.found + 0.09})
    assert all(line.agrees for line in reproduce.compare(honest, evaluation))
    assert not all(line.agrees for line in reproduce.compare(replace(honest, tolerance=0.05), evaluation))
    assert evaluation.model.endswith("+ refine") == (name == "p-stmo-refined")


def test_mpi_inf_3dhp_gives_millimetres_and_goes_by_frames(checkpoints: Path, tmp_path: Path):
    release = RELEASES["p-stmo-s-3dhp"]
    people = [recording("test", 12, kinds={"gt": MPI_INF_3DHP}, layout=MPI_INF_3DHP, subject="TS1")]
    data = paired.write(tmp_path, "MPI-INF-3DHP", people)
    [found, pck, auc] = reproduce.compare(release, run(release, reproduce.check_data(release, data), checkpoints))
    errors = run(release, data, checkpoints).by_frame
    assert (found.found, pck.found, auc.found) == (errors.mpjpe, errors.pck, errors.auc)
    metres = run(replace(release, millimetres=False), data, checkpoints).by_frame
    assert errors.mpjpe < metres.mpjpe  # a thousandth of its poses


def test_the_windows_are_those_of_the_paper(human36m: Path, checkpoints: Path):
    """Every second frame on Human3.6M, mirrored: another step gives other numbers."""
    release = RELEASES["p-stmo-s"]
    assert (release.step, RELEASES["p-stmo-s-3dhp"].step) == (2, 1)
    data = paired.load(human36m).split("test")
    assert run(release, data, checkpoints).by_frame != run(replace(release, step=1), data, checkpoints).by_frame
    for name in PRESETS.keys() & RELEASES.keys():
        assert PRESETS[name].tds == RELEASES[name].step


def test_missing_files_are_named_with_their_source(human36m: Path, checkpoints: Path, tmp_path: Path):
    release = RELEASES["p-stmo-refined"]
    assert reproduce.needed(release, human36m, checkpoints) == []
    model, refine, data = reproduce.needed(release, tmp_path / "data", tmp_path)
    assert "PSTMO_no_refine_6_4215_h36m_cpn.pth, from https://github.com/paTRICK-swk/P-STMO" in model
    assert "PSTMO_refine_6_4215_h36m_cpn.pth" in refine
    assert "pstmo data human36m --from FOLDER" in data
    assert "'cpn_ft_h36m_dbb' 2D" in data


def test_other_data_is_refused(human36m: Path, tmp_path: Path):
    with pytest.raises(PstmoError, match=r"holds Human3\.6M, expected MPI-INF-3DHP, from https://vcai"):
        reproduce.check_data(RELEASES["p-stmo-s-3dhp"], paired.load(human36m))
    only = paired.write(tmp_path, "Human3.6M", [recording(kinds={"gt": HUMAN36M})])
    with pytest.raises(PstmoError, match="no keypoints 'cpn_ft_h36m_dbb'; available: gt"):
        reproduce.check_data(RELEASES["p-stmo"], only)


def test_other_checkpoints_are_refused(tmp_path: Path):
    release = RELEASES["p-stmo-s"]
    export_official(MaskedPoseModel(SMALL), tmp_path / release.file)
    with pytest.raises(CheckpointError, match="is a stage I checkpoint, expected a lifter"):
        reproduce.predictor(release, tmp_path)


def test_what_is_expected_is_a_measure():
    for release in RELEASES.values():
        assert set(release.expected) <= set(Errors._fields)
        assert release.average in ("by_action", "by_frame")
        assert release.data in reproduce.DATA
