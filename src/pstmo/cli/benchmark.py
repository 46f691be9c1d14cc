"""`pstmo benchmark`: how fast it is here, beside plain PyTorch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import arg

from pstmo.cli.app import app
from pstmo.cli.settings import recipe
from pstmo.errors import PstmoError


@dataclass(frozen=True)
class Train:
    """Measure how fast a preset trains, beside a plain PyTorch loop, and where the time of a step goes."""

    preset: str = "cmu-w27"
    """The recipe; `pstmo presets` lists them."""
    set: tuple[str, ...] = ()
    """Fields of the recipe to change, such as finetune.batch=128; `pstmo presets NAME` lists them."""
    seconds: float = 30.0
    """How long each way is measured, in turns with the others. Starting up takes a while, too."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; auto = the best there is."""
    data: Path | None = None
    """Motion that `pstmo data mocap` wrote; without it, motion is made up."""
    compare: bool = False
    """Measure precisions and ways of attention one by one, too."""
    json: Path | None = None
    """File to write what was measured to, for machines."""

    def run(self) -> None:
        wanted = recipe(self.preset, self.set)
        _check(self.seconds, self.json)
        from pstmo.benchmark.tables import table, to_json
        from pstmo.benchmark.training import measure

        result = measure(wanted, self.preset, self.data, self.device, self.seconds, self.compare)
        _show(table(result), to_json(result), self.json)


@dataclass(frozen=True)
class Lift:
    """Measure how fast keypoints are lifted in every mode and precision, beside the bare network, window by window."""

    weights: str = ""
    """Weights of the package, a checkpoint, or a preset, whose network is then untrained. "" = the default."""
    seconds: float = 10.0
    """How long each way is measured, in turns with the others."""
    device: str = "cpu"
    """Where to compute, such as cuda."""
    json: Path | None = None
    """File to write what was measured to, for machines."""

    def run(self) -> None:
        _check(self.seconds, self.json)
        from pstmo import checkpoint
        from pstmo.benchmark.lifting import measure
        from pstmo.benchmark.lifting_tables import table, to_json

        result = measure(self.weights or checkpoint.DEFAULT, self.device, self.seconds)
        _show(table(result), to_json(result), self.json)


def _check(seconds: float, json: Path | None) -> None:
    """Now, not after minutes."""
    if seconds <= 0:
        raise PstmoError(f"found {seconds:g} seconds, expected more than 0")
    if json is not None and (json.is_dir() or not json.parent.is_dir()):
        raise PstmoError(f"cannot write {json}: expected the name of a file in a folder that is there")


def _show(table: str, text: str, json: Path | None) -> None:
    print(table)
    if json is not None:
        from pstmo.benchmark.tables import write_json

        write_json(json, text)
        print(f"\nwrote {json}")


What = Annotated[tyro.extras.subcommand_type_from_defaults({"train": Train(), "lift": Lift()}), arg(name="")]


@app.command
def benchmark(what: What) -> None:
    """Measure how fast pstmo is on this machine.

    Args:
        what: To measure.
    """
    what.run()
