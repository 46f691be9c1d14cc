"""Laws of the ways to lift a clip."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL, keypoints
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

import pstmo
from pstmo import modes, threads
from pstmo.errors import PstmoError
from pstmo.lift import How, Lifter
from pstmo.metrics import rooted
from pstmo.model.cost import exact_macs, macs
from pstmo.model.stmo import STMO
from pstmo.presets import PRESETS
from pstmo.sequence import Keypoints

WAYS: tuple[modes.Mode, ...] = ("exact", "fast", "sequence", "live")
every_way = pytest.mark.parametrize("mode", WAYS)
HALF = SMALL.frames // 2


@pytest.fixture(scope="module")
def lifter(small_checkpoint: Path) -> Lifter:
    return pstmo.load(small_checkpoint)


def lifted(lifter: Lifter, seen: Keypoints, mode: modes.Mode = "exact", **how: object) -> np.ndarray:
    return lifter.lift(seen, mode=mode, **how).positions  # type: ignore[arg-type]


def same(found: np.ndarray, wanted: np.ndarray, atol: float = 1e-5) -> None:
    np.testing.assert_allclose(found, wanted, atol=atol, rtol=0)


@every_way
@pytest.mark.parametrize("frames", [1, 2, 9, 40])
@pytest.mark.parametrize("step", [1, 3])
def test_a_frame_in_is_a_frame_out(lifter: Lifter, mode: modes.Mode, frames: int, step: int):
    poses = lifted(lifter, keypoints(frames), mode, step=step)
    assert poses.shape == (frames, 17, 3)
    assert np.isfinite(poses).all()


@every_way
@pytest.mark.parametrize("framing", ["screen", "person", "facing"])
def test_tokens_that_windows_share_are_those_of_each_window(
    lifter: Lifter, mode: modes.Mode, framing: str, monkeypatch: pytest.MonkeyPatch
):
    """Also where a window fills joints that were not seen with values of its own."""
    seen = keypoints(40)
    xy = seen.xy.copy()
    xy[np.random.default_rng(1).random(xy.shape[:2]) < 0.1] = np.nan
    seen = Keypoints.from_array(xy, image_size=seen.image_size, fps=seen.fps)
    framed = replace(lifter, checkpoint=replace(lifter.checkpoint, framing=framing))
    shared = lifted(framed, seen, mode)
    monkeypatch.setattr("pstmo.windowed.SCREEN", "none")
    same(shared, lifted(framed, seen, mode))


def test_fast_is_exact_at_its_knots_and_smooth_between_them(lifter: Lifter, walker: Keypoints):
    exact, fast = lifted(lifter, walker), lifted(lifter, walker, "fast", every=7)
    knots = [*range(0, 40, 7), 39]
    same(fast[knots], exact[knots])
    assert np.abs(fast - exact).max() > 1e-4
    assert np.abs(np.diff(fast, 2, axis=0)).max() < np.abs(np.diff(exact[knots], axis=0)).max()
    same(lifted(lifter, walker, "fast", every=1), exact)
    same(lifted(lifter, walker, "fast"), lifted(lifter, walker, "fast", every=3))  # 10 of 30 a second


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 2**16))
def test_a_curve_goes_through_its_knots_and_keeps_straight_lines(frames: int, every: int, seed: int):
    chance = torch.Generator().manual_seed(seed)
    knots = torch.tensor(sorted({*range(0, frames, every), frames - 1}))
    start, speed, poses = torch.randn(2 + len(knots), 3, 3, generator=chance).split([1, 1, len(knots)])
    torch.testing.assert_close(modes.curve(poses, knots, frames)[knots], poses, atol=1e-5, rtol=0)
    line = start + speed * torch.arange(frames)[:, None, None] / 10
    torch.testing.assert_close(modes.curve(line[knots], knots, frames), line, atol=1e-5, rtol=0)


def by_windows(lifter: Lifter, seen: Keypoints, starts: list[int]) -> torch.Tensor:
    """What the all-frames head says of the windows that begin there: (windows, frames, joints, 3), the root at 0."""
    positions = []
    for start in starts:
        rows = np.clip(np.arange(start, start + SMALL.frames), 0, seen.frames - 1)
        part = Keypoints.from_array(seen.xy[rows], image_size=seen.image_size, fps=seen.fps)
        with torch.inference_mode():
            windowed = lifter._windowed(part, mirror=True)
            poses = windowed.poses(torch.arange(SMALL.frames)[None], modes.of_every_frame)[0]
            positions.append(rooted(poses, lifter.checkpoint.poses.root_index))
    return torch.stack(positions)


def test_a_sequence_is_made_of_whole_windows(lifter: Lifter):
    seen = keypoints(2 * SMALL.frames)
    wanted = by_windows(lifter, seen, [0, SMALL.frames]).flatten(0, 1).numpy()
    same(lifted(lifter, seen, "sequence", overlap=0.0), wanted)


def test_windows_of_a_sequence_are_blended_by_their_distance_from_the_middle(lifter: Lifter, walker: Keypoints):
    """With two thirds shared, each frame lies in three windows."""
    starts = list(range(-6, 40, 3))
    windows, total, weight = by_windows(lifter, walker, starts).numpy(), np.zeros((60, 17, 3)), np.zeros((60, 1, 1))
    ramp = np.array([1, 2, 3, 4, 5, 4, 3, 2, 1.0])[:, None, None]
    for start, window in zip(starts[1:], windows[1:], strict=True):
        total[start + 10 : start + 19] += ramp * window
        weight[start + 10 : start + 19] += ramp
    wanted = (total / np.maximum(weight, 1))[10:50]
    same(lifted(lifter, walker, "sequence", overlap=2 / 3)[:37], wanted[:37])


def test_a_sequence_with_a_step_takes_each_phase_by_itself(lifter: Lifter):
    """Past its ends a clip repeats its first and last frame, not those of the phase."""
    seen, inside = keypoints(80), slice(SMALL.frames, -SMALL.frames)
    whole = lifted(lifter, seen, "sequence", step=2)
    for phase in (0, 1):
        part = Keypoints.from_array(seen.xy[phase::2], image_size=seen.image_size, fps=seen.fps)
        same(whole[phase::2][inside], lifted(lifter, part, "sequence", step=1)[inside])


@pytest.mark.parametrize("lag", range(HALF))
def test_live_poses_know_nothing_of_what_comes_after_their_lag(lifter: Lifter, walker: Keypoints, lag: int):
    xy = walker.xy.copy()
    xy[20:] += np.random.default_rng(0).normal(0, 30, xy[20:].shape)
    other = Keypoints.from_array(xy, image_size=walker.image_size, fps=walker.fps)
    before, after = (lifted(lifter, seen, "live", lag=lag) for seen in (walker, other))
    same(after[: 20 - lag], before[: 20 - lag], atol=0)
    assert np.abs(after[20 - lag] - before[20 - lag]).max() > 1e-3


def test_live_with_half_a_window_of_lag_is_exact(lifter: Lifter, walker: Keypoints):
    for lag in (HALF, HALF + 5):
        same(lifted(lifter, walker, "live", lag=lag), lifted(lifter, walker))
    same(lifted(lifter, walker, "live", lag=2 * HALF + 1, step=2), lifted(lifter, walker, step=2))


@every_way
def test_a_regular_clock_may_be_written_out(lifter: Lifter, walker: Keypoints, mode: modes.Mode):
    timed = replace(walker, timestamps=5 + np.arange(40) / 30)
    same(lifted(lifter, timed, mode), lifted(lifter, walker, mode))
    same(lifted(lifter, timed, mode, step=2), lifted(lifter, walker, mode, step=2))


@pytest.mark.parametrize("mode", ["exact", "live"])
def test_a_frame_that_is_missing_is_a_frame_in_which_nobody_was_seen(
    lifter: Lifter, walker: Keypoints, mode: modes.Mode
):
    gaps = [3, 17, 18, 30]
    there = np.delete(np.arange(40), gaps)
    missing = Keypoints.from_array(
        walker.xy[there], image_size=walker.image_size, fps=walker.fps, timestamps=there / walker.fps
    )
    xy = walker.xy.copy()
    xy[gaps] = np.nan
    unseen = Keypoints.from_array(xy, image_size=walker.image_size, fps=walker.fps)
    found, wanted = lifted(lifter, missing, mode, lag=2), lifted(lifter, unseen, mode, lag=2)[there]
    same(found, wanted)


@every_way
def test_motion_does_not_depend_on_the_clock_that_sampled_it(lifter: Lifter, mode: modes.Mode):
    """A straight motion seen at irregular moments gives the poses of those moments."""
    chance = np.random.default_rng(0)
    pose, speed = keypoints(1).xy, chance.normal(0, 30, (1, 17, 2))
    times = np.arange(60) / 30
    irregular = times + chance.uniform(0, 0.2, 60) / 30
    regular, other = (
        Keypoints.from_array(pose + speed * t[:, None, None], image_size=(640, 480), fps=30, timestamps=t)
        for t in (times, irregular)
    )
    dense: dict[str, object] = {"every": 1, "overlap": 0.9}
    wanted, found = lifted(lifter, regular, mode, **dense), lifted(lifter, other, mode, **dense)
    at = np.stack([np.interp(irregular, times, column) for column in wanted.reshape(60, -1).T], 1).reshape(60, 17, 3)
    inner = (irregular > 0.4) & (irregular < 1.5)
    blind = lifted(lifter, replace(other, timestamps=None), mode, **dense)
    assert np.abs(found - at)[inner].mean() < 0.2 * np.abs(blind - at)[inner].mean()


def test_auto_is_exact_until_that_takes_too_long():
    config, cpu = PRESETS["cmu-w81"].model, torch.device("cpu")
    frames = int(modes.PATIENCE["cpu"] / exact_macs(config))
    assert modes.chosen(frames, 1, config, False, cpu) == "exact"
    assert modes.chosen(frames + 1, 1, config, False, cpu) == "sequence"
    assert modes.chosen(3 * frames, 3, config, False, cpu) == "fast"
    assert modes.chosen(3 * frames, 3, config, True, cpu) == "sequence"
    assert modes.chosen(3 * frames + 3, 3, config, False, cpu) == "sequence"
    assert modes.chosen(30 * frames, 3, config, False, torch.device("cuda")) == "fast"


def test_auto_takes_the_mode_that_it_says(lifter: Lifter, walker: Keypoints, monkeypatch: pytest.MonkeyPatch):
    for mode in WAYS[:3]:
        monkeypatch.setattr(modes, "chosen", lambda *_, mode=mode: mode)
        same(lifted(lifter, walker, "auto"), lifted(lifter, walker, mode), atol=0)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"every": 0}, "every 0 frames"),
        ({"step": 0}, "a step of 0 frames"),
        ({"overlap": 1.0}, "an overlap of 1, expected 0 or more and less than 1"),
        ({"lag": -1}, "a lag of -1 frames"),
    ],
)
def test_settings_out_of_range_are_named(lifter: Lifter, walker: Keypoints, how: dict[str, object], message: str):
    with pytest.raises(PstmoError, match=message):
        lifter.lift(walker, **how)  # type: ignore[arg-type]


def test_timestamps_must_rise(walker: Keypoints):
    for wrong in (np.zeros(40), np.arange(39.0), np.arange(40.0)[::-1], np.full(40, np.nan)):
        with pytest.raises(PstmoError, match="expected 40 timestamps, each after the last"):
            Keypoints.from_array(walker.xy, image_size=(640, 480), fps=30, timestamps=wrong)


def test_products_are_counted_as_they_are_done():
    """PyTorch's own counter sees the same multiplications (it does not look into the fused attention of inference)."""
    for name in ("cmu-w27", "p-stmo"):
        config = PRESETS[name].model
        network, tokens = STMO(config).eval(), torch.randn(1, config.frames, config.width)
        with FlopCounterMode(display=False) as counter:
            network.centre(network.encoder.over_time(tokens))
        cost = macs(config)
        assert counter.get_total_flops() == 2 * (cost.encoder + cost.aggregator + cost.centre_head)
        with FlopCounterMode(display=False) as counter:
            network.encoder.tokens(torch.randn(1, 1, config.joints_in, 2))
        assert counter.get_total_flops() == 2 * cost.tokens


