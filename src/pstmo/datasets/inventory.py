"""What is in a data set, as tables for the terminal. All keypoints and poses are looked at, some at a time."""

from collections.abc import Iterator, Sequence
from textwrap import fill

import numpy as np

from pstmo.datasets.paired import PairedDataset
from pstmo.datasets.recording import SPLITS, Entry
from pstmo.errors import FormatError

_CHUNK = 10_000
"""Frames in memory at a time."""

_MOST = 20
"""Missing things that are named; of more there is the number."""

_WIDTH = 100

_PEOPLE = ["split", "subject", "recordings", "takes", "actions", "cameras", "frames", "minutes"]
_KEYPOINTS = ["keypoints", "skeleton", "observed", "x (pixels)", "y (pixels)", "outside the picture"]


def inventory(dataset: PairedDataset) -> str:
    """Who is in each split, where keypoints and poses lie, and what is missing.

    Raises FormatError for a folder whose arrays are not as its index says.
    """
    sizes = sorted({entry.image_size for entry in dataset.entries})
    pictures = " and ".join(f"{width} x {height}" for width, height in sizes)
    return "\n\n".join(
        [
            f"{dataset.name}: pictures of {pictures} pixels",
            _table([_PEOPLE, *_people(dataset.entries)]),
            _table([_KEYPOINTS, *(_keypoints(dataset, kind) for kind in dataset.keypoints)]),
            _table(_poses(dataset), names=1),
            *(_wrapped(f"note: {note}") for note in dataset.facts.get("notes", ())),
            *([_missing(dataset.facts["missing"])] if "missing" in dataset.facts else []),
        ]
    )


def _people(entries: Sequence[Entry]) -> Iterator[list[str]]:
    """A line a subject, split by split, and one of all."""
    for split in SPLITS:
        members = [entry for entry in entries if entry.split == split]
        subjects = sorted({entry.subject for entry in members}, key=lambda name: (len(name), name))
        for subject in subjects:
            counts = _counts([entry for entry in members if entry.subject == subject])
            yield [split if subject == subjects[0] else "", subject, *counts]
    yield ["all", f"{len({entry.subject for entry in entries}):,}", *_counts(entries)]


def _counts(entries: Sequence[Entry]) -> list[str]:
    numbers = (
        len(entries),
        len({(entry.subject, entry.take) for entry in entries}),
        len({entry.action for entry in entries}),
        len({entry.camera for entry in entries}),
        sum(entry.frames for entry in entries),
    )
    return [*(f"{number:,}" for number in numbers), f"{sum(e.frames / e.fps for e in entries) / 60:,.1f}"]


def _keypoints(dataset: PairedDataset, kind: str) -> list[str]:
    """A line on one kind. Outside are observed keypoints beyond the edges of their recording's pictures."""
    skeleton = dataset.keypoints[kind]
    array = dataset.array(f"keypoints-{kind}", len(skeleton), 3)
    total = observed = outside = 0
    across, down = _Range(), _Range()
    for entry, rows in _chunks(dataset):
        x, y, confidence = np.moveaxis(array[rows], -1, 0).copy()  # nan where not observed
        width, height = entry.image_size
        total += confidence.size
        observed += int(np.count_nonzero(confidence))
        outside += int(np.count_nonzero((x < 0) | (x > width) | (y < 0) | (y > height)))
        across.reach(x)
        down.reach(y)
    ranges = (str(across), str(down))
    return [kind, skeleton.name, _share(observed, total), *ranges, _share(outside, observed)]


def _poses(dataset: PairedDataset) -> list[list[str]]:
    """A line on the poses, under its heading. Frames that are not observed count in no range."""
    skeleton, root = dataset.poses, dataset.poses.root
    positions, roots = dataset.array("poses", len(skeleton), 3), dataset.array("root", 3)
    flags = dataset.array("observed")
    total = observed = 0
    farthest, depth = 0.0, _Range(".1f", " m")
    for _, rows in _chunks(dataset):
        seen = flags[rows]
        total += len(seen)
        observed += int(np.count_nonzero(seen))
        farthest = max(farthest, np.linalg.norm(positions[rows][seen], axis=-1).max(initial=0))
        depth.reach(roots[rows][seen, 2])
    return [
        ["poses", "observed", f"farthest from {root}", f"depth of {root}"],
        [skeleton.name, _share(observed, total), f"{farthest:.2f} m", str(depth)],
    ]


class _Range:
    """The smallest and the largest number so far; nan is none."""

    def __init__(self, form: str = "z,.0f", unit: str = ""):
        self.low, self.high, self.form, self.unit = np.inf, -np.inf, form, unit

    def reach(self, values: np.ndarray) -> None:
        self.low = np.fmin.reduce(values, None, initial=self.low)
        self.high = np.fmax.reduce(values, None, initial=self.high)

    def __str__(self) -> str:
        if self.low > self.high:
            return "unknown"
        return f"{self.low:{self.form}} to {self.high:{self.form}}{self.unit}"


def _chunks(dataset: PairedDataset) -> Iterator[tuple[Entry, slice]]:
    """Rows to read at a time, none of two recordings. Raises FormatError for recordings beyond the arrays' end."""
    for entry in dataset.entries:
        end = entry.start + entry.frames
        if not 0 <= entry.start < end <= dataset.facts["frames"]:
            rows = f"rows {entry.start} to {end} of {dataset.facts['frames']}"
            raise FormatError(f"{dataset.folder}: {entry.name} has {rows}; convert the data again")
        for start in range(entry.start, end, _CHUNK):
            yield entry, slice(start, min(start + _CHUNK, end))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "-"


def _missing(missing: Sequence[str]) -> str:
    named, more = ", ".join(missing[:_MOST]), len(missing) - _MOST
    return _wrapped(f"missing: {named or 'nothing'}" + (f" and {more:,} more" if more > 0 else ""))


def _wrapped(text: str) -> str:
    return fill(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _table(rows: Sequence[Sequence[str]], names: int = 2) -> str:
    """Columns side by side: names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        cells[:names] = [cell.ljust(width) for cell, width in zip(row[:names], widths, strict=False)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
