"""BVH files: a tree of joints with offsets, then one line of channels a frame."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pstmo.datasets import rotations
from pstmo.datasets.animation import Animation
from pstmo.errors import FormatError

_CHANNELS = {axis + what for axis in "xyz" for what in ("position", "rotation")}


@dataclass
class _Joint:
    name: str
    parent: int
    offset: tuple[float, ...] = ()
    channels: list[str] = field(default_factory=list)


def read(path: Path, fps: float | None = None) -> Animation:
    """The motion in the file's unit and axes. `fps` replaces the file's own frame time. Raises FormatError."""
    hierarchy, _, motion = path.read_text(errors="replace").partition("MOTION")
    try:
        joints = _read_joints(hierarchy)
        values, frame_time = _read_motion(motion)
    except (ValueError, IndexError) as error:
        raise FormatError(f"{path}: not a readable BVH file ({error})") from error
    width = sum(len(joint.channels) for joint in joints)
    if values.shape[1] != width:
        raise FormatError(f"{path}: {values.shape[1]} numbers a frame, expected {width}, one a channel: cut short?")
    if not np.isfinite(values).all():
        raise FormatError(f"{path}: holds numbers that are not finite")
    turns, root = _turns(joints, values, path)
    return Animation(
        joints=tuple(joint.name for joint in joints),
        parents=tuple(joint.parent for joint in joints),
        offsets=np.array([joint.offset for joint in joints]),
        turns=turns,
        root=root,
        fps=fps or round(1 / frame_time, 2),
    )


def _read_joints(text: str) -> list[_Joint]:
    joints: list[_Joint] = []
    opened: list[int] = []
    for line in text.replace("{", "\n{\n").replace("}", "\n}\n").splitlines():
        match line.split():
            case ["{"]:
                opened.append(len(joints) - 1)
            case ["}"]:
                opened.pop()
            case [("ROOT" | "JOINT" | "End") as keyword, *name]:
                parent = opened[-1] if opened else -1
                joints.append(_Joint(f"{joints[parent].name}_end" if keyword == "End" else " ".join(name), parent))
            case [keyword, *words] if keyword in ("OFFSET", "CHANNELS"):
                _read_joint_line(keyword, words, joints[opened[-1]])
    if opened or not joints or not all(joint.offset for joint in joints):
        raise ValueError("expected HIERARCHY with an OFFSET for every joint, then MOTION")
    return joints


def _read_joint_line(keyword: str, words: list[str], joint: _Joint) -> None:
    if keyword == "OFFSET":
        x, y, z = map(float, words)
        joint.offset = (x, y, z)
        return
    joint.channels = [channel.lower() for channel in words[1:]]
    if not set(joint.channels) <= _CHANNELS:
        raise ValueError(f"joint {joint.name!r} has channels {' '.join(words[1:])}")


def _read_motion(text: str) -> tuple[np.ndarray, float]:
    """All numbers, a row a frame, and the seconds from frame to frame."""
    words = text.split()
    if words[:1] != ["Frames:"] or words[2:4] != ["Frame", "Time:"]:
        raise ValueError("expected `Frames:` and `Frame Time:` after MOTION")
    frames, frame_time, values = int(words[1]), float(words[4]), np.array(words[5:], float)
    if frames < 1 or frame_time <= 0 or values.size % frames:
        raise ValueError(f"{values.size} numbers for {frames} frames of {frame_time} s: cut short?")
    return values.reshape(frames, -1), frame_time


def _turns(joints: list[_Joint], values: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Local rotations (frames, joints, 4) and the root's translation (frames, 3)."""
    turns, root = np.zeros((len(values), len(joints), 4)), np.zeros((len(values), 3))
    turns[..., 0] = 1
    orders, columns = ["" for _ in joints], [[] for _ in joints]
    channels = [(i, channel) for i, joint in enumerate(joints) for channel in joint.channels]
    for column, (i, channel) in enumerate(channels):
        if channel.endswith("rotation"):
            orders[i] += channel[0]
            columns[i].append(column)
        elif joints[i].parent < 0:
            root[:, "xyz".index(channel[0])] = values[:, column]
        else:
            raise FormatError(f"{path}: joint {joints[i].name!r} has a channel {channel!r}; only the root may move")
    for order in set(orders) - {""}:
        alike = [i for i, other in enumerate(orders) if other == order]
        turns[:, alike] = rotations.from_euler(values[:, [columns[i] for i in alike]], order)
    return turns, root
