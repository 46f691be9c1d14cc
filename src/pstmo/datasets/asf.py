"""Acclaim files: a skeleton (.asf) and its motion (.amc), as the CMU motion capture database gives them."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pstmo.datasets import rotations
from pstmo.datasets.animation import Animation
from pstmo.errors import FormatError

INCH = 0.0254
_TURNS = ("rx", "ry", "rz")
_MOVES = ("tx", "ty", "tz")


@dataclass
class _Bone:
    """One bone as written: its direction is in world axes, its angles are about the axes that `axis` turns to."""

    name: str = ""
    direction: tuple[float, ...] = (0.0, 0.0, 0.0)
    length: float = 0.0
    axis: tuple[float, ...] = (0.0, 0.0, 0.0)
    order: str = "xyz"
    dof: tuple[str, ...] = ()


@dataclass
class _Acclaim:
    """What a .asf file says. unit: metres. parents: bone to parent."""

    unit: float | None = None
    root: list[str] = field(default_factory=list)
    bones: dict[str, _Bone] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)


def read(asf: Path, amc: Path, fps: float) -> Animation:
    """The motion in metres, y up; joints are where bones start, `<bone>_end` where bones without a follower end.

    AMC files hold no frame rate: `fps` says it. Raises FormatError naming the file.
    """
    skeleton = _read_asf(asf)
    values = _read_amc(amc)
    joints, parents, offsets = _tree(skeleton, asf)
    for bone in values:
        if bone not in joints:
            raise FormatError(f"{amc}: bone {bone!r} is not in {asf.name}, which has: {', '.join(skeleton.bones)}")
    turns, root = _turns(skeleton, values, joints, amc)
    return Animation(joints, parents, offsets, turns, root, fps)


def _read_asf(path: Path) -> _Acclaim:
    found, section, bone = _Acclaim(), "", _Bone()
    try:
        for line in path.read_text(errors="replace").splitlines():
            words = line.split("#")[0].split()
            if words and words[0].startswith(":"):
                section = words[0].lower()
            elif words and section == ":bonedata":
                bone = _read_bone_line(words, bone, found)
            elif words:
                _read_line(words, section, found)
    except (ValueError, IndexError) as error:
        raise FormatError(f"{path}: not a readable ASF skeleton ({error})") from error
    if not found.bones or not found.parents or not found.root:
        raise FormatError(f"{path}: not an ASF skeleton; expected sections :root, :bonedata and :hierarchy")
    if found.unit is None:
        raise FormatError(f"{path}: no length in section :units, so metres cannot be known")
    return found


def _read_line(words: list[str], section: str, found: _Acclaim) -> None:
    """A line of any section but the bones'."""
    if section == ":units" and words[0] == "length":
        length = float(words[1])
        if not 0 < length < math.inf:
            raise ValueError(f"length {words[1]} in :units, expected a number above 0")
        found.unit = INCH / length
    elif section == ":units" and words[0] == "angle" and not words[1].startswith("deg"):
        raise ValueError(f"angles in {words[1]!r}, expected degrees")
    elif section == ":root" and words[0] == "order":
        found.root = [word.lower() for word in words[1:]]
    elif section == ":hierarchy" and words[0] not in ("begin", "end"):
        found.parents |= dict.fromkeys(words[1:], words[0])


def _read_bone_line(words: list[str], bone: _Bone, found: _Acclaim) -> _Bone:
    """A line of section :bonedata; returns the bone that the next line belongs to."""
    match words:
        case ["begin"]:
            return _Bone()
        case ["end"]:
            found.bones[bone.name] = bone
            return _Bone()
        case ["name", name]:
            bone.name = name
        case ["direction", x, y, z]:
            bone.direction = (float(x), float(y), float(z))
        case ["length", length]:
            bone.length = float(length)
        case ["axis", x, y, z, order]:
            bone.axis, bone.order = (float(x), float(y), float(z)), _order(order)
        case ["dof", *dof]:
            bone.dof = tuple(turn.lower() for turn in dof)
    return bone


def _order(word: str) -> str:
    """Raises ValueError."""
    if sorted(word.lower()) != ["x", "y", "z"]:
        raise ValueError(f"axes in the order {word!r}, expected x, y and z in some order")
    return word.lower()


