"""The state of a training run in one file without pickle: a killed run goes on from it to the same bits."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from pstmo.errors import CheckpointError
from pstmo.files.tensors import read_tensors, write_tensors


@dataclass(frozen=True)
class RunState:
    """Everything that a run changes. `settings` are what it must not change between two starts."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    generator: Generator
    settings: dict[str, Any]

    def save(self, path: Path, history: list[dict[str, float | int]]) -> None:
        facts = {"settings": json.dumps(self.settings), "history": json.dumps(history)}
        write_tensors(path, self._tensors(), facts)

    def load(self, path: Path) -> list[dict[str, float | int]]:
        """Puts the saved state in place and gives the history of the epochs done.

        Raises CheckpointError for a file that is cut off, or of a run with other settings.
        """
        tensors, facts = read_tensors(path)
        try:
            settings, history = json.loads(facts["settings"]), json.loads(facts["history"])
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"{path} is not the state of a training run: {error!r}") from None
        now = json.loads(json.dumps(self.settings))
        for key in now | settings:
            if now.get(key) != settings.get(key):
                raise CheckpointError(
                    f"{path} is of a run with {key} = {settings.get(key)}, now it is {now.get(key)}; "
                    "go on with the same settings, or train into another folder"
                )
        self._put(tensors)
        return history

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        for i, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{slot}": tensor for slot, tensor in slots.items()}
        tensors["chance.run"] = self.generator.get_state()
        tensors["chance.dropout"] = torch.get_rng_state()
        return tensors

    def _put(self, tensors: dict[str, Tensor]) -> None:
        self.generator.set_state(tensors.pop("chance.run"))
        torch.set_rng_state(tensors.pop("chance.dropout"))
        weights = {name.removeprefix("network."): t for name, t in tensors.items() if name.startswith("network.")}
        self.network.load_state_dict(weights)
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, i, slot = name.split(".")
                slots.setdefault(int(i), {})[slot] = tensor
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": slots})
