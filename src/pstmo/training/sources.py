"""Where training windows come from: a batch is a gather of rows, and for motion a projection after it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import log
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from pstmo.camera import Intrinsics, back_project
from pstmo.chance import Chance
from pstmo.datasets.motions import Corpus, motion_class
from pstmo.datasets.paired import PairedDataset
from pstmo.datasets.recording import Entry
from pstmo.fill import interpolate, within
from pstmo.framing import FOCAL, FRAMINGS
from pstmo.imperfect import DetectorNoise, detect
from pstmo.presets import Recipe
from pstmo.skeleton import COCO, HUMAN36M, MOCAP, Skeleton
from pstmo.synthesis import BodyRanges, CameraRanges, random_cameras, vary_body
from pstmo.training.recorded import in_memory, on_disk
from pstmo.training.rows import Rows, Shards, checksum
from pstmo.windows import Clips, mirrored_some


class Batch(NamedTuple):
    """Windows of keypoints, framed as the source says, and their root-relative poses in metres, in the axes of that
    framing's view.

    sight: of each 2D joint in the centre frame its ray's x / z and y / z in camera axes, and the depth at which the
    root was measured, metres; None where cameras or roots are not known, or the framing is not "screen".
    """

    keypoints: Float[Tensor, "batch frames joints_in 2"]
    poses: Float[Tensor, "batch frames joints_out 3"]
    sight: Float[Tensor, "batch joints_in 3"] | None = None

    def split(self, parts: int) -> list["Batch"]:
        """About as many windows in each."""
        columns = ([None] * parts if column is None else column.tensor_split(parts) for column in self)
        return [Batch(*part) for part in zip(*columns, strict=True)]


@runtime_checkable  # so that signatures can be checked when the tests run
class Source(Protocol):
    """Windows by number; `len` of them are one epoch."""

    @property
    def keypoints(self) -> Skeleton: ...

    @property
    def poses(self) -> Skeleton: ...

    @property
    def framing(self) -> str:
        """How keypoints are put before the network, one of framing.FRAMINGS."""
        ...

    @property
    def rate(self) -> float:
        """Frames a second of the windows."""
        ...

    @property
    def origin(self) -> str:
        """Where its data lies, in words."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """What tells this source from others, so that a run does not go on with another one."""
        ...

    def __len__(self) -> int: ...

    def actions(self, numbers: Int[Tensor, " batch"]) -> list[str]:
        """What is done in some windows; "" where nobody knows."""
        ...

    def batch(self, numbers: Int[Tensor, " batch"], frames: int, chance: Chance) -> Batch: ...


@dataclass(frozen=True)
class PairedWindows:
    """Windows of recorded 2D and 3D, each once as it is and once mirrored (paper, section 4.2).

    xy: (all frames, joints, 2), normalised screen. xyz: (all frames, joints, 3), root-relative. clips: which belong
    together. fps: of the recording. tds: source frames between two frames of a window. observed: (all frames, joints),
    where gaps of xy were filled; they are filled again in each window. None = there are none. lenses: of each clip,
    roots: (all frames, 3), the root joint in camera axes, metres; each where all are known.
    """

    xy: Rows
    xyz: Rows
    clips: Clips
    keypoints: Skeleton = COCO
    poses: Skeleton = HUMAN36M
    fps: float = 50.0
    tds: int = 1
    framing: str = "screen"
    observed: Rows | None = None
    lenses: Intrinsics | None = None
    labels: tuple[str, ...] = ()  # what is done in each clip
    roots: Rows | None = None
    origin: str = ""

    @classmethod
    def of(
        cls,
        data: PairedDataset,
        kind: str,
        recipe: Recipe,
        device: str = "cpu",
        mapped: bool = False,
        cache: Path | None = None,
    ) -> "PairedWindows":
        """Every frame of a data set whose pose was measured; gaps of its keypoints are interpolated.

        Where recordings have different frame rates, `fps` is the commonest, and tds counts recorded frames in all.
        mapped: frames stay on disk, written once into `cache`; None = the folder `mapped` in that of the data set.
        """
        there = on_disk(data, kind, cache or data.folder / "mapped") if mapped else in_memory(data, kind, device)
        layouts, rates = (data.skeleton_of(kind), data.poses), Counter(entry.fps for entry in data.entries)
        settings = (rates.most_common(1)[0][0], recipe.tds, recipe.framing)
        entries, clips = [data.entries[entry] for entry in there.entries], Clips(there.lengths, device)
        known = (there.observed, _lenses(entries, device), tuple(entry.action for entry in entries), there.root)
        return cls(there.xy, there.xyz, clips, *layouts, *settings, *known, f"{data.folder}, keypoints {kind}")

    @property
    def rate(self) -> float:
        return self.fps / self.tds

    @property
    def facts(self) -> dict[str, Any]:
        focal = [] if self.lenses is None or self.framing != "facing" else [self.lenses.focal]
        data = checksum(self.xy, self.xyz, self.clips.starts, *focal)
        return {"data": data, "rate": self.rate, "tds": self.tds, "framing": self.framing}

    def __len__(self) -> int:
        return 2 * len(self.clips)

    def actions(self, numbers: Int[Tensor, " batch"]) -> list[str]:
        return _labels(self.labels, self.clips, numbers % len(self.clips))

    def batch(self, numbers: Int[Tensor, " batch"], frames: int, chance: Chance) -> Batch:
        centres = numbers % len(self.clips)
        rows = self.clips.windows(centres, frames, self.tds)
        recorded = _rows(self.xy, rows)
        xy = recorded if self.observed is None else within(recorded, _rows(self.observed, rows))
        if self.lenses is None:
            focal = xy.new_full((len(xy),), FOCAL)
        else:
            focal = self.lenses.focal.mean(-1)[self.clips.clip_of_frame[centres]]
        batch = _framed(xy, _rows(self.xyz, rows), self.framing, focal)
        batch = batch._replace(sight=self._sight(recorded[:, frames // 2], centres))
        return mirror_some(batch, numbers >= len(self.clips), self.keypoints, self.poses)

    def _sight(self, xy: Float[Tensor, "batch joints 2"], centres: Int[Tensor, " batch"]) -> Tensor | None:
        """See Batch. As in evaluation, gaps of xy are filled over the recording, not within the window."""
        if self.lenses is None or self.roots is None or self.framing != "screen":
            return None
        clips = self.clips.clip_of_frame[centres]
        sight = back_project(xy, torch.ones_like(xy[..., 0]), Intrinsics(*(part[clips, None] for part in self.lenses)))
        sight[..., 2] = self.roots[centres][:, 2:]
        return sight


@dataclass(frozen=True)
class SeenMotion:
    """Windows of motion in the world, seen by a new random camera and a new imperfect detector each time.

    world: (all frames, 22, 3), metres, z up, skeleton `mocap22`. fps: of the motion; windows run at a rate drawn from
    `rates`, by interpolation between its frames.
    """

    world: Rows
    clips: Clips
    fps: float
    rates: tuple[float, float] = (20.0, 60.0)
    cameras: CameraRanges = field(default_factory=CameraRanges)
    noise: DetectorNoise = field(default_factory=DetectorNoise)
    body: BodyRanges = field(default_factory=BodyRanges)
    keypoints: Skeleton = COCO
    poses: Skeleton = HUMAN36M
    framing: str = "person"
    labels: tuple[str, ...] = ()  # what is done in each clip
    origin: str = ""

    @property
    def rate(self) -> float:
        return (self.rates[0] * self.rates[1]) ** 0.5

    @property
    def facts(self) -> dict[str, Any]:
        chance = {"cameras": asdict(self.cameras), "noise": asdict(self.noise), "body": asdict(self.body)}
        return {"data": checksum(self.world), "rates": self.rates, "framing": self.framing} | chance

    @classmethod
    def of(
        cls, corpus: Corpus, recipe: Recipe, device: str = "cpu", mapped: bool = False, origin: str = ""
    ) -> "SeenMotion":
        """The motions of a corpus, in windows as the recipe wants them. mapped: they stay where they lie, on disk if
        the corpus was loaded so."""
        rates = recipe.rates or (corpus.fps / recipe.tds, corpus.fps / recipe.tds)
        clips = Clips(np.diff(corpus.starts).tolist(), device)
        world = Shards(corpus.shards) if mapped else torch.from_numpy(np.asarray(corpus.positions)).to(device)
        labels = tuple(motion_class(str(action)) for action in corpus.actions)
        return cls(world, clips, corpus.fps, rates, framing=recipe.framing, labels=labels, origin=origin)

    def __len__(self) -> int:
        return len(self.clips)

    def actions(self, numbers: Int[Tensor, " batch"]) -> list[str]:
        return _labels(self.labels, self.clips, numbers)

    def batch(self, numbers: Int[Tensor, " batch"], frames: int, chance: Chance) -> Batch:
        world = self._windows(numbers, frames, chance)
        seen, body = vary_body(world, self.body, chance)
        body, root = _joints(body, self.poses), self.poses.root_index
        camera = random_cameras(body[:, frames // 2, root], self.cameras, chance)
        xy, _ = camera.see(seen)
        xy = interpolate(*detect(_joints(xy, self.keypoints), self.noise, chance, self.keypoints))
        poses = camera.turned(body - body[:, :, root : root + 1])
        batch = _framed(xy, poses, self.framing, camera.focal.squeeze(1))
        heads = chance.uniform(len(numbers)) < 0.5
        return mirror_some(batch, heads, self.keypoints, self.poses)

    def _windows(self, centres: Int[Tensor, " batch"], frames: int, chance: Chance) -> Tensor:
        """(batch, frames, 22, 3) at a random rate around each centre."""
        low, high = (log(rate) for rate in self.rates)
        step = self.fps / torch.exp(low + (high - low) * chance.uniform(len(centres), 1))
        clip = self.clips.clip_of_frame[centres]
        before, after = self.clips.starts[clip] - centres, self.clips.starts[clip + 1] - 1 - centres
        at = (torch.arange(frames, device=centres.device) - frames // 2) * step  # in frames, from the centre
        at = torch.minimum(torch.maximum(at, before[:, None]), after[:, None])
        low = at.floor().long()
        high = torch.minimum(low + 1, after[:, None])
        share = (at - low)[..., None, None]
        low, high = _rows(self.world, centres[:, None] + torch.stack([low, high]))
        return low.lerp_(high, share)


def _rows(of: Rows, index: Int[Tensor, "*axes"]) -> Tensor:
    """of[index]; a tensor's rows are copied whole, which plain indexing does number by number."""
    return of.index_select(0, index.flatten()).unflatten(0, index.shape) if isinstance(of, Tensor) else of[index]