def _tree(skeleton: _Acclaim, path: Path) -> tuple[tuple[str, ...], tuple[int, ...], np.ndarray]:
    """Joints, parents and offsets in metres: a bone starts where its parent ends."""
    ends = {"root": np.zeros(3)}
    for name, bone in skeleton.bones.items():
        direction = np.array(bone.direction)
        ends[name] = direction / max(float(np.linalg.norm(direction)), 1e-12) * bone.length * (skeleton.unit or 0)
    joints, parents, offsets = ["root"], [-1], [np.zeros(3)]
    waiting = list(skeleton.bones)
    while waiting:
        ready = [bone for bone in waiting if skeleton.parents.get(bone) in joints]
        if not ready:
            raise FormatError(f"{path}: bones hang on nothing in section :hierarchy: {', '.join(waiting)}")
        for bone in ready:
            parent = skeleton.parents[bone]
            parents.append(joints.index(parent))
            offsets.append(ends[parent])
            joints.append(bone)
        waiting = [bone for bone in waiting if bone not in joints]
    for bone in [bone for bone in skeleton.bones if bone not in skeleton.parents.values()]:
        parents.append(joints.index(bone))
        offsets.append(ends[bone])
        joints.append(f"{bone}_end")
    return tuple(joints), tuple(parents), np.array(offsets)


def _turns(
    skeleton: _Acclaim, values: dict[str, np.ndarray], joints: tuple[str, ...], path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Local rotations (frames, joints, 4) and the root's translation in metres (frames, 3)."""
    if "root" not in values:
        raise FormatError(f"{path}: no root among the bones: {', '.join(values)}")
    if not set(_MOVES) <= set(skeleton.root):
        raise FormatError(
            f"{path}: the skeleton's root has {' '.join(skeleton.root)}, expected {' '.join(_MOVES)}, too"
        )
    frames = len(values["root"])
    degrees, axes = np.zeros((frames, len(joints), 3)), np.zeros((len(joints), 4))
    axes[:, 0] = 1
    for bone, angles in values.items():
        dof = skeleton.root if bone == "root" else skeleton.bones[bone].dof
        if angles.shape[1] != len(dof) or not set(dof) <= {*_TURNS, *_MOVES}:
            raise FormatError(f"{path}: bone {bone!r} has {angles.shape[1]} values, its skeleton says: {' '.join(dof)}")
        for turn in set(dof) & set(_TURNS):
            degrees[:, joints.index(bone), 2 - _TURNS.index(turn)] = angles[:, dof.index(turn)]
    for bone in skeleton.bones.values():
        axes[joints.index(bone.name)] = rotations.from_euler(np.array(bone.axis)[_places(bone.order)], bone.order[::-1])
    turns = rotations.multiply(rotations.multiply(axes, rotations.from_euler(degrees, "zyx")), rotations.inverse(axes))
    root = values["root"][:, [skeleton.root.index(move) for move in _MOVES]]
    return turns, root * (skeleton.unit or 0)


def _places(order: str) -> list[int]:
    """Columns of the angles in the order that the matrices are multiplied: order "xyz" is Rz Ry Rx."""
    return ["xyz".index(axis) for axis in reversed(order)]


def _read_amc(path: Path) -> dict[str, np.ndarray]:
    """Values by bone, (frames, degrees of freedom). Every frame must hold the same bones in the same order."""
    text = path.read_text(errors="replace")
    lines = [line.split() for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#:"]
    starts = [i for i, words in enumerate(lines[:500]) if len(words) == 1 and words[0].isdigit()]
    if not starts or starts[0] != 0 or len(lines) < 2:
        raise FormatError(f"{path}: not an AMC motion; expected a frame number and lines of a bone and its angles")
    height = starts[1] if len(starts) > 1 else len(lines)
    for i, words in enumerate(lines):
        first = lines[i % height]
        if i % height and (words[0] != first[0] or len(words) != len(first)):
            found, expected = " ".join(words), " ".join(first)
            raise FormatError(f"{path}: frame {i // height + 1} has {found!r} where frame 1 has {expected!r}")
    if len(lines) % height:
        raise FormatError(f"{path}: the last frame has {len(lines) % height} lines, expected {height}: cut short?")
    return {lines[row][0]: _numbers([words[1:] for words in lines[row::height]], path) for row in range(1, height)}


def _numbers(rows: list[list[str]], path: Path) -> np.ndarray:
    try:
        numbers = np.array(rows, float)
    except ValueError as error:
        raise FormatError(f"{path}: {error}") from error
    if not np.isfinite(numbers).all():
        raise FormatError(f"{path}: holds numbers that are not finite")
    return numbers
