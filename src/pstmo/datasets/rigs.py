"""Where the joints of skeleton `mocap22` lie in the skeletons that motion capture files have.

A rig is told by the names of its joints, never by folder or file name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from pstmo.datasets.animation import Animation, Posed
from pstmo.skeleton import MOCAP

Mix = dict[str, float]
"""A point between joints: their names and weights, which sum to 1."""

CMU_UNIT = 0.0254 / 0.45
"""Metres of the length unit in CMU's ASF files and the BVH files made of them."""


class Figure(NamedTuple):
    """positions: (frames, 22, 3) metres, skeleton `mocap22`. head_up: (frames, 3), from neck to crown, length 1."""

    positions: np.ndarray
    head_up: np.ndarray


@dataclass(frozen=True, eq=False)
class Rig:
    """How one kind of file names and scales its joints.

    joints: joints of `mocap22` as mixtures of the file's. head: the joint at the base of the skull.
    head_points: joints of `mocap22` fixed to the head, metres in its axes (left, up, forward). scale: metres of the
    file's unit. lead_in: seconds before the motion proper, when the figure leaves a T-pose; at least lead_in_frames.
    """

    name: str
    joints: dict[str, Mix]
    head: str
    head_points: dict[str, tuple[float, float, float]]
    scale: float = 1.0
    lead_in: float = 0.0
    lead_in_frames: int = 0
    renames: dict[str, str] = field(default_factory=dict)
    mend: Callable[[Animation], Animation] | None = None
    finish: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def needed(self) -> set[str]:
        """The file's joints that must be there, under the rig's names."""
        return {joint for mix in self.joints.values() for joint in mix} | {self.head}

    def fits(self, animation: Animation) -> bool:
        return self.needed <= set(animation.renamed(self.renames).joints)

    def prepared(self, animation: Animation) -> Animation:
        """Without the lead-in, mended, and only the joints that count."""
        lead_in = max(round(self.lead_in * animation.fps), self.lead_in_frames)
        animation = animation.renamed(self.renames).without_first(lead_in)
        return (self.mend(animation) if self.mend else animation).only(self.needed)

    def place(self, posed: Posed) -> Figure:
        """The joints of `mocap22`, in the file's axes."""
        weights = np.zeros((len(MOCAP), len(posed.joints)))
        for joint, mix in self.joints.items():
            for source, weight in mix.items():
                weights[MOCAP.index(joint), posed.joints.index(source)] = weight
        placed = np.einsum("js,fsa->fja", weights, posed.positions * self.scale, optimize=True)
        turned = posed.rotations[:, posed.joints.index(self.head)]
        origin = posed.of(self.head) * self.scale
        for joint, point in self.head_points.items():
            placed[:, MOCAP.index(joint)] = origin + turned @ np.array(point)
        return Figure(self.finish(placed) if self.finish else placed, turned[:, :, 1])


EARS_APART = 0.145
"""Metres between an adult's ear canals (bitragion breadth; means 0.142 women, 0.150 men)."""

CMU_TILT = 12.0
"""Degrees. CMU's head frames look 10 to 20 down in upright clips, partly by the markers' place: turned up by this.

The Daz-friendly files have theirs level: subjects 13 there and 14 in ASF act the same script.
"""


def _face(ears: tuple[float, float, float], tilt: float) -> dict[str, tuple[float, float, float]]:
    """COCO's points of the face in the head's axes, metres, from the point midway between the ear canals.

    Adult anatomy, with the head level (Frankfurt plane): pupils 63 mm apart, 9 cm ahead of the ear canals and 2 cm
    above them; the tip of the nose 12.5 cm ahead and 2.5 cm below.
    """
    level = {
        "nose": (0.0, -0.025, 0.125),
        "left_eye": (0.0315, 0.02, 0.09),
        "right_eye": (-0.0315, 0.02, 0.09),
        "left_ear": (EARS_APART / 2, 0.0, 0.0),
        "right_ear": (-EARS_APART / 2, 0.0, 0.0),
    }
    c, s = np.cos(np.deg2rad(tilt)), np.sin(np.deg2rad(tilt))
    return {
        joint: (ears[0] + left, ears[1] + float(c * up + s * ahead), ears[2] + float(c * ahead - s * up))
        for joint, (left, up, ahead) in level.items()
    }


def _limbs(leg: tuple[str, str, str], arm: tuple[str, str, str], left: str, right: str) -> dict[str, Mix]:
    """Hips, knees, ankles, shoulders, elbows, wrists; `*` in the file's names stands for its word for the side."""
    ours = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    return {
        f"{side}_{joint}": {source.replace("*", word): 1.0}
        for side, word in (("left", left), ("right", right))
        for joint, source in zip(ours, leg + arm, strict=True)
    }


def _mb_wrists() -> dict[str, Mix]:
    """The conversions lost the wrist bone, half as long as the radius and in line with it."""
    return {f"{side.lower()}_wrist": {f"{side}ForeArm": -0.5, f"{side}Hand": 1.5} for side in ("Left", "Right")}


