"""BVH: a tree of joints that turn, one person a file. Metres, y up, as Blender's importer takes it; see `rig`.

The root has channels Xposition Yposition Zposition, every joint Zrotation Xrotation Yrotation (Rz Rx Ry), degrees. The
format has no room for units, axes, or what was not observed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pstmo.datasets import bvh
from pstmo.datasets.animation import Animation
from pstmo.files.content import first_bytes
from pstmo.motion import Motion
from pstmo.motions.axes import y_up, z_up
from pstmo.motions.clock import beats, complete, on_clock
from pstmo.motions.euler import to_euler
from pstmo.motions.facts import motion_of, named
from pstmo.motions.rig import fitted

ENDING: str = ".bvh"
SEVERAL: bool = False


def write(path: Path, people: Sequence[Motion]) -> None:
    (motion,) = people
    positions = complete(on_clock(motion, beats(people)).positions)
    animation = fitted(y_up(positions), motion.skeleton, motion.fps)
    path.write_text("\n".join([*_hierarchy(animation), *_motion(animation), ""]), "ascii")


def read(path: Path) -> list[Motion]:
    """Also others' files, if they are in metres, y up, and have the joints of a skeleton that is known here."""
    first_bytes(path, 1)
    posed = bvh.read(path).posed()
    skeleton, places = named(posed.joints)
    return [motion_of(skeleton, z_up(posed.positions[:, places]), fps=float(posed.fps))]


def _hierarchy(animation: Animation) -> Iterator[str]:
    yield "HIERARCHY"
    depths: list[int] = []
    for name, parent, offset in zip(animation.joints, animation.parents, animation.offsets, strict=True):
        depth = depths[parent] + 1 if parent >= 0 else 0
        yield from _closed(depths[-1] if depths else -1, depth)
        depths.append(depth)
        tabs = "\t" * depth
        end = _is_end(animation, len(depths) - 1)
        yield f"{tabs}{'End Site' if end else f'JOINT {name}' if depth else f'ROOT {name}'}"
        yield f"{tabs}{{"
        yield f"{tabs}\tOFFSET {' '.join(f'{value:.6f}' for value in offset)}"
        if not end:
            channels = "3" if depth else "6 Xposition Yposition Zposition"
            yield f"{tabs}\tCHANNELS {channels} Zrotation Xrotation Yrotation"
    yield from _closed(depths[-1], 0)


def _closed(last: int, depth: int) -> Iterator[str]:
    """Ends all joints from the last one's depth up to that of the next."""
    for level in range(last, depth - 1, -1):
        yield "\t" * level + "}"


def _is_end(animation: Animation, joint: int) -> bool:
    return animation.joints[joint].endswith("_end") and joint not in animation.parents


def _motion(animation: Animation) -> Iterator[str]:
    turning = [i for i in range(len(animation.joints)) if not _is_end(animation, i)]
    angles = to_euler(animation.turns[:, turning])
    yield "MOTION"
    yield f"Frames: {animation.frames}"
    yield f"Frame Time: {1 / animation.fps:.10f}"
    for place, turn in zip(animation.root, angles.reshape(animation.frames, -1), strict=True):
        yield " ".join([f"{value:.6f}" for value in place] + [f"{value:.4f}" for value in turn])
