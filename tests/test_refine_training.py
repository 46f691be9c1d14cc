"""The last training stage: what it minimises, that it learns and goes on after a stop, and what it needs to know."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SMALL
from recordings import SIZE, lens, recording
from safetensors.torch import load_file

import pstmo
from pstmo import checkpoint
from pstmo.camera import Intrinsics, project, to_pixels
from pstmo.chance import Chance
from pstmo.checkpoint import Checkpoint
from pstmo.cli.settings import recipe
from pstmo.datasets import paired
from pstmo.datasets.paired import PairedDataset
from pstmo.datasets.recording import Recording
from pstmo.errors import CheckpointError, PstmoError
from pstmo.evaluate import evaluate, lifting
from pstmo.lift import Lifter
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.presets import PRESETS, Optimisation
from pstmo.skeleton import COCO, HUMAN36M
from pstmo.training.loop import Run
from pstmo.training.refine import refine
from pstmo.training.sources import Batch, PairedWindows, SeenMotion
from pstmo.windows import Clips, mirrored

ROOT = HUMAN36M.root_index
NONE = Chance(torch.Generator())
PAPER = replace(PRESETS["p-stmo-s"], tds=1)
WIDE = lens()._replace(focal=torch.tensor([1.5, 1.6]), centre=torch.tensor([0.05, 0.03]))
QUICK = Optimisation(epochs=4, batch=16, lr=2e-3, every=2)
FILES = {"model.safetensors", "refine.safetensors"}
EVERY = {f"{name}-000{epoch}.safetensors" for name in ("epoch", "refine-epoch") for epoch in (2, 4)}


def filmed(take: str, frames: int, side: int = 1, camera: Intrinsics | None = None, **more: Any) -> Recording:
    """A recording whose 2D is its 3D through the lens. side: -1 = the whole scene and the camera mirrored."""
    plain, camera = recording(take, frames, kinds={"gt": HUMAN36M}, **more), camera or lens()
    poses = torch.from_numpy(plain.poses.positions)
    poses -= poses[:, ROOT : ROOT + 1].clone()
    root = torch.tensor([0.3, -0.1, 4.5]) + torch.linspace(0, 1, frames)[:, None]
    if side < 0:
        poses[:], root = mirrored(poses.clone(), HUMAN36M), root * torch.tensor([-1, 1, 1])
        camera = camera._replace(centre=camera.centre * torch.tensor([-1, 1]))
    plain.keypoints["gt"].xy[:] = to_pixels(project(poses + root[:, None], camera), *SIZE).numpy()
    return replace(plain, root=root.numpy(), lens=camera)


def data_set(folder: Path, *recordings: Recording) -> PairedDataset:
    folder.mkdir()
    return paired.write(folder, "people", recordings)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PairedDataset:
    """Two cameras; a frame that nobody measured, and joints that nobody saw, in the middle and up to the end."""
    observed = np.ones(30, bool)
    observed[11] = False
    gappy = filmed("Walk 1", 30, split="train", observed=observed)
    gappy.keypoints["gt"].confidence[5:16, 4] = 0
    gappy.keypoints["gt"].confidence[20:, 9] = 0
    others = filmed("Sit 1", 21, camera=WIDE, split="train"), filmed("Eat 1", 25, split="validation")
    return data_set(tmp_path_factory.mktemp("data") / "people", gappy, *others)


@pytest.fixture(scope="module")
def lifter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It knows nothing, and puts everything half a metre aside."""
    torch.manual_seed(0)
    network = STMO(replace(SMALL, dropout=0.2))
    torch.nn.init.constant_(network.centre_head.layers[1].bias, 0.5)
    path = tmp_path_factory.mktemp("lifter") / "lifter.safetensors"
    checkpoint.save(path, Checkpoint(network, HUMAN36M, HUMAN36M, "lifter"))
    return path


def windows(data: PairedDataset, **more: Any) -> PairedWindows:
    return PairedWindows.of(data, "gt", replace(PAPER, **more))


def train(data: PairedDataset, lifter: Path, folder: Path, **changes: Any) -> list[dict[str, float]]:
    parts = (windows(data.split(name)) for name in ("train", "validation"))
    assert refine(*parts, folder, replace(QUICK, **changes), lifter) == folder / "model.safetensors"
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def every_window(source: PairedWindows, frames: int = 9) -> Batch:
    return source.batch(torch.arange(len(source)), frames, NONE)


