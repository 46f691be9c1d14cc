"""Where the time of a training step goes, seen from outside: what the loop calls says when, the loop has no timers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from pstmo.chance import Chance
from pstmo.training.engine import Engine
from pstmo.training.sources import Batch, SeenMotion

PARTS = ("batch", "forward", "backward", "optimizer", "rest")
"""Of a step. optimizer: with the cut of gradients. rest: the loop itself, chance, logs."""


class Clock:
    """Each mark ends what went on and begins something else. On a GPU the marks stand in its own queue, so that nobody
    has to wait for them."""

    def __init__(self, device: torch.device | None = None):
        self.device = device or torch.device("cpu")
        self._marks: list[tuple[str, Any]] = []

    def mark(self, what: str) -> None:
        """what: now begins; one of PARTS, or "" for what does not count."""
        self._marks.append((what, self._now()))

    def take(self) -> dict[str, float]:
        """Seconds of each part since the last time."""
        seconds: dict[str, float] = dict.fromkeys((*PARTS, ""), 0.0)
        wait(self.device)
        for (what, start), (_, end) in pairwise(self._marks):
            seconds[what] += start.elapsed_time(end) / 1000 if self.device.type == "cuda" else end - start
        self._marks.clear()
        del seconds[""]
        return seconds

    def _now(self) -> Any:
        if self.device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            return event
        wait(self.device)
        return time.perf_counter()


def wait(device: torch.device) -> None:
    """Until the device has done all that it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    if device.type == "mps":
        torch.mps.synchronize()


class WatchedEngine(Engine):
    def __init__(self, device: str):
        super().__init__(device)
        self.clock = Clock(self.device)

    def backward(self, loss: Tensor) -> None:
        self.clock.mark("backward")
        super().backward(loss)
        self.clock.mark("optimizer")

    @contextmanager
    def watching_steps(self) -> Iterator[None]:
        """Within the block, of every optimizer."""
        before = register_optimizer_step_pre_hook(lambda *_: self.clock.mark("optimizer"))
        after = register_optimizer_step_post_hook(lambda *_: self.clock.mark("rest"))
        try:
            yield
        finally:
            before.remove()
            after.remove()


@dataclass(frozen=True)
class WatchedMotion(SeenMotion):
    clock: Clock = field(default_factory=Clock)

    def batch(self, numbers: Int[Tensor, " batch"], frames: int, chance: Chance) -> Batch:
        self.clock.mark("batch")
        batch = super().batch(numbers, frames, chance)
        self.clock.mark("rest")
        return batch
