"""Laws of the windows that the networks are trained on: recorded pairs, and motion seen by made-up cameras."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from recordings import recording
from test_synthesis import SILENT, at, bones, chance, walk
from test_windows import around_person
from torch import Tensor

from pstmo.camera import normalise_screen
from pstmo.checkpoint import load
from pstmo.datasets import paired
from pstmo.datasets.motions import Corpus
from pstmo.datasets.paired import PairedDataset
from pstmo.datasets.recording import Recording
from pstmo.errors import PstmoError
from pstmo.presets import PRESETS
from pstmo.skeleton import COCO, HUMAN36M, MOCAP
from pstmo.synthesis import BodyRanges
from pstmo.training.sources import Batch, PairedWindows, SeenMotion, validation_batches
from pstmo.training.stage import STAGES, described
from pstmo.windows import Clips, mirrored

LENGTHS = [40, 1, 25]
AS_RECORDED = BodyRanges(scale=0.0, face=0.0, hips=(1.0, 1.0))


def motion() -> Tensor:
    """Three clips of somebody who walks in circles and lifts the left hand: (66, 22, 3)."""
    world = walk(1, sum(LENGTHS))[0]
    world[:, MOCAP.index("left_wrist"), 2] += 0.6
    return world


def seen(**more: object) -> SeenMotion:
    return SeenMotion(motion(), Clips(LENGTHS), 50.0, **more)


def pairs(framing: str = "screen", tds: int = 1) -> PairedWindows:
    xy = torch.rand(sum(LENGTHS), 17, 2, generator=chance().generator) - 0.5
    xyz = torch.randn(sum(LENGTHS), 17, 3, generator=chance().generator)
    return PairedWindows(xy, xyz, Clips(LENGTHS), framing=framing, tds=tds)


def batches(source, numbers: list[int], frames: int = 9, seed: int = 0) -> Batch:
    return source.batch(torch.tensor(numbers), frames, chance(seed))


def same(a: Batch, b: Batch) -> bool:
    return torch.equal(a.keypoints, b.keypoints) and torch.equal(a.poses, b.poses)


sources = pytest.mark.parametrize("make", [seen, pairs])


@sources
@pytest.mark.parametrize("frames", [1, 9, 27])
def test_a_batch_has_windows_of_keypoints_and_poses(make, frames):
    batch = batches(make(), [0, 40, 64, 65], frames)
    assert batch.keypoints.shape == (4, frames, 17, 2)
    assert batch.poses.shape == (4, frames, 17, 3)
    assert batch.keypoints.isfinite().all()
    assert batch.poses.isfinite().all()


@sources
def test_the_seed_decides_what_a_batch_is(make):
    assert same(batches(make(), [3, 50, 7]), batches(make(), [3, 50, 7]))


def test_another_seed_gives_other_cameras_and_mistakes():
    one, other = (batches(seen(), [3, 50], seed=seed) for seed in (0, 1))
    assert (one.keypoints != other.keypoints).all(-1).any((1, 2)).all()
    assert not torch.equal(one.poses, other.poses)


def test_sampling_leaves_the_source_as_it_is():
    source = seen()
    batches(source, list(range(66)))
    assert torch.equal(source.world, motion())


# Recorded pairs


@pytest.mark.parametrize("tds", [1, 3])
def test_a_pair_is_what_was_recorded(tds):
    source = pairs(tds=tds)
    batch = batches(source, [20, 63], 5)
    rows = torch.tensor([[20 + tds * k for k in range(-2, 3)], [min(63 + tds * k, 65) for k in range(-2, 3)]])
    assert torch.equal(batch.keypoints, source.xy[rows])
    assert torch.equal(batch.poses, source.xyz[rows])
    assert source.rate == pytest.approx(50 / tds)


def test_the_second_half_of_the_numbers_is_the_first_one_mirrored():
    source = pairs()
    assert len(source) == 2 * 66
    numbers = [0, 13, 40, 65]
    plain, other = batches(source, numbers), batches(source, [number + 66 for number in numbers])
    assert torch.equal(other.keypoints, mirrored(plain.keypoints, COCO))
    assert torch.equal(other.poses, mirrored(plain.poses, HUMAN36M))
    mixed = batches(source, [13 + 66, 0])
    assert torch.equal(mixed.poses, torch.stack([other.poses[1], plain.poses[0]]))


def test_pairs_are_put_in_the_frame_that_was_asked_for():
    screen, person = (batches(pairs(framing), [5, 60, 70]) for framing in ("screen", "person"))
    torch.testing.assert_close(person.keypoints, around_person(screen.keypoints))
    assert not torch.equal(person.keypoints, screen.keypoints)
    assert torch.equal(person.poses, screen.poses)


# Motion seen


def test_poses_are_relative_to_the_root_and_keep_their_bones():
    batch = batches(seen(), list(range(66)), 27)
    assert (batch.poses[:, :, HUMAN36M.root_index] == 0).all()
    length = bones(batch.poses, HUMAN36M)
    torch.testing.assert_close(length, length[:, :1].expand_as(length), atol=5e-3, rtol=0)  # between frames: shorter


def test_poses_are_those_of_the_motion_turned_as_a_whole():
    source = seen(rates=(50.0, 50.0), body=BodyRanges(scale=0.0))  # hips and face vary for the detector alone
    batch = batches(source, [20, 21, 55])
    for centre, poses in zip((20, 21, 55), batch.poses, strict=True):
        world = source.world[centre - 4 : centre + 5, list(MOCAP.select(HUMAN36M))]
        world = world - world[:, :1]
        whole, recorded = torch.cdist(poses.flatten(0, 1), poses.flatten(0, 1)), world.flatten(0, 1)
        apart = torch.cdist(recorded, recorded)
        sides = list(HUMAN36M.mirrored)
        other = torch.cdist(world[:, sides].flatten(0, 1), world[:, sides].flatten(0, 1))
        assert min((whole - apart).abs().max(), (whole - other).abs().max()) < 1e-3


def test_keypoints_are_the_poses_through_a_camera():
    """x (Z + Z0) = f (X + X0) and y (Z + Z0) = f (Y + Y0), with unknown f, Z0, X0, Y0 of the centre frame."""
    source = seen(noise=SILENT, body=AS_RECORDED, framing="screen")
    batch = batches(source, list(range(66)), 1)
    shared = [joint for joint in HUMAN36M.joints if joint in COCO.joints]
    assert len(shared) == 12
    xy = torch.stack([at(batch.keypoints[:, 0], joint, COCO) for joint in shared], 1).double()
    xyz = torch.stack([at(batch.poses[:, 0], joint, HUMAN36M) for joint in shared], 1).double()
    one, none = torch.ones_like(xy[..., 0]), torch.zeros_like(xy[..., 0])
    rows = [
        torch.stack([xyz[..., 0], one, none, -xy[..., 0]], -1),
        torch.stack([xyz[..., 1], none, one, -xy[..., 1]], -1),
    ]
    known = torch.cat([xy[..., 0] * xyz[..., 2], xy[..., 1] * xyz[..., 2]], 1)[..., None]
    matrix = torch.cat(rows, 1)
    found = torch.linalg.lstsq(matrix, known).solution
    assert (matrix @ found - known).abs().max() < 1e-4
    focal, depth = found[:, 0, 0], found[:, 3, 0]
    assert ((focal > 1.0) & (focal < 8)).all()
    assert ((depth > 1.0) & (depth < 16)).all()


def test_about_half_of_the_windows_are_mirrored_and_none_is_inside_out():
    """Only the left hand was lifted; mirrored, it is the right one. Left and right stay on their sides of the body."""
    poses = batches(seen(body=AS_RECORDED), list(range(66)) * 6, 1).poses[:, 0]
    up = at(poses, "head_top", HUMAN36M)
    lifted = [
        ((at(poses, f"{side}_wrist", HUMAN36M) - up) * up).sum(-1) > -0.5 * up.square().sum(-1)
        for side in ("left", "right")
    ]
    assert (lifted[0] != lifted[1]).all()
    assert 0.4 < lifted[1].float().mean() < 0.6
    ahead = at(poses, "neck_nose", HUMAN36M) - at(poses, "thorax", HUMAN36M)
    left = at(poses, "left_shoulder", HUMAN36M) - at(poses, "right_shoulder", HUMAN36M)
    assert ((torch.linalg.cross(up, ahead) * left).sum(-1) > 0).all()


def test_seen_keypoints_are_put_in_the_frame_that_was_asked_for():
    screen, person = (batches(seen(framing=framing), [5, 60, 20]) for framing in ("screen", "person"))
    torch.testing.assert_close(person.keypoints, around_person(screen.keypoints), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(person.keypoints.mean((1, 2)), torch.zeros(3, 2), atol=1e-5, rtol=0)
    assert torch.equal(person.poses, screen.poses)


def test_missed_joints_are_filled_before_the_network_sees_them():
    nobody = replace(SILENT, lost=1.0)
    batch = batches(seen(noise=nobody, framing="screen"), [5, 60])
    assert torch.equal(batch.keypoints, torch.zeros_like(batch.keypoints))
    gappy = batches(seen(noise=replace(SILENT, gap=1.0), framing="screen"), [5, 60], 27)
    whole = batches(seen(noise=SILENT, framing="screen"), [5, 60], 27)
    assert not torch.equal(gappy.keypoints, whole.keypoints)
    assert (gappy.keypoints - whole.keypoints).abs().max() < 0.5


def windows(source: SeenMotion, centres: list[int], frames: int = 9) -> Tensor:
    return source._windows(torch.tensor(centres), frames, chance())


def test_at_the_recorded_rate_windows_are_the_recorded_frames():
    source = seen(rates=(50.0, 50.0))
    for centre in (0, 4, 20, 39, 40, 41, 65):
        [rows] = source.clips.windows(torch.tensor([centre]), 9)
        torch.testing.assert_close(windows(source, [centre])[0], source.world[rows], atol=1e-5, rtol=0)


def test_at_half_the_rate_windows_are_every_second_frame():
    source = seen(rates=(25.0, 25.0))
    [rows] = source.clips.windows(torch.tensor([20]), 9, 2)
    torch.testing.assert_close(windows(source, [20])[0], source.world[rows], atol=1e-5, rtol=0)


def test_at_twice_the_rate_every_second_frame_lies_half_way():
    source = seen(rates=(100.0, 100.0))
    found, world = windows(source, [20])[0], source.world[18:23]
    torch.testing.assert_close(found[::2], world, atol=1e-5, rtol=0)
    torch.testing.assert_close(found[1::2], (world[:-1] + world[1:]) / 2, atol=1e-5, rtol=0)


def counted(length: int, before: int = 0) -> Tensor:
    """A clip whose joints all stand at the number of their frame, after `before` frames of other clips."""
    time = torch.arange(-before, length).float()
    return time[:, None, None].expand(-1, 22, 3)


def test_windows_run_evenly_at_a_rate_between_the_bounds_and_stop_at_the_ends():
    source = SeenMotion(torch.cat([counted(200), 1000 + counted(200)]), Clips([200, 200]), 50.0, (20.0, 60.0))
    time = windows(source, [100] * 300)[:, :, 0, 0]
    torch.testing.assert_close(time[:, 4], torch.full((300,), 100.0))
    step = time.diff(dim=1)
    torch.testing.assert_close(step, step[:, :1].expand_as(step), atol=1e-3, rtol=0)
    rate = 50 / step[:, 0]
    assert 20 - 0.01 <= rate.min() < 22
    assert 56 < rate.max() <= 60 + 0.01
    assert rate.log().mean().item() == pytest.approx((np.log(20) + np.log(60)) / 2, abs=0.06)
    ends = windows(source, [0, 199, 200, 399])[:, :, 0, 0]
    assert (ends[:, :5][[0, 2]] == torch.tensor([[0.0], [1000]])).all()
    assert (ends[:, 4:][[1, 3]] == torch.tensor([[199.0], [1199]])).all()


def test_windows_run_evenly_in_a_large_corpus():
    before = 1_500_000
    source = SeenMotion(counted(200, before), Clips([before, 200]), 50.0, (47.0, 47.0))
    [time] = windows(source, [before + 100])[:, :, 0, 0]
    torch.testing.assert_close(time, 100 + (torch.arange(9) - 4) * 50 / 47, atol=1e-3, rtol=0)


def test_a_corpus_is_windowed_as_the_recipe_says():
    strings = np.array(["a", "b", "c"])
    starts = np.array([0, 40, 41, 66])
    corpus = Corpus(motion().numpy(), starts, strings, strings, strings, strings, 50.0)
    quick, paper = (SeenMotion.of(corpus, PRESETS[name]) for name in ("cmu-w27", "p-stmo-s"))
    assert (quick.rates, quick.framing, len(quick)) == ((20.0, 60.0), "facing", 66)
    assert (paper.rates, paper.framing) == ((25.0, 25.0), "screen")
    assert paper.rate == pytest.approx(25)
    assert torch.equal(paper.clips.starts, torch.from_numpy(starts))
    assert torch.equal(windows(paper, [40])[0], paper.world[40:41].expand(9, -1, -1))


def test_a_network_is_described_as_its_windows_were_made(small_checkpoint):
    found = described(load(small_checkpoint).network, replace(pairs("person", tds=2), fps=60.0), Path("a name"))
    assert (found.keypoints, found.poses, found.framing) == (COCO, HUMAN36M, "person")
    assert (found.name, found.rate) == ("a name", 30.0)
    for stage in STAGES:
        assert described(found.network, pairs(), Path("of a job", stage)).name == "of a job"


def test_validation_windows_are_the_same_each_time_and_spread_over_the_source():
    source = pairs()
    one, again = (validation_batches(source, 9, windows=12, batch=5) for _ in range(2))
    assert [len(batch.poses) for batch in one] == [5, 5, 2]
    assert all(same(a, b) for a, b in zip(one, again, strict=True))
    centres = torch.cat([batch.poses for batch in one])[:, 4]
    assert torch.equal(centres[0], source.xyz[0])
    assert torch.equal(centres[-1], mirrored(source.xyz[-1], HUMAN36M))
    assert len(validation_batches(source, 9)[0].poses) == len(source)


# Windows of a data set on disk


def data_set(folder: Path, *recordings: Recording) -> PairedDataset:
    return paired.write(folder, "people", recordings)


def test_windows_of_a_data_set_are_its_recordings(tmp_path: Path):
    people = recording("Walk 1", 30), recording("Sit 1", 5)
    source = PairedWindows.of(data_set(tmp_path, *people), "gt", replace(PRESETS["p-stmo-s"], tds=2))
    assert (len(source), source.rate, source.framing) == (70, 25.0, "screen")
    assert (source.keypoints, source.poses) == (COCO, HUMAN36M)
    batch = batches(source, [15, 34, 50], 3)
    xy = normalise_screen(torch.from_numpy(people[0].keypoints["gt"].xy), 640, 480)
    xyz = torch.from_numpy(people[0].poses.positions)
    torch.testing.assert_close(batch.keypoints[0], xy[[13, 15, 17]])
    torch.testing.assert_close(batch.poses[0], xyz[[13, 15, 17]])
    last = torch.from_numpy(people[1].poses.positions)
    torch.testing.assert_close(batch.poses[1], last[[2, 4, 4]])  # no window looks over the end of its recording
    torch.testing.assert_close(batch.poses[2], mirrored(xyz[[13, 15, 17]], HUMAN36M))


def test_poses_that_were_not_measured_are_not_learned(tmp_path: Path):
    observed = np.ones(30, bool)
    observed[10:13] = False
    broken = recording("Walk 1", 30, observed=observed)
    broken.poses.positions[10:13] = np.nan
    source = PairedWindows.of(data_set(tmp_path, broken), "gt", PRESETS["p-stmo-s"])
    assert len(source.clips) == 27
    batch = batches(source, list(range(len(source))), 9)
    assert batch.poses.isfinite().all()
    nobody = recording("Walk 2", 30, observed=np.zeros(30, bool))
    (tmp_path / "other").mkdir()
    with pytest.raises(PstmoError, match="people: found no measured pose among 30 frames"):
        PairedWindows.of(data_set(tmp_path / "other", nobody), "gt", PRESETS["p-stmo-s"])


def test_keypoints_that_were_not_observed_are_interpolated(tmp_path: Path):
    gappy = recording("Walk 1", 30)
    seen = gappy.keypoints["gt"]
    seen.confidence[10:13, 4] = 0
    source = PairedWindows.of(data_set(tmp_path, gappy), "gt", replace(PRESETS["p-stmo-s"], tds=1))
    found = batches(source, [11], 3).keypoints[0, 1, 4]
    xy = normalise_screen(torch.from_numpy(seen.xy), 640, 480)
    others = [joint for joint in range(17) if joint != 4]
    torch.testing.assert_close(found, xy[11, others].mean(0))  # not seen in any of three frames
    wide = batches(source, [9], 9).keypoints[0, :, 4]  # frames 5 to 13
    torch.testing.assert_close(wide[6], xy[9, 4] + (xy[13, 4] - xy[9, 4]) / 2)
    narrow = batches(source, [8], 9).keypoints[0, :, 4]  # frames 4 to 12: what comes after is not known
    torch.testing.assert_close(narrow[6:], xy[9, 4].expand(3, 2))
