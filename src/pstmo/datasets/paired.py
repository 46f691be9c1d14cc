"""Paired 2D and 3D recordings as a folder of plain arrays: what converters write, training and evaluation read.

    dataset.json         the index: skeletons, recordings and their rows, where they came from
    poses.npy            (frames, joints, 3) float32, metres, camera axes, root joint at 0
    root.npy             (frames, 3) float32, metres, camera axes: the root joint; NaN where nobody knows
    observed.npy         (frames,) bool: False where a pose must be neither learned nor measured
    activity.npy         (frames,) uint8: place in the index's activities, 255 = none
    keypoints-KIND.npy   (frames, joints, 3) float32: x and y in pixels, confidence; 0 = not observed

KIND says who made the keypoints ("gt", "cpn_ft_h36m_dbb"). Recordings lie one after another in all arrays alike.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pstmo.camera import Intrinsics
from pstmo.datasets.recording import Entry, Recording
from pstmo.errors import FormatError, PstmoError
from pstmo.files.column import Column
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import Skeleton, from_facts

INDEX = "dataset.json"
FORMAT = "pstmo paired dataset 1"
NO_ACTIVITY = 255


@dataclass(frozen=True, eq=False)
class PairedDataset:
    """An opened folder. Arrays stay on disk until a recording is read. keypoints: skeleton of each kind."""

    folder: Path
    name: str
    poses: Skeleton
    keypoints: Mapping[str, Skeleton]
    entries: tuple[Entry, ...]
    activities: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)  # source, licence, what is missing

    @property
    def frames(self) -> int:
        return sum(entry.frames for entry in self.entries)

    def split(self, *names: str) -> "PairedDataset":
        """The recordings of one split or several. Raises PstmoError when one has none."""
        return self._only(lambda entry: entry.split, "split", names)

    def only(
        self, subjects: Iterable[str] = (), actions: Iterable[str] = (), cameras: Iterable[str] = ()
    ) -> "PairedDataset":
        """Some of the recordings; empty = all. Raises PstmoError naming what is there."""
        found = self._only(lambda entry: entry.subject, "subject", tuple(subjects))
        found = found._only(lambda entry: entry.action, "action", tuple(actions))
        return found._only(lambda entry: entry.camera, "camera", tuple(cameras))

    def skeleton_of(self, kind: str) -> Skeleton:
        """Of a kind of keypoints; raises PstmoError naming the kinds there are."""
        if kind not in self.keypoints:
            kinds = ", ".join(f"{name} ({skeleton.name})" for name, skeleton in self.keypoints.items())
            raise PstmoError(f"{self.name} has no keypoints {kind!r}; available: {kinds}")
        return self.keypoints[kind]

    def kind(self, wanted: str | None, layout: Skeleton | None = None) -> str:
        """The kind of keypoints that is wanted; None = the only one, or the only one that has the joints of `layout`.

        Raises PstmoError naming the kinds there are when that does not tell.
        """
        able = [k for k, found in self.keypoints.items() if layout is None or set(layout.joints) <= set(found.joints)]
        if wanted is None and len(able) == 1:
            return able[0]
        if wanted is None:
            kinds = ", ".join(f"{name} ({found.name})" for name, found in self.keypoints.items())
            fitting = f"{', '.join(able) or 'none'} of them with the joints of {layout.name}; " if layout else ""
            raise PstmoError(f"{self.name} has keypoints {kinds}; {fitting}say which: --keypoints KIND")
        self.skeleton_of(wanted)
        return wanted

    def recordings(self, kinds: Iterable[str] | None = None) -> Iterator[Recording]:
        """One after another, with some kinds of keypoints or all."""
        kinds = tuple(self.keypoints if kinds is None else kinds)
        return (self.read(entry, kinds) for entry in self.entries)

    def read(self, entry: Entry, kinds: Iterable[str]) -> Recording:
        seen = {}
        for kind in kinds:
            skeleton = self.skeleton_of(kind)
            rows = self.array(f"keypoints-{kind}", len(skeleton), 3)[entry.rows]
            seen[kind] = Keypoints.from_array(
                rows[..., :2],
                confidence=rows[..., 2],
                skeleton=skeleton,
                image_size=entry.image_size,
                fps=entry.fps,
                focal=entry.focal,
            )
        root = np.array(self.array("root", 3)[entry.rows])
        activity = np.array(self.array("activity")[entry.rows])
        return Recording(
            subject=entry.subject,
            take=entry.take,
            action=entry.action,
            camera=entry.camera,
            split=entry.split,
            keypoints=seen,
            poses=Poses.from_array(
                self.array("poses", len(self.poses), 3)[entry.rows],
                fps=entry.fps,
                skeleton=self.poses,
                observed=self.array("observed")[entry.rows],
            ),
            root=root if np.isfinite(root).any() else None,
            lens=Intrinsics(**{k: torch.tensor(v) for k, v in entry.lens.items()}) if entry.lens else None,
            activity=activity if self.activities else None,
        )

    @property
    def whole(self) -> bool:
        """Whether every array is there, as long as the index says."""
        try:
            for entry in self.entries[:1]:
                self.read(entry, self.keypoints)
        except FormatError:
            return False
        return True

    def array(self, name: str, *shape: int) -> np.ndarray:
        """One of the folder's arrays, mapped from disk. Raises FormatError if it is not as the index says."""
        path = self.folder / f"{name}.npy"
        try:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise FormatError(f"{path}: not a whole array ({error}); convert the data again") from error
        expected, total = _DTYPES.get(name, np.dtype(np.float32)), self.facts["frames"]
        if mapped.shape != (total, *shape) or mapped.dtype != expected:
            found = f"shape {mapped.shape} of {mapped.dtype}"
            raise FormatError(f"{path}: found {found}, the index says {(total, *shape)} of {expected}")
        return mapped

    def _only(self, key: Callable[[Entry], str], what: str, wanted: tuple[str, ...]) -> "PairedDataset":
        there = dict.fromkeys(key(entry) for entry in self.entries)
        missing = [name for name in wanted if name not in there]
        if missing:
            raise PstmoError(f"{self.name} has no {what} {', '.join(missing)}; available: {', '.join(there)}")
        return replace(self, entries=tuple(entry for entry in self.entries if not wanted or key(entry) in wanted))


