"""Laws of random cameras, bodies and detectors that were made up."""

import math
from dataclasses import fields, replace

import pytest
import torch
from test_projection import assert_proper
from torch import Generator, Tensor

from pstmo.chance import Chance
from pstmo.errors import SkeletonError
from pstmo.imperfect import Detection, DetectorNoise, detect
from pstmo.skeleton import BODY25, COCO, MOCAP
from pstmo.synthesis import BodyRanges, CameraRanges, random_cameras, vary_body

KINDS = ("steady", "drift", "jitter", "outlier", "swap", "gap", "lost", "cut_off", "nobody")
SILENT = DetectorNoise(**dict.fromkeys(KINDS, 0.0), strength=(1.0, 1.0))
STILL = CameraRanges(off_centre=0.0, roll=0.0)

# A person of 1.7 m who stands at the origin and faces along +y: +x is to their right, z is up.
MIDDLE = {"hip": (0, 0, 0.9), "spine": (0, 0, 1.15), "thorax": (0, 0, 1.4), "neck_nose": (0, 0.05, 1.5)}
MIDDLE |= {"head_top": (0, 0, 1.7), "nose": (0, 0.12, 1.55)}
RIGHT = {"hip": (0.13, 0, 0.9), "knee": (0.13, 0, 0.5), "ankle": (0.13, 0, 0.0), "shoulder": (0.2, 0, 1.4)}
RIGHT |= {"elbow": (0.3, 0, 1.1), "wrist": (0.35, 0.1, 0.9), "eye": (0.03, 0.1, 1.58), "ear": (0.07, 0, 1.55)}
PLACES = MIDDLE | {
    f"{side}_{part}": (sign * x, y, z)
    for side, sign in (("right", 1), ("left", -1))
    for part, (x, y, z) in RIGHT.items()
}


def chance(seed: int = 0) -> Chance:
    return Chance(Generator().manual_seed(seed))


def person(angle: Tensor | float = 0.0) -> Tensor:
    """The person turned about the vertical axis (radians, counterclockwise seen from above): (..., 22, 3)."""
    standing = torch.tensor([PLACES[joint] for joint in MOCAP.joints])
    angle = torch.as_tensor(angle)[..., None]
    x, y, z = standing.unbind(-1)
    turned = (x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos(), z.expand_as(angle * x))
    return torch.stack(turned, -1)


def walk(batch: int = 1, frames: int = 27) -> Tensor:
    """The person walks in a circle: (batch, frames, 22, 3)."""
    angle = 0.1 * torch.arange(float(frames)) + torch.arange(float(batch))[:, None]
    along = torch.stack([angle.cos(), angle.sin(), 0 * angle], -1)
    return person(angle) + 0.5 * along[:, :, None]


def at(points: Tensor, joint: str, layout=MOCAP) -> Tensor:
    return points[..., layout.index(joint), :]


def bones(points: Tensor, layout=MOCAP) -> Tensor:
    start, end = (list(ends) for ends in zip(*layout.bone_indices, strict=True))
    return (points[..., start, :] - points[..., end, :]).norm(dim=-1)


# Random cameras


def cameras(count: int = 2000, ranges: CameraRanges | None = None, seed: int = 0):
    return random_cameras(person()[None, 0].expand(count, 3), ranges or CameraRanges(), chance(seed))


def test_random_cameras_are_turned_without_mirroring():
    assert_proper(cameras().orientation)


@pytest.mark.parametrize("aspect", [9 / 16, 1.0, 16 / 9])
def test_the_subject_is_in_the_picture(aspect):
    n = 2000
    xy, points = cameras(n, CameraRanges(aspects=(aspect,))).see(person().expand(n, 1, 22, 3))
    assert (points[..., 2] > 0.5).all()
    inside = (xy[..., 0].abs() < 1) & (xy[..., 1].abs() < aspect)
    assert at(inside[..., None], "hip").all()
    assert inside.float().mean() > 0.95


def test_the_subject_is_found_all_over_the_picture_but_for_its_edges():
    aspect, n = 9 / 16, 2000
    xy, _ = cameras(n, replace(STILL, aspects=(aspect,), off_centre=0.55)).see(person().expand(n, 1, 22, 3))
    places = at(xy, "hip")[:, 0] / torch.tensor([1, aspect])
    torch.testing.assert_close(places.mean(0), torch.zeros(2), atol=0.03, rtol=0)
    assert ((places.amax(0) > 0.5) & (places.amin(0) < -0.5)).all()
    assert places.abs().max() < 0.62
    assert places.std(0).min() > 0.28


