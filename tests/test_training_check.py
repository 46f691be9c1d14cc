"""The check of a finished network is true to what it predicts."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SMALL
from evaluations import STAR
from hypothesis import given, settings
from hypothesis import strategies as st

from pstmo.errors import PstmoError
from pstmo.metrics import mpjpe, p_mpjpe, rooted
from pstmo.model.stmo import STMO, Prediction
from pstmo.presets import ModelConfig
from pstmo.skeleton import HUMAN36M
from pstmo.training.check import SAMPLES, check, spread
from pstmo.training.sources import Batch


class Told(STMO):
    """Errs as its keypoints say, along z in metres: x is the error of the head for all frames, y that of the other."""

    pose = rooted(torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), STAR.root_index)

    def __init__(self) -> None:
        super().__init__(ModelConfig(joints_in=5, joints_out=5, strides=(3,), depth=1, width=8, hidden=8, heads=1))

    def forward(self, keypoints: torch.Tensor) -> Prediction:
        wrong = self.pose + keypoints.new_tensor([0, 0, 1.0]) * keypoints[..., :1]
        return Prediction(wrong, self.pose + keypoints.new_tensor([0, 0, 1.0]) * keypoints[:, 1, :, 1:])


def told(errors: Any) -> Batch:
    """Windows of three frames in which `Told` errs so much: (windows, frames, joints, heads) metres."""
    keypoints = torch.as_tensor(errors, dtype=torch.float32)
    return Batch(keypoints, Told.pose.expand(*keypoints.shape[:3], 3))


def tiny(windows: int, seed: int = 0) -> list[Batch]:
    """Windows of nobody in particular, in batches of five."""
    chance = torch.Generator().manual_seed(seed)
    keypoints = torch.randn(windows, SMALL.frames, 17, 2, generator=chance)
    poses = torch.randn(windows, SMALL.frames, 17, 3, generator=chance) / 4
    return [Batch(*parts) for parts in zip(keypoints.split(5), poses.split(5), strict=True)]


def test_errors_by_hand() -> None:
    """The root joint (core) of a pose is at 0, whatever the network says."""
    errors = np.zeros((4, 3, 5, 2))
    errors[:, :, :, 0] = np.array([0.1, 0.02, 0.06])[None, :, None]  # all frames, by place
    errors[0, 1, :, 1] = 0.01
    errors[1, 1, 1, 1] = 0.10
    errors[2, 1, :, 1] = [0.01, 0.02, 0.03, 0.04, 0.05]
    errors[3, 1, :, 1] = -0.07  # a distance has no sign
    errors[3, :, :, 0] *= -3
    found = check(Told(), [told(errors[:3]), told(errors[3:])], ["walk", "sit", "walk", "b"], STAR)
    wrong = rooted(Told.pose + torch.tensor(errors[:, 1, :, 1:] * [0, 0, 1]).float(), STAR.root_index)
    aligned = (1000 * p_mpjpe(wrong, Told.pose.expand_as(wrong))).tolist()
    assert found.total == pytest.approx((4, (8 + 20 + 28 + 56) / 4, sum(aligned) / 4), abs=1e-3)
    assert list(found.actions) == ["b", "sit", "walk"]
    assert found.actions["walk"] == pytest.approx((2, 18, (aligned[0] + aligned[2]) / 2), abs=1e-3)
    assert found.actions["sit"] == pytest.approx((1, 20, aligned[1]), abs=1e-3)
    assert found.actions["b"] == pytest.approx((1, 56, aligned[3]), abs=1e-3)
    joints = {"core": 0, "a": 200, "b": 110, "left_c": 120, "d": 130}
    assert found.joints == pytest.approx({name: size / 4 for name, size in joints.items()}, abs=1e-3)
    assert found.sequence == pytest.approx([120, 24, 72], abs=1e-3)
    assert [(sample.action, round(sample.error, 3)) for sample in found.samples] == [
        ("walk", 8), ("sit", 20), ("walk", 28), ("b", 56)
    ]  # fmt: skip
    shown = found.samples[2]
    assert (shown.keypoints == np.float32(errors[2, 1])).all()
    assert (shown.target == Told.pose.numpy()).all()
    assert (shown.predicted - shown.target)[:, 2] == pytest.approx([0, 0.02, 0.03, 0.04, 0.05], abs=1e-6)


def test_the_check_is_the_validation_of_fine_tuning() -> None:
    """And leaves the network as it was: its mode, its statistics; no dropout on the way."""
    torch.manual_seed(0)
    network = STMO(ModelConfig(**(vars(SMALL) | {"dropout": 0.5}))).eval()
    batches, actions = tiny(23), [f"action {i % 3}" for i in range(23)]
    with torch.inference_mode():
        root = HUMAN36M.root_index
        wanted = torch.cat([mpjpe(rooted(network(b.keypoints).centre, root), b.poses[:, 4]) for b in batches])
        places = torch.cat([mpjpe(rooted(network(b.keypoints).sequence, root), b.poses) for b in batches])
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for training in (True, False):
        network.train(training)
        found = check(network, iter(batches), actions, HUMAN36M)
        assert network.training is training
        assert found.total.mpjpe == pytest.approx(1000 * wanted.mean().item(), rel=1e-6)
        assert found.sequence == pytest.approx(1000 * places.mean(0).numpy(), rel=1e-5)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    for field in ("mpjpe", "p_mpjpe"):
        shares = [score.windows * getattr(score, field) for score in found.actions.values()]
        assert sum(shares) / 23 == pytest.approx(getattr(found.total, field))
    assert [score.windows for score in found.actions.values()] == [8, 8, 7]
    assert np.mean(list(found.joints.values())) == pytest.approx(found.total.mpjpe)
    ends = found.samples[0].error, found.samples[-1].error
    assert ends == pytest.approx((1000 * wanted.min().item(), 1000 * wanted.max().item()), rel=1e-6)


def test_what_cannot_be_checked_is_said() -> None:
    batch = told(np.zeros((2, 3, 5, 2)))
    network = Told().train()
    with pytest.raises(PstmoError, match="found 4 windows and 3 actions"):
        check(network, [batch, batch], ["a", "b", "c"], STAR)
    with pytest.raises(PstmoError, match="found 0 windows"):
        check(network, [], [], STAR)
    for bad, head in ((nan, 0), (inf, 1)):
        errors = np.zeros((2, 3, 5, 2))
        errors[1, 1, 3, head] = bad
        with pytest.raises(PstmoError, match="not finite"):
            check(network, [batch, told(errors)], list("abcd"), STAR)
        assert network.training


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e3), st.sampled_from("abc")), min_size=1, max_size=60))
def test_samples_go_from_the_best_to_the_worst(windows: list[tuple[float, str]]) -> None:
    errors, actions = np.array([error for error, _ in windows]), [action for _, action in windows]
    chosen = spread(errors, actions)
    assert len(set(chosen)) == len(chosen) == min(len(windows), SAMPLES)
    assert (np.diff(errors[chosen]) >= 0).all()
    assert (errors[chosen[0]], errors[chosen[-1]]) == (errors.min(), errors.max())
    if len(windows) > SAMPLES:
        ranked = np.sort(errors)
        for number, part in zip(chosen, np.array_split(ranked, SAMPLES), strict=True):
            assert part[0] <= errors[number] <= part[-1]


def test_samples_show_different_actions_where_there_are_some() -> None:
    errors = np.arange(160.0)
    eight = spread(errors, [str(i % 8) for i in range(160)])
    assert len({i % 8 for i in eight}) == 8
    rare = ["walk"] * 160
    rare[45], rare[100] = "sit", "jump"
    assert {45, 100} <= set(spread(errors, rare))
    assert spread(errors, ["walk"] * 160) == [0, 30, 50, 70, 90, 110, 130, 159]
