"""Named joints, and the bones between them: the layouts that datasets and 2D detectors use.

Joints are told apart by name, never by count: 17 joints of Human3.6M and 17 joints of COCO are different people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pstmo.errors import SkeletonError


@dataclass(frozen=True)
class Skeleton:
    """An ordered set of named joints.

    Names start with `left_` or `right_` where a joint has a side; mirroring follows from them.
    `bones` are (from, to) pairs, leading away from the root where the layout has one.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[str, str], ...]
    root: str | None = None

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Position of a joint; raises SkeletonError naming the joints there are."""
        if joint not in self.joints:
            raise SkeletonError(f"skeleton {self.name!r} has no joint {joint!r}; it has: {', '.join(self.joints)}")
        return self.joints.index(joint)

    @cached_property
    def root_index(self) -> int:
        if self.root is None:
            raise SkeletonError(f"skeleton {self.name!r} has no root joint, so its poses cannot be root-relative")
        return self.index(self.root)

    @cached_property
    def left(self) -> tuple[int, ...]:
        return tuple(i for i, joint in enumerate(self.joints) if joint.startswith("left_"))

    @cached_property
    def right(self) -> tuple[int, ...]:
        """The right joints, in the order of their counterparts in `left`. Raises SkeletonError."""
        return tuple(self.mirrored[i] for i in self.left)

    @cached_property
    def mirrored(self) -> tuple[int, ...]:
        """Permutation that swaps left and right: `array[:, skeleton.mirrored]`. Raises SkeletonError."""
        return tuple(self.index(_other_side(joint)) for joint in self.joints)

    @cached_property
    def bone_indices(self) -> tuple[tuple[int, int], ...]:
        return tuple((self.index(a), self.index(b)) for a, b in self.bones)

    @cached_property
    def parents(self) -> tuple[int, ...]:
        """Each joint's parent, -1 where it has none."""
        parent = {end: start for start, end in reversed(self.bone_indices)}
        return tuple(parent.get(i, -1) for i in range(len(self)))

    def select(self, other: "Skeleton") -> tuple[int, ...]:
        """Indices that pick the joints of `other` out of this skeleton's, by name.

        Raises SkeletonError when joints are missing here.
        """
        missing = [joint for joint in other.joints if joint not in self.joints]
        if missing:
            able = [s.name for s in SKELETONS.values() if set(other.joints) <= set(s.joints)]
            raise SkeletonError(
                f"skeleton {self.name!r} cannot be turned into {other.name!r}: it lacks {', '.join(missing)}; "
                f"skeletons that can: {', '.join(able)}"
            )
        return tuple(self.index(joint) for joint in other.joints)


def from_facts(facts: Mapping[str, Any]) -> Skeleton:
    """The skeleton that a file describes by name, joints, bones and root. Raises SkeletonError."""
    try:
        bones = tuple((str(start), str(end)) for start, end in facts["bones"])
        skeleton = Skeleton(str(facts["name"]), tuple(map(str, facts["joints"])), bones, facts["root"])
    except (KeyError, TypeError, ValueError) as error:
        raise SkeletonError(
            f"a skeleton needs name, joints (names), bones (pairs of names), root (a name or null); {error!r}"
        ) from None
    if not skeleton.joints or len(set(skeleton.joints)) != len(skeleton):
        raise SkeletonError(f"skeleton {skeleton.name!r}: joints need names, each another, found {skeleton.joints}")
    _ = skeleton.bone_indices, skeleton.mirrored, skeleton.root is None or skeleton.root_index  # name what is missing
    return skeleton


def by_name(name: "str | Skeleton") -> Skeleton:
    """The skeleton of that name; raises SkeletonError naming the known ones. A Skeleton comes back as it is."""
    if isinstance(name, Skeleton):
        return name
    if name not in SKELETONS:
        raise SkeletonError(f"unknown skeleton {name!r}; available: {', '.join(SKELETONS)}")
    return SKELETONS[name]


def _other_side(joint: str) -> str:
    for side, other in (("left_", "right_"), ("right_", "left_")):
        if joint.startswith(side):
            return other + joint.removeprefix(side)
    return joint