def test_the_camera_stands_upright_within_its_roll():
    down, right = cameras().orientation[:, 2, 1], cameras().orientation[:, 2, 0]
    assert (down < -0.3).all()
    assert down.mean() < -0.9
    assert right.abs().mean() < 0.1
    level = cameras(ranges=STILL).orientation
    assert level[:, 2, 0].abs().max() < 1e-6
    tilt = cameras(ranges=replace(STILL, roll=0.05, height=(0.9, 0.9))).orientation[:, 2, 0]
    assert tilt.std().item() == pytest.approx(0.05, rel=0.1)


def test_up_in_the_world_is_up_in_the_picture():
    n = 500
    xy, points = cameras(n).see(person().expand(n, 1, 22, 3))
    assert (at(xy, "head_top")[..., 1] < at(xy, "left_ankle")[..., 1]).all()
    assert (at(points, "head_top")[..., 1] < at(points, "right_ankle")[..., 1]).all()


def test_who_faces_the_camera_has_the_left_hand_at_the_right_of_the_picture():
    n = 500
    eyes = cameras(n)
    x, y, _ = eyes.position.unbind(-1)
    towards = torch.atan2(y, x) - math.pi / 2  # the person faces along +y
    xy, points = eyes.see(person(towards)[:, None])
    assert (at(xy, "left_wrist") - at(xy, "right_wrist"))[..., 0].min() > 0
    assert (at(points, "left_hip") - at(points, "right_hip"))[..., 0].min() > 0
    xy, points = eyes.see(person(towards + math.pi)[:, None])
    assert (at(xy, "left_wrist") - at(xy, "right_wrist"))[..., 0].max() < 0
    assert (at(points, "nose") - at(points, "neck_nose"))[..., 2].min() > 0  # away from the camera


def test_without_aim_the_subject_is_in_the_middle():
    n = 100
    xy, points = cameras(n, STILL).see(person().expand(n, 1, 22, 3))
    assert at(xy, "hip").abs().max() < 1e-5
    assert at(points, "hip")[..., :2].abs().max() < 1e-5


@pytest.mark.parametrize("aspect", [9 / 16, 1.0, 16 / 9])
def test_the_person_is_as_large_as_was_asked(aspect):
    ranges = replace(STILL, aspects=(aspect,), size=(0.5, 0.5), height=(0.85, 0.85))
    rod = torch.zeros(100, 1, 2, 3)
    rod[..., 1, 2] = 1.7
    xy, _ = random_cameras(rod.mean((1, 2)), ranges, chance()).see(rod)
    heights = (xy[..., 0, 1] - xy[..., 1, 1]) / (2 * min(aspect, 1))  # over the shorter side
    torch.testing.assert_close(heights, torch.full_like(heights, 0.5), atol=1e-4, rtol=0)


def test_cameras_stand_all_around_within_their_ranges():
    ranges, place = CameraRanges(), cameras(4000).position - torch.tensor([0, 0, 0.9])
    turns = torch.atan2(place[:, 1], place[:, 0])
    counts = torch.histc(turns, 8, -math.pi, math.pi)
    assert counts.min() > 400
    distance = place.norm(dim=-1)
    assert ranges.distance[0] - 1e-4 <= distance.min()
    assert distance.max() <= ranges.distance[1] + 1e-4
    height = cameras().position[:, 2]
    assert ranges.height[0] <= height.min() < 0.4
    assert 2.4 < height.max() <= ranges.height[1]


def test_each_window_has_its_own_camera_and_the_seed_decides():
    one, again, other = cameras(5), cameras(5), cameras(5, seed=1)
    for a, b in zip(one, again, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.position, other.position)
    assert len(one.position.unique(dim=0)) == 5


# Bodies


def test_a_varied_body_keeps_its_bones_through_time():
    world = walk(64)
    _, body = vary_body(world, BodyRanges(), chance())
    ratio = bones(body) / bones(world)
    torch.testing.assert_close(ratio, ratio[:, :1, :1].expand_as(ratio), atol=1e-4, rtol=0)
    scale = ratio[:, 0, 0]
    assert scale.std().item() == pytest.approx(0.05, rel=0.3)
    assert scale.mean().item() == pytest.approx(1, abs=0.03)


