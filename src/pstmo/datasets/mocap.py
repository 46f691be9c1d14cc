"""Folders of motion capture to one file of motions on skeleton `mocap22`, and that file back to arrays.

Made for the CMU Graphics Lab Motion Capture Database: a part of it with a `clips.csv` at its top (columns file,
subject, fps, action), or the whole of it as downloaded from mocap.cs.cmu.edu, or its BVH conversions.
"""

import csv
import lzma
import re
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pstmo.datasets.clips import FPS, Motion, Reading, read, read_clip
from pstmo.errors import FormatError, PstmoError
from pstmo.files.atomic import make_folder, replacing
from pstmo.skeleton import MOCAP

__all__ = ["Corpus", "Inventory", "Motion", "convert", "load", "motion_class", "read_clip"]

LICENCE = (
    "CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu: free for all uses; may be included in products that "
    "are sold, but may not be resold directly, even in converted form."
)
ACKNOWLEDGEMENT = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)
UNITS, AXES = "metres", "world, z up, right-handed"

SPLITS = {"test": ("02", "07", "17", "49", "64", "91", "131"), "validation": ("05", "10", "124")}
"""Subjects; all others train. 60 and 61 are a couple in the same takes, 13 and 14 act the same script: all train."""

LEFT_OUT = ("127_32", "uteapot_teapot", "60_06")
"""Clips in which heads are turned over."""

_PREFERENCE = (".amc", ".bvh")

_CLASSES = (
    ("everyday", r"\(human subject\)|laugh|drink|wash|mop|traffic|^sit |bend over, scoop|teapot|zombie|motorcycle"
                 r"|vacation|signals|range of motion"),
    ("climb", r"climb"),
    ("dance", r"danc|salsa|charleston|lambada|ballet|pirouette"),
    ("acrobatics", r"acrobat|cartwheel|flip|handstand|balance on|twirl"),
    ("sports", r"basketball|soccer|football|baseball|golf|^swing|box|punch|sword|kick|jumping ?jacks|karate"
               r"|empi|gedanbarai|heian|geri$|oiduki|syutouuke"),
    ("run and jump", r"\brun|jog|jump|\bhop|leap"),
    ("walk", r"walk|stride|navigate|step"),
)  # fmt: skip


def motion_class(action: str) -> str:
    """What kind of motion an action is, for reports: the first whose keywords fit, so that "dance - jump" is a dance.

    everyday, climb, dance, acrobatics, sports, run and jump, walk, or other.
    """
    return next((name for name, words in _CLASSES if re.search(words, action.lower())), "other")


@dataclass(frozen=True, eq=False)
class Corpus:
    """Many motions in one array; motion i has the frames from starts[i] up to starts[i + 1].

    positions: (frames, 22, 3) float32, metres, world axes, z up, skeleton `mocap22`. starts: (clips + 1,) int64.
    names, subjects, actions, sources: (clips,) str, as in `Motion`.
    """

    positions: np.ndarray
    starts: np.ndarray
    names: np.ndarray
    subjects: np.ndarray
    actions: np.ndarray
    sources: np.ndarray
    fps: float

    @property
    def clips(self) -> int:
        return len(self.names)

    @property
    def frames(self) -> int:
        return len(self.positions)

    def motion(self, i: int) -> Motion:
        positions = self.positions[self.starts[i] : self.starts[i + 1]]
        names = (str(column[i]) for column in (self.names, self.subjects, self.actions, self.sources))
        return Motion(positions, self.fps, *names)

    def split(self, *names: str) -> "Corpus":
        """The motions of the subjects in some splits: "train", "validation", "test". Raises PstmoError for others."""
        for name in names:
            if name not in ("train", *SPLITS):
                raise PstmoError(f"unknown split {name!r}; available: {', '.join(('train', *SPLITS))}")
        return self.only(np.array([split_of(subject) in names for subject in self.subjects], bool))

    def only(self, keep: np.ndarray) -> "Corpus":
        """Some of the motions. keep: (clips,) bool."""
        lengths = np.diff(self.starts)
        return Corpus(
            positions=self.positions[np.repeat(keep, lengths)],
            starts=_starts(lengths[keep]),
            names=self.names[keep],
            subjects=self.subjects[keep],
            actions=self.actions[keep],
            sources=self.sources[keep],
            fps=self.fps,
        )


