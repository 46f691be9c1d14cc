"""Ways to train the same network, in turns of some steps: the engine, and loops as one writes them in PyTorch."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset

from pstmo.benchmark.clock import WatchedEngine, WatchedMotion, wait
from pstmo.benchmark.machine import utilisation
from pstmo.chance import Chance
from pstmo.errors import Stopped
from pstmo.model import layers
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.stmo import STMO
from pstmo.presets import ModelConfig, Optimisation, Recipe
from pstmo.training.finetune import lifting_loss
from pstmo.training.loop import Loss, Run
from pstmo.training.optimizers import optimizers
from pstmo.training.pretrain import drawing_loss
from pstmo.training.sources import Batch, Source

Precision = Literal["fp32", "bf16"]
Attention = Literal["fused", "pstmo"]
Pair = tuple[Tensor, Tensor]


@runtime_checkable  # so that signatures can be checked when the tests run
class Way(Protocol):
    """attention: PyTorch's fused kernel, or what `layers.attend` takes."""

    name: str
    settings: Optimisation
    attention: Attention

    def turn(self, steps: int) -> dict[str, float]:
        """Makes some steps; gives the seconds that their parts took, see `clock.PARTS`, or all together."""
        ...


@dataclass
class Engined:
    """The engine as it trains, each turn a run of one epoch. percent: how busy a GPU was."""

    name: str
    network: nn.Module
    source: WatchedMotion
    frames: int
    loss: Loss
    settings: Optimisation
    engine: WatchedEngine
    attention: Attention = "pstmo"
    percent: list[int] = field(default_factory=list)

    @classmethod
    def finetune(cls, recipe: Recipe, source: WatchedMotion, engine: WatchedEngine) -> "Engined":
        network, frames = STMO(recipe.model), recipe.model.frames
        return cls("engine, stage II", network, source, frames, lifting_loss, recipe.finetune, engine)

    @classmethod
    def pretrain(cls, recipe: Recipe, source: WatchedMotion, engine: WatchedEngine) -> "Engined":
        network, frames = MaskedPoseModel(recipe.model), recipe.model.frames
        loss = drawing_loss(recipe.masking)
        return cls("engine, stage I", network, source, frames, loss, recipe.pretrain, engine)

    def turn(self, steps: int) -> dict[str, float]:
        settings = replace(self.settings, epochs=1, epoch_windows=steps * self.settings.batch, every=None)
        clock = self.engine.clock

        def loss(network: nn.Module, batch: Batch, chance: Chance) -> Tensor:
            clock.mark("forward")
            value = self.loss(network, batch, chance)
            clock.mark("rest")
            return value

        def validate() -> float:
            """The epoch's steps are over."""
            clock.mark("")
            return 0.0

        data = (self.network, self.source, self.frames, loss, validate, lambda path: None)
        watching = (self.engine.watching_steps(), utilisation(self.engine.device, self.percent))
        with TemporaryDirectory() as folder, watching[0], watching[1]:
            try:
                Run(*data, settings, {}, Path(folder) / self.name, "nothing", self.engine).train()
            except Stopped as stopped:
                raise Stopped("stopped before everything was measured", stopped.number) from None
        return clock.take()


@dataclass
class Plain:
    """A loop over batches with the same network and optimizers, and a look at every loss, as most are written."""

    name: str
    model: ModelConfig
    batches: Callable[[], Iterator[Pair]]
    settings: Optimisation
    device: torch.device
    attention: Attention = "fused"

    def turn(self, steps: int) -> dict[str, float]:
        batches = self.batches()
        with attending(self.attention):
            batch = next(batches)  # so that starting the workers does not count
            wait(self.device)
            started = time.perf_counter()
            for _ in range(steps):
                self._step(*batch)
                batch = next(batches)
            wait(self.device)
            seconds = time.perf_counter() - started
        del batches, batch  # workers end
        return {"all": seconds}

    @cached_property
    def _network(self) -> STMO:
        return STMO(self.model).to(self.device)

    @cached_property
    def _optimizers(self) -> list[Optimizer]:
        if self.settings.optimizer == "adam":
            return [torch.optim.Adam(self._network.parameters(), self.settings.lr, amsgrad=True)]
        return optimizers(self._network, self.settings)

    def _step(self, keypoints: Tensor, poses: Tensor) -> float:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
            loss = lifting_loss(self._network, Batch(keypoints, poses))
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        loss.backward()
        if self.settings.clip is not None:
            nn.utils.clip_grad_norm_(self._network.parameters(), self.settings.clip)
        for optimizer in self._optimizers:
            optimizer.step()
        return loss.item()


def _fused(q: Tensor, k: Tensor, v: Tensor, dropout: float) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)


@contextmanager
def attending(how: Attention) -> Iterator[None]:
    """Within the block all networks attend in this way."""
    before = layers.attend
    layers.attend = _fused if how == "fused" else before
    try:
        yield
    finally:
        layers.attend = before


class OneByOne(Dataset[Pair]):
    """A window an item, filmed and misdetected by the engine's own functions, as one by one they are mostly made."""

    def __init__(self, source: Source, frames: int):
        self.source, self.frames = source, frames

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Pair:
        batch = self.source.batch(torch.tensor([index]), self.frames, Chance(torch.default_generator))
        return batch.keypoints[0], batch.poses[0]


def loaded(windows: OneByOne, batch: int, workers: int, device: torch.device) -> Iterator[Pair]:
    """Endless batches of PyTorch's loader; its workers end when the iterator is let go."""
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the machine has fewer cores, that a process with threads forks
            settings = {"num_workers": workers, "pin_memory": device.type == "cuda"}
            loader = iter(DataLoader(windows, batch, shuffle=True, drop_last=True, **settings))
        for keypoints, poses in loader:
            yield keypoints.to(device, non_blocking=True), poses.to(device, non_blocking=True)