def test_a_varied_body_stays_on_the_floor():
    world = walk(8)
    _, body = vary_body(world, BodyRanges(), chance())
    assert at(body, "left_ankle")[..., 2].abs().max() < 1e-6


def test_what_is_seen_differs_in_the_face_and_the_hips_only():
    world = walk(64)
    before = world.clone()
    seen, body = vary_body(world, BodyRanges(), chance())
    moved = (seen - body).norm(dim=-1).amax((0, 1)) > 1e-5
    assert {joint for joint, apart in zip(MOCAP.joints, moved.tolist(), strict=True) if apart} == {
        "left_hip", "right_hip", "nose", "left_eye", "right_eye", "left_ear", "right_ear"
    }  # fmt: skip
    assert torch.equal(world, before)


def test_the_hips_that_are_seen_lie_on_the_line_of_the_joints_about_the_same_middle():
    seen, body = vary_body(walk(64), BodyRanges(), chance())
    apart = [at(points, "left_hip") - at(points, "right_hip") for points in (seen, body)]
    wider = apart[0].norm(dim=-1) / apart[1].norm(dim=-1)
    assert 0.9 <= wider.min() < 1.0
    assert 1.5 < wider.max() <= 1.6 + 1e-4
    torch.testing.assert_close(apart[0], wider[..., None] * apart[1], atol=1e-5, rtol=0)
    seen, body = vary_body(walk(4), BodyRanges(hips=(1.5, 1.5)), chance())
    apart = [at(points, "left_hip") - at(points, "right_hip") for points in (seen, body)]
    torch.testing.assert_close(apart[0], 1.5 * apart[1], atol=1e-5, rtol=0)
    middles = [at(points, "left_hip") + at(points, "right_hip") for points in (seen, body)]
    torch.testing.assert_close(*middles, atol=1e-5, rtol=0)


def test_the_face_is_misplaced_alike_in_every_frame():
    seen, body = vary_body(walk(400, 3), BodyRanges(), chance())
    offset = at(seen, "left_eye") - at(body, "left_eye")
    torch.testing.assert_close(offset, offset[:, :1].expand_as(offset), atol=1e-5, rtol=0)
    assert offset.std().item() == pytest.approx(0.02, rel=0.1)


def test_a_body_without_ranges_is_as_recorded():
    world = walk(3)
    seen, body = vary_body(world, BodyRanges(scale=0.0, face=0.0, hips=(1.0, 1.0)), chance())
    torch.testing.assert_close(seen, world)
    assert torch.equal(body, world)


# Detectors


def clean(batch: int, frames: int = 27, size: float = 1.0) -> Tensor:
    """Somebody of height `size` who stands still, seen from in front: (batch, frames, 17, 2)."""
    standing = person()[list(MOCAP.select(COCO))][:, [0, 2]] * torch.tensor([-1.0, -1.0])
    tall = standing[:, 1].max() - standing[:, 1].min()
    return (size * standing / tall).expand(batch, frames, 17, 2).clone()


def noisy(batch: int, frames: int = 27, seed: int = 0, **noise: object) -> tuple[Tensor, Tensor]:
    """How far off the joints are found, and whether they are."""
    xy = clean(batch, frames)
    found = detect(xy, replace(SILENT, **noise), chance(seed))
    return found.xy - xy, found.observed


@pytest.mark.parametrize("frames", [1, 9, 60])
def test_a_silent_detector_finds_everything_where_it_is(frames):
    xy = torch.randn(8, frames, 17, 2)
    found = detect(xy, SILENT, chance())
    assert torch.equal(found.xy, xy)
    assert found.observed.all()


@pytest.mark.parametrize("frames", [1, 9, 27, 100])
def test_the_seed_decides_what_a_detector_makes_of_it(frames):
    xy = clean(4, frames)
    one, again, other = (detect(xy, DetectorNoise(), chance(seed)) for seed in (0, 0, 1))
    assert torch.equal(one.xy, again.xy)
    assert torch.equal(one.observed, again.observed)
    assert not torch.equal(one.xy, other.xy)
    assert torch.equal(xy, clean(4, frames))
    assert one.xy.isfinite().all()


