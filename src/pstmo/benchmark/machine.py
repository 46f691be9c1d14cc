"""What a benchmark ran on."""

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

GIB = 2**30
_EVERY = 0.2  # seconds


@dataclass(frozen=True)
class Machine:
    """threads: those PyTorch computes with. load: programs that ran or waited for a core in the minute before, where
    the system says. gpu: name and memory, None = it was not used."""

    cpu: str
    cores: int
    threads: int
    load: float | None
    gpu: str | None
    pytorch: str
    pstmo: str

    @classmethod
    def here(cls, device: torch.device) -> "Machine":
        return cls(
            _cpu(),
            os.cpu_count() or 1,
            torch.get_num_threads(),
            round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
            _gpu(device),
            torch.__version__,
            metadata.version("pstmo"),
        )

    def __str__(self) -> str:
        busy = "" if self.load is None else f", load {self.load:g} before"
        gpu = f"GPU {self.gpu}" if self.gpu else "no GPU"
        cpu = f"{self.cpu}, {self.cores} cores, {self.threads} threads{busy}"
        return f"{cpu}; {gpu}; torch {self.pytorch}, pstmo {self.pstmo}"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())


def _gpu(device: torch.device) -> str | None:
    if device.type != "cuda":
        return None if device.type == "cpu" else device.type
    found = torch.cuda.get_device_properties(device)
    return f"{found.name}, {found.total_memory / GIB:.0f} GiB"


@contextmanager
def utilisation(device: torch.device, percent: list[int]) -> Iterator[None]:
    """Within the block notes now and then how busy a GPU is, where its driver says."""
    done = threading.Event()

    def look() -> None:
        with suppress(Exception):  # nvidia-ml-py is not installed, or has no access
            while not done.wait(_EVERY):
                percent.append(torch.cuda.utilization(device))

    thread = threading.Thread(target=look, daemon=True)
    if device.type == "cuda":
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread.ident is not None:
            thread.join()
