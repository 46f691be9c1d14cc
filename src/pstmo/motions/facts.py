"""What files say of a motion besides its numbers, and a motion made of what a file says."""

from collections.abc import Sequence, Sized
from importlib.metadata import version
from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import LARGEST
from pstmo.files.names import joint_name
from pstmo.motion import Motion, Origins, World
from pstmo.sequence import Poses
from pstmo.skeleton import SKELETONS, Skeleton

LEVEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Axes of a level camera -> axes of the world."""


MOST_PEOPLE = 1000
"""In a file; a few bytes may name many, and each of them takes time."""


def few(people: Sized) -> None:
    """Raises FormatError for more people than anybody films."""
    if len(people) > MOST_PEOPLE:
        raise FormatError(f"found {len(people):,} people, expected {MOST_PEOPLE:,} at most")


def program() -> str:
    return f"pstmo {version('pstmo')}"


def facts(motion: Motion) -> dict[str, str | float]:
    """In plain values, by the names under which files have them."""
    poses = motion.poses
    return {
        "skeleton": poses.skeleton.name,
        "root": poses.skeleton.joints[poses.skeleton.root_index],
        "fps": poses.fps,
        "model": poses.model,
        "mode": poses.mode,
        "smoothing": poses.smoothing,
        "version": program(),
    }


def plain(values: np.ndarray) -> Any:
    """Numbers in lists, as metres to a hundredth of a millimetre; None for NaN."""
    rounded = values.astype(np.float64).round(5)
    known = np.isfinite(rounded)
    return rounded.tolist() if known.all() else np.where(known, rounded.astype(object), np.array(None)).tolist()


def motion_of(
    skeleton: Skeleton,
    positions: np.ndarray,
    *,
    fps: float,
    observed: np.ndarray | None = None,
    person: int = 1,
    times: np.ndarray | None = None,
) -> Motion:
    """The motion that a file without cameras has: in a world, as a level camera would have seen it.

    positions: (frames, joints, 3), metres, axes of the world; NaN = not known. observed: (frames,); without it, frames
    in which any joint is known. Raises PstmoError.
    """
    if (np.abs(positions) > LARGEST).any():
        raise FormatError("found infinite or absurdly large positions, expected metres")
    seen = np.array(np.isfinite(positions).all(-1).any(-1)) if observed is None else observed
    positions = np.asarray(positions, np.float32)
    poses = Poses.from_array(positions @ LEVEL.astype(np.float32), fps=fps, skeleton=skeleton, observed=seen)
    unknown = Origins(*["unknown"] * len(Origins._fields))
    nobody = float("nan")
    world = World(positions, skeleton, poses.fps, poses.observed, LEVEL, nobody, nobody, 1.0, nobody, unknown)
    if times is not None and np.allclose(times, np.arange(len(times)) / fps, rtol=0, atol=1e-6):
        times = None
    return Motion(poses, world=world, person=person, timestamps=times)


def named(names: Sequence[str], *, rooted: bool = True) -> tuple[Skeleton, list[int]]:
    """The largest skeleton, with a root unless told otherwise, whose joints are all among those, and where they are.

    Names as other programs write them ("LAnkle") are known too. Raises FormatError.
    """
    places: dict[str, int] = {}
    for i, name in enumerate(names):
        places.setdefault(joint_name(name), i)
    places |= {name: i for i, name in reversed(list(enumerate(names)))}
    known = [skeleton for skeleton in SKELETONS.values() if skeleton.root or not rooted]
    fits = [skeleton for skeleton in known if set(skeleton.joints) <= set(places)]
    if not fits:
        expected = "; ".join(f"{skeleton.name}: {', '.join(skeleton.joints)}" for skeleton in known)
        raise FormatError(f"found joints {', '.join(names[:30]) or 'without names'}; expected all of one of {expected}")
    skeleton = max(fits, key=len)
    return skeleton, [places[joint] for joint in skeleton.joints]
