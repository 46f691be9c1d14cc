"""Small files in the forms of CMU's motion capture, written for the tests: a figure that walks along z, y up."""

from pathlib import Path

import numpy as np

from pstmo.datasets import clips, motions
from pstmo.skeleton import MOCAP

UNIT = 0.0254 / 0.45  # metres
SPEED = 1.2  # m/s, of the walker

# bone, parent, the bone itself (y up, x left, z ahead), its name as a joint of the MotionBuilder-friendly BVH files
TRUNK = [
    ("lowerback", "root", (0, 2, 0), "LowerBack"),
    ("upperback", "lowerback", (0, 2.1, 0.1), "Spine"),
    ("thorax", "upperback", (0, 2.1, 0.1), "Spine1"),  # as long as the bone below: the BVH files lack it
    ("lowerneck", "thorax", (0, 1.6, 0), "Neck"),
    ("upperneck", "lowerneck", (0, 1.6, 0), "Neck1"),
    ("head", "upperneck", (0, 1.7, 0), "Head"),
]
SIDES = [
    ("*hipjoint", "root", (1.6, -1.8, 0.6), "?HipJoint"),
    ("*femur", "*hipjoint", (2.5, -7, 0), "?UpLeg"),
    ("*tibia", "*femur", (2.4, -6.8, 0), "?Leg"),
    ("*foot", "*tibia", (0, -0.5, 2), "?Foot"),
    ("*clavicle", "thorax", (3, 1, 0), "?Shoulder"),
    ("*humerus", "*clavicle", (5, 0, 0), "?Arm"),
    ("*radius", "*humerus", (3.2, 0, 0), "?ForeArm"),
    ("*wrist", "*radius", (1.6, 0, 0), None),  # half the radius, in line with it: the BVH files lack it
    ("*hand", "*wrist", (0.7, 0, 0), "?Hand"),
]
BONES = TRUNK + [
    (bone.replace("*", s), parent.replace("*", s), (sign * x, y, z), name and name.replace("?", word))
    for s, sign, word in (("l", 1, "Left"), ("r", -1, "Right"))
    for bone, parent, (x, y, z), name in SIDES
]
JOINTS = {"root": "Hips"} | {bone: name for bone, _, _, name in BONES}


def numbers(values: np.ndarray | tuple) -> str:
    return " ".join(f"{value:.8f}" for value in values)


