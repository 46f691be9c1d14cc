"""Known mistakes give known errors; the four cameras film every motion."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from cmu_files import walker as walking_person

import pstmo
from pstmo.datasets.mocap import Corpus
from pstmo.detector import DetectorNoise
from pstmo.evaluate import Case, Errors, Evaluation, evaluate, mocap_cases
from pstmo.lift import Lifter
from pstmo.metrics import p_mpjpe
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import HUMAN36M
from pstmo.studio import Filmed

JOINTS, ROOT = len(HUMAN36M), HUMAN36M.root_index
MOVED = (JOINTS - 1) / JOINTS
"""Share of the joints that a mistake can move: all but the root."""

Mistake = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Oracle(Lifter):
    """Stands in for a lifter: knows the measured poses of every clip, and makes the mistake it is told to."""

    cases: tuple[Case, ...]
    mistake: Mistake

    def lift(self, keypoints: Keypoints, *, mirror: bool = True, batch: int = 128) -> Poses:
        [truth] = [case.filmed.poses for case in self.cases if case.filmed.keypoints is keypoints]
        seen = keypoints.observed.any(1)
        return Poses(self.mistake(truth.positions), HUMAN36M, keypoints.fps, np.asarray(seen), "oracle")


def case(action: str, frames: int, seed: int = 0, unseen: tuple[int, ...] = ()) -> Case:
    """A clip of random poses about 0.5 m around the root; in the frames `unseen` nobody was seen."""
    chance = np.random.default_rng(seed)
    xy = np.full((frames, 17, 2), 100.0)
    xy[list(unseen)] = np.nan
    poses = chance.normal(0, 0.3, (frames, JOINTS, 3))
    return Case(
        action,
        Filmed(Keypoints.from_array(xy, image_size=(640, 480), fps=50), Poses.from_array(poses, fps=50)),
    )


@pytest.fixture
def measure(small_checkpoint: Path) -> Callable[..., Evaluation]:
    lifter = pstmo.load(small_checkpoint)

    def measured(mistake: Mistake, *cases: Case) -> Evaluation:
        return evaluate(Oracle(lifter.checkpoint, lifter.network, cases, mistake), cases)

    return measured


def shifted(metres: float) -> Mistake:
    """Every joint but the root, along x, by as much in every frame."""
    offset = np.zeros((JOINTS, 3), np.float32)
    offset[:, 0] = metres
    offset[ROOT] = 0
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


def test_the_truth_has_no_errors(measure):
    errors = measure(lambda positions: positions, case("walk", 12), case("sit", 5, seed=1)).by_frame
    assert errors[:5] == pytest.approx((17, 0, 0, 0, 0), abs=1e-3)
    assert errors.pck == 100
    assert errors.auc == pytest.approx(100 * 30 / 31)  # nothing is nearer than 0 mm, the first of 31 thresholds


def test_a_shift_is_an_error_of_position_but_not_of_velocity(measure):
    errors = measure(shifted(0.102), case("walk", 12)).by_frame
    assert errors.mpjpe == pytest.approx(102 * MOVED, rel=1e-4)
    assert 0 < errors.p_mpjpe < errors.mpjpe
    assert errors.mpjve == pytest.approx(0, abs=1e-3)
    assert errors.pck == 100
    assert errors.auc == pytest.approx(100 * 10 / 31)  # within 105, 110 ... 150 mm


@pytest.mark.parametrize(("metres", "right"), [(0.149, 100), (0.151, 0)])
def test_joints_nearer_than_150_mm_are_right(measure, metres: float, right: float):
    """The root, which is right by definition, does not count."""
    assert measure(shifted(metres), case("walk", 12)).by_frame.pck == pytest.approx(right)


def test_size_and_turn_are_forgiven_where_they_should_be(measure):
    truth = case("walk", 12)
    larger = measure(lambda positions: 1.1 * positions, truth).by_frame
    reach = np.linalg.norm(truth.filmed.poses.positions, axis=-1).mean()
    assert larger.mpjpe == pytest.approx(1000 * 0.1 * reach, rel=1e-4)
    assert (larger.n_mpjpe, larger.p_mpjpe) == pytest.approx((0, 0), abs=1e-3)
    aside = measure(turned, truth).by_frame
    assert aside.p_mpjpe == pytest.approx(0, abs=1e-3)
    assert aside.n_mpjpe > 100
    flipped = measure(lambda positions: positions * np.array([-1, 1, 1], np.float32), truth).by_frame
    assert flipped.p_mpjpe > 50  # a mirror image is another pose


def test_a_drift_is_an_error_of_velocity(measure):
    errors = measure(drifting, case("walk", 11)).by_frame
    assert errors.mpjve == pytest.approx(10 * MOVED, rel=1e-4)
    assert errors.mpjpe == pytest.approx(50 * MOVED, rel=1e-4)  # 0, 10, ... 100 mm
    assert measure(drifting, case("walk", 1)).by_frame.mpjve == 0


def test_actions_count_the_same_or_frames_do(measure):
    cases = (case("sit", 10), case("walk", 20, seed=1), case("walk", 10, seed=2))
    wrong = {10: 0.020, 20: 0.060}
    found = measure(lambda positions: shifted(wrong[len(positions)])(positions), *cases)
    assert {name: errors.frames for name, errors in found.actions.items()} == {"sit": 10, "walk": 30}
    sit, walk = 20 * MOVED, (20 * 60 + 10 * 20) / 30 * MOVED
    assert found.actions["sit"].mpjpe == pytest.approx(sit, rel=1e-4)
    assert found.actions["walk"].mpjpe == pytest.approx(walk, rel=1e-4)
    assert found.by_action.mpjpe == pytest.approx((sit + walk) / 2, rel=1e-4)
    assert found.by_frame.mpjpe == pytest.approx((10 * sit + 30 * walk) / 40, rel=1e-4)
    assert found.by_action.frames == found.by_frame.frames == 40


def test_frames_nobody_was_seen_in_are_left_out(measure):
    def lost(positions: np.ndarray) -> np.ndarray:
        """Right but for the frames 4 and 5, which are metres off; frame 9 is 30 mm off."""
        wrong = positions.copy()
        wrong[4:6] = shifted(10)(positions[4:6])
        wrong[9] = shifted(0.030)(positions[9])
        return wrong

    errors = measure(lost, case("walk", 10, unseen=(4, 5))).by_frame
    assert errors.frames == 8
    assert errors.mpjpe == pytest.approx(30 * MOVED / 8, rel=1e-3)
    assert errors.mpjve == pytest.approx(30 * MOVED / 6, rel=1e-3)  # steps between frames that were both seen
    assert measure(lost, case("walk", 10)).by_frame.mpjpe > 1000
    nobody = case("fall", 10, unseen=tuple(range(10)))
    found = measure(shifted(0.1), nobody, case("walk", 10))
    assert list(found.actions) == ["walk"]


def test_the_table_has_a_row_an_action_and_two_means():
    found = Evaluation("net", {"walk": Errors(30, 60, 50, 55, 6, 90, 60), "sit": Errors(10, 20, 10, 15, 2, 100, 80)})
    header, rule, *rows = found.markdown().splitlines()
    assert [row.split(" | ")[0] for row in rows] == ["| sit", "| walk", "| mean of actions", "| mean of frames"]
    assert rows[1] == "| walk | 30 | 60.0 | 50.0 | 55.0 | 6.0 | 90.0 | 60.0 |"
    assert rows[2] == "| mean of actions | 40 | 40.0 | 30.0 | 35.0 | 4.0 | 95.0 | 70.0 |"
    assert rows[3] == "| mean of frames | 40 | 50.0 | 40.0 | 45.0 | 5.0 | 92.5 | 65.0 |"
    assert len({line.count("|") for line in (header, rule, *rows)}) == 1


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Two motions, one frame of them longer than the other."""
    positions = walking_person(tmp_path_factory.mktemp("cmu"), 37, 60.0).positions
    both = np.concatenate([positions, positions[:-1]])
    starts = np.array([0, len(positions), len(both)], np.int64)
    columns = (np.array(pair) for pair in (("07_01", "07_02"), ("07", "07"), ("walk", "soccer"), ("asf", "asf")))
    return Corpus(both, starts, *columns, fps=50.0)