def _mend_mb(animation: Animation) -> Animation:
    """Gives back the thorax bone that the conversions lost (its children sit at its start).

    It gets the length of the bone below, which it equals within a few per cent in CMU's skeletons.
    """
    offsets = animation.offsets.copy()
    below = animation.parents[animation.joints.index("Neck")]
    for i, parent in enumerate(animation.parents):
        if parent == below and np.abs(offsets[i]).max() < 1e-6:
            offsets[i] = offsets[below]
    return replace(animation, offsets=offsets)


def _mend_daz(animation: Animation) -> Animation:
    """The retargeted figure's shoulders are 23 cm apart; an adult's joint centres are above 30."""
    offsets = animation.offsets.copy()
    for joint in ("lShldr", "rShldr"):
        offsets[animation.joints.index(joint), 0] *= 1.45
    return replace(animation, offsets=offsets)


def _even_legs(placed: np.ndarray) -> np.ndarray:
    """Thigh and shin as 49 : 51 (the retargeted figure's are 37 and 45 cm); hip, ankle and the knee's plane stay."""
    placed = placed.copy()
    for side in ("left", "right"):
        hip, knee, ankle = (placed[:, MOCAP.index(f"{side}_{joint}")] for joint in ("hip", "knee", "ankle"))
        leg = np.linalg.norm(knee - hip, axis=-1, keepdims=True) + np.linalg.norm(ankle - knee, axis=-1, keepdims=True)
        thigh, shin = 0.49 * leg, 0.51 * leg
        reach = np.linalg.norm(ankle - hip, axis=-1, keepdims=True)
        down = (ankle - hip) / reach
        reach = np.clip(reach, np.abs(thigh - shin) + 1e-9, leg - 1e-9)
        bend = (knee - hip) - ((knee - hip) * down).sum(-1, keepdims=True) * down
        bend /= np.maximum(np.linalg.norm(bend, axis=-1, keepdims=True), 1e-9)
        along = (thigh**2 + reach**2 - shin**2) / (2 * reach)
        aside = np.sqrt(np.maximum(thigh**2 - along**2, 0))
        placed[:, MOCAP.index(f"{side}_knee")] = hip + along * down + aside * bend
    return placed


ASF = Rig(
    name="asf",
    joints=_limbs(("*femur", "*tibia", "*foot"), ("*humerus", "*radius", "*hand"), "l", "r")
    | {
        "hip": {"lfemur": 0.5, "rfemur": 0.5},
        "spine": {"upperback": 1.0},
        "thorax": {"lowerneck": 1.0},
        "neck_nose": {"upperneck": 0.5, "head": 0.5},
        "head_top": {"head_end": 1.0},
    },
    head="head",
    head_points=_face(ears=(0.0, 0.03, 0.01), tilt=CMU_TILT),
)
"""CMU's own skeletons; joints are where bones start, in metres."""

MB = Rig(
    name="mb",
    joints=_limbs(("*UpLeg", "*Leg", "*Foot"), ("*Arm", "*ForeArm", "*Hand"), "Left", "Right")
    | _mb_wrists()
    | {
        "hip": {"LeftUpLeg": 0.5, "RightUpLeg": 0.5},
        "spine": {"Spine": 1.0},
        "thorax": {"Neck": 1.0},
        "neck_nose": {"Neck1": 0.5, "Head": 0.5},
        "head_top": {"Head_end": 1.0},
    },
    head="Head",
    head_points=ASF.head_points,
    scale=CMU_UNIT,
    lead_in_frames=1,
    mend=_mend_mb,
)
"""The MotionBuilder-friendly BVH conversions of CMU's database by B. Hahne."""

MAX = replace(
    MB,
    renames={
        "LeftHip": "LeftUpLeg", "LeftKnee": "LeftLeg", "LeftAnkle": "LeftFoot",
        "RightHip": "RightUpLeg", "RightKnee": "RightLeg", "RightAnkle": "RightFoot",
        "Chest": "Spine", "Chest2": "Spine1", "lowerneck": "Neck", "Neck": "Neck1",
        "LeftCollar": "LeftShoulder", "LeftShoulder": "LeftArm", "LeftElbow": "LeftForeArm", "LeftWrist": "LeftHand",
        "RightCollar": "RightShoulder", "RightShoulder": "RightArm", "RightElbow": "RightForeArm",
        "RightWrist": "RightHand",
    },
)  # fmt: skip
"""The 3ds-Max-friendly BVH conversions by the same author: the same bones under other names."""

DAZ = Rig(
    name="daz",
    joints=_limbs(("*Thigh", "*Shin", "*Foot"), ("*Shldr", "*ForeArm", "*Hand"), "l", "r")
    | {
        "hip": {"lThigh": 0.5, "rThigh": 0.5},
        "spine": {"abdomen": 0.5, "chest": 0.5},
        "thorax": {"chest": 0.15, "neck": 0.85},
        "neck_nose": {"head": 1.0},
    },
    head="head",
    head_points=_face(ears=(0.0, 0.06, 0.003), tilt=0.0) | {"head_top": (0.0, 0.125, 0.01)},
    scale=0.01,
    lead_in=0.135,
    mend=_mend_daz,
    finish=_even_legs,
)
"""The Daz-friendly BVH conversions: retargeted to one figure, so limbs lie 4 to 20 degrees from the original."""

RIGS = (ASF, MB, MAX, DAZ)
