"""How fast a preset trains, beside a plain PyTorch loop: all ways in one run, in turns, so that whatever else runs on
the machine hits them alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import numpy as np
import torch

from pstmo.benchmark.clock import PARTS, WatchedEngine, WatchedMotion
from pstmo.benchmark.machine import GIB, Machine
from pstmo.benchmark.ways import Attention, Engined, OneByOne, Plain, Precision, Way, loaded
from pstmo.datasets import motions
from pstmo.datasets.motions import Corpus
from pstmo.errors import PstmoError
from pstmo.presets import Optimisation, Recipe
from pstmo.skeleton import MOCAP
from pstmo.training.sources import SeenMotion

TURNS = 6
KINDS: tuple[tuple[Precision, Attention], ...] = (
    ("fp32", "fused"),
    ("fp32", "pstmo"),
    ("bf16", "fused"),
    ("bf16", "pstmo"),
)
HUMAN36M_FRAMES = 1_559_752
"""Frames of all cameras that the paper trains on, each once as it is and once mirrored."""


class Turn(NamedTuple):
    """parts: seconds, see `clock.PARTS`."""

    windows: int
    parts: dict[str, float]

    @property
    def seconds(self) -> float:
        return sum(self.parts.values())


class Speed(NamedTuple):
    way: str
    precision: str
    attention: str
    turns: tuple[Turn, ...]

    @property
    def windows_per_second(self) -> float:
        return sum(turn.windows for turn in self.turns) / sum(turn.seconds for turn in self.turns)

    @property
    def range(self) -> tuple[float, float]:
        """The slowest and the quickest turn, windows a second."""
        each = [turn.windows / turn.seconds for turn in self.turns]
        return min(each), max(each)


class Stage(NamedTuple):
    """What a preset asks for, and how long that takes at a measured speed; "every window" is that of Human3.6M."""

    name: str
    epochs: int
    windows: int  # of an epoch
    hours: float


@dataclass(frozen=True)
class Result:
    """speeds: stage II of the engine, its stage I, then the others. memory: GiB that stage II takes at most,
    utilisation: percent; both of a GPU, None = it does not say."""

    machine: Machine
    preset: str
    window: int
    batch: int
    optimizer: str
    data: str
    speeds: tuple[Speed, ...]
    stages: tuple[Stage, ...]
    memory: float | None
    utilisation: float | None

    @property
    def step(self) -> dict[str, float]:
        """Seconds of the parts of one step of the engine's stage II."""
        turns = self.speeds[0].turns
        steps = sum(turn.windows for turn in turns) / self.batch
        return {part: sum(turn.parts[part] for turn in turns) / steps for part in PARTS}

    @property
    def shares(self) -> dict[str, float]:
        step = self.step
        return {part: seconds / sum(step.values()) for part, seconds in step.items()}

    @property
    def outside(self) -> float:
        """Share of a step in which no network is run or changed."""
        return self.shares["batch"] + self.shares["rest"]

    @property
    def plain(self) -> Speed:
        """The quickest of the plain loops that make their windows themselves."""
        loops = [speed for speed in self.speeds if "workers" in speed.way]
        return max(loops, key=lambda speed: speed.windows_per_second)


def measure(
    recipe: Recipe,
    preset: str,
    data: Path | None = None,
    device: str = "auto",
    seconds: float = 30.0,
    compare: bool = False,
) -> Result:
    """data: motions that `pstmo data mocap` wrote; None = made up. seconds: that each way gets. compare: also tells
    precision and attention apart. Raises PstmoError for a device that is not here, and data that does not fit."""
    engine = WatchedEngine(device)
    machine = Machine.here(engine.device)
    corpus = made_up() if data is None else motions.load(data)
    most = corpus.frames // max(recipe.finetune.batch, recipe.pretrain.batch)
    if not most:
        raise PstmoError(f"found {corpus.frames} frames, expected as many as there are windows in a batch")
    watched = WatchedMotion(**vars(SeenMotion.of(corpus, recipe, str(engine.device))), clock=engine.clock)
    lifting, drawing = (stage(recipe, watched, engine) for stage in (Engined.finetune, Engined.pretrain))
    lifting.turn(1)
    memory = torch.cuda.max_memory_allocated(engine.device) / GIB if engine.device.type == "cuda" else None
    windows = OneByOne(SeenMotion.of(corpus, recipe), recipe.model.frames)
    ways = [lifting, drawing, *_plain(recipe, windows, engine.device, compare)]
    speeds = _take_turns(ways, seconds, most)
    return Result(
        *(machine, preset, recipe.model.frames, recipe.finetune.batch, recipe.finetune.optimizer),
        *("made up" if data is None else str(data), speeds),
        (_stage("stage I", recipe.pretrain, speeds[1]), _stage("stage II", recipe.finetune, speeds[0])),
        *(memory, mean(lifting.percent) if lifting.percent else None),
    )


def made_up(frames: int = 400_000) -> Corpus:
    """Points that sway, in clips of ten seconds: as much work as people."""
    chance = np.random.default_rng(0)
    size, speed = chance.uniform(0.5, 1.5, (2, len(MOCAP), 3)).astype(np.float32)
    time = np.arange(frames, dtype=np.float32)[:, None, None]
    starts = np.append(np.arange(0, frames, 500), frames)
    names = np.full(len(starts) - 1, "made up")
    return Corpus(0.5 * size * np.sin(0.05 * speed * time), starts, names, names, names, names, 50.0)


def _plain(recipe: Recipe, windows: OneByOne, device: torch.device, compare: bool) -> Iterator[Plain]:
    settings = replace(recipe.finetune, precision="fp32")
    for workers in (0, 2):
        batches = partial(loaded, windows, settings.batch, workers, device)
        yield Plain(f"plain loop, {workers} workers", recipe.model, batches, settings, device)
    ready = list(islice(loaded(windows, settings.batch, 0, device), 2))
    for precision, attention in KINDS if compare else KINDS[:1]:
        settings = replace(settings, precision=precision)
        yield Plain("plain loop, ready-made", recipe.model, partial(cycle, ready), settings, device, attention)


def _take_turns(ways: Sequence[Way], seconds: float, most: int) -> tuple[Speed, ...]:
    """A B C A B C ... until each had its seconds, after a step to warm up. most: steps of a turn."""
    pace = [sum(way.turn(1).values()) for way in ways]  # seconds of a step
    turns: list[list[Turn]] = [[] for _ in ways]
    for _ in range(TURNS):
        for i, way in enumerate(ways):
            if sum(turn.seconds for turn in turns[i]) < seconds:
                steps = min(max(1, round(seconds / TURNS / pace[i])), most)
                turns[i].append(Turn(steps * way.settings.batch, way.turn(steps)))
                pace[i] = turns[i][-1].seconds / steps
    names = [(way.name, way.settings.precision, way.attention) for way in ways]
    return tuple(Speed(*name, tuple(found)) for name, found in zip(names, turns, strict=True))


def _stage(name: str, settings: Optimisation, speed: Speed) -> Stage:
    windows = settings.epoch_windows or 2 * HUMAN36M_FRAMES
    return Stage(name, settings.epochs, windows, settings.epochs * windows / speed.windows_per_second / 3600)
