"""GLB: glTF 2.0 in one file, metres, y up: bones that turn, with a body to look at. See `rig` for the turns.

Every person is a node with the hip below it, and beside it a skinned mesh; the animation turns all joints and moves
the hips, each person at its own times. What a file says of itself is in `asset.extras`, and of a person in its node's.
"""

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.datasets.animation import Animation
from pstmo.motion import Motion
from pstmo.motions.axes import Y_UP, y_up
from pstmo.motions.body import body
from pstmo.motions.clock import complete
from pstmo.motions.facts import facts, program
from pstmo.motions.glb_reading import MAGIC, people_in
from pstmo.motions.rig import fitted

ENDING: str = ".glb"
SEVERAL: bool = True

COLOURS = ((0.23, 0.51, 0.96), (0.96, 0.55, 0.19), (0.20, 0.70, 0.43), (0.80, 0.31, 0.60))
"""Of people, one after the other."""

VERTICES = 34962
"""A buffer that holds vertices; https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html, 5.11.5."""

_TYPES = {"float32": 5126, "uint8": 5121}
_SHAPES = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}


def write(path: Path, people: Sequence[Motion]) -> None:
    scene, start = _Scene(), min(motion.times[0] for motion in people)
    for i, motion in enumerate(people):
        _add(scene, motion, start, COLOURS[i % len(COLOURS)])
    path.write_bytes(scene.packed())


def read(path: Path) -> list[Motion]:
    """What `write` wrote. Raises FormatError for another's."""
    return people_in(path)


class _Scene:
    """A glTF document that grows, and its buffer."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.animation: dict[str, Any] = {"name": "motion", "channels": [], "samplers": []}
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": program(), "extras": {"units": "metres", "axes": Y_UP}},
            "scene": 0,
            "scenes": [{"nodes": []}],
            "animations": [self.animation],
        }

    def add(self, kind: str, thing: dict[str, Any]) -> int:
        """Its index."""
        things = self.document.setdefault(kind, [])
        things.append(thing)
        return len(things) - 1

    def accessor(self, array: np.ndarray, *, vertices: bool = False, bounds: bool = False) -> int:
        view = {"buffer": 0, "byteOffset": len(self.buffer), "byteLength": array.nbytes}
        self.buffer += array.astype(array.dtype.newbyteorder("<")).tobytes()
        self.buffer += bytes(-len(self.buffer) % 4)
        facts: dict[str, Any] = {
            "bufferView": self.add("bufferViews", view | ({"target": VERTICES} if vertices else {})),
            "componentType": _TYPES[array.dtype.name],
            "count": len(array),
            "type": _SHAPES[array.shape[1:]],
        }
        if bounds:
            rows = array.reshape(len(array), -1)
            facts |= {"min": rows.min(0).tolist(), "max": rows.max(0).tolist()}
        return self.add("accessors", facts)

    def animate(self, node: int, what: str, times: int, values: np.ndarray) -> None:
        self.animation["samplers"].append({"input": times, "output": self.accessor(values.astype(np.float32))})
        target = {"node": node, "path": what}
        self.animation["channels"].append({"sampler": len(self.animation["samplers"]) - 1, "target": target})

    def packed(self) -> bytes:
        self.document["buffers"] = [{"byteLength": len(self.buffer)}]
        text = json.dumps(self.document, allow_nan=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        length = 12 + 8 + len(text) + 8 + len(self.buffer)
        return b"".join(
            [
                struct.pack("<4sIII4s", MAGIC, 2, length, len(text), b"JSON") + text,
                struct.pack("<I4s", len(self.buffer), b"BIN\0") + self.buffer,
            ]
        )


def _add(scene: _Scene, motion: Motion, start: float, colour: tuple[float, ...]) -> None:
    animation = fitted(y_up(complete(motion.positions.astype(np.float64))), motion.skeleton, motion.fps)
    animation = animation.only({joint for joint in animation.joints if not joint.endswith("_end")})
    places = animation.offsets.copy()
    for joint, parent in enumerate(animation.parents[1:], start=1):
        places[joint] += places[parent]
    stand = np.array([0, -places[:, 1].min(), 0])
    joints = _joints(scene, animation, stand)
    about = {"person": motion.person, "observed": motion.observed.astype(int).tolist()} | facts(motion)
    name = f"person {motion.person}"
    person = scene.add("nodes", {"name": name, "children": [joints[0]], "extras": about})
    mesh = _mesh(scene, animation, places, joints, (name, colour))
    scene.document["scenes"][0]["nodes"] += [person, mesh]
    times = scene.accessor((motion.times - start).astype(np.float32), bounds=True)
    scene.animate(joints[0], "translation", times, animation.root)
    for joint in sorted(set(animation.parents) - {-1}):
        scene.animate(joints[joint], "rotation", times, animation.turns[:, joint][:, [1, 2, 3, 0]])


def _joints(scene: _Scene, animation: Animation, stand: np.ndarray) -> list[int]:
    """Nodes, in their order; at rest the figure stands on the floor."""
    first = len(scene.document.get("nodes", []))
    for joint, name in enumerate(animation.joints):
        place = animation.offsets[joint] if joint else stand
        children = [first + child for child, parent in enumerate(animation.parents) if parent == joint]
        node = {"name": name, "translation": place.tolist()}
        scene.add("nodes", node | ({"children": children} if children else {}))
    return list(range(first, first + len(animation.joints)))


def _mesh(
    scene: _Scene, animation: Animation, places: np.ndarray, joints: list[int], looks: tuple[str, tuple[float, ...]]
) -> int:
    """The node of a skinned body."""
    name, colour = looks
    shape = body(animation, places)
    follows = np.zeros((len(shape.joints), 4), np.uint8)
    follows[:, 0] = shape.joints
    unposed = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    unposed[:, 3, :3] = -places  # matrices are written column by column
    skin = scene.add("skins", {"joints": joints, "inverseBindMatrices": scene.accessor(unposed), "skeleton": joints[0]})
    surface = {"baseColorFactor": [*colour, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.7}
    attributes = {
        "POSITION": scene.accessor(shape.corners.astype(np.float32), vertices=True, bounds=True),
        "NORMAL": scene.accessor(shape.normals.astype(np.float32), vertices=True),
        "JOINTS_0": scene.accessor(follows, vertices=True),
        "WEIGHTS_0": scene.accessor(np.tile(np.array([1, 0, 0, 0], np.float32), (len(shape.joints), 1)), vertices=True),
    }
    material = scene.add("materials", {"name": name, "pbrMetallicRoughness": surface})
    mesh = scene.add("meshes", {"name": name, "primitives": [{"attributes": attributes, "material": material}]})
    return scene.add("nodes", {"name": f"{name}, body", "mesh": mesh, "skin": skin})
