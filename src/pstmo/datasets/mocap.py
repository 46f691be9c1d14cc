"""Folders of motion capture to one file of motions on skeleton `mocap22`; `motions` reads that file.

Made for the CMU Graphics Lab Motion Capture Database: a part of it with a `clips.csv` at its top (columns file,
subject, fps, action), or the whole of it as downloaded from mocap.cs.cmu.edu, or its BVH conversions.
"""

import csv
import lzma
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from pstmo.datasets import motions
from pstmo.datasets.clips import FPS, Reading, read
from pstmo.datasets.motions import SPLITS, split_of
from pstmo.datasets.paired import fingerprint
from pstmo.errors import FormatError
from pstmo.progress import progress

LEFT_OUT = ("127_32", "uteapot_teapot", "60_06")
"""Clips in which heads are turned over."""

_PREFERENCE = (".amc", ".bvh")


class Share(NamedTuple):
    """What a split holds; `files` counts clips before cuts split them into motions."""

    files: int
    motions: int
    frames: int
    minutes: float


@dataclass(frozen=True)
class Inventory:
    """What `convert` did. cut: frames (50 a second) left out, by reason. failed: what is wrong, by file."""

    splits: dict[str, Share]
    cut: dict[str, int]
    left_out: tuple[str, ...]
    failed: dict[str, str]

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Inventory":
        """From the same as plain values."""
        splits = {name: Share(*share) for name, share in facts["splits"].items()}
        return cls(splits, facts["cut"], tuple(facts["left_out"]), facts["failed"])

    def __str__(self) -> str:
        lines = [
            f"{name}: {s.files} files, {s.motions} motions, {s.frames} frames, {s.minutes:.1f} minutes"
            for name, s in self.splits.items()
        ]
        lines += [f"cut: {frames} frames, {reason}" for reason, frames in self.cut.items()]
        lines += [f"left out: {', '.join(self.left_out)}"] if self.left_out else []
        return "\n".join(lines + [f"failed: {file}: {why}" for file, why in self.failed.items()])


class _Job(NamedTuple):
    """A clip to read: path, and what clips.csv says of it."""

    path: Path
    fps: float | None = None
    subject: str | None = None
    action: str = ""


def made(source: Path, out: Path) -> Inventory | None:
    """What `convert` did, if `out` was made from this very source."""
    known = motions.made_from(out, fingerprint([source]))
    return None if known is None else Inventory.of(known)


def convert(source: Path, out: Path) -> Inventory:
    """Reads every .amc and .bvh under a folder (or a tar archive) and writes one .npz that `motions.load` reads.

    Where a clip is there in several forms, AMC goes before BVH. Clips that cannot be read are reported in the result
    and do not stop the others. Raises FormatError when nothing can be read. Starts two processes, so a script that
    calls it needs `if __name__ == "__main__"`. Does nothing when `out` was `made` from this source already.
    """
    known = made(source, out)
    if known is not None:
        return known
    sources = fingerprint([source])
    with _unpacked(source) as folder:
        jobs = _jobs(folder)
        left_out = tuple(sorted(job.path.stem for job in jobs if job.path.stem in LEFT_OUT))
        jobs = [job for job in jobs if job.path.stem not in LEFT_OUT]
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            results = list(progress(pool.map(_attempt, jobs, chunksize=8), "reading clips", len(jobs)))
    failed = {}
    for job, result in zip(jobs, results, strict=True):
        if isinstance(result, str):
            failed[str(job.path.relative_to(folder))] = result.removeprefix(f"{job.path}: ")
    readings = [result for result in results if isinstance(result, Reading)]
    found = [motion for reading in readings for motion in reading.motions]
    if not found:
        raise FormatError(f"{source}: no motion in {len(jobs)} .amc and .bvh files; {dict(list(failed.items())[:3])}")
    cut = sum((reading.cut for reading in readings), Counter())
    inventory = Inventory(_shares(readings), dict(cut), left_out, failed)
    motions.save(out, found, sources, asdict(inventory))
    return inventory


@contextmanager
def _unpacked(source: Path) -> Iterator[Path]:
    """The folder itself, or a temporary one with what the archive holds."""
    if source.is_dir():
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(source) as archive:
                archive.extractall(folder, filter="data")
        except (OSError, EOFError, tarfile.TarError, lzma.LZMAError) as error:
            raise FormatError(f"{source}: neither a folder nor a readable tar archive ({error})") from error
        yield Path(folder)


def _jobs(folder: Path) -> list[_Job]:
    """One job a clip, sorted by name."""
    known = _listed(folder)
    best: dict[str, Path] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PREFERENCE):
        other = best.get(path.stem)
        if other is None or _PREFERENCE.index(path.suffix.lower()) < _PREFERENCE.index(other.suffix.lower()):
            best[path.stem] = path
    return [known.get(path, _Job(path)) for _, path in sorted(best.items())]


def _listed(folder: Path) -> dict[Path, _Job]:
    """What the clips.csv files under a folder say."""
    jobs = {}
    for table in folder.rglob("clips.csv"):
        try:
            with table.open(newline="") as lines:
                for row in csv.DictReader(lines):
                    path = table.parent / row["file"]
                    jobs[path] = _Job(path, float(row["fps"]), row["subject"], row["action"])
        except (KeyError, ValueError, TypeError) as error:
            raise FormatError(f"{table}: expected columns file, subject, fps, action ({error!r})") from error
    return jobs


def _attempt(job: _Job) -> Reading | str:
    """The clip, or what is wrong with it."""
    try:
        return read(*job)
    except (FormatError, OSError) as error:
        return str(error)


def _shares(readings: list[Reading]) -> dict[str, Share]:
    shares = {}
    for name in ("train", *SPLITS):
        per_file = [r.motions for r in readings if r.motions and split_of(r.motions[0].subject) == name]
        frames = sum(motion.frames for motions in per_file for motion in motions)
        shares[name] = Share(len(per_file), sum(map(len, per_file)), frames, frames / FPS / 60)
    return shares
