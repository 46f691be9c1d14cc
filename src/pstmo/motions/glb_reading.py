"""The GLB files of `glb`, read back: the animation's turns, from which follows where the joints are."""

import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pstmo.datasets.animation import Animation
from pstmo.errors import FormatError
from pstmo.files.content import first_bytes, number, want
from pstmo.motion import Motion
from pstmo.motions.axes import Y_UP, z_up
from pstmo.motions.facts import few, motion_of, named

MAGIC = b"glTF"

MOST_JOINTS = 255
"""Of a person."""

MOST_TURNS = 2**24
"""Of a person: frames times joints; whether they turn or not, each takes memory."""

_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


Curves = dict[tuple[int, str], dict[str, Any]]
"""Samplers, by node and what they move."""


class _File(NamedTuple):
    document: dict[str, Any]
    buffer: bytes

    def at(self, kind: str, index: object) -> dict[str, Any]:
        """One of the document's things. Raises FormatError."""
        things = want(self.document.get(kind), list, repr(kind))
        if not isinstance(index, int) or not 0 <= index < len(things):
            raise FormatError(f"found {kind} number {index!r}, expected one of {len(things)}")
        return want(things[index], dict, f"{kind} {index}")

    def floats(self, index: object) -> np.ndarray:
        """(count, numbers each) of an accessor. Raises FormatError."""
        accessor = self.at("accessors", index)
        view = self.at("bufferViews", accessor.get("bufferView"))
        width = _WIDTHS.get(str(accessor.get("type")))
        start, count = (
            want(value, int, "a place in the buffer") for value in (view.get("byteOffset"), accessor.get("count"))
        )
        if width is None or accessor.get("componentType") != 5126 or count < 1 or start < 0:
            raise FormatError(f"accessor {index}: found {accessor}, expected floats")
        if start + 4 * width * count > len(self.buffer):
            raise FormatError(f"accessor {index}: found {count} values from byte {start}, beyond the buffer's end")
        values = np.frombuffer(self.buffer, "<f4", count * width, start).reshape(count, width).astype(np.float64)
        if not np.isfinite(values).all():
            raise FormatError(f"accessor {index}: found values that are not finite")
        return values


def people_in(path: Path) -> list[Motion]:
    """Raises FormatError."""
    file = _opened(path)
    asset = want(file.document.get("asset"), dict, "'asset'")
    extras = asset.get("extras")
    if not isinstance(extras, dict) or extras.get("axes") != Y_UP:
        raise FormatError(f"found glTF by {str(asset.get('generator'))[:60]!r}, expected one that pstmo wrote")
    nodes = want(file.document.get("nodes"), list, "'nodes'")
    people = [node for node in nodes if isinstance(node, dict) and isinstance(node.get("extras"), dict)]
    few(people)
    curves = _curves(file)
    return [_motion(file, node, curves) for node in people]


def _opened(path: Path) -> _File:
    if first_bytes(path, 4) != MAGIC:
        raise FormatError("found no GLB file, expected one that begins with glTF")
    content = path.read_bytes()
    try:
        _, version, _, length, kind = struct.unpack_from("<4sIII4s", content)
        size, tail = struct.unpack_from("<I4s", content, 20 + length)
        document = json.loads(content[20 : 20 + length])
    except (struct.error, ValueError, RecursionError) as error:
        raise FormatError(f"not a whole GLB file: {error}") from error
    buffer = content[28 + length : 28 + length + size]
    if (version, kind, tail) != (2, b"JSON", b"BIN\0") or len(buffer) < size:
        raise FormatError("not a whole GLB file of version 2, with a document and a buffer")
    return _File(want(document, dict, "document"), buffer)


def _curves(file: _File) -> Curves:
    """The first animation's. Raises FormatError."""
    animation = file.at("animations", 0)
    samplers = want(animation.get("samplers"), list, "'samplers'")
    found = {}
    for entry in want(animation.get("channels"), list, "'channels'"):
        channel = want(entry, dict, "channel")
        target, sampler = want(channel.get("target"), dict, "'target'"), want(channel.get("sampler"), int, "'sampler'")
        if not 0 <= sampler < len(samplers):
            raise FormatError(f"found sampler number {sampler}, expected one of {len(samplers)}")
        node, what = want(target.get("node"), int, "'node'"), want(target.get("path"), str, "'path'")
        found[node, what] = want(samplers[sampler], dict, "sampler")
    return found


def _motion(file: _File, person: dict[str, Any], curves: Curves) -> Motion:
    about, joints = person["extras"], _below(file, person)
    order = list(joints)
    nodes = [file.at("nodes", node) for node in order]
    way = curves.get((order[0], "translation"), {})
    times = file.floats(way.get("input"))[:, 0]
    observed = want(about.get("observed"), list, "'observed'")
    if len(observed) != len(times) or len(times) * len(order) > MOST_TURNS:
        raise FormatError(f"found {len(times):,} frames of {len(order)} joints and {len(observed):,} of 'observed'")
    animation = Animation(
        joints=tuple(str(node.get("name")) for node in nodes),
        parents=tuple(order.index(parent) if parent >= 0 else -1 for parent in joints.values()),
        offsets=np.stack([np.zeros(3), *map(_place, nodes[1:])]),
        turns=np.stack([_turns(file, curves.get((node, "rotation")), len(times)) for node in order], 1),
        root=_fitting(file.floats(way.get("output")), (len(times), 3)),
        fps=number(about.get("fps"), "'fps'"),
    )
    skeleton, places = named(animation.joints)
    return motion_of(
        skeleton,
        z_up(animation.posed().positions[:, places]),
        fps=animation.fps,
        observed=np.array([value == 1 for value in observed]),
        person=want(about.get("person"), int, "'person'"),
        times=times,
    )


def _turns(file: _File, sampler: dict[str, Any] | None, frames: int) -> np.ndarray:
    """(frames, 4), w first; none for a joint that the file doesn't turn. Raises FormatError."""
    if sampler is None:
        return np.tile([1.0, 0.0, 0.0, 0.0], (frames, 1))
    turns = _fitting(file.floats(sampler.get("output")), (frames, 4))[:, [3, 0, 1, 2]]
    if not np.allclose(np.linalg.norm(turns, axis=-1), 1, atol=1e-3):
        raise FormatError("found rotations that are no unit quaternions")
    return turns


def _below(file: _File, person: dict[str, Any]) -> dict[int, int]:
    """Nodes below a person's, each after its parent, and the parents; -1 of the first. Raises FormatError."""
    found: dict[int, int] = {}
    waiting = [(child, -1) for child in want(person.get("children"), list, "'children'")]
    while waiting:
        node, parent = waiting.pop()
        children = want(file.at("nodes", node).get("children", []), list, "'children'")
        if node in found or (parent < 0 and found):
            raise FormatError(f"found node {node} twice or beside the hip, expected a tree of joints")
        found[node] = parent
        if len(found) > MOST_JOINTS:
            raise FormatError(f"found more than {MOST_JOINTS} joints of a person")
        waiting += [(child, node) for child in reversed(children)]
    if not found:
        raise FormatError("found a person without joints")
    return found


def _place(node: dict[str, Any]) -> np.ndarray:
    values = want(node.get("translation"), list, "'translation'")
    return _fitting(np.array([number(value, "'translation'") for value in values]), (3,))


def _fitting(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if values.shape != shape:
        raise FormatError(f"found curves of shape {values.shape}, expected {shape}")
    return values
