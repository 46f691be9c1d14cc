"""The work on one item, in two parts that may be done by different processes: see who is in it, and lift them."""

import hashlib
import json
import logging
import os
import posixpath
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

from pstmo import checkpoint, pipeline
from pstmo.corpus.items import Item
from pstmo.corpus.places import place
from pstmo.corpus.records import Record, Target
from pstmo.errors import PstmoError
from pstmo.files import write_motion
from pstmo.logged import logged
from pstmo.motion import Motion
from pstmo.options import Looking, Options, Reading
from pstmo.pipeline import Clock
from pstmo.sequence import Keypoints
from pstmo.source import DETECTIONS, is_video

_log = logging.getLogger("pstmo.corpus")


@dataclass(frozen=True)
class Order:
    """How a corpus is lifted. out: address of the target. settings: see `Record`."""

    out: str
    options: Options
    settings: str

    @classmethod
    def of(cls, out: str, options: Options) -> "Order":
        """Raises CheckpointError, PstmoError when weights are not there."""
        lifting, looking = options.lifting, options.looking
        weights = checkpoint.find(lifting.weights or checkpoint.DEFAULT)
        checkpoint.load(weights)
        if lifting.weights and Path(lifting.weights).is_file():
            options = replace(options, lifting=replace(lifting, weights=str(weights.absolute())))
        facts = asdict(options)
        del facts["lifting"]["device"]  # which changes nothing that one could see
        facts["lifting"]["weights"] = _digest(_content(weights))  # their content counts, not where it lies
        for name in ("detector_weights", "person_weights"):
            path = getattr(looking, name)
            facts["looking"][name] = path and _digest(_content(path))
        return cls(out, options, _digest(json.dumps(facts, sort_keys=True).encode()))


@dataclass(frozen=True, eq=False)
class Seen:
    """Half an item. people: who is to be lifted, by number; none where the record has an error."""

    record: Record
    people: dict[int, Keypoints]


class Seer:
    """Reads keypoints, or decodes a video and looks for people in it."""

    def __init__(self, order: Order):
        self.order, self.target = order, place(order.out)

    def __call__(self, item: Item) -> Seen:
        record = Record(item.name, item.address, item.size, item.stamp, self.order.settings, version=version("pstmo"))
        clock, people = Clock(), {}
        with logged("pstmo.files", "pstmo.pipeline") as told, TemporaryDirectory(prefix="pstmo-") as folder:
            try:
                people = self._people(item, Path(folder), clock)
            except Exception as error:
                record = replace(record, error=_line(item.name, error))
        return Seen(_named(replace(record, told=told, took=_seconds(clock)), folder), people)

    def _people(self, item: Item, folder: Path, clock: Clock) -> dict[int, Keypoints]:
        source, options = place(item.address), self.order.options
        with clock("fetching"):
            here = source.fetch(folder)
        if not is_video(str(here)):
            return pipeline.keypoints_in(str(here), folder, replace(options, looking=Looking()), clock)
        options = replace(options, reading=Reading())
        if not source.local:
            os.utime(here, (0, crc32(item.stamp.encode())))  # by which a run that goes on knows its pictures
        with self._detections(item, folder) as out:
            return pipeline.keypoints_in(str(here), out, options, clock)

    @contextmanager
    def _detections(self, item: Item, folder: Path) -> Iterator[Path]:
        """The folder on this machine where what is seen in a video is written while it is looked at; it ends up in the
        item's own folder."""
        theirs = self.target.below(item.name)
        if theirs.local:
            yield Path(theirs.path)
            return
        kept, out = theirs.below(DETECTIONS), folder / "out"
        out.mkdir()
        if kept.exists():
            (out / DETECTIONS).write_bytes(kept.read())
        yield out
        kept.write((out / DETECTIONS).read_bytes())


class Raiser:
    """Lifts who was seen, and writes what comes of it."""

    def __init__(self, order: Order):
        """Raises CheckpointError, PstmoError."""
        self.options, self.target = order.options, Target(place(order.out))
        self.lifter = pipeline.lifter(order.options.lifting)

    def __call__(self, batch: Sequence[Seen]) -> Iterator[Record]:
        """Of each, when it is written. Raises PstmoError when not even that can be."""
        started = time.perf_counter()
        lifted = self._lifted([seen.people for seen in batch])
        each = (time.perf_counter() - started) / len(batch)
        for seen, motions in zip(batch, lifted, strict=True):
            yield self._written(seen.record, motions, Clock({"lifting": each}))

    def _lifted(self, clips: Sequence[dict[int, Keypoints]]) -> Sequence[list[Motion] | Exception]:
        """Together; when that fails, each by itself."""
        try:
            return pipeline.lifted(clips, self.lifter, self.options.lifting)
        except Exception as error:
            return [error] if len(clips) == 1 else [each for clip in clips for each in self._lifted([clip])]

    def _written(self, record: Record, motions: list[Motion] | Exception, clock: Clock) -> Record:
        files = {}
        with logged("pstmo.pipeline") as told:
            try:
                if isinstance(motions, Exception):
                    raise motions
                if not record.error:
                    motions = pipeline.finished(motions, self.lifter, self.options, clock)
                    record = _described(record, motions)
                    with clock("writing"):
                        files = self._files(motions)
            except Exception as error:
                record = replace(record, error=_line(record.item, error))
        sizes = {name: len(content) for name, content in files.items()}
        record = replace(record, told=record.told + told, took=record.took | _seconds(clock), files=sizes)
        try:
            self.target.clear(record.item)
            return self.target.put(record, files)
        except PstmoError as error:
            _log.warning("%s: %s", record.item, error)
            return replace(record, error=_line(record.item, error), files={})

    def _files(self, motions: list[Motion]) -> dict[str, bytes]:
        """As `pstmo lift` calls them."""
        files = {}
        with TemporaryDirectory(prefix="pstmo-") as folder:
            for motion in motions:
                path = Path(folder, pipeline.file_of(motion, self.options))
                write_motion(path, motion)
                files[path.name] = path.read_bytes()
        return files


def _described(record: Record, motions: list[Motion]) -> Record:
    return replace(
        record,
        people=len(motions),
        frames=sum(motion.frames for motion in motions),
        seconds=round(sum(motion.frames / motion.fps for motion in motions), 3),
        model=motions[0].poses.model,
    )


def _seconds(clock: Clock) -> dict[str, float]:
    return {stage: round(seconds, 4) for stage, seconds in clock.stages.items()}


def _named(record: Record, folder: str) -> Record:
    """A copy that was fetched goes by the address of its source."""
    where = posixpath.dirname(record.source)
    told = [line.replace(folder, where) for line in record.told]
    return replace(record, told=told, error=record.error and record.error.replace(folder, where))


def _line(name: str, error: Exception) -> str:
    """One, of an error that a user made, or of one that we did."""
    first = (str(error) or "no reason given").splitlines()[0]
    return first if isinstance(error, PstmoError) else f"{name}: {type(error).__name__}: {first}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PstmoError(f"cannot read {path}: {error.strerror}") from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
