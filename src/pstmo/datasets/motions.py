"""Many motions in one .npz file: what `mocap.convert` writes, training films and the open benchmark is made of."""

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


def load(path: Path) -> Corpus:
    """What `save` wrote. Raises FormatError for any other file."""
    values = _read(path)
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


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise FormatError(f"{path}: not a file of motions ({error})") from error


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
