"""Equality with the official system: its inputs and outputs, recorded on CPU in float32 (see parity/README.md)."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from parity import weights

from pstmo import camera, metrics
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.official import export_official, import_official, to_official
from pstmo.skeleton import HUMAN36M, MPI_INF_3DHP
from pstmo.training.losses import reconstruction_loss, sequence_and_centre_loss
from pstmo.windows import Clips, mirrored

SHIPPED = Path(__file__).parent / "parity"
SHARED = Path(os.environ.get("PSTMO_SHARED", Path(__file__).parents[2] / "shared")) / "parity"
FIXTURES = {path.stem: path for folder in (SHARED, SHIPPED) for path in sorted(folder.glob("*.npz"))}
STMO_FIXTURES = sorted(name for name in FIXTURES if name.startswith("stmo"))
MPM_FIXTURES = sorted(name for name in FIXTURES if name.startswith("mpm"))


def arrays(name: str) -> dict[str, torch.Tensor]:
    with np.load(FIXTURES[name]) as file:
        return {key: torch.from_numpy(file[key]) for key in file if file[key].dtype.kind != "U"}


def official_file(name: str, folder: Path, prefix: str = "module.") -> Path:
    state = weights.state_dict(FIXTURES[name].with_suffix(".json"))
    path = folder / "official.pth"
    torch.save({prefix + key.removeprefix("module."): torch.from_numpy(value) for key, value in state.items()}, path)
    return path


@pytest.fixture(params=STMO_FIXTURES)
def stmo_case(request, tmp_path):
    network = import_official(official_file(request.param, tmp_path))
    assert isinstance(network, STMO)
    return network, arrays(request.param), request.param


def test_stmo_gives_the_official_poses(stmo_case):
    network, case, _ = stmo_case
    with torch.inference_mode():
        prediction = network(case["keypoints_2d"])
    torch.testing.assert_close(prediction.sequence, case["sequence_3d"], atol=2e-5, rtol=0)
    torch.testing.assert_close(prediction.centre[:, None], case["center_3d"], atol=2e-5, rtol=0)


def test_stmo_trains_with_the_official_loss_and_gradients(stmo_case):
    network, case, name = stmo_case
    network.train()
    without_dropout(network)
    loss = sequence_and_centre_loss(network(case["keypoints_2d"]), case["target_3d"])
    loss.backward()
    gradients = {key: value.grad for key, value in network.named_parameters() if value.grad is not None}
    network.unread.clear()  # rows of embeddings that are never read have no gradient
    ours = to_official(network, gradients)
    assert loss.item() == pytest.approx(case["train_loss"].item(), abs=1e-5)
    with np.load(FIXTURES[name]) as file:
        names, norms = file["grad_names"].tolist(), file["grad_norms"].tolist()
    checked = 0
    for official_name, norm in zip(names, norms, strict=True):
        if norm > 1e-4:  # a key's bias, or a bias before batch norm, has no gradient but rounding
            assert ours[official_name.removeprefix("module.")].norm().item() == pytest.approx(norm, rel=1e-3), (
                official_name
            )
            checked += 1
    assert checked > 0.8 * len(names)


@pytest.mark.parametrize("name", MPM_FIXTURES)
@pytest.mark.parametrize("masks", ["one for the batch", "one for each window"])
def test_masked_pose_model_gives_the_official_reconstruction(name, masks, tmp_path):
    network, case = import_official(official_file(name, tmp_path)), arrays(name)
    assert isinstance(network, MaskedPoseModel)
    frames, joints = case["temporal_mask"], case["spatial_mask"]
    if masks == "one for each window":
        batch = len(case["keypoints_2d"])
        frames, joints = frames.expand(batch, -1), joints.expand(batch, -1, -1)
    with torch.inference_mode():
        drawn = network(case["keypoints_2d"], frames, joints)
    torch.testing.assert_close(drawn, case["reconstruction_in_frame_order"], atol=2e-5, rtol=0)
    loss = reconstruction_loss(drawn, case["keypoints_2d"])
    assert loss.item() == pytest.approx(case["loss"].item(), abs=2e-5)


def test_refine_gives_the_official_pose(tmp_path):
    network, case = import_official(official_file("refine", tmp_path)), arrays("refine")
    assert isinstance(network, Refine)
    refined = network(case["pose_3d"][:, 0], case["back_projected_3d"][:, 0])
    torch.testing.assert_close(refined, case["refined_3d"][:, 0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("prefix", ["module.", ""])
@pytest.mark.parametrize("name", [*STMO_FIXTURES, *MPM_FIXTURES, "refine"])
def test_official_checkpoint_comes_back_bit_by_bit(name, prefix, tmp_path):
    network = import_official(official_file(name, tmp_path, prefix))
    export_official(network, tmp_path / "back.pth")
    before = torch.load(official_file(name, tmp_path), weights_only=True)
    after = torch.load(tmp_path / "back.pth", weights_only=True)
    assert before.keys() == after.keys()
    for key, value in before.items():
        assert torch.equal(value, after[key]), key


def test_windows_are_the_official_ones():
    case = arrays("windows_h36m")
    sequences = {"2d": case["sequence_2d"], "3d": case["sequence_3d"]}
    clips = Clips([len(sequences["2d"])])
    names = [key for key in case if key.startswith("tds") and key.endswith("d")]
    assert len(names) == 48
    for name in names:
        tds, flip, frame, axes = name.split("_")
        rows = clips.windows(torch.tensor([int(frame[5:])]), 81, int(tds[3:]))
        window = sequences[axes][rows[0]]
        expected = case[name]
        assert torch.equal(mirrored(window, HUMAN36M) if flip == "flip1" else window, expected), name
    assert 2 * len(clips) == case["pairs_tds1"] == case["pairs_tds2"]


def test_human36m_metrics_are_the_official_ones():
    with np.load(FIXTURES["metrics_h36m"]) as file:
        case = {key: file[key] for key in file}
    expected = json.loads(FIXTURES["metrics_h36m"].with_suffix(".json").read_text())
    by_action: dict[str, list[tuple[torch.Tensor, torch.Tensor]]] = {}
    for i, action in enumerate(case["actions"].tolist()):
        pair = torch.from_numpy(case[f"pred_{i}"]), torch.from_numpy(case[f"gt_{i}"])
        by_action.setdefault(action.split()[0], []).append(pair)
    assert by_action.keys() == expected.keys()
    for action, pairs in by_action.items():
        predicted, target = (torch.cat(part) for part in zip(*pairs, strict=True))
        assert 1000 * metrics.mpjpe(predicted, target).mean().item() == pytest.approx(
            expected[action]["p1_mm"], abs=1e-3
        )
        assert 1000 * metrics.p_mpjpe(predicted, target).mean().item() == pytest.approx(
            expected[action]["p2_mm"], abs=1e-3
        )


def matlab_tables(rows: list[list]) -> dict[str, dict[str, dict[str, float]]]:
    """The evaluation's stacked tables, as {"mpjpe" | "PCK" | "AUC": {row: {column: value}}}."""
    tables: dict[str, dict[str, dict[str, float]]] = {}
    header: list[str] = []
    for first, *cells in rows:
        if isinstance(cells[0], str):
            header = cells
            table = tables.setdefault(first or "mpjpe", {})
        else:
            table[first] = {name: cell for name, cell in zip(header, cells, strict=True) if name}
    return tables