def split_of(subject: str) -> str:
    return next((name for name, subjects in SPLITS.items() if subject in subjects), "train")


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


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


def convert(source: Path, out: Path) -> Inventory:
    """Reads every .amc and .bvh under a folder (or a tar archive) and writes one .npz that `load` reads.

    Where a clip is there in several forms, AMC goes before BVH. Clips that cannot be read are reported in the result
    and do not stop the others. Raises FormatError when nothing can be read. Starts two processes, so a script that
    calls it needs `if __name__ == "__main__"`.
    """
    with _unpacked(source) as folder:
        jobs = _jobs(folder)
        left_out = tuple(sorted(job.path.stem for job in jobs if job.path.stem in LEFT_OUT))
        jobs = [job for job in jobs if job.path.stem not in LEFT_OUT]
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            results = list(pool.map(_attempt, jobs, chunksize=8))
    failed = {}
    for job, result in zip(jobs, results, strict=True):
        if isinstance(result, str):
            failed[str(job.path.relative_to(folder))] = result.removeprefix(f"{job.path}: ")
    readings = [result for result in results if isinstance(result, Reading)]
    motions = [motion for reading in readings for motion in reading.motions]
    if not motions:
        raise FormatError(f"{source}: no motion in {len(jobs)} .amc and .bvh files; {dict(list(failed.items())[:3])}")
    _write(out, motions)
    cut = sum((reading.cut for reading in readings), Counter())
    return Inventory(_shares(readings), dict(cut), left_out, failed)


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


def _write(out: Path, motions: list[Motion]) -> None:
    make_folder(out.parent)
    with replacing(out) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            positions=np.concatenate([motion.positions for motion in motions]),
            starts=_starts(np.array([motion.frames for motion in motions])),
            names=np.array([motion.name for motion in motions]),
            subjects=np.array([motion.subject for motion in motions]),
            actions=np.array([motion.action for motion in motions]),
            sources=np.array([motion.source for motion in motions]),
            fps=np.float64(FPS),
            joints=np.array(MOCAP.joints),
            units=UNITS,
            axes=AXES,
            licence=LICENCE,
            acknowledgement=ACKNOWLEDGEMENT,
        )


def load(path: Path) -> Corpus:
    """What `convert` wrote. Raises FormatError for any other file."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            values = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise FormatError(f"{path}: not a file of motions ({error})") from error
    columns = ("positions", "starts", "names", "subjects", "actions", "sources", "fps")
    missing = [name for name in (*columns, "joints", "units") if name not in values]
    if missing:
        raise FormatError(f"{path}: not a file of motions: it lacks {', '.join(missing)}")
    if tuple(values["joints"]) != MOCAP.joints or str(values["units"]) != UNITS:
        raise FormatError(
            f"{path}: holds {', '.join(values['joints'])} in {values['units']}, expected mocap22 in metres"
        )
    corpus = Corpus(**{name: values[name] for name in columns[:-1]}, fps=float(values["fps"]))
    _check(corpus, path)
    return corpus


def _check(corpus: Corpus, path: Path) -> None:
    clips = (corpus.clips,)
    columns = (corpus.subjects.shape, corpus.actions.shape, corpus.sources.shape)
    if corpus.positions.shape != (corpus.frames, len(MOCAP), 3) or set(columns) != {clips}:
        raise FormatError(
            f"{path}: positions {corpus.positions.shape} and columns {columns} of {clips} clips do not agree"
        )
    ends = corpus.starts[[0, -1]].tolist()
    if corpus.starts.shape != (corpus.clips + 1,) or ends != [0, corpus.frames] or (np.diff(corpus.starts) < 0).any():
        raise FormatError(f"{path}: starts run from {ends[0]} to {ends[1]}, expected 0 to {corpus.frames}")
