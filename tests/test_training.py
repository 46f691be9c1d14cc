"""The two training stages on a moment of motion: what they hide, how they learn, and that they go on after a stop."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cmu_files import PEOPLE, write_motion
from cmu_files import walker as walking_person
from conftest import SMALL
from safetensors.torch import load_file
from torch import Tensor, nn

from pstmo import checkpoint
from pstmo.chance import Chance
from pstmo.checkpoint import Checkpoint
from pstmo.datasets import motions
from pstmo.errors import CheckpointError, PstmoError
from pstmo.metrics import mpjpe, rooted
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO, Prediction
from pstmo.presets import PRESETS, Masking, ModelConfig, Optimisation
from pstmo.skeleton import COCO, HUMAN36M, MPI_INF_3DHP
from pstmo.training.engine import Engine
from pstmo.training.finetune import finetune
from pstmo.training.loop import Run
from pstmo.training.losses import reconstruction_loss, sequence_and_centre_loss
from pstmo.training.masks import random_masks
from pstmo.training.pretrain import pretrain
from pstmo.training.sources import Batch, PairedWindows, SeenMotion, validation_batches
from pstmo.training.state import RunState
from pstmo.training.transfer import take_over
from pstmo.windows import Clips

RECIPE = PRESETS["cmu-w27"]
QUICK = Optimisation(epochs=4, batch=16, lr=2e-3, decay=0.9, warmup=5, clip=1.0)
MASKING = Masking(0.5, 2)
STAGES = ("pretrain", "finetune")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return walking_person(tmp_path_factory.mktemp("cmu"), 49, 60.0).positions


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, walk: np.ndarray) -> Path:
    return write_motion(tmp_path_factory.mktemp("data") / "motion.npz", walk, PEOPLE)


def sources(data: Path, **changes: Any) -> tuple[SeenMotion, SeenMotion]:
    corpus, recipe = motions.load(data), replace(RECIPE, **changes)
    return SeenMotion.of(corpus.split("train"), recipe), SeenMotion.of(corpus.split("validation"), recipe)


def train(
    stage: str, data: Path, folder: Path, model: ModelConfig = SMALL, masking: Masking = MASKING, **changes: Any
) -> list[dict[str, float]]:
    """Runs a stage and gives the lines of its log."""
    settings = replace(QUICK, **changes)
    if stage == "pretrain":
        pretrain(*sources(data), folder, model, masking, settings)
    else:
        finetune(*sources(data), folder, model, settings)
    return read_log(folder)


def read_log(folder: Path) -> list[dict[str, float]]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON")) for line in lines]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_same_run(one: Path, other: Path) -> None:
    """The same bits in every weight, statistic, optimiser slot and random state; the same log but for times."""
    names = {path.name for path in one.glob("[!.]*.safetensors")}
    assert names == {path.name for path in other.glob("[!.]*.safetensors")}
    assert len(names) == 2
    for name in names:
        here, there = load_file(one / name), load_file(other / name)
        assert here.keys() == there.keys()
        for key, tensor in here.items():
            assert torch.equal(tensor, there[key]), f"{key} of {name}"
    timeless = [
        [{k: v for k, v in line.items() if k not in ("seconds", "windows_per_second")} for line in read_log(folder)]
        for folder in (one, other)
    ]
    assert timeless[0] == timeless[1]


# What is hidden, and what is minimised


@pytest.mark.parametrize("per_sample", [True, False])
def test_masks_hide_as_much_as_they_should(per_sample: bool):
    masks = random_masks(Masking(0.8, 2, per_sample), 16, 27, 17, Chance.of(0))
    assert masks.frames.shape == ((16, 27) if per_sample else (27,))
    assert masks.joints.shape == ((16, 27, 17) if per_sample else (27, 17))
    assert (masks.frames.sum(-1) == 22).all()  # 80 % of 27 frames
    assert (masks.joints.sum(-1) == 2).all()
    assert len(masks.joints.flatten(0, -2).unique(dim=0)) > 20  # others in every frame
    if per_sample:
        assert len(masks.frames.unique(dim=0)) == 16


def test_every_frame_and_joint_is_hidden_as_often_as_the_others():
    masks = random_masks(Masking(0.8, 2), 2000, 9, 17, Chance.of(0))
    torch.testing.assert_close(masks.frames.float().mean(0), torch.full((9,), 7 / 9), atol=0.04, rtol=0)
    torch.testing.assert_close(masks.joints.float().mean((0, 1)), torch.full((17,), 2 / 17), atol=0.01, rtol=0)


@pytest.mark.parametrize("per_sample", [True, False])
def test_gaps_hide_runs_of_frames(per_sample: bool):
    masks = random_masks(Masking(0.0, 0, per_sample, gaps=0.3), 2000, 27, 17, Chance.of(0))
    assert masks.joints.shape == ((2000, 27, 17) if per_sample else (27, 17))
    assert not masks.frames.any()
    if per_sample:
        hidden = masks.joints.float()
        starts = (hidden[:, 1:] > hidden[:, :-1]).float().sum(1)
        assert starts.mean() < 0.45  # in runs: few begin within the window
        assert starts.max() <= 3  # a joint alone, some together, the body
        assert 0.1 < hidden.mean() < 0.4
        shares = hidden.mean((0, 1))
        assert (shares.max() - shares.min()) < 0.05
        assert hidden.all(-1).any(1).float().mean() > 0.05  # now and then nobody is seen
        for some in (0, 13, 26):
            torch.testing.assert_close(hidden[:, some].mean(), hidden.mean(), atol=0.03, rtol=0)


@pytest.mark.parametrize(("frames", "joints"), [(1.0, 2), (0.95, 2), (-0.5, 2), (0.8, 17), (0.8, -1)])
def test_masks_that_are_impossible_are_refused(frames: float, joints: int):
    with pytest.raises(
        PstmoError, match=r"^frames, .*must lie|^joints must be at least 0, found -1$|joints is not possible"
    ):
        random_masks(Masking(frames, joints), 4, 9, 17, Chance.of(0))


def test_losses_are_mean_distances():
    seen, drawn = torch.rand(2, 9, 17, 2), torch.zeros(2, 9, 17, 2)
    drawn[0, :, :, 0], drawn[0, :, :, 1] = 3, 4
    assert reconstruction_loss(seen + drawn, seen).item() == pytest.approx(2.5)
    target = torch.arange(9.0)[:, None, None].expand(9, 17, 3).repeat(2, 1, 1, 1)
    centre = target[:, 4] + torch.tensor([0, 0, 0.2])
    sequence = target + torch.tensor([0.1, 0.2, 0.2])
    assert sequence_and_centre_loss(Prediction(target, target[:, 4]), target).item() == 0
    assert sequence_and_centre_loss(Prediction(sequence, centre), target).item() == pytest.approx(0.5)


# The loop


@dataclass(frozen=True)
class Recorded(PairedWindows):
    """Ten windows and their mirror images, which remembers what it was asked for."""

    asked: list[list[int]] = field(default_factory=list)

    def batch(self, numbers: Tensor, frames: int, chance: Chance) -> Batch:
        self.asked.append(numbers.tolist())
        return super().batch(numbers, frames, chance)


def loop(folder: Path, validations: list[float] | None = None, **changes: Any) -> tuple[Run, list[float], list[float]]:
    """A run of one weight whose gradient is always 1, so that each of Adam's steps is as long as the learning rate;
    the weight before every step; the weights that were kept as the best."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    steps: list[float] = []
    kept: list[float] = []

    def loss(network: nn.Module, batch: Batch, chance: Chance) -> Tensor:
        steps.append(network.weight.item())
        return network.weight.sum()

    validate: Callable[[], float] = iter(validations).__next__ if validations else lambda: 1.0
    source = Recorded(torch.zeros(10, 17, 2), torch.zeros(10, 17, 3), Clips([10]))
    settings = replace(Optimisation(epochs=3, batch=5, lr=0.01, decay=0.5), **changes)
    weight = network.weight
    keep: Callable[[Path], None] = lambda path: kept.append(weight.item())  # noqa: E731
    run = Run(network, source, 9, loss, validate, keep, settings, {}, folder, "best", Engine("cpu"))
    return run, steps, kept


