"""Laws of telling people apart, and of who is taken for the main person."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from pstmo.errors import FormatError, PstmoError
from pstmo.people import Detection, People
from pstmo.persons import everyone, keypoints_of, persons
from pstmo.skeleton import COCO
from pstmo.tracking import Tracker, tracked
from pstmo.tracking.assignment import pairs
from pstmo.tracking.pieces import Clip
from pstmo.tracking.repair import exchanged

FPS, SIZE, HEIGHT = 25.0, (1280, 720), 200.0
SHAPE = np.array([
    (0.0, 0.0), (0.02, -0.02), (-0.02, -0.02), (0.05, 0.0), (-0.05, 0.0), (0.12, 0.15), (-0.12, 0.15), (0.16, 0.32),
    (-0.16, 0.32), (0.17, 0.46), (-0.17, 0.46), (0.09, 0.48), (-0.09, 0.48), (0.1, 0.72), (-0.1, 0.72), (0.1, 0.94),
    (-0.1, 0.94),
])  # fmt: skip
"""Of a standing person of height 1, COCO's joints."""


def walk(path: np.ndarray, height: float = HEIGHT, seed: int = 0) -> np.ndarray:
    """(frames, joints, 2): somebody whose head is at these places, with swinging limbs and a detector's trembling."""
    chance = np.random.default_rng(seed)
    swing = (
        0.08
        * np.sin(np.arange(len(path)) / 4 + seed)[:, None]
        * np.array([*[0] * 7, 1, -1, 1.5, -1.5, 0, 0, -1, 1, -2, 2])
    )
    joints = path[:, None] + height * SHAPE
    joints[..., 0] += height * swing
    return joints + chance.normal(0, 0.01 * height, joints.shape)


def line(start: tuple[float, float], end: tuple[float, float], frames: int) -> np.ndarray:
    return np.linspace(start, end, frames)


def people(*walks: np.ndarray, missing: dict[int, set[int]] | None = None, score: float = 0.9) -> People:
    """Detections of them all, without tracks. missing: the frames in which somebody is not seen."""
    missing = missing or {}
    found = [
        Detection(frame, np.column_stack([joints, np.full(len(joints), 0.9)]), score)
        for person, motion in enumerate(walks)
        for frame, joints in enumerate(motion)
        if frame not in missing.get(person, ()) and not np.isnan(joints).all()
    ]
    found.sort(key=lambda detection: detection.frame)
    return People(found, range(max(map(len, walks))), {17: COCO.joints}, SIZE, FPS)


def parts(seen: People) -> set[frozenset[tuple[int, float, float]]]:
    """Who is with whom: the detections of each track, told by frame and head."""
    of: dict[int | None, set] = {}
    for detection in tracked(seen).detections:
        of.setdefault(detection.track, set()).add((detection.frame, *detection.joints[0, :2].round(3).tolist()))
    return set(map(frozenset, of.values()))


