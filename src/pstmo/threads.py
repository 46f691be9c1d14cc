"""Work on a CPU shared by threads, each on windows of its own.

They stay in its cache, and none waits for the others after each product: a fifth more windows a second than all threads
on one part (docs/benchmarks.md).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

IN_FLIGHT = 2048
"""Frames of all windows that are computed at once, on a CPU by each thread."""

T = TypeVar("T", Tensor, tuple[Tensor, ...])


def shares(windows: Int[Tensor, "n ..."], frames: int) -> list[Tensor]:
    """Of windows with so many frames each, as many as are computed at once; and some for every thread."""
    threads = torch.get_num_threads() if windows.device.type == "cpu" else 1
    return list(windows.split(max(1, min(IN_FLIGHT // frames, -(-len(windows) // threads)))))


def at_once(work: Callable[[Tensor], T], parts: list[Tensor]) -> list[T]:
    """Of each part, in order; without gradients. A part that does not fit into the memory is worked on by halves: what
    comes of it must be tensors that begin with the part's windows, one or a tuple of them."""
    work = partial(_halved, work)
    threads = torch.get_num_threads()
    if min(threads, len(parts)) <= 1 or parts[0].device.type != "cpu":
        return [work(part) for part in parts]
    try:
        with ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1)) as pool:
            return list(pool.map(torch.inference_mode()(work), parts))
    finally:
        torch.set_num_threads(threads)  # every thread has a number of its own, but new ones start with the last one set


def _halved(work: Callable[[Tensor], T], part: Tensor) -> T:
    try:
        return work(part)
    except RuntimeError as error:
        full = isinstance(error, torch.OutOfMemoryError) or "alloc" in str(error)
        if not full or len(part) == 1:
            raise
    halves: Any = [_halved(work, half) for half in part.split(-(-len(part) // 2))]
    whole: Any = (
        torch.cat(halves) if isinstance(halves[0], Tensor) else tuple(map(torch.cat, zip(*halves, strict=True)))
    )
    return whole