@every_way
@pytest.mark.parametrize("framing", ["screen", "person", "facing"])
def test_clips_that_are_lifted_together_come_out_as_alone(
    lifter: Lifter, walker: Keypoints, mode: modes.Mode, framing: str, monkeypatch: pytest.MonkeyPatch
):
    """Of other lengths, frame rates, lenses and clocks, with gaps; batches hold several, and end within a clip."""
    gappy = keypoints(33, seed=1).xy.copy()
    gappy[3:9, 2:7] = np.nan
    clips = [
        keypoints(1, seed=2),
        Keypoints.from_array(gappy, image_size=(640, 480), fps=30),
        replace(walker, focal=900.0),
        replace(keypoints(25, seed=3), fps=60.0),
        replace(walker, timestamps=np.arange(40) / 30 + 0.01 * (np.arange(40) % 3)),
    ]
    monkeypatch.setattr(threads, "IN_FLIGHT", 7 * SMALL.frames)
    framed = replace(lifter, checkpoint=replace(lifter.checkpoint, framing=framing))
    found = framed.lift_all(clips, How(mode=mode, lag=2))
    for poses, clip in zip(found, clips, strict=True):
        alone = framed.lift(clip, mode=mode, lag=2)
        same(poses.positions, alone.positions)
        assert (poses.fps, poses.mode, poses.frames) == (alone.fps, alone.mode, clip.frames)


