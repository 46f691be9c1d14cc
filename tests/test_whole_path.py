"""The official metrics, through everything: a data set's files, conversion, predictions, `pstmo evaluate`, tables."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from human36m_files import KEPT, write_3d
from mpi_inf_3dhp_files import Body, write_test
from test_parity import FIXTURES, matlab_tables

from pstmo.camera import camera_to_world
from pstmo.cli import main
from pstmo.datasets.human36m_cameras import human36m_cameras
from pstmo.metrics import PCK_GROUPS
from pstmo.skeleton import MPI_INF_3DHP


def pstmo(line: str) -> None:
    sys.argv = ["pstmo", *line.split()]
    main()


def test_human36m(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Poses put into the world, written as the field does, seen by the camera again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [])
    expected = json.loads(FIXTURES["metrics_h36m"].with_suffix(".json").read_text())
    eye = human36m_cameras("S9")[0]
    positions, predictions = {}, {}
    with np.load(FIXTURES["metrics_h36m"]) as case:
        for i, take in enumerate(case["actions"].tolist()):
            seen = torch.from_numpy(case[f"gt_{i}"]).double() + torch.tensor([0.1, 0.2, 5.0])
            world = np.zeros((len(seen), 32, 3))
            world[:, KEPT] = camera_to_world(seen, eye.orientation.double(), eye.position.double())
            positions[take] = world.astype(np.float32)
            predictions[f"S9/{take}/{eye.name}"] = case[f"pred_{i}"]
    (tmp_path / "raw").mkdir()
    write_3d(tmp_path / "raw", {"S9": positions})
    np.savez(tmp_path / "net.npz", **predictions)
    pstmo("data human36m --from raw -o h36m")
    pstmo(f"evaluate --data h36m --keypoints gt --cameras {eye.name} --predictions net.npz -o results")
    found = json.loads((tmp_path / "results/results.json").read_text())["action"]
    assert found.keys() == expected.keys()
    for action, errors in expected.items():
        assert found[action]["mpjpe_mm"] == pytest.approx(errors["p1_mm"], abs=1e-3)
        assert found[action]["p_mpjpe_mm"] == pytest.approx(errors["p2_mm"], abs=1e-3)
    rows = list(csv.DictReader((tmp_path / "results/results.csv").read_text().splitlines()))
    [mean] = [row for row in rows if row["name"] == "mean of actions"]
    assert float(mean["mpjpe_mm"]) == pytest.approx(np.mean([e["p1_mm"] for e in expected.values()]), abs=1e-3)


def write_3dhp(folder: Path) -> None:
    """The fixture as test sequences, with frames that are not valid between those that are, and predictions for all."""
    predictions = {}
    with np.load(FIXTURES["metrics_3dhp"]) as case:
        for i in range(1, 7):
            rows = np.arange(len(case[f"gt_{i}"])) * 2
            valid, activity = np.zeros(2 * len(rows), bool), np.zeros(2 * len(rows), int)
            valid[rows], activity[rows] = True, case[f"activity_{i}"]
            truth, guess = (np.zeros((len(valid), 17, 3)) for _ in range(2))
            truth[rows], guess[rows] = case[f"gt_{i}"] + (100, 200, 3000), case[f"pred_{i}"] / 1000
            guess[~valid] = np.arange(51).reshape(17, 3) / 5  # metres off
            write_test(folder / "raw", f"TS{i}", Body(np.ones((len(valid), 17, 2)), truth), valid, activity)
            predictions[f"TS{i}/test/0"] = guess
    np.savez(folder / "net.npz", **predictions)


def test_mpi_inf_3dhp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [])
    official = json.loads(FIXTURES["metrics_3dhp"].with_suffix(".json").read_text())
    write_3dhp(tmp_path)
    pstmo("data mpi-inf-3dhp --from raw -o 3dhp")
    pstmo("evaluate --data 3dhp --predictions net.npz -o results")
    found = json.loads((tmp_path / "results/results.json").read_text())
    assert found["mean"]["mean of frames"]["frames"] == 291
    activities, sequences = (matlab_tables(official[f"{by}wise"]) for by in ("activity", "sequence"))
    ours = found["activity"] | {"All": found["mean"]["mean of frames"]}
    ours |= {f"TestSeq{name[2]}": errors for name, errors in found["recording"].items()}
    for tables in (activities, sequences):
        for name in tables["mpjpe"]:
            assert ours[name]["mpjpe_mm"] == pytest.approx(tables["mpjpe"][name]["Average"], abs=1e-3)
            assert ours[name]["pck150_percent"] == pytest.approx(tables["PCK"][name]["Total"], abs=1e-3)
            assert ours[name]["auc_percent"] == pytest.approx(tables["AUC"][name]["Total"], abs=1e-3)
    for joint in MPI_INF_3DHP.joints:
        assert found["joint"][joint]["mpjpe_mm"] == pytest.approx(activities["mpjpe"]["All"][joint], abs=1e-3)
    for theirs, share in activities["PCK"]["All"].items():
        joints = next((joints for group, joints in PCK_GROUPS.items() if group.startswith(theirs.lower())), ())
        mean = np.mean([found["joint"][joint]["pck150_percent"] for joint in joints]) if joints else share
        assert mean == pytest.approx(share, abs=1e-3)
