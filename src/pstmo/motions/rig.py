"""Joints that turn about constant bones, fitted to joints that merely are somewhere: for BVH and glTF.

The figure at rest stands in a T: y up, facing along z, its left along x, every bone as long as the median of its length
over the clip. A joint from which one bone leads turns by the smallest swing that points that bone where it should;
positions say nothing of a twist about a bone, so there is none. A joint from which several bones lead (pelvis, chest)
turns as its bones do together, by least squares (Kabsch). They are not quite one rigid piece, a shoulder shrugs; so
each of them begins with a joint of its own at the same place, `to_left_shoulder`, that swings by what is left, and
every bone points where it should exactly.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pstmo.datasets import rotations
from pstmo.datasets.animation import Animation
from pstmo.errors import SkeletonError
from pstmo.skeleton import Skeleton

Positions = Float[np.ndarray, "frames joints 3"]
Bones = Float[np.ndarray, "joints 3"]
Turns = Float[np.ndarray, "frames 4"]

REST = {
    "hip": (1, 0, 0), "knee": (0, -1, 0), "ankle": (0, -1, 0),
    "big_toe": (0, -0.4, 1), "small_toe": (1, 0, -0.3), "heel": (0, -0.7, -0.7),
    "spine": (0, 1, 0), "thorax": (0, 1, 0), "neck": (0, 1, 0), "neck_nose": (0, 1, 0), "head": (0, 1, 0),
    "head_top": (0, 1, 0), "nose": (0, 0.7, 0.7), "eye": (0.6, 0.7, -0.4), "ear": (0.5, -0.1, -0.9),
    "shoulder": (1, 0, 0), "elbow": (1, 0, 0), "wrist": (1, 0, 0),
}  # fmt: skip
"""Where the bone that ends at a joint points at rest: outwards, up, forward. Others point as the bone before them."""

STUB = 0.25
"""Of the last bone: how far its line goes on to the end site behind it."""

PULL = 1e-8
"""Of the bones' squared lengths: what keeps a turn small where they do not tell it, being in line."""


class _Node(NamedTuple):
    """A joint of the tree. parent: its place there, -1 = none. offset: from the parent, metres, at rest. start, ends:
    joints of the skeleton between which the bones lie that it turns."""

    name: str
    parent: int
    offset: np.ndarray
    start: int = -1
    ends: tuple[int, ...] = ()


def fitted(positions: Positions, skeleton: Skeleton, fps: float) -> Animation:
    """positions: metres, y up, none NaN. Raises SkeletonError for a skeleton that is no tree with a root."""
    order = _outwards(skeleton)
    bones = _at_rest(positions, skeleton, order)
    tree = _tree(skeleton, order, bones)
    turns = np.zeros((len(positions), len(tree), 4))
    turns[..., 0] = 1
    turned = turns.copy()
    for i, node in enumerate(tree):
        before = turned[:, node.parent] if node.parent >= 0 else turned[:, i].copy()
        if node.ends:
            ends = list(node.ends)
            wanted = _turned(rotations.inverse(before)[:, None], positions[:, ends] - positions[:, [node.start]])
            turn = _swing(bones[ends[0]], wanted[:, 0]) if len(ends) == 1 else _kabsch(bones[ends], wanted)
            turns[:, i] = _steady(turn)
        turned[:, i] = rotations.multiply(before, turns[:, i])
    return Animation(
        joints=tuple(node.name for node in tree),
        parents=tuple(node.parent for node in tree),
        offsets=np.stack([node.offset for node in tree]),
        turns=turns,
        root=positions[:, skeleton.root_index].astype(np.float64),
        fps=fps,
    )


def _outwards(skeleton: Skeleton) -> list[int]:
    """All joints, depth first from the root: each after its parent."""
    order, waiting = [], [skeleton.root_index]
    while waiting:
        order.append(waiting.pop())
        waiting += reversed(_children(skeleton, order[-1]))
    if len(order) < len(skeleton) or skeleton.parents[order[0]] >= 0:
        raise SkeletonError(f"skeleton {skeleton.name!r}: expected bones that lead from {skeleton.root} to every joint")
    return order


def _children(skeleton: Skeleton, joint: int) -> list[int]:
    return [child for child, parent in enumerate(skeleton.parents) if parent == joint]


