"""The loop that both stages share: epochs of shuffled windows, a validation after each, a state to go on from."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from pstmo.errors import PstmoError
from pstmo.files.atomic import make_folder, replacing
from pstmo.presets import Optimisation
from pstmo.progress import progress
from pstmo.training.sources import Batch, Source
from pstmo.training.state import RunState

Loss = Callable[[Batch, Generator], Tensor]


@dataclass(frozen=True)
class Run:
    """One stage on its way into a folder: `state.safetensors`, `log.jsonl`, and what `keep` writes.

    loss: of a batch. validate: the number by which the best epoch is chosen, on validation data, never on test.
    """

    network: nn.Module
    source: Source
    frames: int
    loss: Loss
    validate: Callable[[], float]
    keep: Callable[[], None]
    settings: Optimisation
    facts: dict[str, Any]
    folder: Path

    def train(self) -> list[dict[str, float | int]]:
        """Trains up to the last epoch, going on from the folder's state if there is one; gives the log's lines."""
        device = next(self.network.parameters()).device
        optimizer = torch.optim.Adam(self.network.parameters(), self.settings.lr, amsgrad=True, fused=True)
        generator = Generator(device).manual_seed(self.settings.seed)
        settings = {key: value for key, value in asdict(self.settings).items() if key != "epochs"}
        state = RunState(self.network, optimizer, generator, settings | self.facts)
        make_folder(self.folder)
        saved = self.folder / "state.safetensors"
        history = state.load(saved) if saved.exists() else []
        for epoch in range(len(history), self.settings.epochs):
            started = time.perf_counter()
            loss, windows = self._epoch(epoch, optimizer, generator)
            seconds = time.perf_counter() - started
            line = {"epoch": epoch + 1, "loss": loss, "validation": self.validate(), "lr": self._rate(epoch)}
            if not (isfinite(loss) and isfinite(line["validation"])):
                raise PstmoError(f"training diverged in epoch {epoch + 1} (loss {loss}); try a lower learning rate")
            history.append(line | {"seconds": round(seconds, 2), "windows_per_second": round(windows / seconds, 1)})
            if self.settings.keep == "last" or line["validation"] <= min(past["validation"] for past in history):
                self.keep()
            _write_log(self.folder / "log.jsonl", history)
            state.save(saved, history)  # last, so that what a kill leaves unwritten is written again
        return history

    def _epoch(self, epoch: int, optimizer: torch.optim.Optimizer, generator: Generator) -> tuple[float, int]:
        """Trains on one epoch's windows; gives the mean loss and the number of windows."""
        self.network.train()
        losses, windows = [], 0
        batches = list(self._shuffled(generator))
        for i, numbers in enumerate(progress(batches, f"epoch {epoch + 1}/{self.settings.epochs}")):
            step = epoch * len(batches) + i
            for group in optimizer.param_groups:
                group["lr"] = self._rate(epoch) * min(1.0, (step + 1) / max(1, self.settings.warmup))
            losses.append(self._step(numbers, optimizer, generator))
            windows += len(numbers)
        return torch.stack(losses).mean().item(), windows

    def _step(self, numbers: Tensor, optimizer: torch.optim.Optimizer, generator: Generator) -> Tensor:
        batch = self.source.batch(numbers, self.frames, generator)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(numbers.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
            loss = self.loss(batch, generator)
        loss.backward()
        if self.settings.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        optimizer.step()
        return loss.detach()

    def _shuffled(self, generator: Generator) -> Iterator[Tensor]:
        """Numbers of the epoch's windows, in batches; none of fewer than two, which batch norm cannot average."""
        numbers = torch.randperm(len(self.source), generator=generator, device=generator.device)
        numbers = numbers[: self.settings.epoch_windows]
        if len(numbers) < 2:
            raise PstmoError(f"an epoch of {len(numbers)} windows cannot be trained on; expected at least 2")
        return (batch for batch in numbers.split(self.settings.batch) if len(batch) > 1)

    def _rate(self, epoch: int) -> float:
        return self.settings.lr * self.settings.decay**epoch


def _write_log(path: Path, history: list[dict[str, float | int]]) -> None:
    with replacing(path) as temporary:
        temporary.write_text("".join(json.dumps(line) + "\n" for line in history))