def test_four_cameras_film_every_motion(corpus: Corpus):
    cases = list(mocap_cases(corpus, None))
    assert [case.action for case in cases] == ["walk"] * 4 + ["sports"] * 4
    assert [case.filmed.keypoints.frames for case in cases] == [31] * 4 + [30] * 4
    views = [case.filmed.poses for case in cases[:4]]
    for i, (keypoints, poses) in enumerate(case.filmed for case in cases[:4]):
        assert keypoints.observed.all()  # the studio's middle is in every picture
        assert (keypoints.skeleton.name, poses.skeleton.name, poses.fps) == ("coco17", "h36m17", 50.0)
        assert (poses.positions[:, ROOT] == 0).all()
        head, foot = (poses.positions[:, HUMAN36M.index(joint), 1] for joint in ("head_top", "left_ankle"))
        assert (head < foot).all()  # y points down
        other = views[i - 1]
        same = p_mpjpe(torch.from_numpy(poses.positions), torch.from_numpy(other.positions))
        assert same.max() < 1e-4  # one person, seen from elsewhere
        assert np.abs(poses.positions - other.positions).max() > 0.1


def test_the_seed_decides_what_the_detector_makes_of_it(corpus: Corpus):
    def pixels(seed: int, noise: DetectorNoise | None) -> np.ndarray:
        return np.concatenate([case.filmed.keypoints.xy for case in mocap_cases(corpus, noise, seed)])

    noisy = pixels(3, DetectorNoise())
    np.testing.assert_array_equal(pixels(3, DetectorNoise()), noisy)
    assert np.nanmean(np.abs(pixels(4, DetectorNoise()) - noisy)) > 0.1
    np.testing.assert_array_equal(pixels(3, None), pixels(4, None))
    assert np.nanmean(np.abs(pixels(3, None) - noisy)) > 0.1


def test_a_real_lifter_is_measured(small_checkpoint: Path, corpus: Corpus):
    lifter, cases = pstmo.load(small_checkpoint), list(mocap_cases(corpus, DetectorNoise()))
    found = evaluate(lifter, cases)
    assert found.model == "small"
    assert found.by_frame.frames == sum(int(case.filmed.keypoints.observed.any(1).sum()) for case in cases)
    poses = [(lifter.lift(case.filmed.keypoints), case.filmed.poses) for case in cases]
    errors = [np.linalg.norm(a.positions - b.positions, axis=-1)[a.observed].ravel() for a, b in poses]
    assert found.by_frame.mpjpe == pytest.approx(1000 * np.concatenate(errors).mean(), rel=1e-4)
    assert evaluate(lifter, cases, mirror=False).by_frame.mpjpe != found.by_frame.mpjpe
