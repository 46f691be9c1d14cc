"""What a run tells on its way: a progress bar for people, JSON lines and TensorBoard for later."""

import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from pstmo.extras import extra
from pstmo.files.atomic import replacing
from pstmo.presets import Optimisation
from pstmo.training.state import Position

logger = logging.getLogger("pstmo")


class Logs:
    """Open within its block, in the process that writes; in the others it only takes the time.

    `log.jsonl` has a line an epoch and is always whole; `tensorboard/` has the loss of every block of steps as well.
    """

    def __init__(self, folder: Path, settings: Optimisation, steps: int, position: Position, writes: bool):
        self.folder, self.settings, self.steps, self.position, self.writes = folder, settings, steps, position, writes
        self._since = time.perf_counter()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(8),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[facts]}", table_column=Column(no_wrap=True, ratio=1)),  # what is left of the line
            console=Console(stderr=True),
            disable=not (writes and sys.stderr.isatty()),
            transient=True,
            expand=True,
        )
        self._board: Any = None

    def __enter__(self) -> "Logs":
        done = len(self.position.history) * self.steps + self.position.step
        if self.writes:
            writer = extra("torch.utils.tensorboard", "train").SummaryWriter
            self._board = writer(str(self.folder / "tensorboard"), purge_step=done + 1)  # what a kill made twice
        self._bar.start()
        total = self.settings.epochs * self.steps
        self._task = self._bar.add_task(self.folder.name, total=total, completed=done, facts="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._board is not None:
            self._board.close()

    def start(self) -> None:
        """The time of an epoch, or of what is left of it, runs from here."""
        self._since = time.perf_counter()

    def took(self) -> float:
        """Seconds since the last call or the start."""
        before, self._since = self._since, time.perf_counter()
        return self._since - before

    def block(self, losses: Sequence[float], seconds: float) -> None:
        """Some steps of an epoch were made."""
        done = len(self.position.history) * self.steps + self.position.step
        if self._board is not None:
            self._board.add_scalar("loss", sum(losses) / len(losses), done)
        speed = len(losses) * self.settings.batch / seconds
        facts = f"epoch {len(self.position.history) + 1}/{self.settings.epochs}"
        if self.position.history:
            last, best = self.position.history[-1], min(line["validation"] for line in self.position.history)
            facts += f", validation {last['validation']:.4g} (best {best:.4g})"
        facts += f", loss {losses[-1]:.4g}, {speed:.0f} windows/s"
        self._bar.update(self._task, completed=done, facts=facts)

    def flush(self) -> None:
        """What was told so far is on disk."""
        self._board.flush()

    def epoch(self) -> None:
        """The position has a new line."""
        history = self.position.history
        with replacing(self.folder / "log.jsonl") as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in history))
        line = history[-1]
        for name in ("validation", "lr", "windows_per_second"):
            self._board.add_scalar(name, line[name], line["epoch"] * self.steps)
        self._board.add_scalar("loss of an epoch", line["loss"], line["epoch"] * self.steps)
        if self._bar.disable:
            logger.info(
                "%s: epoch %d/%d, loss %.4g, validation %.4g, %.0f windows/s",
                *(self.folder.name, line["epoch"], self.settings.epochs),
                *(line["loss"], line["validation"], line["windows_per_second"]),
            )
