"""The state of a training run in one file without pickle: a killed run goes on from it to the same bits."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from pstmo.errors import CheckpointError
from pstmo.files.tensors import read_tensors, write_tensors

Line = dict[str, float | int]
"""Of the log, one an epoch: epoch, loss, validation, lr, seconds, windows_per_second."""

_OTHER = {"data": "other data", "cameras": "other cameras", "start": "another --start", "lifter": "another --lifter"}
"""Settings that are checksums, in words."""


@dataclass
class Position:
    """Where a run stands: the epochs behind it, and in the present one the steps done, the sum of their losses, and
    the seconds that they took."""

    history: list[Line] = field(default_factory=list)
    step: int = 0
    total: float = 0.0
    seconds: float = 0.0

    def advance(self, losses: Sequence[float], seconds: float) -> None:
        for loss in losses:
            self.total += loss  # one by one, so that the sum does not depend on where a run was stopped
        self.step += len(losses)
        self.seconds += seconds

    def finish(self, validation: float, lr: float, windows: int) -> None:
        """The epoch is over; `windows` of them were trained on."""
        self.history.append(
            {
                "epoch": len(self.history) + 1,
                "loss": self.total / self.step,
                "validation": validation,
                "lr": lr,
                "seconds": round(self.seconds, 2),
                "windows_per_second": round(windows / self.seconds, 1),
            }
        )
        self.step, self.total, self.seconds = 0, 0.0, 0.0


@dataclass(frozen=True)
class RunState:
    """Everything that a run changes; its chance is a function of the position. `settings` are what it must not change
    between two starts. data: where it lies, in words."""

    network: nn.Module
    optimizers: Sequence[Optimizer]
    settings: dict[str, Any]
    data: str = ""

    def fingerprint(self, position: Position) -> int:
        """Of the settings, the data among them, and of a position."""
        return zlib.crc32(json.dumps([self.settings, asdict(position)]).encode())

    def save(self, path: Path, position: Position) -> None:
        facts = {"settings": json.dumps(self.settings), "position": json.dumps(asdict(position))}
        write_tensors(path, self._tensors(), facts)

    def load(self, path: Path) -> Position:
        """Puts the saved state in place.

        Raises CheckpointError for a file that is cut off, or of a run with other settings.
        """
        tensors, facts = read_tensors(path)
        try:
            settings, position = json.loads(facts["settings"]), Position(**json.loads(facts["position"]))
        except (KeyError, ValueError, TypeError) as error:
            raise CheckpointError(f"{path} is not the state of a training run: {error!r}") from None
        now = json.loads(json.dumps(self.settings))
        for key in now | settings:
            if now.get(key) != settings.get(key):
                told = f"{key} = {settings.get(key)}, now it is {now.get(key)}"
                told = f"{_OTHER[key]}, now it is {self.data}" if key == "data" else _OTHER.get(key, told)
                raise CheckpointError(
                    f"{path} is of a run with {told}; go on with the same settings, or train into another folder"
                )
        self._put(tensors)
        return position

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        for k, optimizer in enumerate(self.optimizers):
            for i, slots in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{k}.{i}.{slot}": tensor for slot, tensor in slots.items()}
        return tensors

    def _put(self, tensors: dict[str, Tensor]) -> None:
        weights = {name.removeprefix("network."): t for name, t in tensors.items() if name.startswith("network.")}
        self.network.load_state_dict(weights)
        for k, optimizer in enumerate(self.optimizers):
            slots: dict[int, dict[str, Tensor]] = {}
            for name, tensor in tensors.items():
                if name.startswith(f"optimizer.{k}."):
                    _, _, i, slot = name.split(".")
                    slots.setdefault(int(i), {})[slot] = tensor
            optimizer.load_state_dict(optimizer.state_dict() | {"state": slots})