@pytest.mark.parametrize("by", ["sequencewise", "activitywise"])
def test_mpi_inf_3dhp_metrics_are_the_matlab_ones(by):
    case = arrays("metrics_3dhp")
    tables = matlab_tables(json.loads(FIXTURES["metrics_3dhp"].with_suffix(".json").read_text())[by])
    errors = [metrics.joint_errors(case[f"pred_{i}"].double(), case[f"gt_{i}"].double()) / 1000 for i in range(1, 7)]
    activity = torch.cat([case[f"activity_{i}"] for i in range(1, 7)])
    parts = errors if by == "sequencewise" else [torch.cat(errors)[activity == i] for i in range(1, 8)]
    groups = {"Head": "head", "Neck": "neck", "Shou": "shoulder", "Elbow": "elbow", "Wrist": "wrist", "Hip": "hip"}
    groups |= {"Knee": "knee", "Ankle": "ankle", "Total": "total"}
    if by == "activitywise":
        parts.append(torch.cat(errors))
    assert len(tables["mpjpe"]) == len(parts)
    for part, (row, joints) in zip(parts, tables["mpjpe"].items(), strict=True):
        for joint in MPI_INF_3DHP.joints:
            error = 1000 * part[:, MPI_INF_3DHP.index(joint)].mean().item()
            assert error == pytest.approx(joints[joint], abs=1e-3)
        assert 1000 * part.mean().item() == pytest.approx(joints["Average"], abs=1e-3)
        for theirs, ours in groups.items():
            pck, auc = metrics.pck_by_group(part)[ours]
            assert pck == pytest.approx(tables["PCK"][row][theirs], abs=1e-3)
            assert auc == pytest.approx(tables["AUC"][row][theirs], abs=1e-3)


def test_camera_is_the_official_one():
    case = arrays("camera")
    turn = camera.rotation(case["quaternion_wxyz"])
    seen = camera.world_to_camera(case["world"], turn, case["translation"])
    torch.testing.assert_close(seen, case["camera"], atol=1e-5, rtol=0)
    torch.testing.assert_close(camera.camera_to_world(seen, turn, case["translation"]), case["world"])
    normalised = camera.normalise_screen(case["pixels"], 1000, 1002)
    torch.testing.assert_close(normalised, case["normalized_1000x1002"], atol=1e-5, rtol=0)
    uvd, k = case["uvd"][:, 0], case["intrinsics_normalized"][:, None]
    lens = camera.Intrinsics(k[..., :2], k[..., 2:4], k[..., 4:7], k[..., 7:9])
    root_depth = case["gt_3d_with_root_depth"][:, 0, 0, 2]
    back = camera.back_project_pose(uvd[..., :2], uvd[..., 2], root_depth, 0, lens)
    torch.testing.assert_close(back, case["back_projected"][:, 0], atol=1e-5, rtol=0)


def without_dropout(network: torch.nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout") and isinstance(module.dropout, float):
            module.dropout = 0.0