def pair(folder: Path) -> tuple[Lifter, Refine]:
    found = checkpoint.load(folder / "refine.safetensors")
    assert (found.keypoints, found.poses, found.framing, found.rate) == (HUMAN36M, HUMAN36M, "screen", 50)
    return pstmo.load(folder / "model.safetensors"), checkpoint.expect(found.network, Refine, folder)


def error(data: PairedDataset, lifter: Lifter, module: Refine | None = None) -> float:
    """MPJPE, mm."""
    return evaluate(lifting(lifter, "gt", refine=module), data.recordings(), data="", keypoints="gt").by_frame.mpjpe


# It learns, and goes on


def test_lifter_and_module_learn_together(data: PairedDataset, lifter: Path, tmp_path: Path):
    log = train(data, lifter, tmp_path, epochs=6)
    assert log[-1]["loss"] < 0.7 * log[0]["loss"]
    assert min(line["validation"] for line in log) < 0.8 * log[0]["validation"]
    held_out, (trained, module) = data.split("validation"), pair(tmp_path)
    refined = error(held_out, trained, module)
    assert refined < 0.9 * error(held_out, trained)
    assert refined < 0.9 * error(held_out, trained, Refine().eval())
    assert error(held_out, trained) < 0.9 * error(held_out, pstmo.load(lifter))
    before, after = load_file(lifter), load_file(tmp_path / "model.safetensors")
    weights = {name for name in before if name.endswith("weight")}
    same = {name for name in weights if torch.equal(before[name], after[name])}
    assert same == {name for name in weights if name.startswith("sequence_head")}


def test_the_best_pair_and_every_so_many_th_are_kept(data: PairedDataset, lifter: Path, tmp_path: Path):
    train(data, lifter, tmp_path, keep="last")
    assert {path.name for path in tmp_path.glob("*.safetensors")} == FILES | EVERY | {"state.safetensors"}
    for one, other in (("model", "epoch"), ("refine", "refine-epoch")):
        names = (f"{one}.safetensors", f"{other}-0002.safetensors", f"{other}-0004.safetensors")
        kept, second, last = (load_file(tmp_path / name) for name in names)
        assert all(torch.equal(kept[name], last[name]) for name in last)
        assert any(not torch.equal(second[name], last[name]) for name in last)


def test_a_run_in_two_parts_is_the_run_in_one(data: PairedDataset, lifter: Path, tmp_path: Path):
    whole = train(data, lifter, tmp_path / "whole")
    train(data, lifter, tmp_path / "parts", epochs=2)
    for name in FILES:
        (tmp_path / "parts" / name).write_bytes(b"of another epoch, or half of it")
    torch.rand(100)  # chance moves on in between
    parts = train(data, lifter, tmp_path / "parts")
    for name in FILES | EVERY | {"state.safetensors"}:
        here, there = load_file(tmp_path / "whole" / name), load_file(tmp_path / "parts" / name)
        assert here.keys() == there.keys()
        assert all(torch.equal(tensor, there[key]) for key, tensor in here.items()), name
    assert [line["validation"] for line in whole] == [line["validation"] for line in parts]


def test_a_run_goes_on_with_the_same_cameras_and_lifter_only(data: PairedDataset, lifter: Path, tmp_path: Path):
    train(data, lifter, tmp_path / "run", epochs=1)
    source, validation = windows(data.split("train")), windows(data.split("validation"))
    with pytest.raises(CheckpointError, match="of a run with other cameras; go on"):
        refine(replace(source, roots=source.roots + 0.1), validation, tmp_path / "run", QUICK, lifter)
    checkpoint.save(tmp_path / "other", replace(checkpoint.load(lifter), name="other"))
    with pytest.raises(CheckpointError, match="of a run with another --lifter; go on"):
        refine(source, validation, tmp_path / "run", QUICK, tmp_path / "other")


# What is minimised


