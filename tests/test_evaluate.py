"""Known mistakes give known errors, however they are grouped; and a real lifter is measured like any other."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from recordings import lens, recording

import pstmo
from pstmo import metrics
from pstmo.camera import back_project_pose, normalise_screen
from pstmo.checkpoint import Checkpoint
from pstmo.datasets.paired import NO_ACTIVITY
from pstmo.datasets.recording import Recording
from pstmo.errors import PstmoError
from pstmo.evaluate import Evaluation, Predict, evaluate, keeping, lifting, stored
from pstmo.files.predictions import Predictions, writing
from pstmo.lift import Lifter
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.presets import ModelConfig
from pstmo.sequence import Poses
from pstmo.skeleton import HUMAN36M, MPI_INF_3DHP

JOINTS, ROOT = len(HUMAN36M), HUMAN36M.root_index
MOVED = (JOINTS - 1) / JOINTS
"""Share of the joints that a mistake can move: all but the root."""

Mistake = Callable[[np.ndarray], np.ndarray]


def measure(mistake: Mistake, *recordings: Recording, activities: tuple[str, ...] = ()) -> Evaluation:
    """Of a predictor that knows the measured poses and makes the mistake it is told to."""

    def predict(seen: Recording) -> Poses:
        return replace(seen.poses, positions=mistake(seen.poses.positions), model="oracle")

    return evaluate(predict, recordings, data="made up", keypoints="gt", activities=activities)


def shifted(metres: float, joints: int = JOINTS, root: int = ROOT) -> Mistake:
    """Every joint but the root, along x, by as much in every frame."""
    offset = np.zeros((joints, 3), np.float32)
    offset[:, 0] = metres
    offset[root] = 0
    return lambda positions: positions + offset


def drifting(positions: np.ndarray) -> np.ndarray:
    """Every joint but the root, 10 mm further along y with every frame."""
    moved = positions.copy()
    moved[..., 1] += 0.010 * np.arange(len(positions), dtype=np.float32)[:, None]
    moved[:, ROOT] = positions[:, ROOT]
    return moved


def turned(positions: np.ndarray) -> np.ndarray:
    """By 90 degrees about y, and 1.2 times as large."""
    return 1.2 * positions[..., [2, 1, 0]] * np.array([1, 1, -1], np.float32)


def test_the_truth_has_no_errors():
    errors = measure(lambda positions: positions, recording("Walk"), recording("Sit", 5)).by_frame
    assert errors[:5] == pytest.approx((17, 0, 0, 0, 0), abs=1e-3)
    assert errors.pck == 100
    assert errors.auc == pytest.approx(100 * 30 / 31)  # nothing is nearer than 0 mm, the first of 31 thresholds


def test_a_shift_is_an_error_of_position_but_not_of_velocity():
    errors = measure(shifted(0.102), recording()).by_frame
    assert errors.mpjpe == pytest.approx(102 * MOVED, rel=1e-4)
    assert 0 < errors.p_mpjpe < errors.mpjpe
    assert errors.mpjve == pytest.approx(0, abs=1e-3)
    assert errors.pck == 100
    assert errors.auc == pytest.approx(100 * 10 / 31)  # within 105, 110 ... 150 mm


@pytest.mark.parametrize(("metres", "right"), [(0.149, 100), (0.151, 0)])
def test_joints_nearer_than_150_mm_are_right(metres: float, right: float):
    """The root, which is right by definition, does not count."""
    assert measure(shifted(metres), recording()).by_frame.pck == pytest.approx(right)


def test_in_mpi_inf_3dhp_only_the_joints_of_its_groups_count():
    uncounted = [MPI_INF_3DHP.index(joint) for joint in ("pelvis", "spine", "head")]

    def wrong_there(positions: np.ndarray) -> np.ndarray:
        moved = positions.copy()
        moved[:, uncounted[1:]] += 1
        return moved

    found = measure(wrong_there, recording(layout=MPI_INF_3DHP, kinds={"gt": MPI_INF_3DHP}))
    assert found.by_frame.pck == 100
    assert found.by_frame.mpjpe > 100
    nan = {joint for joint, errors in found.by_joint.items() if np.isnan(errors.pck)}
    assert nan == {"pelvis", "spine", "head"}


def test_size_and_turn_are_forgiven_where_they_should_be():
    truth = recording()
    larger = measure(lambda positions: 1.1 * positions, truth).by_frame
    reach = np.linalg.norm(truth.poses.positions, axis=-1).mean()
    assert larger.mpjpe == pytest.approx(1000 * 0.1 * reach, rel=1e-4)
    assert (larger.n_mpjpe, larger.p_mpjpe) == pytest.approx((0, 0), abs=1e-3)
    aside = measure(turned, truth).by_frame
    assert aside.p_mpjpe == pytest.approx(0, abs=1e-3)
    assert aside.n_mpjpe > 100
    flipped = measure(lambda positions: positions * np.array([-1, 1, 1], np.float32), truth).by_frame
    assert flipped.p_mpjpe > 50  # a mirror image is another pose


def test_a_drift_is_an_error_of_velocity():
    errors = measure(drifting, recording(frames=11)).by_frame
    assert errors.mpjve == pytest.approx(10 * MOVED, rel=1e-4)
    assert errors.mpjpe == pytest.approx(50 * MOVED, rel=1e-4)  # 0, 10, ... 100 mm
    one = measure(drifting, recording("Jump", frames=1), recording(frames=11))
    assert np.isnan(one.by("action")["Jump"].mpjve)
    assert one.by_action.mpjve == pytest.approx(10 * MOVED, rel=1e-4)  # of the actions that have one


def by_length(**millimetres: float) -> Mistake:
    """Another shift for each length of a recording: `by_length(f10=20)`."""
    return lambda positions: shifted(millimetres[f"f{len(positions)}"] / 1000)(positions)


def test_every_grouping_counts_each_frame_once():
    recordings = (
        recording("Sit 1", 10, subject="S9", camera="a"),
        recording("Walk 1", 20, subject="S9", camera="b"),
        recording("Walk 2", 30, subject="S11", camera="a"),
    )
    found = measure(by_length(f10=20, f20=60, f30=10), *recordings)
    sit, walk = 20, (20 * 60 + 30 * 10) / 50
    groups = {
        "action": {"Sit": (10, sit), "Walk": (50, walk)},
        "subject": {"S9": (30, (10 * 20 + 20 * 60) / 30), "S11": (30, 10)},
        "camera": {"a": (40, (10 * 20 + 30 * 10) / 40), "b": (20, 60)},
        "recording": {"S9/Sit 1/a": (10, 20), "S9/Walk 1/b": (20, 60), "S11/Walk 2/a": (30, 10)},
        "activity": {},
    }
    for group, expected in groups.items():
        errors = found.by(group)
        assert list(errors) == list(expected)
        for name, (frames, mm) in expected.items():
            assert errors[name].frames == frames
            assert errors[name].mpjpe == pytest.approx(mm * MOVED, rel=1e-4)
    assert found.by_action.mpjpe == pytest.approx((sit + walk) / 2 * MOVED, rel=1e-4)
    assert found.by_frame.mpjpe == pytest.approx((10 * sit + 50 * walk) / 60 * MOVED, rel=1e-4)
    assert found.by_action.frames == found.by_frame.frames == 60


def test_joints_have_errors_of_their_own():
    wrist = HUMAN36M.index("left_wrist")

    def wrong_wrist(positions: np.ndarray) -> np.ndarray:
        moved = positions.copy()
        moved[:, wrist, 2] += 0.2
        return moved

    joints = measure(wrong_wrist, recording()).by_joint
    assert list(joints) == list(HUMAN36M.joints)
    assert joints["left_wrist"].mpjpe == pytest.approx(200, rel=1e-4)
    assert (joints["left_wrist"].pck, joints["left_elbow"].pck) == (0, 100)
    assert max(errors.mpjpe for name, errors in joints.items() if name != "left_wrist") == pytest.approx(0, abs=1e-3)
    assert joints["left_wrist"].p_mpjpe < 200


def test_activities_change_within_a_recording():
    activity = np.array([0] * 4 + [1] * 5 + [NO_ACTIVITY] * 3, np.uint8)
    found = measure(drifting, recording(frames=12, activity=activity), activities=("stand", "jump"))
    errors = found.by("activity")
    assert {name: e.frames for name, e in errors.items()} == {"stand": 4, "jump": 5}
    assert errors["stand"].mpjpe == pytest.approx(15 * MOVED, rel=1e-4)  # frames 0 to 3, 10 mm more each
    assert errors["jump"].mpjpe == pytest.approx(60 * MOVED, rel=1e-4)
    assert found.by_frame.frames == 12


def test_frames_without_a_measured_pose_are_left_out():
    observed = np.ones(10, bool)
    observed[4:6] = False

    def lost(positions: np.ndarray) -> np.ndarray:
        """Right but for the frames 4 and 5, which are metres off; frame 9 is 30 mm off."""
        wrong = positions.copy()
        wrong[4:6] = shifted(10)(positions[4:6])
        wrong[9] = shifted(0.030)(positions[9])
        return wrong

    found = measure(lost, recording(frames=10, observed=observed))
    assert found.by_frame.frames == 8
    assert found.by_frame.mpjpe == pytest.approx(30 * MOVED / 8, rel=1e-3)
    assert found.by_frame.mpjve == pytest.approx(30 * MOVED / 6, rel=1e-3)  # steps between frames that were measured
    [curve] = found.curves.values()
    assert np.flatnonzero(np.isnan(curve)).tolist() == [4, 5]
    assert measure(lost, recording(frames=10)).by_frame.mpjpe > 1000
    never = recording("Fall", 10, observed=np.zeros(10, bool))
    assert list(measure(shifted(0.1), never, recording()).by("action")) == ["Walk"]
    with pytest.raises(PstmoError, match="made up: found no recording with measured poses"):
        measure(shifted(0.1), never)


def test_the_worst_frames_are_kept_to_look_at():
    recordings = [recording(f"Walk {i}", 10 + i) for i in range(20)]
    others = [recording("Walk 19", 20, camera="other")]  # the same take, seen no worse from there
    found = measure(drifting, *recordings, *others)
    assert len(found.worst) == 12
    assert found.worst[0].recording == "S9/Walk 19/cam"
    assert found.worst[0].frame == 28  # the last of 29, where the drift is largest
    assert found.worst[0].error == pytest.approx(280 * MOVED, rel=1e-4)
    errors = [moment.error for moment in found.worst]
    assert errors == sorted(errors, reverse=True)
    truth = recordings[19]
    np.testing.assert_array_equal(found.worst[0].target, truth.poses.positions[28])
    np.testing.assert_array_equal(found.worst[0].keypoints.xy, truth.keypoints["gt"].xy[28:29])


def test_the_pck_curve_ends_at_150_mm():
    total = measure(shifted(0.102), recording()).total
    curve = total.pck_curve(HUMAN36M)
    assert curve.tolist() == [0.0] * 21 + [100.0] * 10


def test_predictions_must_fit():
    def short(seen: Recording) -> Poses:
        return Poses.from_array(seen.poses.positions[1:], fps=50)

    with pytest.raises(PstmoError, match="S9/Walk 1/cam: found predictions of 11 frames of h36m17, expected 12"):
        evaluate(short, [recording()], data="made up", keypoints="gt")


def test_predictions_must_be_numbers():
    with pytest.raises(PstmoError, match="S9/Walk 1/cam: oracle predicts poses that are not finite"):
        measure(lambda positions: positions * np.float32(np.nan), recording())


def test_nothing_of_the_data_is_kept_but_sums_and_curves():
    """Recordings are read one by one: no two are alive at a time."""
    alive = 0

    def stream():
        nonlocal alive
        for i in range(5):
            alive += 1
            yield recording(f"Walk {i}")

    def predict(seen: Recording) -> Poses:
        assert alive == int(seen.take[-1]) + 1
        return seen.poses

    assert len(evaluate(predict, stream(), data="made up", keypoints="gt").curves) == 5


def test_a_real_lifter_is_measured(small_checkpoint: Path):
    lifter, people = pstmo.load(small_checkpoint), [recording(), recording("Sit", 5)]
    found = evaluate(lifting(lifter, "gt"), people, data="made up", keypoints="gt")
    assert found.model == "small"
    poses = [(lifter.lift(one.keypoints["gt"], mode="exact"), one.poses) for one in people]
    errors = [np.linalg.norm(a.positions - b.positions, axis=-1).ravel() for a, b in poses]
    assert found.by_frame.mpjpe == pytest.approx(1000 * np.concatenate(errors).mean(), rel=1e-4)
    for how in ({"mirror": False}, {"step": 3}):
        other = evaluate(lifting(lifter, "gt", **how), people, data="made up", keypoints="gt")
        assert other.by_frame.mpjpe != found.by_frame.mpjpe


def test_predictions_can_be_kept_and_measured_again(small_checkpoint: Path, tmp_path: Path):
    people = [recording(), recording("Sit", 5)]

    def measured(predict: Predict) -> Evaluation:
        return evaluate(predict, people, data="made up", keypoints="gt")

    with writing(tmp_path / "poses.npz") as file:
        first = measured(keeping(lifting(pstmo.load(small_checkpoint), "gt"), file))
    again = measured(stored(Predictions(tmp_path / "poses.npz")))
    assert again.by_frame == first.by_frame
    assert again.model == "poses"


@pytest.fixture
def lifter() -> Lifter:
    torch.manual_seed(0)
    network = STMO(ModelConfig(strides=(3, 3), depth=1, width=32, hidden=32, heads=4)).eval()
    return Lifter(Checkpoint(network, HUMAN36M, HUMAN36M, "raw"), network)


def refine_module() -> Refine:
    torch.manual_seed(1)
    return Refine(width=16).eval()


def test_refining_mixes_in_the_rays_at_the_measured_depth(lifter: Lifter):
    root = np.tile(np.float32([0.2, -0.1, 4.5]), (12, 1))
    one = recording(kinds={"gt": HUMAN36M}, root=root, lens=lens())
    refine = refine_module()
    found = lifting(lifter, "gt", refine=refine)(one)
    raw = lifter.centres(one.keypoints["gt"])
    xy = normalise_screen(torch.from_numpy(one.keypoints["gt"].xy), 640, 480)
    back = back_project_pose(xy, raw[..., 2], torch.full((12,), 4.5), ROOT, lens())
    with torch.inference_mode():
        expected = refine(raw, back).numpy()
    moving = [i for i in range(JOINTS) if i != ROOT]
    np.testing.assert_allclose(found.positions[:, moving], expected[:, moving], atol=1e-6)
    assert (found.positions[:, ROOT] == 0).all()
    assert np.abs(found.positions - lifter.lift(one.keypoints["gt"], mode="exact").positions).max() > 0.01
    assert found.model == "raw + refine"


def test_refining_says_what_it_needs(lifter: Lifter, small_checkpoint: Path):
    predict = lifting(lifter, "gt", refine=refine_module())
    with pytest.raises(PstmoError, match="S9/Walk 1/cam: refining needs the camera's lens and the root's place"):
        predict(recording(kinds={"gt": HUMAN36M}))
    with pytest.raises(PstmoError, match="the same joints in 2D, 3D and the module, found coco17 -> h36m17"):
        lifting(pstmo.load(small_checkpoint), "gt", refine=refine_module())


def test_metrics_agree_with_the_functions():
    """The sums say what the plain functions say of all frames at once."""
    people = [recording(f"Walk {i}", 20 + i) for i in range(3)]
    found = measure(drifting, *people).by_frame
    target = torch.cat([torch.from_numpy(one.poses.positions) for one in people]).double()
    predicted = torch.cat([torch.from_numpy(drifting(one.poses.positions)) for one in people]).double()
    errors = metrics.joint_errors(predicted, target)[:, [i for i in range(JOINTS) if i != ROOT]]
    assert found.mpjpe == pytest.approx(1000 * metrics.mpjpe(predicted, target).mean().item())
    assert found.p_mpjpe == pytest.approx(1000 * metrics.p_mpjpe(predicted, target).mean().item())
    assert found.n_mpjpe == pytest.approx(1000 * metrics.n_mpjpe(predicted, target).mean().item())
    assert found.pck == pytest.approx(metrics.pck(errors).item())
    assert found.auc == pytest.approx(metrics.auc(errors).item())
