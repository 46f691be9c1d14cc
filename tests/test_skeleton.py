"""Laws of skeletons: sides, bones, and conversion by joint name."""

import json
from dataclasses import FrozenInstanceError, asdict

import numpy as np
import pytest

from pstmo.errors import SkeletonError
from pstmo.sequence import Keypoints
from pstmo.skeleton import BODY25, COCO, HALPE26, HUMAN36M, MEDIAPIPE33, MOCAP, SKELETONS, Skeleton, by_name, from_facts

each = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
rooted = pytest.mark.parametrize("skeleton", [s for s in SKELETONS.values() if s.root], ids=lambda s: s.name)

ROOTS = {"h36m17": "hip", "3dhp17": "pelvis", "coco17": None, "body25": "hip", "halpe26": "hip", "mediapipe33": None}
ROOTS |= {"mocap22": "hip"}
TO_COCO = {  # from the detectors' own documentation
    "mediapipe33": (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28),
    "body25": (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11),
    "halpe26": tuple(range(17)),
}


@each
def test_mirroring_changes_each_side_for_the_other(skeleton):
    other = {"left": "right", "right": "left"}
    for joint, place in zip(skeleton.joints, skeleton.mirrored, strict=True):
        side, _, part = joint.partition("_")
        assert skeleton.joints[place] == (f"{other[side]}_{part}" if side in other else joint)


@each
def test_mirroring_twice_is_nothing(skeleton):
    assert [skeleton.mirrored[place] for place in skeleton.mirrored] == list(range(len(skeleton)))


@each
def test_left_and_right_are_as_many(skeleton):
    assert len(skeleton.left) == len(skeleton.right) == sum(joint.startswith("right_") for joint in skeleton.joints)
    assert len(skeleton.left) >= 6


def test_layouts_have_the_names_and_roots_that_files_give_them():
    assert {name: skeleton.root for name, skeleton in SKELETONS.items()} == ROOTS


@each
def test_names_are_told_apart(skeleton):
    assert len(set(skeleton.joints)) == len(skeleton)
    assert SKELETONS[skeleton.name] is skeleton


@each
def test_bones_join_joints_that_exist_and_each_joint_has_one(skeleton):
    ends = {joint for bone in skeleton.bones for joint in bone}
    assert ends == set(skeleton.joints)
    assert len(set(map(frozenset, skeleton.bones))) == len(skeleton.bones)


@each
def test_bones_are_alike_on_both_sides(skeleton):
    bones = {frozenset(bone) for bone in skeleton.bone_indices}
    assert {frozenset(skeleton.mirrored[end] for end in bone) for bone in bones} == bones


@each
def test_a_body_is_in_one_piece_though_detectors_know_no_neck(skeleton):
    """There the face hangs in the air, and MediaPipe's mouth in the face."""
    pieces = [{joint} for joint in range(len(skeleton))]
    for bone in skeleton.bone_indices:
        joined = [piece for piece in pieces if piece & set(bone)]
        pieces = [piece for piece in pieces if piece not in joined] + [set().union(*joined)]
    assert len(pieces) == {"coco17": 2, "mediapipe33": 3}.get(skeleton.name, 1)


@pytest.mark.parametrize("skeleton", [COCO, MEDIAPIPE33], ids=lambda s: s.name)
def test_without_a_spine_shoulders_and_hips_are_the_corners_of_the_trunk(skeleton):
    sides = {tuple(sorted(bone)) for bone in skeleton.bones if all(end.endswith(("shoulder", "hip")) for end in bone)}
    assert sides == {
        ("left_shoulder", "right_shoulder"),
        ("left_hip", "left_shoulder"),
        ("right_hip", "right_shoulder"),
        ("left_hip", "right_hip"),
    }


def test_human36m_has_the_parents_known_from_the_field():
    assert HUMAN36M.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)


@rooted
def test_bones_form_a_tree_at_the_root(skeleton):
    assert len(skeleton.bones) == len(skeleton) - 1
    for joint in range(len(skeleton)):
        path = [joint]
        while skeleton.parents[path[-1]] >= 0:
            path.append(skeleton.parents[path[-1]])
            assert len(path) <= len(skeleton), "a circle"
        assert path[-1] == skeleton.root_index


@pytest.mark.parametrize("name", TO_COCO)
def test_conversion_picks_joints_by_name(name):
    count = len(SKELETONS[name])
    numbered = np.arange(count, dtype=np.float32)[:, None] + [0, 100]
    confidence = (1 + np.arange(count)) / count
    keypoints = Keypoints.from_array(
        numbered[None], confidence=confidence[None], skeleton=name, image_size=(640, 480), fps=30
    )
    coco = keypoints.to("coco17")
    assert coco.skeleton == COCO
    assert coco.xy[0, :, 0].tolist() == list(TO_COCO[name])
    assert coco.xy[0, :, 1].tolist() == [place + 100 for place in TO_COCO[name]]
    np.testing.assert_allclose(coco.confidence[0] * count, [place + 1 for place in TO_COCO[name]], rtol=1e-6)


