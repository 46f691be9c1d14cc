"""Motion as a table, which CSV and Parquet share: a row for each frame of each person.

Columns: person, frame (from 0), time (seconds), observed; then hip_x, hip_y, hip_z, ... in metres, axes of the world,
empty where nobody knows and for joints that a person's skeleton lacks; then what is the same in all of a person's rows:
skeleton, fps, model, axes, version.
"""

import re
from collections.abc import Sequence

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.cells import whole
from pstmo.files.content import MOST_FRAMES
from pstmo.motion import WORLD_AXES, Motion
from pstmo.motions.facts import few, motion_of, named, program
from pstmo.skeleton import SKELETONS

NUMBERS = ("person", "frame", "time", "observed", "fps")

TEXTS = ("skeleton", "model", "axes", "version")

_COORDINATE = re.compile(r"(.+)_([xyz])")


def columns_of(people: Sequence[Motion]) -> dict[str, np.ndarray]:
    """Arrays with as many rows, by the columns' names."""
    frames = [motion.frames for motion in people]
    joints = list(dict.fromkeys(joint for motion in people for joint in motion.skeleton.joints))

    def same(values: list) -> np.ndarray:
        return np.repeat(np.array(values), frames)

    columns = {
        "person": same([motion.person for motion in people]),
        "frame": np.concatenate([np.arange(count) for count in frames]),
        "time": np.concatenate([motion.times for motion in people]),
        "observed": np.concatenate([motion.observed for motion in people]),
    }
    for joint in joints:
        places = np.concatenate([_places(motion, joint) for motion in people])
        columns |= {f"{joint}_{axis}": places[:, i] for i, axis in enumerate("xyz")}
    return columns | {
        "skeleton": same([motion.skeleton.name for motion in people]),
        "fps": same([motion.fps for motion in people]),
        "model": same([motion.poses.model for motion in people]),
        "axes": same([WORLD_AXES] * len(people)),
        "version": same([program()] * len(people)),
    }


def _places(motion: Motion, joint: str) -> np.ndarray:
    """(frames, 3) of one joint."""
    if joint not in motion.skeleton.joints:
        return np.full((motion.frames, 3), np.nan, np.float32)
    return motion.positions[:, motion.skeleton.index(joint)]


def numeric_columns(names: Sequence[str]) -> list[str]:
    """Those that hold numbers, and that are read. Raises FormatError where one is missing or there twice."""
    missing = [name for name in (*NUMBERS, *TEXTS) if name not in names]
    if missing or len(set(names)) < len(names):
        problem = f"no column {', '.join(missing)}" if missing else "two columns of one name"
        raise FormatError(f"found {problem}, expected {', '.join(NUMBERS[:4])}, hip_x, hip_y, hip_z, ..., and others")
    return [name for name in names if name in NUMBERS or _COORDINATE.fullmatch(name)]


def people_in(numbers: dict[str, np.ndarray], texts: dict[str, np.ndarray]) -> list[Motion]:
    """numbers: (rows,) float64 by `numeric_columns`. texts: by TEXTS. Raises PstmoError."""
    persons = numbers["person"]
    if not 0 < len(persons) <= MOST_FRAMES:
        raise FormatError(f"found {len(persons):,} rows, expected 1 to {MOST_FRAMES:,}")
    few(found := np.unique(persons))
    return [_person(numbers, texts, persons == person, whole(float(person), "person")) for person in found]


def _person(numbers: dict[str, np.ndarray], texts: dict[str, np.ndarray], rows: np.ndarray, person: int) -> Motion:
    first = int(np.argmax(rows))
    if texts["axes"][first] != WORLD_AXES:
        raise FormatError(f"found axes {texts['axes'][first]!r}, expected {WORLD_AXES!r}")
    skeleton = SKELETONS.get(str(texts["skeleton"][first]))
    if skeleton is None:
        skeleton, _ = named([name.removesuffix("_x") for name in numbers if name.endswith("_x")])
    missing = [f"{joint}_{axis}" for joint in skeleton.joints for axis in "xyz" if f"{joint}_{axis}" not in numbers]
    if missing:
        raise FormatError(f"found no column {', '.join(missing[:6])}, expected all joints of {skeleton.name}")
    positions = np.stack([[numbers[f"{joint}_{axis}"][rows] for axis in "xyz"] for joint in skeleton.joints])
    return motion_of(
        skeleton,
        positions.transpose(2, 0, 1),
        fps=float(numbers["fps"][first]),
        observed=numbers["observed"][rows] > 0,
        person=person,
        times=numbers["time"][rows],
    )
