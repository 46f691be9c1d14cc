"""Random values for a batch of windows: the same for every window, however many processes share the batch."""

from dataclasses import dataclass
from hashlib import blake2b

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Chance:
    """Draws for the windows of one batch; all of them come from one generator.

    whole: windows of the whole batch, of which this process holds those from `start` on; None = it holds all. Every
    process draws for the whole batch, which costs next to nothing, and takes its rows: the values of a window then
    don't depend on how the batch is shared.
    """

    generator: Generator
    whole: int | None = None
    start: int = 0

    @classmethod
    def of(
        cls, *what: object, device: torch.device | str = "cpu", whole: int | None = None, start: int = 0
    ) -> "Chance":
        """Chance that is a function of some values alone, such as a seed, a purpose and the number of a step."""
        return cls(Generator(device).manual_seed(seed_of(*what)), whole, start)

    @property
    def device(self) -> torch.device:
        return self.generator.device

    def uniform(self, windows: int, *shape: int) -> Tensor:
        """(windows, *shape), in [0, 1)."""
        return self._mine(
            torch.rand(self.whole or windows, *shape, generator=self.generator, device=self.device), windows
        )

    def normal(self, windows: int, *shape: int) -> Tensor:
        """(windows, *shape), of variance 1."""
        return self._mine(
            torch.randn(self.whole or windows, *shape, generator=self.generator, device=self.device), windows
        )

    def integers(self, below: int, windows: int) -> Tensor:
        """(windows,), from 0 up to `below`."""
        size = (self.whole or windows,)
        return self._mine(torch.randint(below, size, generator=self.generator, device=self.device), windows)

    def for_all(self, *shape: int) -> Tensor:
        """shape, in [0, 1): one draw that all windows share."""
        return torch.rand(*shape, generator=self.generator, device=self.device)

    def _mine(self, values: Tensor, windows: int) -> Tensor:
        return values[self.start : self.start + windows]


def seed_of(*what: object) -> int:
    """A seed for these values: others give another one, not a neighbouring one."""
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=7).digest(), "big")