def test_the_learning_rate_warms_up_by_batch_and_decays_by_epoch(tmp_path: Path):
    run, steps, _ = loop(tmp_path, warmup=6)
    history = run.train()
    warmth = np.minimum(1, np.arange(1, 13) / 6)  # three epochs of four batches
    wanted = 0.01 * np.repeat([1, 0.5, 0.25], 4) * warmth
    np.testing.assert_allclose(-np.diff([*steps, run.network.weight.item()]), wanted, rtol=1e-3)
    assert [line["lr"] for line in history] == pytest.approx([0.01 * 4 / 6, 0.005, 0.0025])  # of the last step


def test_an_epoch_has_every_window_once(tmp_path: Path):
    run, _, _ = loop(tmp_path, epochs=2)
    run.train()
    first, second = (list(chain(*run.source.asked[i : i + 4])) for i in (0, 4))
    assert [len(batch) for batch in run.source.asked] == [5, 5, 5, 5] * 2
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    short, _, _ = loop(tmp_path / "short", epochs=2, batch=6, epoch_windows=13)
    short.train()
    assert [len(batch) for batch in short.source.asked] == [6, 6] * 2  # all batches are of one size
    assert len(set(chain(*short.source.asked[:2]))) == 12
    tiny, _, _ = loop(tmp_path / "tiny", epochs=1, batch=64)
    tiny.train()
    assert [sorted(batch) for batch in tiny.source.asked] == [list(range(20))]


