"""Laws of windows, of the frame that keypoints are put in, and of filling what was not observed."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pstmo.fill import interpolate
from pstmo.framing import FRAMINGS, View
from pstmo.skeleton import COCO, HUMAN36M, SKELETONS
from pstmo.windows import Clips, mirrored, mirrored_some, window_index

quick = settings(max_examples=60, deadline=None)
lengths = st.lists(st.integers(1, 40), min_size=1, max_size=6)
windows = st.sampled_from([1, 3, 9, 27])
steps = st.integers(1, 4)
seeds = st.integers(0, 10_000)


def some(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@quick
@given(lengths, windows, steps)
def test_a_window_stays_in_its_clip_about_its_centre(lengths, frames, step):
    clips = Clips(lengths)
    centres = torch.arange(sum(lengths))
    rows = clips.windows(centres, frames, step)
    assert len(clips) == sum(lengths)
    assert rows.shape == (len(centres), frames)
    assert torch.equal(rows[:, frames // 2], centres)
    belongs = torch.tensor([clip for clip, length in enumerate(lengths) for _ in range(length)])
    assert torch.equal(belongs[rows], belongs[:, None].expand_as(rows))


@quick
@given(lengths, windows, steps)
def test_frames_are_a_step_apart_until_the_clip_ends_and_then_its_end_again(lengths, frames, step):
    clips = Clips(lengths)
    start = 0
    for length in lengths:
        for centre in range(start, start + length):
            [rows] = clips.windows(torch.tensor([centre]), frames, step).tolist()
            wanted = [centre + step * k for k in range(-(frames // 2), frames // 2 + 1)]
            assert rows == [start if r < start else min(r, start + length - 1) for r in wanted]
        start += length


def test_both_ends_are_repeated():
    rows = Clips([3, 5, 1]).windows(torch.tensor([3, 5, 7, 8]), 9)
    assert rows.tolist() == [
        [3, 3, 3, 3, 3, 4, 5, 6, 7],
        [3, 3, 3, 4, 5, 6, 7, 7, 7],
        [3, 4, 5, 6, 7, 7, 7, 7, 7],
        [8] * 9,
    ]


def test_bounds_can_be_given_for_each_centre():
    rows = window_index(torch.tensor([4, 4]), torch.tensor([0, 4]), torch.tensor([9, 6]), 3, 2)
    assert rows.tolist() == [[2, 4, 6], [4, 4, 5]]
    assert window_index(torch.tensor([4]), torch.tensor([0]), torch.tensor([9]), 3).tolist() == [[3, 4, 5]]


@quick
@given(st.integers(1, 90), windows, seeds)
def test_windows_put_together_again_are_the_sequence(length, frames, seed):
    sequence = some(length, 17, 2, seed=seed)
    clips = Clips([length])
    each = sequence[clips.windows(torch.arange(length), frames)]
    assert torch.equal(each[:, frames // 2], sequence)
    tiles = clips.windows(frames // 2 + frames * torch.arange(length // frames), frames)
    assert torch.equal(sequence[tiles].flatten(0, 1), sequence[: length // frames * frames])


def test_clip_lengths_may_be_a_tensor():
    assert torch.equal(Clips(torch.tensor([2, 3])).starts, torch.tensor([0, 2, 5]))


def test_no_clips_have_no_frames():
    assert len(Clips([])) == 0
    assert Clips([]).starts.tolist() == [0]


def test_windows_lie_where_their_centres_do():
    """On a device that computes shapes only, and nothing together with what lies elsewhere."""
    here = torch.tensor([3, 5], device="meta")
    rows = window_index(here, here, here, 9)
    assert (rows.device.type, rows.shape) == ("meta", (2, 9))


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
def test_mirrored_twice_is_nothing(skeleton):
    x = some(2, 5, len(skeleton), 3)
    once = mirrored(x, skeleton)
    assert not torch.equal(once, x)
    assert torch.equal(mirrored(once, skeleton), x)
    for joint, other in zip(skeleton.left, skeleton.right, strict=True):
        assert torch.equal(once[..., joint, 1:], x[..., other, 1:])
        assert torch.equal(once[..., joint, 0], -x[..., other, 0])


def test_mirroring_moves_the_left_wrist_to_the_right_one_across_the_middle():
    x = some(1, 17, 3)
    once = mirrored(x, HUMAN36M)
    left, right, hip = (HUMAN36M.index(joint) for joint in ("left_wrist", "right_wrist", "hip"))
    assert torch.equal(once[:, right], x[:, left] * torch.tensor([-1.0, 1, 1]))
    assert torch.equal(once[:, hip], x[:, hip] * torch.tensor([-1.0, 1, 1]))


@quick
@given(seeds, st.lists(st.booleans(), min_size=1, max_size=5), st.sampled_from([(), (1,), (4,)]), st.integers(1, 3))
def test_some_windows_are_mirrored_and_the_others_stay(seed, which, frames, axes):
    x = some(len(which), *frames, 17, axes, seed=seed)
    before = x.clone()
    out = mirrored_some(x, torch.tensor(which), COCO)
    for window, one, turned in zip(out, x, which, strict=True):
        assert torch.equal(window, mirrored(one, COCO) if turned else one)
    assert torch.equal(x, before)


def test_mirroring_happens_where_the_keypoints_lie():
    x = torch.zeros(2, 9, 17, 2, device="meta")
    assert mirrored(x, COCO).device.type == "meta"
    some = mirrored_some(x, torch.zeros(2, dtype=torch.bool, device="meta"), COCO)
    assert (some.device.type, some.shape) == ("meta", x.shape)


def framed(window: Tensor, framing: str, focal: float = 2.0) -> View:
    return FRAMINGS[framing](window, torch.full((len(window),), float(focal)))


def around_person(window: Tensor) -> Tensor:
    return framed(window, "person").keypoints


@quick
@given(seeds, st.floats(0.05, 20), st.floats(-2, 2), st.floats(-2, 2))
def test_a_person_is_framed_alike_wherever_and_however_large(seed, scale, x, y):
    window = some(2, 9, 17, 2, seed=seed)
    elsewhere = scale * window + torch.tensor([x, y]) * scale
    torch.testing.assert_close(around_person(elsewhere), around_person(window), atol=2e-5, rtol=0)


def test_a_framed_person_has_mean_zero_and_size_one_in_each_window():
    framed = around_person(some(3, 9, 17, 2) * torch.tensor([1.0, 5, 0.01])[:, None, None, None] + 3)
    torch.testing.assert_close(framed.mean((1, 2)), torch.zeros(3, 2), atol=1e-3, rtol=0)
    torch.testing.assert_close(framed.square().sum(-1).mean((1, 2)), torch.ones(3), atol=1e-3, rtol=0)


def test_movement_within_a_window_is_not_framed_away():
    window = some(1, 1, 17, 2) + torch.arange(9.0)[None, :, None, None]
    torch.testing.assert_close(
        around_person(window)[0].diff(dim=0), around_person(window)[0].diff(dim=0)[:1].expand(8, -1, -1)
    )
    assert around_person(window)[0].diff(dim=0).min() > 0.1


@pytest.mark.parametrize("framing", FRAMINGS)
def test_framing_and_mirroring_can_change_places(framing):
    window, poses = some(2, 9, 17, 2) + 0.3, some(2, 9, 17, 3)
    view, other = framed(window, framing), framed(mirrored(window, COCO), framing)
    torch.testing.assert_close(other.keypoints, mirrored(view.keypoints, COCO), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(other.turned(mirrored(poses, COCO)), mirrored(view.turned(poses), COCO))


@pytest.mark.parametrize("framing", ["person", "facing"])
def test_a_person_in_a_single_point_is_framed_finitely(framing):
    keypoints = framed(torch.full((1, 9, 17, 2), 0.5), framing).keypoints
    torch.testing.assert_close(keypoints, torch.zeros(1, 9, 17, 2), atol=1e-4, rtol=0)


def test_screen_coordinates_stay_as_they_are():
    window, poses = some(2, 9, 17, 2), some(2, 17, 3)
    view = framed(window, "screen")
    assert torch.equal(view.keypoints, window)
    assert view.turned(poses) is poses


@quick
@given(seeds, st.sampled_from(list(FRAMINGS)), st.floats(0.8, 5.0))
def test_poses_come_back_from_a_view(seed, framing, focal):
    window, poses = some(2, 9, 17, 2, seed=seed), some(2, 9, 17, 3, seed=seed + 1)
    view = framed(window, framing, focal)
    torch.testing.assert_close(view.back(view.turned(poses)), poses, atol=1e-5, rtol=0)
    torch.testing.assert_close(view.turned(poses).norm(dim=-1), poses.norm(dim=-1))
    one = view.turned(poses[:, 4])
    torch.testing.assert_close(one, view.turned(poses)[:, 4])


@quick
@given(seeds, st.floats(0.8, 5.0))
def test_the_view_that_faces_a_person_is_a_camera_at_the_same_place(seed, focal):
    """What it shows are the turned points, seen by a pinhole; the middle of the person lies straight ahead."""
    points = some(2, 9, 17, 3, seed=seed).clamp(-1, 1) * 0.4 + torch.tensor([1.0, -0.7, 4.0])
    xy = focal * points[..., :2] / points[..., 2:]
    view = framed(xy, "facing", focal)
    turned = view.turned(points)
    seen = around_person(turned[..., :2] / turned[..., 2:])
    torch.testing.assert_close(view.keypoints, seen, atol=1e-4, rtol=0)
    middle = torch.cat([xy.mean((1, 2)) / focal, torch.ones(2, 1)], -1)
    ahead = view.turned(middle[:, None, None])[:, 0, 0]
    torch.testing.assert_close(ahead[:, :2], torch.zeros(2, 2), atol=1e-5, rtol=0)
    level = view.back(torch.tensor([1.0, 0.0, 0.0]).expand(2, 1, 3))
    torch.testing.assert_close(level[..., 1], torch.zeros(2, 1), atol=1e-6, rtol=0)  # its horizon is the camera's


@st.composite
def gappy(draw) -> tuple[Tensor, Tensor]:
    """Tracks of 3 joints in 2 windows of up to 12 frames, and what of them was observed."""
    frames, seed = draw(st.integers(1, 12)), draw(seeds)
    shares = draw(st.lists(st.sampled_from([0.0, 0.3, 0.7, 1.0]), min_size=3, max_size=3))
    chance = torch.rand(2, frames, 3, generator=torch.Generator().manual_seed(seed))
    return some(2, frames, 3, 2, seed=seed), chance < torch.tensor(shares)


@quick
@given(gappy(), st.sampled_from([float("nan"), float("inf"), 1e30, -7.0]))
def test_what_was_seen_stays_and_what_was_not_is_not_read(track, rubbish):
    xy, observed = track
    filled = interpolate(xy, observed)
    assert torch.equal(filled[observed], xy[observed])
    assert torch.equal(interpolate(torch.where(observed[..., None], xy, rubbish), observed), filled)
    assert filled.isfinite().all()


@quick
@given(gappy())
def test_each_window_is_filled_by_itself(track):
    xy, observed = track
    both = interpolate(xy, observed)
    for i in range(2):
        assert torch.equal(interpolate(xy[i : i + 1], observed[i : i + 1])[0], both[i])


@quick
@given(gappy())
def test_even_motion_comes_back_in_gaps_and_stands_still_beyond_them(track):
    xy, observed = track
    frames = xy.shape[1]
    line = xy[:, :1] + torch.arange(frames)[None, :, None, None] * some(2, 1, 3, 2, seed=1)
    filled = interpolate(line, observed)
    for window in range(2):
        for joint in range(3):
            seen = observed[window, :, joint].nonzero().flatten()
            if len(seen):
                nearest = torch.arange(frames).clamp(int(seen[0]), int(seen[-1]))
                expected = line[window, nearest, joint]
                torch.testing.assert_close(filled[window, :, joint], expected, atol=1e-5, rtol=1e-5)


def test_a_joint_never_seen_is_the_mean_of_the_others():
    xy, observed = some(1, 5, 4, 2), torch.ones(1, 5, 4, dtype=torch.bool)
    observed[:, :, 2:] = False
    observed[0, 1:, 1] = False  # held at its first value
    filled = interpolate(xy, observed)
    expected = (xy[:, :, 0] + xy[:, :1, 1]) / 2
    torch.testing.assert_close(filled[:, :, 2], expected)
    torch.testing.assert_close(filled[:, :, 3], expected)


def test_where_nothing_was_seen_there_are_zeros():
    nothing = torch.full((2, 4, 17, 2), float("nan"))
    assert torch.equal(interpolate(nothing, torch.zeros(2, 4, 17, dtype=torch.bool)), torch.zeros(2, 4, 17, 2))