def test_extremities_jitter_more_than_the_trunk():
    off, _ = noisy(400, drift=0.01, jitter=0.01)
    size = off.std((0, 1, 3))
    factors = {"wrist": 2.0, "ankle": 2.0, "elbow": 1.5, "knee": 1.5, "ear": 1.3, "hip": 1.3, "eye": 1, "nose": 1}
    shoulder = size[[COCO.index("left_shoulder"), COCO.index("right_shoulder")]].mean().item()
    for part, factor in factors.items():
        for joint in (joint for joint in COCO.joints if joint.endswith(part)):
            assert size[COCO.index(joint)].item() / shoulder == pytest.approx(factor, rel=0.1), joint


@pytest.mark.parametrize(("kind", "alike"), [("drift", math.exp(-1 / 6)), ("jitter", 0.0), ("steady", 1.0)])
def test_drift_is_alike_from_frame_to_frame_jitter_is_not_and_offsets_stay(kind, alike):
    off, _ = noisy(300, **{kind: 0.02})
    shoulder = off[:, :, COCO.index("left_shoulder")]
    assert shoulder.std().item() == pytest.approx(0.02, rel=0.1)
    assert correlation(shoulder[:, :-1], shoulder[:, 1:]) == pytest.approx(alike, abs=0.04)
    assert correlation(shoulder[..., 0], shoulder[..., 1]) == pytest.approx(0, abs=0.15)
    assert correlation(shoulder, off[:, :, COCO.index("left_hip")]) == pytest.approx(0, abs=0.15)


def correlation(a: Tensor, b: Tensor) -> float:
    return torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()


def test_drift_fades_with_the_detectors_memory():
    off, _ = noisy(300, drift=0.02, memory=3.0)
    shoulder = off[:, :, COCO.index("left_shoulder")]
    for apart in (1, 3, 6):
        expected = math.exp(-apart / 3)
        assert correlation(shoulder[:, :-apart], shoulder[:, apart:]) == pytest.approx(expected, abs=0.06)


def test_drift_is_as_strong_at_the_ends_as_in_the_middle():
    off, _ = noisy(600, drift=0.02)
    size = off[:, :, COCO.index("nose")].std((0, 2))
    assert size.max() / size.min() < 1.2


def test_mistakes_grow_with_the_person():
    noise = replace(SILENT, steady=0.01, jitter=0.01, drift=0.01, outlier=0.2)
    small, large = (detect(clean(8, size=size), noise, chance()).xy - clean(8, size=size) for size in (0.5, 2.0))
    torch.testing.assert_close(large, 4 * small, atol=1e-5, rtol=1e-4)


def test_some_windows_are_noisier_than_others():
    off, _ = noisy(400, jitter=0.01, strength=(0.3, 2.0))
    strength = off[:, :, COCO.index("nose")].std((1, 2)) / 0.01
    assert 0.15 < strength.min() < 0.45
    assert 1.5 < strength.max() < 3


def test_an_outlier_moves_one_joint_by_one_offset_for_some_frames():
    off, seen = noisy(300, outlier=0.3)
    assert seen.all()
    jumped = off.abs().amax(-1) > 0
    assert 0.02 < jumped.float().mean() < 0.2
    offsets = off.abs().amax(1, keepdim=True)
    torch.testing.assert_close(off.abs(), torch.where(jumped[..., None], offsets, 0.0), atol=1e-6, rtol=0)
    assert off[jumped].std().item() == pytest.approx(0.10, rel=0.1)


def test_a_swap_exchanges_the_whole_limb_and_nothing_else():
    xy = clean(64, 27)
    found = detect(xy, replace(SILENT, swap=1.0), chance()).xy
    limbs = {}
    for parts in (("elbow", "wrist"), ("knee", "ankle")):
        left, right = ([COCO.index(f"{side}_{part}") for part in parts] for side in ("left", "right"))
        swapped = (found[:, :, left] == xy[:, :, right]).all((-1, -2))
        assert torch.equal(swapped, (found[:, :, right] == xy[:, :, left]).all((-1, -2)))
        stayed = (found[:, :, left] == xy[:, :, left]).all((-1, -2))
        assert torch.equal(stayed, ~swapped)
        assert 0.05 < swapped.float().mean() < 0.5
        limbs[parts] = swapped
    others = [COCO.index(joint) for joint in COCO.joints if joint.split("_")[-1] not in {p for ps in limbs for p in ps}]
    assert torch.equal(found[:, :, others], xy[:, :, others])
    arms, legs = limbs.values()
    assert not torch.equal(arms, legs)