def test_the_best_epoch_is_kept_also_over_a_stop(tmp_path: Path):
    run, steps, kept = loop(tmp_path, [3.0, 1.0], epochs=2)
    run.train()
    assert kept == [steps[4], run.network.weight.item()]
    again, steps, kept = loop(tmp_path, [2.0, 0.5], epochs=4)
    history = again.train()
    assert kept == [again.network.weight.item()]  # the third epoch was worse than the second
    assert len(steps) == 8
    assert [line["validation"] for line in history] == [3.0, 1.0, 2.0, 0.5]
    assert [line["epoch"] for line in read_log(tmp_path)] == [1, 2, 3, 4]


def test_a_stop_right_after_the_state_was_saved_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        save = RunState.save
        patch.setattr(RunState, "save", lambda *args: save(*args) or exec("raise KeyboardInterrupt"))
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                loop(tmp_path, epochs=2)[0].train()
    loop(tmp_path, epochs=2)[0].train()
    assert [line["epoch"] for line in read_log(tmp_path)] == [1, 2]


# Both stages


@pytest.mark.parametrize("stage", STAGES)
def test_both_stages_learn(stage: str, data: Path, tmp_path: Path):
    log = train(stage, data, tmp_path, epochs=8)
    assert [line["epoch"] for line in log] == list(range(1, 9))
    assert log[-1]["loss"] < 0.7 * log[0]["loss"]
    assert min(line["validation"] for line in log[1:]) < 0.8 * log[0]["validation"]
    if stage == "finetune":
        best = checkpoint.load(tmp_path / "model.safetensors")
        held_out = validation_batches(sources(data)[1], best.network.config.frames)
        with torch.inference_mode():
            centres = [rooted(best.network(b.keypoints).centre, HUMAN36M.root_index) for b in held_out]
            errors = [mpjpe(poses, b.poses[:, 4]) for poses, b in zip(centres, held_out, strict=True)]
        assert 1000 * torch.cat(errors).mean().item() == pytest.approx(min(x["validation"] for x in log), rel=1e-5)
        assert (best.framing, best.rate) == ("facing", pytest.approx((20 * 60) ** 0.5))


