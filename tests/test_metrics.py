"""Laws of the measures: what they are blind to, what they see, and where they end."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pstmo import metrics
from pstmo.metrics import auc, joint_errors, mpjpe, mpjve, n_mpjpe, p_mpjpe, pck, pck_by_group, procrustes
from pstmo.skeleton import COCO, HUMAN36M, MPI_INF_3DHP

quick = settings(max_examples=40, deadline=None)
seeds = st.integers(0, 10_000)
scales = st.floats(0.001, 10)


def some(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def turn(seed: int) -> Tensor:
    """A rotation without reflection."""
    q, _ = torch.linalg.qr(some(3, 3, seed=seed))
    return q * torch.linalg.det(q).sign()


def rms(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(-1).mean(-1).sqrt()


@quick
@given(seeds, scales)
def test_turning_moving_and_scaling_leave_p_mpjpe_at_zero(seed, scale):
    target = some(4, 17, 3, seed=seed)
    predicted = scale * target @ turn(seed + 1) + some(4, 1, 3, seed=seed + 2)
    assert p_mpjpe(predicted, target).max() < 1e-9
    assert mpjpe(predicted, target).min() > 0.1


@quick
@given(seeds, scales)
def test_turning_moving_and_scaling_the_prediction_leave_p_mpjpe_as_it_was(seed, scale):
    predicted, target = some(4, 17, 3, seed=seed), some(4, 17, 3, seed=seed + 1)
    moved = scale * predicted @ turn(seed + 2) + some(4, 1, 3, seed=seed + 3)
    torch.testing.assert_close(p_mpjpe(moved, target), p_mpjpe(predicted, target))


@quick
@given(seeds)
def test_a_reflection_is_not_aligned_away(seed):
    target = some(4, 17, 3, seed=seed)
    assert p_mpjpe(target * torch.tensor([-1, 1, 1]), target).min() > 0.1


def test_flat_poses_may_be_turned_over():
    target = some(4, 17, 3) * torch.tensor([1, 1, 0])
    assert p_mpjpe(target * torch.tensor([-1, 1, 1]), target).max() < 1e-9


@quick
@given(seeds, seeds, scales)
def test_no_turning_moving_and_scaling_comes_nearer_than_procrustes(seed, other, scale):
    predicted, target = some(4, 17, 3, seed=seed), some(4, 17, 3, seed=seed + 1)
    best = rms(procrustes(predicted, target), target)
    anywhere = scale * predicted @ turn(other) + some(4, 1, 3, seed=other + 1)
    assert (best <= rms(anywhere, target) + 1e-9).all()
    assert (best <= rms(predicted, target) + 1e-9).all()


@quick
@given(seeds, scales)
def test_the_size_of_the_prediction_leaves_n_mpjpe_as_it_was(seed, scale):
    predicted, target = some(4, 17, 3, seed=seed), some(4, 17, 3, seed=seed + 1)
    torch.testing.assert_close(n_mpjpe(scale * predicted, target), n_mpjpe(predicted, target))
    assert n_mpjpe(scale * target, target).max() < 1e-9


def test_the_place_of_the_prediction_counts_in_n_mpjpe():
    target = some(4, 17, 3)
    assert n_mpjpe(target + 1, target).min() > 0.1


@quick
@given(seeds, scales)
def test_no_scale_comes_nearer_than_that_of_n_mpjpe(seed, scale):
    predicted = some(1, 17, 3, seed=seed)
    error = predicted.flip(1)
    error -= predicted * (error * predicted).sum() / predicted.square().sum()  # at a right angle to the prediction
    assert rms(scale * predicted, predicted + error) >= rms(predicted, predicted + error) - 1e-12
    torch.testing.assert_close(n_mpjpe(scale * predicted, predicted + error), mpjpe(predicted, predicted + error))


def test_a_rooted_pose_has_its_root_at_zero_and_its_joints_where_they_were():
    poses = some(2, 5, 17, 3)
    before = poses.clone()
    expected = poses.clone()
    expected[:, :, 4] = 0
    assert torch.equal(metrics.rooted(poses, 4), expected)
    assert torch.equal(poses, before)


def test_a_pose_is_no_error_away_from_itself():
    pose = some(5, 17, 3)
    for measure in (mpjpe, p_mpjpe, n_mpjpe):
        torch.testing.assert_close(measure(pose, pose), torch.zeros(5, dtype=torch.float64), atol=1e-12, rtol=0)
    assert mpjve(pose, pose) == 0


def test_mpjpe_is_the_mean_distance_of_the_joints_of_each_frame():
    target = some(2, 17, 3)
    predicted = target.clone()
    predicted[0, 3] += torch.tensor([3, 4, 0])
    predicted[1] += torch.tensor([0, 0, 2])
    assert mpjpe(predicted, target).tolist() == pytest.approx([5 / 17, 2])


@quick
@given(seeds)
def test_metres_and_millimetres_agree(seed):
    predicted, target = some(4, 17, 3, seed=seed), some(4, 17, 3, seed=seed + 1)
    for measure in (mpjpe, p_mpjpe, n_mpjpe, mpjve):
        torch.testing.assert_close(measure(1000 * predicted, 1000 * target), 1000 * measure(predicted, target))


def test_any_number_of_axes_in_front_gives_the_same():
    predicted, target = some(2, 3, 17, 3), some(2, 3, 17, 3, seed=1)
    for measure in (mpjpe, p_mpjpe, n_mpjpe):
        torch.testing.assert_close(
            measure(predicted, target).flatten(), measure(predicted.flatten(0, 1), target.flatten(0, 1))
        )
        torch.testing.assert_close(measure(predicted, target)[1, 2], measure(predicted[1, 2], target[1, 2]))


def test_single_precision_is_enough():
    predicted, target = some(9, 17, 3), some(9, 17, 3, seed=1)
    torch.testing.assert_close(
        p_mpjpe(predicted.float(), target.float()), p_mpjpe(predicted, target).float(), atol=1e-5, rtol=0
    )


def test_a_constant_offset_has_no_velocity_error():
    target = some(9, 17, 3)
    assert mpjve(target + some(17, 3, seed=1), target) < 1e-12


def test_velocity_error_is_a_mean_over_steps_and_joints():
    still = torch.zeros(4, 17, 3)
    jump = still.clone()
    jump[2:, 5, 0] = 1
    assert mpjve(jump, still).item() == pytest.approx(1 / (3 * 17))


def test_velocity_errors_are_those_of_each_frame_and_the_one_before_it():
    still = torch.zeros(4, 17, 3)
    jump = still.clone()
    jump[2:, 5, 0] = 1
    assert metrics.velocity_errors(jump, still).tolist() == pytest.approx([0, 1 / 17, 0])
    assert mpjve(jump[1:3], still[:2]).item() == pytest.approx(1 / 17)  # two frames are one step


def test_a_clip_of_one_frame_has_no_velocity_error():
    assert mpjve(some(1, 17, 3), some(1, 17, 3, seed=1)) == 0


@quick
@given(seeds, st.floats(0, 1))
def test_shares_of_joints_lie_between_none_and_all(seed, size):
    errors = some(9, 17, seed=seed).abs() * size
    assert 0 <= auc(errors) <= pck(errors) <= 100
    assert pck(errors, 0.05) <= pck(errors, 0.10)


def test_perfect_and_hopeless_poses_are_the_bounds():
    assert pck(torch.zeros(2, 17)) == 100
    assert auc(torch.zeros(2, 17)).item() == pytest.approx(100 * 30 / 31)  # nothing is nearer than 0 mm
    assert pck(torch.ones(2, 17)) == auc(torch.ones(2, 17)) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_joint_at_the_threshold_is_not_within_it(dtype):
    at = torch.full((1, 17), metrics.PCK_THRESHOLD, dtype=dtype)
    assert pck(at) == 0
    assert pck(at.nextafter(torch.zeros_like(at))) == 100
    half = at.clone()
    half[:, :8] = 0
    assert pck(half).item() == pytest.approx(100 * 8 / 17)


def test_auc_is_the_mean_over_thresholds_five_millimetres_apart():
    assert [1000 * threshold for threshold in metrics.AUC_THRESHOLDS] == pytest.approx(list(range(0, 151, 5)))
    assert metrics.AUC_THRESHOLDS[-1] == metrics.PCK_THRESHOLD
    errors = torch.full((1, 17), 0.0520, dtype=torch.float64)  # within 55, 60, ... 150 mm
    assert auc(errors).item() == pytest.approx(100 * 20 / 31)


def test_groups_count_their_own_joints_and_the_total_leaves_three_out():
    errors = torch.zeros(2, 17)
    errors[:, [MPI_INF_3DHP.index(f"{side}_elbow") for side in ("left", "right")]] = 1
    errors[:, [MPI_INF_3DHP.index(joint) for joint in ("pelvis", "spine", "head")]] = 1
    shares = {name: share for name, (share, _) in pck_by_group(errors).items()}
    assert shares.pop("elbow") == 0
    assert shares.pop("total") == pytest.approx(100 * 12 / 14)
    assert set(shares.values()) == {100}


def test_groups_have_both_measures_of_their_own_joints():
    errors = some(9, 17).abs() * 0.1
    found = pck_by_group(errors)
    assert list(found) == ["head", "neck", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "total"]
    for name, joints in metrics.PCK_GROUPS.items():
        own = errors[:, [MPI_INF_3DHP.index(joint) for joint in joints]]
        assert found[name] == pytest.approx((pck(own).item(), auc(own).item()))
    counted = errors[:, list(metrics.pck_joints(MPI_INF_3DHP))]
    assert found["total"] == pytest.approx((pck(counted).item(), auc(counted).item()))


def test_pelvis_spine_and_head_are_not_counted_in_mpi_inf_3dhp_and_elsewhere_the_root():
    counted = metrics.pck_joints(MPI_INF_3DHP)
    assert len(counted) == 14
    assert {MPI_INF_3DHP.joints[i] for i in set(range(17)) - set(counted)} == {"pelvis", "spine", "head"}
    assert metrics.pck_joints(HUMAN36M) == tuple(range(1, 17))
    assert metrics.pck_joints(COCO) == tuple(range(17))  # it has no root


@pytest.mark.parametrize("measure", [mpjpe, p_mpjpe, n_mpjpe, mpjve])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_poses_without_extent_give_finite_numbers(measure, dtype):
    pose, nothing = some(3, 17, 3).to(dtype), torch.zeros(3, 17, 3, dtype=dtype)
    line = pose * torch.tensor([1, 0, 0])
    for predicted, target in [(nothing, nothing), (nothing, pose), (pose, nothing), (line, pose), (pose, line)]:
        errors = measure(predicted, target)
        assert errors.isfinite().all()
        assert (errors >= 0).all()
    assert measure(nothing, nothing).max() == 0


def test_a_pose_without_extent_is_put_in_the_middle_of_its_target():
    target = some(1, 17, 3)
    middle = (target - target.mean(1, keepdim=True)).norm(dim=-1).mean().item()
    assert p_mpjpe(torch.zeros(1, 17, 3, dtype=torch.float64), target).item() == pytest.approx(middle)


def test_joint_errors_are_distances():
    assert joint_errors(torch.tensor([[[1.0, 2, 2]]]), torch.zeros(1, 1, 3)).item() == 3
    assert math.isnan(joint_errors(torch.full((1, 1, 3), torch.nan), torch.zeros(1, 1, 3)).item())