@pytest.fixture
def run(data: PairedDataset, lifter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Ready to start; dropout is off."""
    started: list[Run] = []
    monkeypatch.setattr(Run, "train", lambda run: started.append(run) or [])
    refine(windows(data.split("train")), windows(data.split("validation")), tmp_path, QUICK, lifter)
    started[0].network.eval()
    return started[0]


def test_the_loss_is_the_distance_of_refined_centres(data: PairedDataset, run: Run):
    """Written out for every frame of the validation recording, from its pixels."""
    [seen] = data.split("validation").recordings()
    source, frames = windows(data.split("validation")), torch.arange(25)
    batch = source.batch(frames, 9, NONE)
    xy = torch.from_numpy(seen.keypoints["gt"].xy) / 320 - torch.tensor([1, 0.75])
    with torch.inference_mode():
        lifted = run.network.lifter(batch.keypoints).centre
        depth = torch.from_numpy(seen.root[:, 2:]) + torch.where(torch.arange(17) == ROOT, 0, lifted[..., 2])
        points = torch.cat([(xy - lens().centre) / lens().focal * depth[..., None], depth[..., None]], -1)
        refined = run.network.refine(lifted, points - points[:, ROOT : ROOT + 1])
        expected = (refined - torch.from_numpy(seen.poses.positions)).square().sum(-1).sqrt().mean()
    loss, flipped = (run.loss(run.network, b, NONE).item() for b in (batch, source.batch(frames + 25, 9, NONE)))
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert run.validate() == pytest.approx(1000 * (loss + flipped) / 2, rel=1e-5)


def test_evaluation_refines_the_same_way(data: PairedDataset, run: Run):
    """With another camera for each recording, frames that were not measured, and gaps in the 2D."""
    network = run.network
    lifter = Lifter(Checkpoint(network.lifter, HUMAN36M, HUMAN36M, "training"), network.lifter)
    predict, moving = lifting(lifter, "gt", refine=network.refine, mirror=False), torch.arange(17) != ROOT
    batch, start = every_window(windows(data)), 0
    with torch.inference_mode():
        refined = network(batch.keypoints, batch.sight)
    for one in data.recordings():
        measured = np.flatnonzero(one.poses.observed)
        whole = [np.isin(range(max(0, at - 4), min(one.frames, at + 5)), measured).all() for at in measured]
        assert sum(whole) >= 20
        found, wanted = refined[start : start + len(measured)], predict(one).positions[measured]
        np.testing.assert_allclose(found[whole][:, moving], wanted[whole][:, moving], atol=1e-5)
        start += len(measured)


def test_what_is_trained_has_a_gradient(data: PairedDataset, run: Run):
    """Processes that share a batch wait for all of them."""
    run.loss(run.network, every_window(windows(data)), NONE).backward()
    learning = {name for name, weight in run.network.named_parameters() if weight.requires_grad}
    assert learning == {name for name, weight in run.network.named_parameters() if weight.grad is not None}
    assert {name.split(".")[0] for name in learning} == {"lifter", "refine"}


# What is known of cameras and roots


def test_a_mirrored_window_sees_what_a_mirrored_camera_would(tmp_path: Path):
    people = (data_set(tmp_path / str(side), filmed("Walk 1", 30, side, WIDE)) for side in (1, -1))
    here, there = (every_window(windows(one)) for one in people)
    for plain, other in ((here, there), (there, here)):
        torch.testing.assert_close(plain.sight[30:], other.sight[:30], atol=1e-5, rtol=0)
        torch.testing.assert_close(plain.keypoints[30:], other.keypoints[:30], atol=1e-5, rtol=0)
    points = here.poses[:, 4] + torch.tensor([0.3, -0.1, 4.5]) + torch.linspace(0, 1, 30)[:, None].repeat(2, 1)[:, None]
    torch.testing.assert_close(here.sight[:30, :, :2], (points[..., :2] / points[..., 2:])[:30], atol=1e-5, rtol=0)
    torch.testing.assert_close(here.sight[..., 2], points[:, ROOT, 2:].expand(-1, 17))


def test_a_batch_is_split_with_all_that_it_has(data: PairedDataset):
    batch = every_window(windows(data))
    parts = batch.split(4)
    assert [len(part.poses) for part in parts] == [38, 38, 37, 37]
    for column, pieces in zip(batch, zip(*parts, strict=True), strict=True):
        assert torch.equal(column, torch.cat(pieces))
    assert [part.sight for part in batch._replace(sight=None).split(3)] == [None] * 3
    assert every_window(windows(data, framing="person")).sight is None


def test_cameras_and_roots_are_there_where_all_are_known(data: PairedDataset, tmp_path: Path):
    """Also of data that stays on disk."""
    known = filmed("Eat 1", 12, observed=np.arange(12) != 3)
    gone = [np.where(np.arange(12)[:, None] == at, np.float32(np.nan), known.root) for at in (3, 4)]
    cases = [(known, True, True), (replace(known, lens=None), False, True), (replace(known, root=None), True, False)]
    cases += [(replace(known, root=gone[0]), True, True), (replace(known, root=gone[1]), True, False)]
    for i, (one, seen, rooted) in enumerate(cases):
        made = data_set(tmp_path / str(i), filmed("Walk 1", 12), one)
        sources = windows(made), PairedWindows.of(made, "gt", PAPER, mapped=True)
        for source in sources:
            assert (source.lenses is not None, source.roots is not None) == (seen, rooted), i
        memory, disk = (every_window(source).sight for source in sources)
        assert (memory is not None) == (seen and rooted)
        assert memory is None or torch.equal(memory, disk)


def test_facing_windows_are_those_that_a_lifter_sees(data: PairedDataset):
    network, seen = STMO(SMALL).eval(), []
    lifter = Lifter(Checkpoint(network, HUMAN36M, HUMAN36M, "", "facing"), network)
    lifter.folded.encoder.spatial.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].unflatten(-1, (17, 2)))
    )
    for part in (data.only(actions=["Sit"]), data.split("validation")):
        [one] = part.recordings()
        lifter.centres(one.keypoints["gt"], mirror=False)
        source = windows(part, framing="facing")
        torch.testing.assert_close(every_window(source).keypoints[: one.frames], seen[-1])
        unknown = every_window(replace(source, lenses=None)).keypoints[: one.frames]
        assert (unknown - seen[-1]).abs().max() > 1e-4
        assert source.facts["data"] != replace(source, lenses=None).facts["data"]


def test_refining_says_what_it_needs(data: PairedDataset, lifter: Path, tmp_path: Path):
    good = windows(data)
    motion = SeenMotion(torch.zeros(30, 22, 3), Clips([30]), 50.0, keypoints=HUMAN36M, framing="screen")
    found, others = checkpoint.load(lifter), replace(good, keypoints=COCO)
    changes = {"framing": "facing"}, {"keypoints": COCO}, {"network": MaskedPoseModel(SMALL)}
    facing, coco, stage_1 = (tmp_path / f"{i}.safetensors" for i in range(3))
    for path, change in zip((facing, coco, stage_1), changes, strict=True):
        checkpoint.save(path, replace(found, **change))
    wrong: list[tuple[Any, Any, Path, str]] = [
        (motion, good, lifter, "needs recorded 2D and 3D of known cameras, found motion"),
        (good, motion, lifter, "needs recorded 2D and 3D of known cameras, found motion"),
        (replace(good, framing="person"), good, lifter, "needs framing 'screen', the data has 'person'"),
        (good, good, facing, "needs framing 'screen', the lifter has 'facing'"),
        (replace(good, lenses=None), good, lifter, "needs the lens of every camera"),
        (good, replace(good, roots=None), lifter, "needs the root's place in every measured frame"),
        (good, good, coco, "2D joints of coco17, the data has h36m17; expected the same joints"),
        (others, others, coco, "the same joints in 2D, 3D and the module, found coco17 -> h36m17"),
        (good, good, stage_1, "2.safetensors is a stage I checkpoint, expected a lifter$"),
    ]
    for source, validation, start, message in wrong:
        with pytest.raises(PstmoError, match=message):
            refine(source, validation, tmp_path / "run", QUICK, start)
    assert not (tmp_path / "run").exists()


def test_the_recipe_says_how_to_refine():
    assert PRESETS["p-stmo-s"].refine.lr == 1e-5
    assert recipe("p-stmo-s", ["refine.lr=3e-5"]).refine == Optimisation(lr=3e-5)