def crossing(frames: int = 80, hidden: int = 10) -> People:
    """Two who walk towards each other; the farther one is not seen while they are at one place."""
    near = walk(line((300, 200), (900, 200), frames), seed=1)
    far = walk(line((900, 230), (300, 230), frames), height=150, seed=2)
    middle = frames // 2
    return people(near, far, missing={1: set(range(middle - hidden // 2, middle + hidden // 2))})


# Assignment


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_pairs_are_worth_most(seed, whole):
    chance = np.random.default_rng(seed)
    worth = chance.normal(size=chance.integers(0, 7, 2))
    worth = worth.round() if whole else worth
    found = pairs(worth.tolist())
    assert len({i for i, _ in found}) == len({j for _, j in found}) == len(found)
    assert all(worth[pair] > 0 for pair in found)
    best = np.maximum(worth, 0)
    assert sum(worth[pair] for pair in found) == pytest.approx(best[linear_sum_assignment(best, maximize=True)].sum())


# Laws


def test_a_crossing_keeps_ids():
    found = everyone(crossing())
    assert len(found) == 2
    heads = {track: keypoints.xy[:, 0, 0] for track, keypoints in found.items()}
    assert all(abs(np.nanmax(np.diff(head[~np.isnan(head)]))) < 100 for head in heads.values())
    assert heads[1][0] < 350
    assert heads[1][-1] > 850
    assert heads[2][0] > 850
    assert heads[2][-1] < 350


def paths_of(*walks: np.ndarray) -> tuple[Clip, list[np.ndarray]]:
    """A clip in which everybody is seen in every frame, and where in it each of them is."""
    count, frames = len(walks), len(walks[0])
    clip = Clip(
        np.repeat(np.arange(frames) / FPS, count),
        np.stack(walks, 1).reshape(-1, 17, 2),
        np.full(count * frames, 0.9),
    )
    return clip, [np.arange(i, count * frames, count) for i in range(count)]


def test_who_was_taken_for_another_at_a_meeting_is_exchanged_back():
    """Two who cross, the tall one and the small one; then the tall one meets a third."""
    tall = walk(line((100, 200), (1100, 200), 100), seed=1)
    small = walk(line((600, 230), (100, 230), 100), height=150, seed=2)
    third = walk(line((1200, 220), (700, 220), 100), height=170, seed=3)
    clip, truth = paths_of(tall, small, third)
    assert_same(exchanged(truth, clip), truth)
    for middle, (i, j) in {33: (0, 1), 73: (0, 2)}.items():
        mistaken = list(truth)
        mistaken[i], mistaken[j] = (np.concatenate([truth[a][:middle], truth[b][middle:]]) for a, b in [(i, j), (j, i)])
        assert_same(exchanged(mistaken, clip), truth, tolerance=20)
    both = [truth[0][:33], truth[1][:33], truth[2][:73]]  # the small one goes on as the tall one, and he as the third
    both = [np.concatenate([both[0], truth[1][33:]]), np.concatenate([both[1], truth[0][33:73], truth[2][73:]])]
    both.append(np.concatenate([truth[2][:73], truth[0][73:]]))
    assert_same(exchanged(both, clip), truth, tolerance=20)


def assert_same(found: list[np.ndarray], expected: list[np.ndarray], tolerance: int = 0) -> None:
    """But for so many frames, of a meeting in which nobody can tell."""
    for one, other in zip(found, expected, strict=True):
        assert len(one) == len(other)
        assert (one != other).sum() <= tolerance


def test_ids_count_from_one_in_the_order_of_appearance_and_do_not_overlap():
    late = walk(np.concatenate([np.full((20, 2), np.nan), line((1000, 200), (800, 200), 60)]), seed=3)
    found = tracked(people(late, walk(line((100, 200), (300, 200), 80))))
    first = {track: min(d.frame for d in found.detections if d.track == track) for track in (1, 2)}
    assert first == {1: 0, 2: 20}
    assert max(Counter((d.frame, d.track) for d in found.detections).values()) == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_detections_changes_nothing(seed):
    seen = crossing(50)
    order = np.random.default_rng(seed).permutation(len(seen.detections))
    mixed = replace(seen, detections=[seen.detections[i] for i in order])
    told, again = tracked(seen).detections, tracked(mixed).detections
    assert [(d.frame, d.track) for d in told] == [(d.frame, d.track) for d in again]
    assert all((a.joints == b.joints).all() for a, b in zip(told, again, strict=True))


@settings(max_examples=15, deadline=None)
@given(st.floats(-5000, 5000), st.floats(-5000, 5000), st.sampled_from([0.25, 1, 8]))
def test_moving_and_scaling_everything_changes_nothing(right, down, scale):
    seen = crossing(50)
    moved = [replace(d, joints=d.joints * [scale, scale, 1] + [right, down, 0]) for d in seen.detections]
    before, after = tracked(seen).detections, tracked(replace(seen, detections=moved)).detections
    assert [d.track for d in before] == [d.track for d in after]


def test_fractions_of_the_picture_are_told_apart_like_pixels():
    seen = crossing(50)
    fractions = [replace(d, joints=d.joints / [*SIZE, 1]) for d in seen.detections]
    found = tracked(replace(seen, detections=fractions, normalised=True))
    assert [d.track for d in tracked(seen).detections] == [d.track for d in found.detections]
    np.testing.assert_allclose(keypoints_of(found).xy, keypoints_of(seen).xy, rtol=1e-4)


def test_time_may_run_backwards():
    seen = crossing()
    last = len(seen.frames) - 1
    backwards = replace(seen, detections=[replace(d, frame=last - d.frame) for d in seen.detections])
    flipped = {frozenset((last - frame, x, y) for frame, x, y in part) for part in parts(backwards)}
    assert flipped == parts(seen)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(10, 60))
def test_a_single_person_is_one_id_whatever_gaps_under_a_second(seed, fps):
    chance = np.random.default_rng(seed)
    frames = 4 * fps
    turns = np.repeat(chance.normal(0, 0.4, (8, 2)), -(-frames // 8), axis=0)[:frames]  # body heights a second
    path = 500 + HEIGHT * np.cumsum(turns, axis=0) / fps
    gaps, at = set(), 5
    while at < frames - fps:
        length = int(chance.integers(1, fps))
        gaps |= set(range(at, at + length))
        at += length + int(chance.integers(5, fps + 5))
    seen = replace(people(walk(path, seed=seed % 1000), missing={0: gaps}), fps=float(fps))
    assert {d.track for d in tracked(seen).detections} == {1}
    assert len(tracked(seen).detections) == frames - len(gaps)


def test_the_clock_of_the_frames_counts():
    motion = walk(line((300, 200), (600, 200), 40))
    seen = people(motion)
    sparse = replace(seen, timestamps=np.arange(40) * 0.7)
    assert {d.track for d in tracked(sparse).detections} == {1}


def test_somebody_who_comes_back_is_known_and_somebody_else_is_not():
    path = np.concatenate(
        [line((400, 200), (450, 200), 40), np.full((50, 2), np.nan), line((470, 200), (500, 200), 40)]
    )
    assert len(parts(people(walk(path)))) == 1
    first = walk(np.concatenate([line((400, 200), (450, 200), 40), np.full((90, 2), np.nan)]))
    child = walk(np.concatenate([np.full((90, 2), np.nan), line((470, 300), (500, 300), 40)]), height=100)
    assert len(parts(people(first, child))) == 2


# What is no person


def test_one_frame_is_a_clip():
    assert [person.track for person in persons(people(walk(np.array([[100.0, 100]]))))] == [1]


def test_the_second_detection_of_a_person_is_left_out():
    seen = crossing()
    again = [replace(d, score=0.5, joints=d.joints + [1, 1, 0]) for d in seen.detections]
    found = tracked(replace(seen, detections=seen.detections + again))
    assert [d.score for d in found.detections] == [0.9] * len(seen.detections)


def test_ghosts_are_left_out_and_never_the_main_person():
    chance = np.random.default_rng(5)
    person = people(walk(line((300, 300), (500, 300), 80), height=120))
    ghosts = [
        replace(person.detections[0], frame=frame, score=0.2, joints=joints)
        for frame in range(0, 80, 3)
        for joints in [np.column_stack([chance.uniform(0, 700) + 500 * SHAPE, np.full(17, 0.2)])]
    ]
    found = persons(replace(person, detections=person.detections + ghosts))
    assert [(p.track, p.frames) for p in found if p.frames > 10] == [(1, 80)]
    assert found[0].track == 1


def test_tracks_of_the_file_stay():
    seen = crossing()
    named = [replace(d, track=7 if d.joints[:, 1].max() > 379 else None) for d in seen.detections]
    found = tracked(replace(seen, detections=named))
    assert sum(d.track == 7 for d in found.detections) == sum(d.track == 7 for d in named)
    assert {d.track for d in found.detections} == {7, 8}
    again = tracked(found)
    assert [d.track for d in again.detections] == [d.track for d in found.detections]


# The main person


def test_the_main_person_is_seen_for_long_large_and_in_the_middle():
    middle, aside = line((600, 200), (650, 200), 50), line((1100, 200), (1150, 200), 50)
    main = persons(people(walk(aside), walk(middle)))
    assert [p.track for p in main] == [1, 2]
    assert main[0].closeness > main[1].closeness
    assert main[0].frames == 50
    assert main[0].score == pytest.approx(0.9)
    large = persons(people(walk(aside, height=400), walk(middle, height=100)))
    assert large[0].size == pytest.approx(4 * large[1].size, rel=0.1)
    assert len(persons(people(walk(middle), walk(aside[:20])))) == 2


def test_everyone_has_all_frames():
    seen = crossing()
    found = everyone(seen)
    assert [keypoints.frames for keypoints in found.values()] == [80, 80]
    assert sorted(int((~k.observed).all(1).sum()) for k in found.values()) == [0, 10]
    for track, keypoints in found.items():
        np.testing.assert_array_equal(keypoints.xy, keypoints_of(seen, person=track).xy)
    np.testing.assert_array_equal(next(iter(found.values())).xy, keypoints_of(seen).xy)


def test_nobody_is_a_clear_error():
    empty = People([], range(5), {17: COCO.joints}, SIZE, FPS)
    for ask in (keypoints_of, everyone, persons, tracked):
        with pytest.raises(FormatError, match="found nobody in any of its 5 frames"):
            ask(empty)
    with pytest.raises(PstmoError, match="found no person 9; persons in it: 1, 2"):
        keypoints_of(crossing(), person=9)


def test_different_numbers_of_joints_are_an_error():
    seen = crossing()
    with pytest.raises(FormatError, match="found 5 joints in frame 3, but 17 in frame 0"):
        tracked(replace(seen, detections=[*seen.detections, Detection(3, np.ones((5, 3)))]))


# Live


def test_live_each_detection_gets_an_id_at_once():
    tracker, seen = Tracker(), crossing()
    nobody = Detection(0, np.full((17, 3), np.nan))
    for frame in seen.frames:
        here = [d for d in seen.detections if d.frame == frame]
        ids = tracker.update([nobody, *here], frame / FPS)
        assert ids[0] is None
        left = [i for i, d in zip(ids[1:], here, strict=True) if d.joints[:, 1].max() > 379]
        assert set(ids[1:]) <= {1, 2}
        assert len(left) <= 2
    with pytest.raises(PstmoError, match="expected times that rise"):
        tracker.update([], 1.0)


def test_live_somebody_lost_for_long_gets_a_new_id():
    tracker, one = Tracker(), people(walk(line((100, 100), (100, 100), 10))).detections
    ids = [tracker.update([d], d.frame / FPS)[0] for d in one]
    assert ids == [1] * 10
    assert tracker.update([], 0.5) == []
    assert tracker.update(one[:1], 1.2) == [1]
    assert [tracker.update([], seconds) for seconds in (1.6, 2.0, 2.4)] == [[], [], []]
    assert tracker.update(one[:1], 2.8) == [2]