def walk(frames: int, fps: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Root translation (frames, 3) in the files' unit, and angles about x, y, z by bone: ahead along z, arms down."""
    t = np.arange(frames) / fps
    still, swing = np.zeros(frames), 25 * np.sin(2 * np.pi * t)
    angles = {bone: np.stack([still] * 3, 1) for bone in JOINTS}
    angles |= {"lfemur": np.stack([-swing, still, still - 20], 1), "rfemur": np.stack([swing, still, still + 20], 1)}
    angles |= {"ltibia": np.stack([15 + still, still, still], 1), "lowerback": np.stack([still, swing / 3, still], 1)}
    angles |= {"lhumerus": np.stack([swing, swing, still - 80], 1), "lradius": np.stack([still, still - 30, still], 1)}
    return np.stack([still, 16 + still, SPEED * t / UNIT], 1), angles


def write_asf(path: Path, axis: str = "0 0 0 XYZ") -> None:
    lines = [":version 1.10", ":units", "  mass 1.0", "  length 0.45", "  angle deg", ":root"]
    lines += ["  order TX TY TZ RX RY RZ", "  axis XYZ", ":bonedata"]
    for bone, _, offset, _ in BONES:
        lines += ["  begin", f"    name {bone}", "    direction " + " ".join(map(str, offset))]
        lines += [f"    length {np.linalg.norm(offset)}", f"    axis {axis}", "    dof rx ry rz"]
        lines += ["    limits (-160.0 20.0)", "           (-70.0 70.0)", "  end"]
    lines += [":hierarchy", "  begin", *(f"    {parent} {bone}" for bone, parent, _, _ in BONES), "  end"]
    path.write_text("\n".join(lines) + "\n")


def write_amc(path: Path, root: np.ndarray, angles: dict[str, np.ndarray]) -> Path:
    lines = ["#!OML:ASF", ":FULLY-SPECIFIED", ":DEGREES"]
    for frame in range(len(root)):
        lines.append(str(frame + 1))
        for bone, turns in angles.items():
            values = [*(root[frame] if bone == "root" else []), *turns[frame]]
            lines.append(f"{bone} {numbers(np.array(values))}")
    path.write_text("\n".join(lines) + "\n")
    if not path.with_name(f"{path.stem.split('_')[0]}.asf").exists():
        write_asf(path.with_name(f"{path.stem.split('_')[0]}.asf"))
    return path


def write_bvh(path: Path, root: np.ndarray, angles: dict[str, np.ndarray], fps: float) -> Path:
    """As the MotionBuilder-friendly conversions: a T-pose first, no thorax bone, no wrist bone."""
    ends, order = {bone: offset for bone, _, offset, _ in BONES} | {"root": (0, 0, 0), "thorax": (0, 0, 0)}, []

    def joint(bone: str, parent: str) -> str:
        if JOINTS[bone] is None:  # the wrist: its hand hangs on the forearm
            return joint(bone.replace("wrist", "hand"), parent)
        order.append(bone)
        kind, channels = ("JOINT", 3) if order[1:] else ("ROOT", 6)
        text = f"{kind} {JOINTS[bone]}\n{{\nOFFSET {numbers(ends[parent])}\nCHANNELS {channels} "
        text += "Xposition Yposition Zposition " * (channels == 6) + "Zrotation Yrotation Xrotation\n"
        children = [child for child, above, _, _ in BONES if above == bone]
        text += "".join(joint(child, bone) for child in children)
        return text + ("" if children else f"End Site\n{{\nOFFSET {numbers(ends[bone])}\n}}\n") + "}\n"

    header = "HIERARCHY\n" + joint("root", "root")
    rows = np.concatenate([root] + [angles[bone][:, ::-1] for bone in order], 1)
    rows = np.concatenate([np.zeros_like(rows[:1]), rows])
    path.write_text(
        header + f"MOTION\nFrames: {len(rows)}\nFrame Time: {1 / fps:.7f}\n" + "\n".join(map(numbers, rows)) + "\n"
    )
    return path


def write_daz(path: Path, frames: int, fps: float) -> Path:
    """As the Daz-friendly conversions: centimetres, a T-pose for 0.1 s elsewhere, then standing with bent knees."""

    def chain(*joints: tuple[str, tuple[float, float, float]]) -> str:
        (name, offset), rest = joints[0], joints[1:]
        below = chain(*rest) if rest else "End Site\n{\nOFFSET 0 -1 0\n}\n"
        channels = "CHANNELS 3 Zrotation Xrotation Yrotation"
        return f"JOINT {name}\n{{\nOFFSET {numbers(offset)}\n{channels}\n{below}}}\n"

    def leg(s: str, x: float) -> str:
        return chain((f"{s}Thigh", (x, -5, 0)), (f"{s}Shin", (0, -36, 9)), (f"{s}Foot", (0, -44, -9)))

    def arm(s: str, x: float) -> str:
        return chain((f"{s}Shldr", (x, 17, 0)), (f"{s}ForeArm", (2.5 * x, 0, 0)), (f"{s}Hand", (2 * x, 0, 0)))

    neck = chain(("neck", (0, 22, -2)), ("head", (0, 7, 1)))
    trunk = chain(("abdomen", (0, 20, 0)), ("chest", (0, 12, 0)), ("neck", (0, 22, -2)), ("head", (0, 7, 1)))
    trunk = trunk.replace(neck, neck + arm("l", 11) + arm("r", -11))
    joints = trunk + leg("l", 8) + leg("r", -8)
    root = "ROOT hip\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\n"
    rows = np.zeros((frames, 3 + 3 * joints.count("JOINT")))
    rows[:, 1] = 95
    rows[: round(0.1 * fps), 0] = 50
    motion = f"MOTION\nFrames: {frames}\nFrame Time: {1 / fps:.7f}\n" + "\n".join(map(numbers, rows)) + "\n"
    path.write_text("HIERARCHY\n" + root + joints + "}\n" + motion)
    return path


def walker(folder: Path, frames: int = 121, fps: float = 60.0) -> clips.Motion:
    [motion] = clips.read_clip(write_amc(folder / "07_01.amc", *walk(frames, fps)), fps)
    return motion


PEOPLE = {"01": 0.0, "03": 2.0, "05": 3.0, "07": 5.0}
"""Who moves, and which way (radians): 01 and 03 train, 05 validates, 07 is for the test."""


def write_motion(path: Path, positions: np.ndarray, people: dict[str, float]) -> Path:
    """The same motion for all people, each facing another way."""
    clips = []
    for angle in people.values():
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        clips.append((positions @ turn.T).astype(np.float32))
    np.savez(
        path,
        positions=np.concatenate(clips),
        starts=np.arange(len(clips) + 1, dtype=np.int64) * len(positions),
        names=np.array([f"{subject}_01" for subject in people]),
        subjects=np.array(list(people)),
        actions=np.array(["walk"] * len(people)),
        sources=np.array(["asf"] * len(people)),
        fps=np.float64(50),
        joints=np.array(MOCAP.joints),
        units=motions.UNITS,
    )
    return path


def at(motion: clips.Motion, joint: str) -> np.ndarray:
    return motion.positions[:, MOCAP.index(joint)]


def lengths(motion: clips.Motion, *bones: tuple[str, str]) -> np.ndarray:
    return np.stack([np.linalg.norm(at(motion, a) - at(motion, b), axis=1) for a, b in bones], 1)


LIMBS = [(f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in
         (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))]  # fmt: skip
