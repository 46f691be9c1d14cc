"""Recordings made ready for windows: 2D normalised and its gaps filled, frames without a measured pose left out.

In memory, or written once into a folder and mapped from there:

    frames.json    what the files were made from, and the frames of each run; written last
    xy.npy         (frames, joints, 2) float32
    xyz.npy        (frames, joints, 3) float32
    observed.npy   (frames, joints) bool
    root.npy       (frames, 3) float32, NaN where nobody knows
"""

import json
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pstmo.camera import normalise_screen
from pstmo.datasets.paired import INDEX as PAIRED_INDEX
from pstmo.datasets.paired import PairedDataset, fingerprint
from pstmo.datasets.recording import Recording
from pstmo.errors import FormatError, PstmoError
from pstmo.files.atomic import filling, make_folder
from pstmo.files.column import Column
from pstmo.fill import interpolate
from pstmo.progress import progress
from pstmo.training.rows import Rows, Shards

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

INDEX = "frames.json"
FORMAT = "pstmo recorded frames 1"


class Recorded(NamedTuple):
    """The frames in which a pose was measured, run after run.

    xy: (frames, joints, 2), normalised screen, gaps interpolated over the recording. xyz: (frames, joints, 3), metres,
    root-relative. observed: (frames, joints), False where xy was a gap. lengths: frames of each run. entries: the place
    of each run's recording among the data set's entries. root: (frames, 3), metres, camera axes, where it is
    known in all frames.
    """

    xy: Rows
    xyz: Rows
    observed: Rows
    lengths: list[int]
    entries: list[int]
    root: Rows | None


class _Run(NamedTuple):
    """Frames of one recording on end, all of them measured."""

    entry: int
    xy: Float[Tensor, "frames joints_in 2"]
    xyz: Float[Tensor, "frames joints_out 3"]
    observed: Bool[Tensor, "frames joints_in"]
    root: Float[Tensor, "frames 3"]


def in_memory(data: PairedDataset, kind: str, device: torch.device | str = "cpu") -> Recorded:
    """All frames as tensors on a device. Raises PstmoError when no pose was measured."""
    runs = list(_runs(data, kind))
    if not runs:
        raise _nothing(data)
    entries, *columns = zip(*runs, strict=True)
    xy, xyz, observed, root = (torch.cat(parts).to(device) for parts in columns)
    rooted = root.isfinite().all()
    return Recorded(xy, xyz, observed, [len(run.xy) for run in runs], list(entries), root if rooted else None)


def on_disk(data: PairedDataset, kind: str, cache: Path) -> Recorded:
    """All frames, mapped from a folder in `cache`; it is written, a recording at a time, where it is not there yet.

    Of several processes that want the same, one writes. Frames of data that was converted anew take the place of the
    old ones. Raises PstmoError when no pose was measured, and when the system refuses.
    """
    which = zlib.crc32(repr((data.folder.resolve(), data.entries)).encode())
    folder = cache / f"{kind}-{'-'.join(dict.fromkeys(entry.split for entry in data.entries))}-{which:08x}"
    names = (PAIRED_INDEX, "poses.npy", "observed.npy", "root.npy", f"keypoints-{kind}.npy")
    made_from = {"entries": which, **fingerprint([data.folder / name for name in names])}
    joints = len(data.skeleton_of(kind))
    shapes = {"xy": (joints, 2), "xyz": (len(data.poses), 3), "observed": (joints,), "root": (3,)}
    try:
        return _open(folder, made_from, shapes)
    except FormatError:
        make_folder(cache)
    with _alone(cache / ".lock"):
        try:
            return _open(folder, made_from, shapes)  # another process was writing it
        except FormatError:
            with filling(folder, INDEX) as temporary:
                _write(temporary, data, kind, made_from)
            return _open(folder, made_from, shapes)


def _open(folder: Path, made_from: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> Recorded:
    """What `_write` wrote. Raises FormatError when it is not all there, or was made from something else."""
    try:
        index = json.loads((folder / INDEX).read_text("utf-8"))
        if (index["format"], index["made_from"]) != (FORMAT, made_from):
            raise ValueError("made from other data")
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in shapes}
        for name, array in arrays.items():
            if array.shape != (sum(index["lengths"]), *shapes[name]):
                raise ValueError(f"{name} has shape {array.shape}")
        rows = {name: Shards([array]) for name, array in arrays.items()}
        root = rows["root"] if index["rooted"] else None
        return Recorded(rows["xy"], rows["xyz"], rows["observed"], index["lengths"], index["entries"], root)
    except (OSError, ValueError, KeyError, TypeError, EOFError, PstmoError) as error:
        raise FormatError(f"{folder}: not whole, or of other data: {error!r}") from None


def _write(folder: Path, data: PairedDataset, kind: str, made_from: dict[str, Any]) -> None:
    lengths, entries, rooted = [], [], True
    with ExitStack() as stack:
        columns = [stack.enter_context(Column(folder / f"{name}.npy")) for name in ("xy", "xyz", "observed", "root")]
        for run in _runs(data, kind):
            for column, rows in zip(columns, (run.xy, run.xyz, run.observed, run.root), strict=True):
                column.append(rows.numpy())
            lengths.append(len(run.xy))
            entries.append(run.entry)
            rooted = rooted and bool(run.root.isfinite().all())
    if not lengths:
        raise _nothing(data)
    index = {"format": FORMAT, "made_from": made_from, "lengths": lengths, "entries": entries, "rooted": rooted}
    (folder / INDEX).write_text(json.dumps(index), "utf-8")


def _runs(data: PairedDataset, kind: str) -> Iterator[_Run]:
    recordings = progress(data.recordings([kind]), "reading recordings", len(data.entries))
    for entry, recording in enumerate(recordings):
        yield from _runs_of(recording, kind, entry)


def _runs_of(recording: Recording, kind: str, entry: int) -> Iterator[_Run]:
    seen = recording.keypoints[kind]
    observed = torch.from_numpy(seen.observed)
    xy = interpolate(normalise_screen(torch.from_numpy(seen.xy), *seen.image_size)[None], observed[None])[0]
    xyz = torch.from_numpy(recording.poses.positions)
    root = xyz.new_full((len(xyz), 3), torch.nan) if recording.root is None else torch.from_numpy(recording.root)
    edges = np.flatnonzero(np.diff(recording.poses.observed, prepend=False, append=False))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield _Run(entry, *(column[start:end] for column in (xy, xyz, observed, root)))


def _nothing(data: PairedDataset) -> PstmoError:
    return PstmoError(f"{data.name}: found no measured pose among {data.frames} frames to train on")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time; the system lets go of the lock of one that was killed."""
    try:
        with lock.open("w") as file:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise PstmoError(f"cannot write {lock}: {error}") from error
