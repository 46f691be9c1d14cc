"""pstmo's own file of one person, with all that is known: `files.motion`."""

from collections.abc import Sequence
from pathlib import Path

from pstmo.files.content import load
from pstmo.files.motion import motion_in, write_motion
from pstmo.motion import Motion

ENDING: str = ".npz"
SEVERAL: bool = False


def write(path: Path, people: Sequence[Motion]) -> None:
    (motion,) = people
    write_motion(path, motion)


def read(path: Path) -> list[Motion]:
    return [motion_in(load(path))]
