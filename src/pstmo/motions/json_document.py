"""JSON: everybody's motion with all that is known of it but the keypoints. docs/motion-files.md has the schema."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import LARGEST, describe, first_bytes, number, want
from pstmo.files.motion import AXES
from pstmo.motion import WORLD_AXES, Motion, Origins, World
from pstmo.motions.facts import plain, program
from pstmo.sequence import Poses
from pstmo.skeleton import Skeleton, from_facts

ENDING: str = ".json"
SEVERAL: bool = True

FORMAT = "pstmo motion 1"

_NUMBERS = ("camera_height", "focal", "scale", "error")
"""Of a world; null where it is not known."""


def write(path: Path, people: Sequence[Motion]) -> None:
    document = {
        "format": FORMAT,
        "version": program(),
        "units": "metres",
        "axes": {"positions": WORLD_AXES, "poses": AXES},
        "people": [_person(motion) for motion in people],
    }
    path.write_text(json.dumps(document, allow_nan=False, separators=(",", ":")), "utf-8")


def _person(motion: Motion) -> dict[str, Any]:
    poses, world = motion.poses, motion.world
    return {
        "person": motion.person,
        "skeleton": _layout(motion.skeleton),
        "fps": poses.fps,
        "model": poses.model,
        "mode": poses.mode,
        "smoothing": poses.smoothing,
        "times": motion.times.round(6).tolist(),
        "observed": motion.observed.tolist(),
        "positions": plain(motion.positions),
        "poses": plain(poses.positions),
        "world": None
        if world is None
        else {name: plain(np.array(getattr(world, name))) for name in ("orientation", *_NUMBERS)}
        | {"origins": world.origins._asdict()},
    }


def _layout(skeleton: Skeleton) -> dict[str, Any]:
    return {"name": skeleton.name, "joints": skeleton.joints, "bones": skeleton.bones, "root": skeleton.root}


def read(path: Path) -> list[Motion]:
    first_bytes(path, 1)
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not whole JSON: {error}") from error
    if want(document, dict, "content").get("format") != FORMAT:
        raise FormatError(
            f"'format': found {describe(document.get('format'))}, expected {FORMAT!r} (COCO's are called .coco.json)"
        )
    return [_motion(want(person, dict, "person")) for person in want(document.get("people"), list, "'people'")]


def _motion(person: dict[str, Any]) -> Motion:
    skeleton = from_facts(want(person.get("skeleton"), dict, "'skeleton'"))
    positions, poses = (_array(person, key, 3) for key in ("positions", "poses"))
    observed, fps = _array(person, "observed", 1) > 0, number(person.get("fps"), "'fps'")
    lifted = Poses.from_array(
        poses,
        fps=fps,
        skeleton=skeleton,
        observed=observed,
        model=want(person.get("model"), str, "'model'"),
        mode=want(person.get("mode"), str, "'mode'"),
    )
    lifted = replace(lifted, smoothing=number(person.get("smoothing"), "'smoothing'"))
    world = person.get("world")
    return Motion(
        lifted,
        world=None if world is None else _world(want(world, dict, "'world'"), lifted, positions),
        person=want(person.get("person"), int, "'person'"),
        timestamps=_array(person, "times", 1),
    )


def _world(world: dict[str, Any], poses: Poses, positions: np.ndarray) -> World:
    orientation = _array(world, "orientation", 2)
    origins = want(world.get("origins"), dict, "'origins'")
    if orientation.shape != (3, 3):
        raise FormatError(f"'orientation': found {describe(orientation)}, expected (3, 3)")
    numbers = {name: float(_array(world, name, 0)) for name in _NUMBERS}
    texts = [want(origins.get(name), str, f"'{name}' of 'origins'") for name in Origins._fields]
    return World(
        positions.astype(np.float32),
        poses.skeleton,
        poses.fps,
        poses.observed,
        orientation,
        origins=Origins(*texts),
        **numbers,
    )


def _array(record: dict[str, Any], key: str, axes: int) -> np.ndarray:
    """Numbers in so many axes; null is NaN. Raises FormatError."""
    try:
        array = np.array(record.get(key), np.float64)
    except (TypeError, ValueError, OverflowError):
        raise FormatError(f"{key!r}: found {describe(record.get(key))}, expected numbers in {axes} axes") from None
    if array.ndim != axes or (np.abs(array) > LARGEST).any():
        raise FormatError(f"{key!r}: found {describe(array)}, expected finite numbers in {axes} axes")
    return array
