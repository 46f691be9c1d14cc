"""`pstmo train`, and its stages one by one: on any data that `pstmo data` wrote."""

import logging
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from pstmo.cli.app import Out, app
from pstmo.cli.settings import recipe, settings
from pstmo.errors import PstmoError, Stopped
from pstmo.presets import PRESETS, Recipe

if TYPE_CHECKING:
    from pstmo.train import Job


@dataclass(frozen=True)
class Training:
    """What all stages are told."""

    data: Path
    """What `pstmo data` wrote: a folder of paired 2D and 3D, or motion for virtual cameras to film."""
    out: Out
    """Folder for checkpoints, logs and the report. A run that was stopped there goes on."""
    preset: str = "cmu-w27"
    """The recipe; `pstmo presets` lists them."""
    set: tuple[str, ...] = ()
    """Fields of the recipe to change, such as finetune.lr=1e-4 model.strides=3,3,3; `pstmo presets NAME` lists them."""
    keypoints: str | None = None
    """Kind of 2D, where the data has several."""
    with_validation: bool = False
    """Train on the validation subjects too, as papers do; the last epoch is kept, not the best."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; auto = the best there is."""
    processes: int = 1
    """Processes, or GPUs, that share each batch. Under torchrun or SLURM these say how many."""
    mapped: bool = False
    """Leave the data on disk and map it, where it is larger than memory."""

    def job(self, start: Path | None = None) -> "Job":
        """Reads the data, after everything that is quick to check. start: a checkpoint."""
        wanted = recipe(self.preset, self.set)
        there = next(path for path in (self.out, *self.out.parents) if path.exists())
        if not there.is_dir():
            raise PstmoError(f"{there} is a file, expected a folder for the results")
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        try:
            return self._job(wanted, start)
        except KeyboardInterrupt:
            raise Stopped("stopped by SIGINT while the data was read; nothing was begun", signal.SIGINT) from None

    def _job(self, wanted: Recipe, start: Path | None) -> "Job":
        from pstmo import checkpoint
        from pstmo.train import Job
        from pstmo.training.engine import Engine
        from pstmo.training.sources import PairedWindows

        if start is not None:
            checkpoint.load(start)
        engine = Engine(self.device, self.processes)
        job = Job.of(self.data, wanted, self.out, engine, self.keypoints, self.with_validation, self.mapped)
        if engine.first and wanted.rates is not None and isinstance(job.train, PairedWindows):
            print(f"windows run at {job.train.rate:g} frames/s: recorded 2D cannot be had at rates of {wanted.rates}")
        return job


Told = Annotated[Training, arg(name="")]


@app.command
def train(told: Told) -> None:
    """Train a lifter: stage I, stage II, and a report of both. Goes on where a run in OUT stopped."""
    job = told.job()
    _say(job, job.run(), job.folder / "report.html")


@app.command
def pretrain(told: Told) -> None:
    """Stage I alone: learn to draw hidden frames and joints."""
    job = told.job()
    _say(job, job.pretrain())


@app.command
def finetune(told: Told, start: Path | None = None) -> None:
    """Stage II alone: learn to lift.

    Args:
        start: Stage I's checkpoint, whose encoder moves in, or a lifter to train on, also of a smaller window;
            without it from scratch.
    """
    job = told.job(start)
    _say(job, job.finetune(start))


@app.command
def refine(told: Told, lifter: Path) -> None:
    """Train a refine module on top of a lifter, and the lifter with it (paper, section 4.2); needs known cameras.

    Args:
        lifter: Stage II's checkpoint.
    """
    job = told.job(lifter)
    _say(job, job.refine(lifter))


@app.command
def presets(name: Annotated[str | None, Positional] = None) -> None:
    """List the recipes, or all fields of one, for --preset and --set.

    Args:
        name: Of a recipe.
    """
    if name is None:
        for preset, found in PRESETS.items():
            model = found.model
            print(f"{preset:16} window {model.frames:3}, depth {model.depth}, tds {found.tds}, framing {found.framing}")
        return
    for field, value in settings(recipe(name)):
        print(f"{field} = {','.join(map(str, value)) if isinstance(value, tuple) else value}")


def _say(job: "Job", *paths: Path) -> None:
    if job.engine.first:
        print(*paths, sep="\n")