def test_one_call_may_lift_clips_in_several_modes(lifter: Lifter, monkeypatch: pytest.MonkeyPatch):
    """What is auto for a long clip is not for a short one."""
    monkeypatch.setitem(modes.PATIENCE, "cpu", 50 * exact_macs(lifter.network.config))
    clips = [keypoints(20), keypoints(400), keypoints(21)]
    found = lifter.lift_all(clips)
    assert [poses.mode for poses in found] == ["fast", "sequence", "fast"]
    for poses, clip in zip(found, clips, strict=True):
        same(poses.positions, lifter.lift(clip).positions)
    assert lifter.lift_all([]) == []


@every_way
def test_threads_change_nothing(lifter: Lifter, mode: modes.Mode, monkeypatch: pytest.MonkeyPatch):
    """Each takes windows of its own; afterwards PyTorch has as many as before."""
    monkeypatch.setattr(threads, "IN_FLIGHT", 4 * SMALL.frames)
    alone, before = lifted(lifter, keypoints(100), mode), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        same(lifted(lifter, keypoints(100), mode), alone)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_mistake_in_a_thread_is_heard_of(lifter: Lifter, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise PstmoError("no")

    monkeypatch.setattr("pstmo.modes.poses", broken)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(PstmoError, match="no"):
            lifter.lift(keypoints(40), mode="exact")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
