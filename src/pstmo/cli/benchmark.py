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
        if self.seconds <= 0:
            raise PstmoError(f"found {self.seconds:g} seconds, expected more than 0")
        if self.json is not None and (self.json.is_dir() or not self.json.parent.is_dir()):  # now, not after minutes
            raise PstmoError(f"cannot write {self.json}: expected the name of a file in a folder that is there")
        from pstmo.benchmark.tables import table, write_json
        from pstmo.benchmark.training import measure

        result = measure(wanted, self.preset, self.data, self.device, self.seconds, self.compare)
        print(table(result))
        if self.json is not None:
            write_json(self.json, result)
            print(f"\nwrote {self.json}")


What = Annotated[tyro.extras.subcommand_type_from_defaults({"train": Train()}), arg(name="")]


@app.command
def benchmark(what: What) -> None:
    """Measure how fast pstmo is on this machine.

    Args:
        what: To measure.
    """
    what.run()
