"""BVH files: a tree of joints with offsets, then one line of channels a frame."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pstmo.datasets import rotations
from pstmo.datasets.animation import Animation
from pstmo.errors import FormatError


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
    if values.size % width:
        raise FormatError(f"{path}: the last frame has {values.size % width} numbers, expected {width}: cut short?")
    if not np.isfinite(values).all():
        raise FormatError(f"{path}: holds numbers that are not finite")
    turns, root = _turns(joints, values.reshape(-1, width), path)
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
            case ["ROOT" | "JOINT", *name]:
                joints.append(_Joint(" ".join(name), opened[-1] if opened else -1))
            case ["End", *_]:
                joints.append(_Joint(f"{joints[opened[-1]].name}_end", opened[-1]))
            case ["{"]:
                opened.append(len(joints) - 1)
            case ["}"]:
                opened.pop()
            case ["OFFSET", x, y, z]:
                joints[opened[-1]].offset = (float(x), float(y), float(z))
            case ["CHANNELS", _, *channels]:
                joints[opened[-1]].channels = [channel.lower() for channel in channels]
    if opened or not joints or not all(joint.offset for joint in joints):
        raise ValueError("expected HIERARCHY with an OFFSET for every joint, then MOTION")
    return joints


def _read_motion(text: str) -> tuple[np.ndarray, float]:
    """All numbers in one row, and the seconds from frame to frame."""
    words = text.split()
    if words[:1] != ["Frames:"] or words[2:4] != ["Frame", "Time:"]:
        raise ValueError("expected `Frames:` and `Frame Time:` after MOTION")
    frames, frame_time, values = int(words[1]), float(words[4]), np.array(words[5:], float)
    if frames < 1 or frame_time <= 0 or values.size % frames:
        raise ValueError(f"{values.size} numbers for {frames} frames of {frame_time} s: cut short?")
    return values, frame_time


def _turns(joints: list[_Joint], values: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Local rotations (frames, joints, 4) and the root's translation (frames, 3)."""
    turns, root = np.zeros((len(values), len(joints), 4)), np.zeros((len(values), 3))
    turns[..., 0] = 1
    alike: dict[str, tuple[list[int], list[int]]] = {}
    at = 0
    for i, joint in enumerate(joints):
        order = ""
        joints_alike, columns = [], []
        for channel in joint.channels:
            axis, what = channel[0], channel[1:]
            if what == "rotation":
                order += axis
                columns.append(at)
            elif joint.parent < 0:
                root[:, "xyz".index(axis)] = values[:, at]
            else:
                raise FormatError(f"{path}: joint {joint.name!r} has a channel {channel!r}; only the root may move")
            at += 1
        joints_alike, all_columns = alike.setdefault(order, ([], []))
        joints_alike.append(i)
        all_columns.extend(columns)
    for order, (which, columns) in alike.items():
        if order:
            degrees = values[:, columns].reshape(len(values), len(which), len(order))
            turns[:, which] = rotations.from_euler(degrees, order)
    return turns, root