def test_finetuning_starts_from_the_very_encoder(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    train("pretrain", data, tmp_path / "1", epochs=1)
    pretrained, started = tmp_path / "1" / "pretrained.safetensors", []
    monkeypatch.setattr(Run, "train", lambda run: started.append(run.network.encoder.state_dict()))
    for stage_1 in (pretrained, None):
        finetune(*sources(data), tmp_path / "2", SMALL, QUICK, stage_1)
    taken = checkpoint.load(pretrained).network.encoder.state_dict()
    assert all(torch.equal(started[0][name], tensor) for name, tensor in taken.items())
    assert started[0].keys() == taken.keys()
    assert not torch.equal(started[1]["position"], taken["position"])
    with pytest.raises(CheckpointError, match=r"its encoder has width 32, the recipe's model width 64;"):
        finetune(*sources(data), tmp_path / "2", replace(SMALL, width=64), QUICK, pretrained)


def test_finetuning_starts_from_what_fits(data: Path, tmp_path: Path, small_checkpoint: Path):
    checkpoint.save(tmp_path / "refine.safetensors", Checkpoint(Refine(17), COCO, HUMAN36M, "other"))
    for start, model, message in (
        (tmp_path / "refine.safetensors", SMALL, "is a refine module, expected a stage I checkpoint or a lifter$"),
        (small_checkpoint, replace(SMALL, strides=(3, 9)), r"strides \(3, 3\) cannot start one with \(3, 9\)"),
        (small_checkpoint, replace(SMALL, strides=(3,)), r"strides \(3, 3\) cannot start one with \(3,\)"),
        (small_checkpoint, replace(SMALL, depth=3), "its encoder has depth 2, the recipe's model depth 3;"),
    ):
        with pytest.raises(CheckpointError, match=message):
            finetune(*sources(data), tmp_path / "out", model, QUICK, start)
    assert not (tmp_path / "out").exists()


def test_finetuning_starts_from_the_same_joints_by_name(tmp_path: Path, small_checkpoint: Path):
    """Seventeen of COCO are not seventeen of Human3.6M. Of stage I the poses do not matter."""
    lifter, pretrained = checkpoint.load(small_checkpoint), tmp_path / "pretrained.safetensors"
    checkpoint.save(pretrained, replace(lifter, network=MaskedPoseModel(SMALL)))
    source = PairedWindows(torch.zeros(10, 17, 2), torch.zeros(10, 17, 3), Clips([10]))
    others = replace(source, keypoints=HUMAN36M), replace(source, poses=MPI_INF_3DHP)
    for start, windows, message in (
        (small_checkpoint, others[0], "small.safetensors was trained on 2D joints of coco17, the data has h36m17;"),
        (small_checkpoint, others[1], "small.safetensors was trained on 3D joints of h36m17, the data has 3dhp17;"),
        (pretrained, others[0], "pretrained.safetensors was trained on 2D joints of coco17, the data has h36m17;"),
    ):
        with pytest.raises(CheckpointError, match=message):
            finetune(windows, windows, tmp_path / "out", SMALL, QUICK, start)
    take_over(STMO(SMALL), others[1], pretrained)


def test_a_lifter_grows_into_a_larger_window(small_checkpoint: Path):
    """What it learned for each place is stretched; of a window that stands still the tokens are the same."""
    old = checkpoint.load(small_checkpoint).network
    same, large = STMO(SMALL), STMO(replace(SMALL, strides=(3, 3, 3)))
    source = PairedWindows(torch.zeros(10, 17, 2), torch.zeros(10, 17, 3), Clips([10]))
    take_over(same, source, small_checkpoint)
    assert all(torch.equal(value, old.state_dict()[name]) for name, value in same.state_dict().items())
    take_over(large, source, small_checkpoint)
    for i in (0, 8):
        assert torch.equal(large.encoder.position[26 * i // 8], old.encoder.position[i])
    assert torch.equal(large.encoder.position[13], old.encoder.position[4])
    assert torch.equal(large.aggregator.positions[1], old.aggregator.positions[0])
    for new_block, old_block in zip(large.aggregator.blocks, [0, 0, 1], strict=True):
        weights = old.aggregator.blocks[old_block].state_dict()
        assert all(torch.equal(value, weights[name]) for name, value in new_block.state_dict().items())


def test_people_train_or_validate_or_test(walk: np.ndarray, data: Path, tmp_path: Path):
    logs = {}
    for who in ("01", "05", "07"):
        other = write_motion(tmp_path / f"{who}.npz", walk, PEOPLE | {who: 1.0})
        logs[who] = train("finetune", other, tmp_path / who, epochs=1)[0]
    same = train("finetune", data, tmp_path / "same", epochs=1)[0]
    assert_same_run(tmp_path / "same", tmp_path / "07")
    assert logs["05"]["loss"] == same["loss"]
    assert logs["05"]["validation"] != same["validation"]
    assert logs["01"]["loss"] != same["loss"]


@pytest.mark.parametrize("stage", STAGES)
def test_both_precisions_train(stage: str, data: Path, tmp_path: Path):
    losses = {}
    for precision in ("fp32", "bf16"):
        losses[precision] = train(stage, data, tmp_path / precision, epochs=1, precision=precision)[0]["loss"]
        [path] = (tmp_path / precision).glob("[!s]*.safetensors")
        tensors = load_file(path)
        assert {tensor.dtype for tensor in tensors.values()} == {torch.float32, torch.int64}
        assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert losses["bf16"] != losses["fp32"]
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.05)


# Stopped, killed, and gone on


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("stage", STAGES)
def test_a_run_in_two_parts_is_the_run_in_one(stage: str, dropout: float, data: Path, tmp_path: Path):
    model = replace(SMALL, dropout=dropout)
    train(stage, data, tmp_path / "whole", model, epochs=4)
    train(stage, data, tmp_path / "parts", model, epochs=2)
    torch.rand(100)  # chance moves on in between
    train(stage, data, tmp_path / "parts", model, epochs=4)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("lr", {"lr": 3e-3}),
        ("batch", {"batch": 8}),
        ("seed", {"seed": 1}),
        ("decay", {"decay": 0.5}),
        ("precision", {"precision": "bf16"}),
        ("model", {"model": replace(SMALL, dropout=0.1)}),
        ("masking", {"masking": Masking(0.5, 3)}),
        ("batch", {"batch": 8, "lr": 3e-3, "decay": 0.5, "seed": 1}),  # the first of them is named
    ],
)
def test_a_run_does_not_go_on_with_other_settings(name: str, change: dict[str, Any], data: Path, tmp_path: Path):
    train("pretrain", data, tmp_path, epochs=1, epoch_windows=32)
    before = contents(tmp_path)
    with pytest.raises(CheckpointError, match=rf"of a run with {name} = .*, now it is"):
        train("pretrain", data, tmp_path, **{"epochs": 2, "epoch_windows": 32, **change})
    assert contents(tmp_path) == before


