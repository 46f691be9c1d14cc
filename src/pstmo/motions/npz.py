"""pstmo's own file of one person, with all that is known: `files.motion`."""

from collections.abc import Sequence
from pathlib import Path

from pstmo.files.motion import read_motion, write_motion
from pstmo.motion import Motion

ENDING: str = ".npz"
SEVERAL: bool = False


def write(path: Path, people: Sequence[Motion]) -> None:
    (motion,) = people
    write_motion(path, motion)


def read(path: Path) -> list[Motion]:
    return [read_motion(path)]