_DTYPES = {"observed": np.dtype(bool), "activity": np.dtype(np.uint8)}


def load(folder: Path) -> PairedDataset:
    """Opens what `write` wrote. Raises FormatError for anything else."""
    path = folder / INDEX
    if not path.is_file():
        raise FormatError(f"{folder}: not a data set: it has no {INDEX}; `pstmo data` makes one")
    try:
        index = json.loads(path.read_text("utf-8"))
        if index["format"] != FORMAT:
            raise ValueError(f"format {index['format']!r}, expected {FORMAT!r}")
        return PairedDataset(
            folder=folder,
            name=str(index["name"]),
            poses=from_facts(index["poses"]),
            keypoints={str(kind): from_facts(facts) for kind, facts in index["keypoints"].items()},
            entries=tuple(Entry(**{**e, "image_size": tuple(e["image_size"])}) for e in index["recordings"]),
            activities=tuple(index["activities"]),
            facts=dict(index["facts"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, PstmoError) as error:
        raise FormatError(f"{path}: cannot be understood: {error!r}") from None


def fingerprint(sources: Iterable[Path]) -> dict[str, list[int]]:
    """Path, size and time of change of each file, and of those in a folder: what tells whether sources changed."""
    found = [path.resolve() for path in sources]
    files = [file for path in found for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return {str(file): [file.stat().st_size, file.stat().st_mtime_ns] for file in files if file.is_file()}


def made_from(folder: Path, sources: Mapping[str, list[int]]) -> PairedDataset | None:
    """The data set that is in the folder already, if just these sources (a `fingerprint`) made it."""
    if not (folder / INDEX).is_file():
        return None
    found = load(folder)
    return found if found.facts.get("sources") == sources and found.whole else None


def write(
    folder: Path,
    name: str,
    recordings: Iterable[Recording],
    activities: tuple[str, ...] = (),
    facts: Mapping[str, Any] | None = None,
) -> PairedDataset:
    """Writes recordings, as they come, into an existing folder; the index comes last. Use with `atomic.filling`.

    All must share skeletons and kinds of keypoints. facts: what else the index should say; under "sources" a
    `fingerprint`. Raises PstmoError where they don't, and when there are none.
    """
    entries: list[Entry] = []
    first: Recording | None = None
    with ExitStack() as stack:
        columns: dict[str, Column] = {}
        for recording in recordings:
            first = first or recording
            _check_alike(first, recording)
            for column, rows in _rows(recording).items():
                if column not in columns:
                    columns[column] = stack.enter_context(Column(folder / f"{column}.npy"))
                columns[column].append(rows)
            entries.append(_entry(recording, entries[-1].start + entries[-1].frames if entries else 0))
    if first is None:
        raise PstmoError(f"{name}: found no recordings, expected at least 1")
    twice = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    if twice:
        raise PstmoError(f"{name}: {twice[0]} is there twice, expected each subject/take/camera once")
    index = {
        "format": FORMAT,
        "name": name,
        "units": "metres; keypoints in pixels",
        "axes": "camera: x right, y down, z forward",
        "poses": asdict(first.poses.skeleton),
        "keypoints": {kind: asdict(seen.skeleton) for kind, seen in first.keypoints.items()},
        "activities": activities,
        "facts": {**(facts or {}), "frames": sum(entry.frames for entry in entries)},
        "recordings": [asdict(entry) for entry in entries],
    }
    (folder / INDEX).write_text(json.dumps(index, indent=1), "utf-8")
    return load(folder)


def _rows(recording: Recording) -> dict[str, np.ndarray]:
    frames = recording.frames
    nowhere, none = np.full((frames, 3), np.nan), np.full(frames, NO_ACTIVITY)
    columns = {
        "poses": recording.poses.positions.astype(np.float32),
        "root": np.asarray(nowhere if recording.root is None else recording.root, np.float32),
        "observed": recording.poses.observed.astype(bool),
        "activity": np.asarray(none if recording.activity is None else recording.activity, np.uint8),
    }
    for kind, seen in recording.keypoints.items():
        columns[f"keypoints-{kind}"] = np.concatenate([seen.xy, seen.confidence[..., None]], -1).astype(np.float32)
    return columns


def _entry(recording: Recording, start: int) -> Entry:
    seen = next(iter(recording.keypoints.values()))
    lens = None
    if recording.lens is not None:
        lens = {name: value.tolist() for name, value in recording.lens._asdict().items()}
    return Entry(
        recording.subject,
        recording.take,
        recording.action,
        recording.camera,
        recording.split,
        start,
        recording.frames,
        recording.poses.fps,
        seen.image_size,
        lens,
    )


def _check_alike(first: Recording, other: Recording) -> None:
    for of in (first, other):
        if not of.keypoints:
            raise PstmoError(f"{of.name}: found no keypoints, expected at least one kind")
    expected = {kind: seen.skeleton for kind, seen in first.keypoints.items()} | {"poses": first.poses.skeleton}
    found = {kind: seen.skeleton for kind, seen in other.keypoints.items()} | {"poses": other.poses.skeleton}
    if found != expected:
        names = [", ".join(f"{kind} ({s.name})" for kind, s in layouts.items()) for layouts in (found, expected)]
        raise PstmoError(f"{other.name}: found {names[0]}, {first.name} has {names[1]}; expected the same in all")
