"""The loop that all stages share: epochs of shuffled windows, a validation after each, a state to go on from.

What happens in a step is a function of the seed, the number of the step and the weights before it: a run that was
stopped or killed at any moment ends with the same bits, and one on another number of processes with the same
losses, up to rounding.
"""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pstmo.chance import Chance
from pstmo.errors import PstmoError, Stopped
from pstmo.files.atomic import make_folder, replacing
from pstmo.files.lock import alone
from pstmo.presets import Optimisation
from pstmo.training.engine import Engine
from pstmo.training.logs import Logs
from pstmo.training.optimizers import optimizers, rate
from pstmo.training.sources import Batch, Source
from pstmo.training.state import Line, Position, RunState
from pstmo.training.stop import Stop

logger = logging.getLogger("pstmo")

Loss = Callable[[nn.Module, Batch, Chance], Tensor]

BLOCK = 20
"""Steps between two looks at the losses, for which a GPU has to be waited for."""

SAVING = 300.0
"""Seconds between two saved states within an epoch."""


@dataclass(frozen=True)
class Run:
    """One stage on its way into a folder: `state.safetensors`, `log.jsonl`, TensorBoard, and what `keep` writes.

    loss: of a network on a batch, the mean over its windows. validate: the number by which the best epoch is chosen,
    on validation data, never on test. keep: writes the network's weights to a path. file: name of what is kept.
    """

    network: nn.Module
    source: Source
    frames: int
    loss: Loss
    validate: Callable[[], float]
    keep: Callable[[Path], None]
    settings: Optimisation
    facts: dict[str, Any]
    folder: Path
    file: str
    engine: Engine = field(default_factory=Engine)

    def train(self) -> list[Line]:
        """Trains up to the last epoch, going on from the folder's state if there is one; gives the log's lines.

        Raises Stopped after SIGTERM or Ctrl-C, once the state is saved (the first process does, the others just end);
        Lost where another process is gone; PstmoError where the loss is no number any more, once the batch is saved,
        and while another run trains there; CheckpointError where the folder holds a run with other settings.
        """
        if self.engine.first:
            make_folder(self.folder)
        try:
            with alone(self.folder) if self.engine.first else nullcontext(), self.engine.together(self._saved):
                return self._train()
        except Stopped as stopped:
            if self.engine.first:
                raise
            raise SystemExit(128 + stopped.number) from None

    def _train(self) -> list[Line]:
        self._check()
        settings = asdict(self.settings)
        if self.settings.schedule != "cosine":
            del settings["epochs"]  # such a run can be made longer
        state = RunState(self.network, self._optimizers, settings | self.facts, self.source.origin)
        position = state.load(self._saved) if self._saved.exists() else Position()
        if len(position.history) >= self.settings.epochs and self.engine.first:
            logger.info("%s: finished already, at epoch %d", self.folder, len(position.history))
        if not self.engine.agree(state.fingerprint(position)):
            raise PstmoError(
                f"the processes of this run found different data, or different states in {self.folder}; expected the "
                "same data on all machines, and a folder that all of them share"
            )
        with Stop() as stop, Logs(self.folder, self.settings, self.steps, position, self.engine.first) as logs:
            while len(position.history) < self.settings.epochs:
                self._epoch(position, state, stop, logs)
            if stop.asked(self.engine):  # and what the first has kept is there for all
                raise stop.error(f"epoch {len(position.history)}, at its end")
        return position.history

    @property
    def steps(self) -> int:
        """Steps of one epoch; where windows are left that don't fill a batch, other epochs will have them."""
        return self._windows // self._batch

    @property
    def _saved(self) -> Path:
        return self.folder / "state.safetensors"

    @cached_property
    def _optimizers(self) -> list[torch.optim.Optimizer]:
        return optimizers(self.network.to(self.engine.device), self.settings)

    @cached_property
    def _callable(self) -> nn.Module:
        return self.engine.ready(self.network, self.settings.compile)

    def _check(self) -> None:
        if self._batch < 2 * self.engine.processes * self.settings.accumulate:
            raise PstmoError(
                f"a batch of {self._batch} windows cannot be shared by {self.engine.processes} processes in "
                f"{self.settings.accumulate} parts each; expected at least 2 windows a part"
            )

    def _epoch(self, position: Position, state: RunState, stop: Stop, logs: Logs) -> None:
        """Goes on with an epoch where it stands, validates, keeps and saves."""
        self.network.train()
        epoch, saved, batches = len(position.history), time.monotonic(), self._batches(len(position.history))
        logs.start()
        while position.step < self.steps:
            losses = self._block(epoch, position.step, batches[position.step : position.step + BLOCK], stop)
            seconds = logs.took()
            position.advance(losses, seconds)
            logs.block(losses, seconds)
            if stop.asked(self.engine):
                self._save(state, position, logs)
                self.engine.wait()  # who starts processes may end them all when the first of them ends
                raise stop.error(f"epoch {epoch + 1}, step {position.step} of {self.steps}")
            if time.monotonic() - saved > SAVING:
                self._save(state, position, logs)
                saved = time.monotonic()
        self._finish(position, state, logs)

    def _finish(self, position: Position, state: RunState, logs: Logs) -> None:
        epoch = len(position.history)
        validation = self.validate()
        if not isfinite(validation):
            raise PstmoError(
                f"training diverged in epoch {epoch + 1} (validation {validation}); try a lower learning rate"
            )
        windows, lr = self.steps * self._batch, rate(self.settings, (epoch + 1) * self.steps - 1, self.steps)
        position.finish(validation, lr, windows)
        if self.engine.first:
            best = min(line["validation"] for line in position.history)
            if self.settings.keep == "last" or validation <= best:
                self.keep(self.folder / self.file)
            if self.settings.every and (epoch + 1) % self.settings.every == 0:
                self.keep(self.folder / f"epoch-{epoch + 1:04}.safetensors")
            logs.epoch()
        self._save(state, position, logs)  # last, so that what a kill leaves unwritten is written again

    def _save(self, state: RunState, position: Position, logs: Logs) -> None:
        if self.engine.first:
            logs.flush()  # steps that are in the state are not made, nor told, again
            state.save(self._saved, position)

    @property
    def _batch(self) -> int:
        return min(self.settings.batch, self._windows)

    @property
    def _windows(self) -> int:
        """Of the data that an epoch may take."""
        return min(len(self.source), self.settings.epoch_windows or len(self.source))

    def _batches(self, epoch: int) -> Tensor:
        """Numbers of the epoch's windows: (steps, batch)."""
        chance = self.engine.chance(self.settings.seed, "order", epoch)
        order = torch.randperm(len(self.source), generator=chance.generator, device=self.engine.device)
        return order[: self.steps * self._batch].view(self.steps, self._batch)

    def _block(self, epoch: int, first: int, batches: Tensor, stop: Stop) -> list[float]:
        """Some steps; gives the losses of those that were made before a stop was asked for."""
        losses = []
        for step, numbers in enumerate(batches, first):
            losses.append(self._step(epoch, step, numbers))
            if stop.now(self.engine):
                break
        summed = self.engine.sum(torch.stack(losses)).tolist()
        for step, loss in enumerate(summed, first):
            if not isfinite(loss):
                raise self._diverged(epoch, step, batches[step - first], loss)
        return summed

    def _step(self, epoch: int, step: int, numbers: Tensor) -> Tensor:
        """One step of the optimizers; gives this process's part of the batch's mean loss."""
        network, settings = self._callable, self.settings
        batch, _, start = self._batch_of(epoch, step, numbers)
        self.engine.seed_dropout(settings.seed, "dropout", epoch, step)
        lr = rate(settings, epoch * self.steps + step, self.steps)
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = lr
        whole, total = len(numbers), torch.zeros((), device=self.engine.device)
        parts = batch.split(settings.accumulate)
        for i, part in enumerate(parts):
            chance = self.engine.chance(settings.seed, "loss", epoch, step, whole=whole, start=start)
            start += len(part.poses)
            with self.engine.alone(network, i + 1 < len(parts)):
                with torch.autocast(self.engine.device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
                    loss = self.loss(network, part, chance)
                share = loss * (len(part.poses) / whole)
                self.engine.backward(share * self.engine.processes)
            total += share.detach()
        if settings.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip)
        for optimizer in self._optimizers:
            optimizer.step()
        return total

    def _batch_of(self, epoch: int, step: int, numbers: Tensor) -> tuple[Batch, Tensor, int]:
        mine, start = self.engine.share(numbers)
        chance = self.engine.chance(self.settings.seed, "windows", epoch, step, whole=len(numbers), start=start)
        return self.source.batch(mine, self.frames, chance), mine, start

    def _diverged(self, epoch: int, step: int, numbers: Tensor, loss: float) -> PstmoError:
        """The error to raise, after the batch, which can be made again, is saved for a look."""
        batch, mine, _ = self._batch_of(epoch, step, numbers)
        place = f"epoch {epoch + 1}, step {step + 1} of {self.steps}"
        path = self.folder / "diverged.npz"
        if self.engine.first:
            with replacing(path) as temporary:
                arrays = {name: tensor.cpu().numpy() for name, tensor in batch._asdict().items() if tensor is not None}
                np.savez(temporary, numbers=mine.cpu().numpy(), allow_pickle=False, **arrays)
        return PstmoError(
            f"the loss was {loss} in {place}; its batch is in {path}; the state before it stays: try a lower learning "
            "rate, a clip, or fp32 in another folder"
        )
