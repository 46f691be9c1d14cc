"""A whole training from one recipe: stage I, stage II, where wanted the refine module, and a report at the end."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pstmo import checkpoint
from pstmo.datasets import motions, paired
from pstmo.errors import PstmoError
from pstmo.extras import extra
from pstmo.model.stmo import STMO
from pstmo.presets import ModelConfig, Optimisation, Recipe
from pstmo.report.training import write_training_report
from pstmo.training.check import check
from pstmo.training.engine import Engine
from pstmo.training.finetune import finetune
from pstmo.training.pretrain import pretrain
from pstmo.training.refine import refine
from pstmo.training.sources import PairedWindows, SeenMotion, Source, validation_batches, validation_numbers
from pstmo.training.stage import STAGES


@dataclass(frozen=True)
class Job:
    """A recipe, what it is trained and validated on, and the folder into which each stage gets a folder of its own.

    everything: the validation data is trained on too, as papers do; then the last epoch is kept, not the best.
    """

    recipe: Recipe
    train: Source
    validation: Source
    folder: Path
    engine: Engine
    everything: bool = False

    @classmethod
    def of(
        cls,
        data: Path,
        recipe: Recipe,
        folder: Path,
        engine: Engine,
        keypoints: str | None = None,
        everything: bool = False,
        mapped: bool = False,
    ) -> "Job":
        """data: what `pstmo data` wrote: a folder of paired 2D and 3D, or motion (a file, or a folder of files).

        keypoints: kind of 2D, where paired data has several. mapped: frames stay on disk.
        """
        device, parts = str(engine.device), ("train", "validation") if everything else ("train",)
        train: Source
        validation: Source
        if (data / paired.INDEX).is_file():
            found = paired.load(data)
            kind = found.kind(keypoints)
            train, validation = (
                PairedWindows.of(found.split(*names), kind, recipe, device, mapped)
                for names in (parts, ("validation",))
            )
        else:
            corpus = motions.load(data, mapped)
            train, validation = (
                SeenMotion.of(corpus.split(*names), recipe, device, mapped, str(data))
                for names in (parts, ("validation",))
            )
        return cls(replace(recipe, model=_fitting(recipe.model, train)), train, validation, folder, engine, everything)

    def run(self) -> Path:
        """Both stages, one after the other, and the report; gives the path of the trained lifter."""
        extra("matplotlib", "train")  # of the report: told before the work, not after it
        lifter = self.finetune(self.pretrain())
        self.report()
        return lifter

    def pretrain(self) -> Path:
        recipe = self.recipe
        settings = self._kept(recipe.pretrain)
        return pretrain(self.train, self.validation, self._into(0), recipe.model, recipe.masking, settings, self.engine)

    def finetune(self, start: Path | None) -> Path:
        """start: see `finetune.finetune`."""
        settings = self._kept(self.recipe.finetune)
        return finetune(self.train, self.validation, self._into(1), self.recipe.model, settings, start, self.engine)

    def refine(self, lifter: Path) -> Path:
        settings = self._kept(self.recipe.refine)
        return refine(self.train, self.validation, self._into(2), settings, lifter, self.engine)

    def report(self) -> None:
        """Writes `report.html`: of the stages that there are in the folder, and what their lifter does."""
        if not self.engine.first:
            return
        logs = {stage: self.folder / stage / "log.jsonl" for stage in STAGES}
        stages = {s: [json.loads(x) for x in log.read_text().splitlines()] for s, log in logs.items() if log.exists()}
        found = None
        lifter = self.folder / "finetune/model.safetensors"
        if lifter.exists():
            network = checkpoint.expect(checkpoint.load(lifter).network, STMO, lifter).to(self.engine.device)
            frames, numbers = self.recipe.model.frames, validation_numbers(self.validation)
            batches = validation_batches(self.validation, frames, device=self.engine.device)
            found = check(network, batches, self.validation.actions(numbers), self.validation.poses)
        title = f"{self.folder.resolve().name}: window {self.recipe.model.frames}, trained on {self.train.origin}"
        layouts = (self.validation.keypoints, self.validation.poses)
        write_training_report(self.folder / "report.html", title, stages, self._settings(stages), found, *layouts)

    def _settings(self, stages: Collection[str]) -> dict[str, Any]:
        """What these stages were told, without what they had no use for."""
        told = asdict(self.recipe) | {s: asdict(self._kept(getattr(self.recipe, s))) for s in STAGES}
        at_rates = isinstance(self.train, SeenMotion) and self.recipe.rates is not None
        unused = {"tds" if at_rates else "rates", *(set(STAGES) - set(stages))}
        unused |= set() if "pretrain" in stages else {"masking"}
        data = {"data": self.train.origin, "with validation": self.everything}
        return data | {name: value for name, value in told.items() if name not in unused}

    def _into(self, stage: int) -> Path:
        return self.folder / STAGES[stage]

    def _kept(self, settings: Optimisation) -> Optimisation:
        return replace(settings, keep="last") if self.everything else settings


def _fitting(model: ModelConfig, source: Source) -> ModelConfig:
    """The model with as many joints as the data. Raises PstmoError where settings ask for others."""
    there, asked = (len(source.keypoints), len(source.poses)), (model.joints_in, model.joints_out)
    if asked not in (there, (ModelConfig.joints_in, ModelConfig.joints_out)):
        raise PstmoError(f"the data has {there} joints in and out, the model has {asked}; leave it to the data")
    return replace(model, joints_in=there[0], joints_out=there[1])