def _at_rest(positions: Positions, skeleton: Skeleton, order: list[int]) -> Bones:
    """Each joint's place from its parent in the figure at rest, metres; 0 for the root."""
    ways, bones = np.zeros((len(skeleton), 3)), np.zeros((len(skeleton), 3))
    ways[order[0]] = (0, 1, 0)
    for joint in order[1:]:
        parent = skeleton.parents[joint]
        ways[joint] = _way(skeleton.joints[joint], ways[parent])
        bones[joint] = ways[joint] * np.median(np.linalg.norm(positions[:, joint] - positions[:, parent], axis=-1))
    return bones


def _way(joint: str, before: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Where the bone points at rest that ends at that joint; `before`: the bone before it."""
    part = joint.removeprefix("left_").removeprefix("right_")
    if part not in REST:
        return before
    way = np.array(REST[part], float) * (-1 if joint.startswith("right_") else 1, 1, 1)
    return way / np.linalg.norm(way)


def _tree(skeleton: Skeleton, order: list[int], bones: Bones) -> list[_Node]:
    nodes: list[_Node] = []
    places = {-1: -1}
    for joint in order:
        name, parent, ends = skeleton.joints[joint], skeleton.parents[joint], _children(skeleton, joint)
        place = places[parent]
        if parent >= 0 and len(_children(skeleton, parent)) > 1:
            nodes.append(_Node(f"to_{name}", place, np.zeros(3), parent, (joint,)))
            place = len(nodes) - 1
        nodes.append(_Node(name, place, bones[joint], joint, tuple(ends)))
        places[joint] = len(nodes) - 1
        if not ends:
            nodes.append(_Node(f"{name}_end", places[joint], STUB * bones[joint]))
    return nodes


def _turned(turns: Float[np.ndarray, "*turns 4"], vectors: Float[np.ndarray, "*vectors 3"]) -> np.ndarray:
    """(..., 3); leading axes broadcast."""
    real = np.concatenate([np.zeros_like(vectors[..., :1]), vectors], -1)
    return rotations.multiply(rotations.multiply(turns, real), rotations.inverse(turns))[..., 1:]


def _swing(bone: Float[np.ndarray, "3"], wanted: Float[np.ndarray, "frames 3"]) -> Turns:
    """The smallest turns that point the bone there; none where bone or wish has no length."""
    length = np.linalg.norm(bone) * np.linalg.norm(wanted, axis=-1)
    axis, cosine = np.cross(bone, wanted), wanted @ bone
    opposite = cosine <= -(1 - 1e-12) * length
    axis[opposite] = np.cross(bone, np.eye(3)[np.argmin(np.abs(bone))])
    turn = np.concatenate([np.where(opposite, 0, length + cosine)[:, None], axis], -1)
    turn[length == 0] = (1, 0, 0, 0)
    return turn / np.linalg.norm(turn, axis=-1, keepdims=True)


def _kabsch(bones: Float[np.ndarray, "bones 3"], wanted: Float[np.ndarray, "frames bones 3"]) -> Turns:
    """The turns that bring all bones nearest to where they should be, by least squares.

    By Davenport's matrix, whose largest eigenvector is the quaternion: never a reflection.
    """
    outer = np.einsum("ba,fbc->fac", bones, wanted)
    trace = np.trace(outer, axis1=1, axis2=2)
    cross = np.stack([outer[:, i, j] - outer[:, j, i] for i, j in ((1, 2), (2, 0), (0, 1))], -1)
    matrix = np.empty((len(wanted), 4, 4))
    matrix[:, 0, 0] = trace + PULL * (bones**2).sum() + np.finfo(float).tiny
    matrix[:, 0, 1:] = matrix[:, 1:, 0] = cross
    matrix[:, 1:, 1:] = outer + outer.transpose(0, 2, 1) - trace[:, None, None] * np.eye(3)
    return np.linalg.eigh(matrix)[1][..., -1]


def _steady(turns: Turns) -> Turns:
    """The same turns, of each quaternion and its negative the one that is nearer to the frame before."""
    near = (turns[1:] * turns[:-1]).sum(-1) >= 0
    sign = np.cumprod(np.where(near, 1, -1))
    return turns * np.concatenate([[np.copysign(1, turns[0, 0])], np.copysign(1, turns[0, 0]) * sign])[:, None]