def test_a_run_does_not_go_on_with_other_data_or_another_start(data: Path, tmp_path: Path, small_checkpoint: Path):
    """What is compared by checksums is told in words."""
    settings = replace(QUICK, epochs=1, epoch_windows=32)
    source, validation = (replace(part, origin="data/motion.npz") for part in sources(data))
    other = replace(source, world=source.world + 1)
    finetune(source, validation, tmp_path, SMALL, settings, small_checkpoint)
    for windows, start, told in ((other, small_checkpoint, "other data, now it is data/motion.npz"),
                                 (source, None, "another --start")):  # fmt: skip
        with pytest.raises(CheckpointError, match=rf"state.safetensors is of a run with {told}; go on with the same"):
            finetune(windows, validation, tmp_path, SMALL, settings, start)


def test_a_finished_run_says_so(data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO", "pstmo")
    for _ in range(2):
        assert "finished already" not in caplog.text
        train("finetune", data, tmp_path, epochs=1, epoch_windows=32)
    assert caplog.messages[-1] == f"{tmp_path}: finished already, at epoch 1"


def test_a_state_that_is_cut_off_is_refused(data: Path, tmp_path: Path):
    train("finetune", data, tmp_path, epochs=1, epoch_windows=32)
    state = tmp_path / "state.safetensors"
    whole = state.read_bytes()
    for length in (0, 4, 200, len(whole) // 2, len(whole) - 1):
        state.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"state\.safetensors is not a whole safetensors file"):
            train("finetune", data, tmp_path, epochs=2, epoch_windows=32)
    state.write_bytes((tmp_path / "model.safetensors").read_bytes())
    with pytest.raises(CheckpointError, match="is not the state of a training run"):
        train("finetune", data, tmp_path, epochs=2, epoch_windows=32)


def test_a_killed_run_ends_with_the_same_bits(data: Path, tmp_path: Path):
    """The command itself, killed in the middle of its second epoch or soon after, and started again."""
    settings = {"epochs": 4, "batch": 3, "precision": "fp32"}
    words = [f"model.{key}={value}" for key, value in asdict(SMALL).items() if isinstance(value, int)]
    words += [f"finetune.{key}={value}" for key, value in settings.items()] + ["model.strides=3,3"]
    command = [sys.executable, "-m", "pstmo", "finetune", "--data", data, "-o", tmp_path, "--set", *words]
    single = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=single, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None and not (tmp_path / "finetune" / "log.jsonl").exists():
            time.sleep(0.005)
        time.sleep(0.5 * read_log(tmp_path / "finetune")[0]["seconds"])
        run.kill()
    assert run.returncode == -signal.SIGKILL
    assert 1 <= len(read_log(tmp_path / "finetune")) < 4
    subprocess.run(command, env=single, check=True, stdout=subprocess.DEVNULL)
    finetune(*sources(data), tmp_path / "whole", SMALL, replace(RECIPE.finetune, **settings))
    assert_same_run(tmp_path / "whole", tmp_path / "finetune")


def test_no_kill_leaves_half_a_file(data: Path, tmp_path: Path):
    command = f"import sys, test_training; print(test_training.killed_often({str(data)!r}, {str(tmp_path)!r}))"
    single, here = os.environ | {"OMP_NUM_THREADS": "1"}, Path(__file__).parent
    done = subprocess.run([sys.executable, "-c", command], cwd=here, env=single, stdout=subprocess.PIPE, check=True)
    assert int(done.stdout) >= 8  # so many runs were killed
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def killed_often(data: str, folder: str, kills: int = 24) -> int:
    """Trains once undisturbed; then in copies of this process that are killed at random moments, but for the last.

    Asserts after each kill that every file there is a whole one; gives the number of runs that were killed.
    """
    whole, killed, chance, found = Path(folder, "whole"), Path(folder, "killed"), random.Random(0), 0
    settings = {"epochs": 30, "epoch_windows": 4, "batch": 4}
    train("finetune", Path(data), Path(folder, "warm"), **(settings | {"epochs": 1}))
    started = time.perf_counter()
    train("finetune", Path(data), whole, **settings)
    duration = time.perf_counter() - started
    for attempt in range(kills + 1):
        child = os.fork()
        if not child:
            status = 1
            try:
                train("finetune", Path(data), killed, **settings)
                status = 0
            finally:
                os._exit(status)
        if attempt < kills:
            time.sleep(chance.uniform(0, duration / 16))
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        assert status == 0 or os.WIFSIGNALED(status), "the run failed"
        found += os.WIFSIGNALED(status)
        for path in killed.glob("[!.]*.safetensors"):
            load_file(path)
        assert not (killed / "log.jsonl").exists() or read_log(killed)
    return found