def _both(*bones: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """The same bones on the left and on the right; `*` stands for the side."""
    return tuple((a.replace("*", side), b.replace("*", side)) for side in ("left", "right") for a, b in bones)


_LEG = (("*_hip", "*_knee"), ("*_knee", "*_ankle"))
_ARM = (("*_shoulder", "*_elbow"), ("*_elbow", "*_wrist"))
_FACE = (("nose", "*_eye"), ("*_eye", "*_ear"))
_FOOT = (("*_ankle", "*_big_toe"), ("*_big_toe", "*_small_toe"), ("*_ankle", "*_heel"))
_SPINE = (("hip", "spine"), ("spine", "thorax"), ("thorax", "neck_nose"), ("neck_nose", "head_top"))
_TRUNK = (
    ("left_shoulder", "right_shoulder"),
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
    ("left_hip", "right_hip"),
)

HUMAN36M = Skeleton(
    name="h36m17",
    joints=(
        "hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine", "thorax",
        "neck_nose", "head_top", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow",
        "right_wrist",
    ),
    bones=_both(("hip", "*_hip"), *_LEG) + _SPINE + _both(("thorax", "*_shoulder"), *_ARM),
    root="hip",
)  # fmt: skip

MPI_INF_3DHP = Skeleton(
    name="3dhp17",
    joints=(
        "head_top", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "pelvis", "spine", "head",
    ),
    bones=_both(("pelvis", "*_hip"), *_LEG)
    + (("pelvis", "spine"), ("spine", "neck"), ("neck", "head"), ("head", "head_top"))
    + _both(("neck", "*_shoulder"), *_ARM),
    root="pelvis",
)  # fmt: skip

COCO = Skeleton(
    name="coco17",
    joints=(
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
        "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
        "right_ankle",
    ),
    bones=_both(*_FACE) + _TRUNK + _both(*_ARM, *_LEG),
)  # fmt: skip

BODY25 = Skeleton(
    name="body25",
    joints=(
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye",
        "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe",
        "right_heel",
    ),
    bones=(("hip", "neck"), ("neck", "nose"))
    + _both(("hip", "*_hip"), *_LEG, *_FOOT, ("neck", "*_shoulder"), *_ARM, *_FACE),
    root="hip",
)  # fmt: skip

HALPE26 = Skeleton(
    name="halpe26",
    joints=(
        *COCO.joints, "head_top", "neck", "hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe",
        "left_heel", "right_heel",
    ),
    bones=(("hip", "neck"), ("neck", "nose"), ("nose", "head_top"))
    + _both(("hip", "*_hip"), *_LEG, *_FOOT, ("neck", "*_shoulder"), *_ARM, *_FACE),
    root="hip",
)  # fmt: skip

MEDIAPIPE33 = Skeleton(
    name="mediapipe33",
    joints=(
        "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
        "left_ear", "right_ear", "left_mouth", "right_mouth", "left_shoulder", "right_shoulder", "left_elbow",
        "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
        "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
        "left_heel", "right_heel", "left_foot_index", "right_foot_index",
    ),
    bones=(("left_mouth", "right_mouth"),)
    + _both(("nose", "*_eye_inner"), ("*_eye_inner", "*_eye"), ("*_eye", "*_eye_outer"), ("*_eye_outer", "*_ear"))
    + _TRUNK
    + _both(*_ARM, ("*_wrist", "*_pinky"), ("*_wrist", "*_index"), ("*_wrist", "*_thumb"))
    + _both(*_LEG, ("*_ankle", "*_heel"), ("*_heel", "*_foot_index")),
)  # fmt: skip

MOCAP = Skeleton(
    name="mocap22",
    joints=HUMAN36M.joints + COCO.joints[:5],
    bones=HUMAN36M.bones + (("neck_nose", "nose"), *_both(*_FACE)),
    root="hip",
)
"""Human3.6M's joints and COCO's points of the face: what motion capture gives, from which both others are picked."""

SKELETONS = {s.name: s for s in (HUMAN36M, MPI_INF_3DHP, COCO, BODY25, HALPE26, MEDIAPIPE33, MOCAP)}
