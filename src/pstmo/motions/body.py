"""A body to look at: an octahedron along every bone, which turns with the joint that it begins at."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pstmo.datasets.animation import Animation

WIDTH = 0.1
"""Of an octahedron, from its middle to a corner: its share of the bone's length."""

WAIST = 0.2
"""Where it is widest: the share of the bone's length."""


class Body(NamedTuple):
    """Triangles, three corners each, counterclockwise from outside. joints: which joint each corner follows."""

    corners: Float[np.ndarray, "corners 3"]
    normals: Float[np.ndarray, "corners 3"]
    joints: Int[np.ndarray, " corners"]


def body(animation: Animation, places: Float[np.ndarray, "joints 3"]) -> Body:
    """places: of the joints at rest. A body without any bone of a length is a point."""
    pieces = [(np.zeros((3, 3)), 0)]
    for joint, parent in enumerate(animation.parents):
        if parent >= 0 and np.any(animation.offsets[joint]):
            pieces.append((places[parent] + _octahedron(animation.offsets[joint]), parent))
    shown = pieces[1:] or pieces
    corners = np.concatenate([piece for piece, _ in shown])
    joints = np.concatenate([np.full(len(piece), joint) for piece, joint in shown])
    a, b, c = (corners[i::3] for i in range(3))
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = np.where(length > 0, normals / np.where(length > 0, length, 1), (0, 1, 0))
    return Body(corners, np.repeat(normals, 3, axis=0), joints)


def _octahedron(bone: Float[np.ndarray, "3"]) -> Float[np.ndarray, "24 3"]:
    side = np.cross(bone, np.eye(3)[np.argmin(np.abs(bone))])
    side *= np.linalg.norm(bone) / np.linalg.norm(side)
    front = np.cross(bone, side) / np.linalg.norm(bone)
    ring = [WAIST * bone + WIDTH * (x * side + y * front) for x, y in ((1, 0), (0, 1), (-1, 0), (0, -1))]
    faces = []
    for here, there in zip(ring, ring[1:] + ring[:1], strict=True):
        faces += [[np.zeros(3), there, here], [bone, here, there]]
    return np.array(faces).reshape(-1, 3)