@each
def test_conversion_to_itself_changes_nothing(skeleton):
    assert skeleton.select(skeleton) == tuple(range(len(skeleton)))


@pytest.mark.parametrize("source", [COCO, BODY25, HALPE26, MEDIAPIPE33])
def test_missing_joints_are_named_and_so_are_the_skeletons_that_have_them(source):
    with pytest.raises(SkeletonError) as raised:
        source.select(HUMAN36M)
    lacking, _, able = str(raised.value).partition("skeletons that can:")
    for joint in HUMAN36M.joints:
        assert (f" {joint}," in f"{lacking.replace(';', ',')}") == (joint not in source.joints), joint
    assert able == " h36m17, mocap22"
    assert ", ".join(joint for joint in HUMAN36M.joints if joint not in source.joints) in lacking


def test_motion_capture_has_the_joints_of_the_detector_and_of_the_poses():
    assert set(COCO.joints) | set(HUMAN36M.joints) == set(MOCAP.joints)


def test_unknown_skeleton_is_answered_with_the_known_ones():
    with pytest.raises(SkeletonError, match="^unknown skeleton 'coco18'; available: " + ", ".join(SKELETONS) + "$"):
        by_name("coco18")


def test_a_name_is_turned_into_its_skeleton_and_a_skeleton_stays():
    own = Skeleton("own", ("hip",), (), "hip")
    assert by_name("coco17") is COCO
    assert by_name(own) is own


def test_unknown_joint_is_answered_with_the_known_ones():
    with pytest.raises(SkeletonError, match=f"'coco17' has no joint 'thorax'; it has: {', '.join(COCO.joints)}$"):
        COCO.index("thorax")


def test_a_layout_without_root_has_no_root_index():
    with pytest.raises(SkeletonError, match="coco17"):
        _ = COCO.root_index


def test_a_left_joint_without_its_right_cannot_be_mirrored():
    one_armed = Skeleton("one-armed", ("hip", "left_wrist"), (("hip", "left_wrist"),), "hip")
    with pytest.raises(SkeletonError, match="right_wrist"):
        _ = one_armed.mirrored


def test_a_right_joint_without_its_left_cannot_be_mirrored():
    one_armed = Skeleton("one-armed", ("hip", "right_wrist"), (("hip", "right_wrist"),), "hip")
    with pytest.raises(SkeletonError, match="'left_wrist'"):
        _ = one_armed.mirrored


def test_of_two_bones_to_a_joint_the_first_names_its_parent():
    ring = Skeleton("ring", ("a", "b", "c"), (("a", "b"), ("a", "c"), ("b", "c")))
    assert ring.parents == (-1, 0, 0)
    assert ring.bone_indices == ((0, 1), (0, 2), (1, 2))


def test_skeletons_are_values():
    same = Skeleton(COCO.name, COCO.joints, COCO.bones)
    assert same == COCO
    assert len({same, COCO, HUMAN36M}) == 2
    with pytest.raises(FrozenInstanceError):
        same.name = "other"


@each
def test_a_skeleton_comes_back_from_what_a_file_says_of_it(skeleton):
    assert from_facts(json.loads(json.dumps(asdict(skeleton)))) == skeleton


FACTS = {"name": "own", "joints": ["hip", "left_hip", "right_hip"], "bones": [["hip", "left_hip"]], "root": "hip"}


@pytest.mark.parametrize("key", FACTS)
def test_facts_that_are_left_out_are_named(key):
    with pytest.raises(SkeletonError, match=f"needs name, joints .*bones .*root .*'{key}'"):
        from_facts({fact: value for fact, value in FACTS.items() if fact != key})


@pytest.mark.parametrize(
    ("key", "value", "answer"),
    [
        ("joints", [], "'own': joints need names, each another"),
        ("joints", ["hip", "hip"], "each another, found .*'hip', 'hip'"),
        ("joints", 3, "needs name, joints .*not iterable"),
        ("bones", [["hip"]], "bones .pairs of names.*not enough values"),
        ("bones", [["hip", "tail"]], "'own' has no joint 'tail'; it has: hip, left_hip, right_hip"),
        ("joints", ["hip", "left_hip"], "has no joint 'right_hip'"),
        ("root", "tail", "'own' has no joint 'tail'"),
    ],
)
def test_facts_that_are_wrong_are_named(key, value, answer):
    with pytest.raises(SkeletonError, match=answer):
        from_facts(FACTS | {key: value})


def test_a_layout_of_a_file_may_have_no_root():
    assert from_facts(FACTS | {"root": None}).root is None
