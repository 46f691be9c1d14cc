"""Where training windows come from: a batch is an index gather on one tensor, and for motion a projection after it."""

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from math import log
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from pstmo.camera import normalise_screen
from pstmo.checkpoint import Checkpoint
from pstmo.datasets.motions import Corpus
from pstmo.datasets.paired import PairedDataset
from pstmo.datasets.recording import Recording
from pstmo.detector import DetectorNoise, detect
from pstmo.errors import PstmoError
from pstmo.fill import interpolate, within
from pstmo.framing import FRAMINGS
from pstmo.official import Network
from pstmo.presets import ModelConfig, Recipe
from pstmo.skeleton import COCO, HUMAN36M, MOCAP, Skeleton
from pstmo.synthesis import BodyRanges, CameraRanges, random_cameras, vary_body
from pstmo.windows import Clips, mirrored


class Batch(NamedTuple):
    """Windows of keypoints, framed as the source says, and their root-relative poses in metres, camera axes."""

    keypoints: Float[Tensor, "batch frames joints_in 2"]
    poses: Float[Tensor, "batch frames joints_out 3"]


@runtime_checkable  # so that signatures can be checked when the tests run
class Source(Protocol):
    """Windows by number; `len` of them are one epoch. Chance comes from the generator alone."""

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
    def facts(self) -> dict[str, Any]:
        """What tells this source from others, so that a run does not go on with another one."""
        ...

    def __len__(self) -> int: ...

    def batch(self, numbers: Int[Tensor, " batch"], frames: int, generator: Generator) -> Batch: ...


@dataclass(frozen=True)
class PairedWindows:
    """Windows of recorded 2D and 3D, each once as it is and once mirrored (paper, section 4.2).

    xy: (all frames, joints, 2), normalised screen. xyz: (all frames, joints, 3), root-relative. clips: which belong
    together. fps: of the recording. tds: source frames between two frames of a window. observed: (all frames, joints),
    where gaps of xy were filled; they are filled again in each window. None = there are none.
    """

    xy: Tensor
    xyz: Tensor
    clips: Clips
    keypoints: Skeleton = COCO
    poses: Skeleton = HUMAN36M
    fps: float = 50.0
    tds: int = 1
    framing: str = "screen"
    observed: Tensor | None = None

    @classmethod
    def of(cls, data: PairedDataset, kind: str, recipe: Recipe, device: str = "cpu") -> "PairedWindows":
        """Every frame of a data set whose pose was measured; gaps of its keypoints are interpolated.

        Where recordings have different frame rates, `fps` is the commonest, and tds counts recorded frames in all.
        """
        pieces = [piece for recording in data.recordings([kind]) for piece in _pieces(recording, kind)]
        if not pieces:
            raise PstmoError(f"{data.name}: found no measured pose among {data.frames} frames to train on")
        xy, xyz, observed = (torch.cat(parts).to(device) for parts in zip(*pieces, strict=True))
        clips = Clips([len(piece[0]) for piece in pieces], device)
        layouts, rates = (data.skeleton_of(kind), data.poses), Counter(entry.fps for entry in data.entries)
        return cls(xy, xyz, clips, *layouts, rates.most_common(1)[0][0], recipe.tds, recipe.framing, observed)

    @property
    def rate(self) -> float:
        return self.fps / self.tds

    @property
    def facts(self) -> dict[str, Any]:
        data = _checksum(self.xy, self.xyz, self.clips.starts)
        return {"data": data, "rate": self.rate, "tds": self.tds, "framing": self.framing}

    def __len__(self) -> int:
        return 2 * len(self.clips)

    def batch(self, numbers: Int[Tensor, " batch"], frames: int, generator: Generator) -> Batch:
        rows = self.clips.windows(numbers % len(self.clips), frames, self.tds)
        xy = self.xy[rows] if self.observed is None else within(self.xy[rows], self.observed[rows])
        batch = Batch(FRAMINGS[self.framing](xy), self.xyz[rows])
        return mirror_some(batch, numbers >= len(self.clips), self.keypoints, self.poses)