def _joints(points: Float[Tensor, "batch frames 22 axes"], layout: Skeleton) -> Tensor:
    """Those of `mocap22` that a layout has; where it begins with them, as Human3.6M's, nothing is copied."""
    places = MOCAP.select(layout)
    if places == tuple(range(len(places))):
        return points[:, :, : len(places)]
    return points.index_select(2, torch.tensor(places, device=points.device))


def _labels(labels: tuple[str, ...], clips: Clips, frames: Tensor) -> list[str]:
    return [labels[clip] if labels else "" for clip in clips.clip_of_frame[frames].tolist()]


def _lenses(entries: Sequence[Entry], device: str) -> Intrinsics | None:
    """Of each of them, if all are known."""
    lenses = [entry.lens for entry in entries if entry.lens]
    if len(lenses) < len(entries):
        return None
    return Intrinsics(*(torch.tensor([lens[name] for lens in lenses], device=device) for name in Intrinsics._fields))


def _framed(xy: Tensor, poses: Tensor, framing: str, focal: Tensor) -> Batch:
    view = FRAMINGS[framing](xy, focal)
    return Batch(view.keypoints, view.turned(poses))


def mirror_some(batch: Batch, which: Tensor, keypoints: Skeleton, poses: Skeleton) -> Batch:
    """Left and right change places in the windows where `which` is True."""
    return Batch(
        mirrored_some(batch.keypoints, which, keypoints),
        mirrored_some(batch.poses, which, poses),
        None if batch.sight is None else mirrored_some(batch.sight, which, keypoints),
    )


def validation_batches(
    source: Source, frames: int, windows: int = 2048, batch: int = 256, device: str | torch.device = "cpu"
) -> list[Batch]:
    """The same windows each time, those of `validation_numbers`."""
    chance = Chance(Generator(device).manual_seed(1))
    return [source.batch(part, frames, chance) for part in validation_numbers(source, windows).to(device).split(batch)]


def validation_numbers(source: Source, windows: int = 2048) -> Int[Tensor, " windows"]:
    """Numbers of windows that are spread evenly over the source."""
    return torch.linspace(0, len(source) - 1, min(windows, len(source)), dtype=torch.float64).long()
