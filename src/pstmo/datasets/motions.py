"""Many motions in one .npz file: what `mocap.convert` writes, training films and the open benchmark is made of.

A folder of such files is one corpus, too; what does not fit into memory stays on disk.
"""

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.datasets.clips import FPS, Motion
from pstmo.errors import FormatError, PstmoError
from pstmo.files.atomic import make_folder, replacing
from pstmo.files.mapped import Joined, member
from pstmo.skeleton import MOCAP

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

    positions: (frames, 22, 3) float32, metres, world axes, z up, skeleton `mocap22`; `Joined` = on disk.
    starts: (clips + 1,) int64. names, subjects, actions, sources: (clips,) str, as in `Motion`.
    """

    positions: np.ndarray | Joined
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

    @property
    def shards(self) -> tuple[np.ndarray, ...]:
        """The positions as they lie, in memory or on disk: one array or several, end to end."""
        return self.positions.arrays if isinstance(self.positions, Joined) else (self.positions,)

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
        """Some of the motions. keep: (clips,) bool. What is on disk stays there."""
        lengths = np.diff(self.starts)
        if isinstance(self.positions, Joined):
            edges = self.starts[np.flatnonzero(np.diff(keep, prepend=False, append=False))].tolist()
            positions = self.positions.only(zip(edges[::2], edges[1::2], strict=True))
        else:
            positions = self.positions[np.repeat(keep, lengths)]
        return Corpus(
            positions=positions,
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


def save(path: Path, motions: list[Motion], sources: Mapping[str, list[int]], inventory: dict[str, Any]) -> None:
    """Writes motions of 50 frames a second, whole or not at all. sources, inventory: see `made_from`."""
    make_folder(path.parent)
    with replacing(path) as temporary, temporary.open("wb") as file:
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
            made_from=json.dumps(sources),
            inventory=json.dumps(inventory),
        )


def made_from(path: Path, sources: Mapping[str, list[int]]) -> dict[str, Any] | None:
    """The inventory of the motions in a file, if it is there, whole, and made from just these sources."""
    try:
        values = _read(path)
        return json.loads(str(values["inventory"])) if str(values["made_from"]) == json.dumps(sources) else None
    except (FormatError, KeyError, ValueError):
        return None


def load(path: Path, mapped: bool = False) -> Corpus:
    """What `save` wrote; of a folder, the motions of all its .npz files, in the order of their names.

    mapped: positions stay on disk. Raises FormatError for any other file, and for a folder with motions of different
    frame rates.
    """
    if path.is_dir():
        return _load_folder(path, mapped)
    values = _read(path, mapped)
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


def _load_folder(folder: Path, mapped: bool) -> Corpus:
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise FormatError(f"{folder}: found a folder without .npz files, expected one or more of motions")
    parts = [load(path, mapped) for path in paths]
    for path, part in zip(paths, parts, strict=True):
        if part.fps != parts[0].fps:
            raise FormatError(
                f"{path} has {part.fps:g} frames a second, {paths[0]} has {parts[0].fps:g}; expected the same in all"
            )
    shards = [shard for part in parts for shard in part.shards]
    return Corpus(
        positions=Joined(shards) if mapped else np.concatenate(shards),
        starts=_starts(np.concatenate([np.diff(part.starts) for part in parts])),
        names=np.concatenate([part.names for part in parts]),
        subjects=np.concatenate([part.subjects for part in parts]),
        actions=np.concatenate([part.actions for part in parts]),
        sources=np.concatenate([part.sources for part in parts]),
        fps=parts[0].fps,
    )


def _read(path: Path, mapped: bool = False) -> dict[str, Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            later = {"positions"} & set(stored.files) if mapped else set()
            values = {name: stored[name] for name in stored.files if name not in later}
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file or folder") from None
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise FormatError(f"{path}: not a whole file of motions (.npz), as `pstmo data mocap` writes them") from error
    return values | {name: Joined([member(path, name)]) for name in later}


def _check(corpus: Corpus, path: Path) -> None:
    clips = (corpus.clips,)
    columns = (corpus.subjects.shape, corpus.actions.shape, corpus.sources.shape)
    if corpus.positions.shape != (corpus.frames, len(MOCAP), 3) or set(columns) != {clips}:
        raise FormatError(
            f"{path}: positions {corpus.positions.shape} and columns {columns} of {clips} clips do not agree"
        )
    if corpus.positions.dtype != np.float32:
        raise FormatError(f"{path}: found positions of type {corpus.positions.dtype}, expected float32")
    ends = corpus.starts[[0, -1]].tolist()
    if corpus.starts.shape != (corpus.clips + 1,) or ends != [0, corpus.frames] or (np.diff(corpus.starts) < 0).any():
        raise FormatError(f"{path}: starts run from {ends[0]} to {ends[1]}, expected 0 to {corpus.frames}")