@dataclass(frozen=True)
class SeenMotion:
    """Windows of motion in the world, seen by a new random camera and a new imperfect detector each time.

    world: (all frames, 22, 3), metres, z up, skeleton `mocap22`. fps: of the motion; windows run at a rate drawn from
    `rates`, by interpolation between its frames.
    """

    world: Tensor
    clips: Clips
    fps: float
    rates: tuple[float, float] = (20.0, 60.0)
    cameras: CameraRanges = field(default_factory=CameraRanges)
    noise: DetectorNoise = field(default_factory=DetectorNoise)
    body: BodyRanges = field(default_factory=BodyRanges)
    keypoints: Skeleton = COCO
    poses: Skeleton = HUMAN36M
    framing: str = "person"

    @property
    def rate(self) -> float:
        return (self.rates[0] * self.rates[1]) ** 0.5

    @property
    def facts(self) -> dict[str, Any]:
        chance = {"cameras": asdict(self.cameras), "noise": asdict(self.noise), "body": asdict(self.body)}
        return {"data": _checksum(self.world), "rates": self.rates, "framing": self.framing} | chance

    @classmethod
    def of(cls, corpus: Corpus, recipe: Recipe, device: str = "cpu") -> "SeenMotion":
        """The motions of a corpus, in windows as the recipe wants them."""
        rates = recipe.rates or (corpus.fps / recipe.tds, corpus.fps / recipe.tds)
        clips = Clips(np.diff(corpus.starts).tolist(), device)
        world = torch.from_numpy(corpus.positions).to(device)
        return cls(world, clips, corpus.fps, rates, framing=recipe.framing)

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, numbers: Int[Tensor, " batch"], frames: int, generator: Generator) -> Batch:
        world = self._windows(numbers, frames, generator)
        seen, body = vary_body(world, self.body, generator)
        camera = random_cameras(body[:, frames // 2, self.poses.root_index], self.cameras, generator)
        xy, _ = camera.see(seen[:, :, list(MOCAP.select(self.keypoints))])
        _, points = camera.see(body[:, :, list(MOCAP.select(self.poses))])
        root = self.poses.root_index
        xy = interpolate(*detect(xy, self.noise, generator, self.keypoints))
        batch = Batch(FRAMINGS[self.framing](xy), points - points[:, :, root : root + 1])
        heads = torch.rand(len(numbers), generator=generator, device=numbers.device) < 0.5
        return mirror_some(batch, heads, self.keypoints, self.poses)

    def _windows(self, centres: Int[Tensor, " batch"], frames: int, generator: Generator) -> Tensor:
        """(batch, frames, 22, 3) at a random rate around each centre."""
        low, high = (log(rate) for rate in self.rates)
        chance = torch.rand(len(centres), 1, generator=generator, device=centres.device)
        step = self.fps / torch.exp(low + (high - low) * chance)
        clip = self.clips.clip_of_frame[centres]
        before, after = self.clips.starts[clip] - centres, self.clips.starts[clip + 1] - 1 - centres
        at = (torch.arange(frames, device=centres.device) - frames // 2) * step  # in frames, from the centre
        at = torch.minimum(torch.maximum(at, before[:, None]), after[:, None])
        low = at.floor().long()
        high = torch.minimum(low + 1, after[:, None])
        share = (at - low)[..., None, None]
        return torch.lerp(self.world[centres[:, None] + low], self.world[centres[:, None] + high], share)


def _pieces(recording: Recording, kind: str) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """2D on the normalised screen, root-relative 3D, and which joints were observed in 2D, of every run of frames in
    which a pose was measured."""
    seen = recording.keypoints[kind]
    observed = torch.from_numpy(seen.observed)
    xy = interpolate(normalise_screen(torch.from_numpy(seen.xy), *seen.image_size)[None], observed[None])[0]
    xyz = torch.from_numpy(recording.poses.positions)
    edges = np.flatnonzero(np.diff(recording.poses.observed, prepend=False, append=False))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield xy[start:end], xyz[start:end], observed[start:end]


def described(network: Network, source: Source, name: str) -> Checkpoint:
    """The network as a checkpoint that says how its windows were made."""
    return Checkpoint(network, source.keypoints, source.poses, name, source.framing, source.rate)


def _checksum(*tensors: Tensor) -> int:
    check = 0
    for tensor in tensors:
        check = zlib.crc32(tensor.cpu().numpy().tobytes(), check)
    return check


def mirror_some(batch: Batch, which: Tensor, keypoints: Skeleton, poses: Skeleton) -> Batch:
    """Left and right change places in the windows where `which` is True."""
    pick = which[:, None, None, None]
    return Batch(
        torch.where(pick, mirrored(batch.keypoints, keypoints), batch.keypoints),
        torch.where(pick, mirrored(batch.poses, poses), batch.poses),
    )


def check_fit(source: Source, validation: Source, model: ModelConfig) -> None:
    """Raises PstmoError when a model cannot be trained on a source, or when there is nothing to validate on."""
    found, expected = (len(source.keypoints), len(source.poses)), (model.joints_in, model.joints_out)
    if found != expected:
        raise PstmoError(f"the data has {found} joints in and out, the model has {expected}")
    if len(source) == 0 or len(validation) == 0:
        raise PstmoError(f"found {len(source)} frames to train on and {len(validation)} to validate on, expected both")


def validation_batches(source: Source, frames: int, windows: int = 2048, batch: int = 256) -> list[Batch]:
    """The same windows each time, spread evenly over the source."""
    generator = Generator().manual_seed(1)
    numbers = torch.linspace(0, len(source) - 1, min(windows, len(source))).long()
    return [source.batch(part, frames, generator) for part in numbers.split(batch)]
