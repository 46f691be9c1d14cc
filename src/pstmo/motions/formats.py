"""Files of motion in formats that other programs read; the ending of a file's name says which."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from pstmo.errors import FormatError, PstmoError
from pstmo.files.atomic import replacing
from pstmo.files.content import naming
from pstmo.motion import Motion
from pstmo.motions import bvh, c3d, coco, csv_table, glb, json_document, npz, parquet, trc


class Format(Protocol):
    """A format is a module with these. SEVERAL: whether a file holds several people; `write` gets one otherwise.

    `read` raises FormatError, or another PstmoError, for what is not such a file, whatever it is.
    """

    ENDING: str
    SEVERAL: bool

    def write(self, path: Path, people: Sequence[Motion]) -> None: ...

    def read(self, path: Path) -> list[Motion]: ...


FORMATS: dict[str, Format] = {
    "npz": npz,
    "bvh": bvh,
    "glb": glb,
    "trc": trc,
    "c3d": c3d,
    "csv": csv_table,
    "parquet": parquet,
    "json": json_document,
    "coco": coco,
}


def write_motions(path: str | Path, people: Sequence[Motion], format: str | None = None) -> list[Path]:
    """Writes people's motion: metres, in the format's usual axes, whole or not at all; returns what was written.

    format: one of FORMATS; without it, the ending of the name decides. Where a file holds one person, several are
    several files, by their numbers: name-1.bvh, name-2.bvh. Raises PstmoError.
    """
    path = Path(path)
    known = FORMATS[format_of(path) if format is None else checked(format)]
    written = paths_for(path, people, format)
    groups = [people] if known.SEVERAL else [[motion] for motion in people]
    for file, group in zip(written, groups, strict=True):
        with naming(file), replacing(file) as temporary:
            known.write(temporary, group)
    return written


def paths_for(path: str | Path, people: Sequence[Motion], format: str | None = None) -> list[Path]:
    """The files that `write_motions` writes. Raises PstmoError where two people have the same number, or nobody any."""
    path = Path(path)
    known = FORMATS[format_of(path) if format is None else checked(format)]
    numbers = [motion.person for motion in people]
    if not numbers or len(set(numbers)) < len(numbers):
        raise PstmoError(f"found people with the numbers {numbers}, expected one at least, each with its own")
    if known.SEVERAL or len(people) == 1:
        return [path]
    ending = known.ENDING if path.name.lower().endswith(known.ENDING) else path.suffix
    stem = path.name[: len(path.name) - len(ending)]
    return [path.with_name(f"{stem}-{number}{path.name[len(stem) :]}") for number in numbers]


def read_motions(path: str | Path) -> list[Motion]:
    """Everybody's motion in a file; the ending of the name decides how it is read.

    Raises PstmoError, mostly a FormatError, that starts with the file's name.
    """
    path = Path(path)
    known = FORMATS[format_of(path)]
    with naming(path):
        if path.is_dir():
            raise FormatError("found a folder, expected a file of motion")
        people = known.read(path)
        if not people:
            raise FormatError("found nobody, expected the motion of one person at least")
        return people


def numbered(people: Sequence[Motion]) -> list[Motion]:
    """People of several files: by their own numbers, or in their order where two have the same."""
    if len({motion.person for motion in people}) == len(people):
        return list(people)
    return [replace(motion, person=i) for i, motion in enumerate(people, start=1)]


def format_of(path: Path) -> str:
    """Raises PstmoError for an ending that no format has."""
    fits = [name for name, known in FORMATS.items() if path.name.lower().endswith(known.ENDING)]
    if not fits:
        endings = ", ".join(known.ENDING for known in FORMATS.values())
        raise PstmoError(f"{path}: found the ending {path.suffix!r}, expected one of {endings}")
    return max(fits, key=lambda name: len(FORMATS[name].ENDING))


def checked(format: str) -> str:
    """That name; raises PstmoError naming the formats there are."""
    if format not in FORMATS:
        raise PstmoError(f"unknown format {format!r}; available: {', '.join(FORMATS)}")
    return format