def test_who_is_cut_off_lacks_knees_and_ankles_and_often_hips():
    _, seen = noisy(1000, cut_off=0.2)
    parts = {
        part: [i for i, joint in enumerate(COCO.joints) if joint.endswith(part)] for part in ("ankle", "knee", "hip")
    }
    gone = {part: ~seen[:, :, joints].any((1, 2)) for part, joints in parts.items()}
    assert gone["knee"].float().mean().item() == pytest.approx(0.2, abs=0.04)
    assert torch.equal(gone["knee"], gone["ankle"])
    assert (gone["knee"] | ~gone["hip"]).all()
    assert gone["hip"].float().mean().item() == pytest.approx(0.1, abs=0.03)
    for part, joints in parts.items():
        assert torch.equal(~seen[:, :, joints].all((1, 2)), gone[part])  # throughout or not at all
    above = [i for i, joint in enumerate(COCO.joints) if joint.split("_")[-1] not in parts]
    assert seen[:, :, above].all()


def test_a_lost_joint_is_lost_throughout():
    _, seen = noisy(500, lost=0.1)
    assert torch.equal(seen.any(1), seen.all(1))
    assert (~seen).float().mean().item() == pytest.approx(0.1, abs=0.01)


def test_when_nobody_is_found_all_joints_are_missed():
    _, seen = noisy(200, nobody=0.5)
    assert torch.equal(seen.any(-1), seen.all(-1))
    assert 0.02 < (~seen).float().mean() < 0.3


def test_long_clips_have_gaps_from_beginning_to_end():
    _, seen = noisy(40, 540, gap=0.3)
    missed = (~seen).float().mean((0, 2)).view(20, 27).mean(1)  # of each block of frames
    assert missed.min() > 0.03
    assert missed.max() / missed.min() < 2
    begun = (seen[:, :-1] & ~seen[:, 1:]).sum(1).float()  # gaps of each joint
    assert begun.mean().item() == pytest.approx(0.3 * 20, rel=0.2)
    _, window = noisy(400, 27, gap=0.3)
    assert (~window).float().mean().item() == pytest.approx(missed.mean().item(), rel=0.3)


def longest_gap(**noise: object) -> int:
    """Of gaps that cannot meet another: one block, one gap a joint."""
    _, seen = noisy(100, 120, gap=1.0, block=120, **noise)
    starts_and_ends = torch.nn.functional.pad((~seen).mT.int(), (1, 1)).diff(dim=-1)
    return int((starts_and_ends == -1).nonzero()[:, -1].sub((starts_and_ends == 1).nonzero()[:, -1]).max())


def test_gaps_are_short():
    assert 8 <= longest_gap() <= 10
    assert longest_gap(longest=3) <= 4


@pytest.mark.parametrize("longest", [3, 9])
def test_gaps_last_no_longer_than_the_longest(longest):
    assert longest_gap(longest=longest) <= longest


def test_other_layouts_can_be_detected_and_those_without_limbs_say_so():
    xy = torch.randn(2, 9, 25, 2)
    assert detect(xy, DetectorNoise(), chance(), BODY25).xy.shape == xy.shape
    with pytest.raises(SkeletonError, match="left_elbow"):
        detect(
            torch.randn(2, 9, 2, 2), DetectorNoise(), chance(), type(COCO)("two", ("hip", "nose"), (("hip", "nose"),))
        )


def test_every_kind_of_noise_has_an_effect():
    """A field that nothing reads would be a promise that is not kept."""
    base = DetectorNoise()
    changed = {field.name: getattr(base, field.name) for field in fields(base)}
    for name, value in changed.items():
        other = replace(base, **{name: (1.0, 3.0) if name == "strength" else value * 2})
        a, b = (detect(clean(200, 54), noise, chance()) for noise in (base, other))
        assert not (torch.equal(a.xy, b.xy) and torch.equal(a.observed, b.observed)), name
        assert isinstance(a, Detection)
