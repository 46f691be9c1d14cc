"""The machine that training runs on: one device or several processes, by Lightning Fabric, with one result.

Data is sharded by window: each process gathers, films and trains on its share of every batch and reads no other rows
(`Engine.share`). Chance is a function of seed and step alone (see `chance`), gradients are averaged by windows, batch
norm sees the whole batch: however many processes there are, a run's losses are the same up to rounding.
"""

import atexit
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from pstmo.chance import Chance, seed_of
from pstmo.errors import Lost, PstmoError
from pstmo.extras import extra
from pstmo.training.synchronised import synchronised

T = TypeVar("T")

SILENCE = timedelta(minutes=5)
"""For so long processes wait for one that says nothing: a machine without power, a network that was cut. One that was
killed is missed at once. Reading the data may not take one machine so much longer than another."""


class Engine:
    """Starts the processes: on the first use of several, the running command is started once more for each of them.

    device: "cpu", "cuda", "mps", or "auto" for the best there is. processes: on this machine; under `torchrun` or
    SLURM these have started them, and say how many there are.

    Raises PstmoError for a device that is not here, or where Lightning Fabric is not installed.
    """

    def __init__(self, device: str = "auto", processes: int = 1):
        fabric = extra("lightning_fabric", "train")
        here, nodes = _started_elsewhere() or (processes, 1)
        if device not in _devices():
            raise PstmoError(f"there is no device {device!r} here; available: {', '.join(_devices())}")
        if here < 1:
            raise PstmoError(f"found {here} processes, expected 1 or more")
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # every process had its banner
        several = here * nodes > 1
        strategy = fabric.strategies.DDPStrategy(timeout=SILENCE, broadcast_buffers=False) if several else "auto"
        try:
            self.fabric: Any = fabric.Fabric(accelerator=device, strategy=strategy, devices=here, num_nodes=nodes)
            self.fabric.launch()
            if several:
                atexit.register(_part)
        except (RuntimeError, ValueError, fabric.utilities.exceptions.MisconfigurationException) as error:
            raise PstmoError(f"{here} processes on device {device!r} cannot be had: {error}") from error

    @property
    def device(self) -> torch.device:
        return self.fabric.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and talks."""
        return self.fabric.global_rank == 0

    @property
    def processes(self) -> int:
        return self.fabric.world_size

    def ready(self, network: nn.Module, compiled: bool) -> nn.Module:
        """The network as it is to be called in training; the one given stays the one to read weights from."""
        if self.processes > 1:
            synchronised(network)
        network.to(self.device)
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "`broadcast_buffers` is deprecated", FutureWarning
            )  # older ones know no other
            return self.fabric.setup_module(torch.compile(network) if compiled else network)

    def share(self, numbers: Tensor) -> tuple[Tensor, int]:
        """This process's part of a batch, and how many windows of the batch stand before it."""
        parts = numbers.tensor_split(self.processes)
        rank = self.fabric.global_rank
        return parts[rank].to(self.device), sum(len(part) for part in parts[:rank])

    def chance(self, *what: object, whole: int | None = None, start: int = 0) -> Chance:
        return Chance.of(*what, device=self.device, whole=whole, start=start)

    def seed_dropout(self, *what: object) -> None:
        """What dropout hides becomes a function of some values, and of the process."""
        torch.manual_seed(seed_of(*what, self.fabric.global_rank))

    def alone(self, network: nn.Module, wanted: bool) -> AbstractContextManager[None]:
        """Gradients are not shared yet, as more of the same batch follows."""
        return self.fabric.no_backward_sync(network, enabled=wanted) if self.processes > 1 else nullcontext()

    def sum(self, values: Tensor) -> Tensor:
        """Over all processes."""
        return self.fabric.all_reduce(values, reduce_op="sum") if self.processes > 1 else values

    def backward(self, loss: Tensor) -> None:
        self.fabric.backward(loss)

    def mine(self, things: Sequence[T]) -> Sequence[T]:
        """This process's share of some things to be done."""
        return things[self.fabric.global_rank :: self.processes]

    def mean(self, values: Sequence[tuple[float, int]]) -> float:
        """Of values of all processes, each with its weight."""
        sums = [sum(value * weight for value, weight in values), sum(weight for _, weight in values)]
        total, weights = self.sum(torch.tensor(sums, dtype=torch.float64)).tolist()
        return total / weights

    def wait(self) -> None:
        """Until all processes are here."""
        self.fabric.barrier()

    def agree(self, value: int) -> bool:
        """Whether all processes have the same; waits for them."""
        found = torch.zeros(self.processes, dtype=torch.long, device=self.device)
        found[self.fabric.global_rank] = value
        return bool((self.sum(found) == value).all())

    @contextmanager
    def together(self, saved: Path) -> Iterator[None]:
        """A block in which processes wait for each other. Raises Lost where one is gone. saved: from which to go on."""
        try:
            yield
        except RuntimeError as error:
            if not (isinstance(error, torch.distributed.DistError) or "/gloo/" in str(error)):
                raise
            minutes = SILENCE.total_seconds() / 60
            raise Lost(
                f"another process of this run is gone, or was silent for {minutes:g} minutes; the same command goes on "
                f"from {saved}, on as many processes as there are"
            ) from error


def _part() -> None:
    """From the other processes, while PyTorch is whole: threads that still wait for them when it is taken down abort
    the process, after all has been written."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _devices() -> tuple[str, ...]:
    """Those that there are."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return ("auto", "cpu", *(name for name, found in there.items() if found))


def _started_elsewhere() -> tuple[int, int] | None:
    """(processes a machine, machines) where torchrun or SLURM started this process."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        here, all_of_them = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
        return here, all_of_them // here
    if "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in ("bash", "interactive"):
        nodes = int(os.environ.get("SLURM_NNODES", "1"))
        return int(os.environ["SLURM_NTASKS"]) // nodes, nodes
    return None
