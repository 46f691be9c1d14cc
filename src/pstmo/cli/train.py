"""`pstmo pretrain` and `pstmo finetune`: both stages, on any data that `pstmo data` wrote."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import arg

from pstmo.cli.app import Out, app
from pstmo.errors import PstmoError
from pstmo.presets import PRESETS, ModelConfig, Optimisation, Recipe

if TYPE_CHECKING:
    from pstmo.training.sources import Source

Recipes = Annotated[tyro.extras.subcommand_type_from_defaults(PRESETS), arg(name="")]
"""A preset by name, every field of which is an option behind it."""


@app.command
def pretrain(
    data: Path,
    out: Out,
    keypoints: str | None = None,
    with_validation: bool = False,
    recipe: Recipes = PRESETS["cmu-w27"],
) -> None:
    """Stage I: learn to draw hidden frames and joints. Goes on where a run in OUT stopped.

    Args:
        data: What `pstmo data` wrote: a folder of paired 2D and 3D, or motion for virtual cameras to film.
        out: Folder for the checkpoint, the log and the state to go on from.
        keypoints: Kind of 2D, where the data has several.
        with_validation: Train on the validation subjects too, as papers do; the last epoch is kept, not the best.
        recipe: What is trained, and how.
    """
    from pstmo.training.pretrain import pretrain as train

    source, validation = _sources(data, keypoints, with_validation, recipe)
    settings = _settings(recipe.pretrain, with_validation)
    print(train(source, validation, out, _fitting(recipe.model, source), recipe.masking, settings))


@app.command
def finetune(
    data: Path,
    out: Out,
    pretrained: Path | None = None,
    keypoints: str | None = None,
    with_validation: bool = False,
    recipe: Recipes = PRESETS["cmu-w27"],
) -> None:
    """Stage II: learn to lift, from a stage I checkpoint or from scratch. Goes on where a run in OUT stopped.

    Args:
        data: What `pstmo data` wrote: a folder of paired 2D and 3D, or motion for virtual cameras to film.
        out: Folder for the checkpoint, the log and the state to go on from.
        pretrained: Stage I's checkpoint, whose encoder moves in.
        keypoints: Kind of 2D, where the data has several.
        with_validation: Train on the validation subjects too, as papers do; the last epoch is kept, not the best.
        recipe: What is trained, and how.
    """
    from pstmo.training.finetune import finetune as train

    source, validation = _sources(data, keypoints, with_validation, recipe)
    settings = _settings(recipe.finetune, with_validation)
    print(train(source, validation, out, _fitting(recipe.model, source), settings, pretrained))


def _sources(data: Path, keypoints: str | None, both: bool, recipe: Recipe) -> "tuple[Source, Source]":
    """What to train and to validate on."""
    from pstmo.datasets import motions, paired
    from pstmo.training.sources import PairedWindows, SeenMotion

    if data.is_dir():
        found = paired.load(data)
        kind = found.kind(keypoints)
        train = found.split("train", "validation") if both else found.split("train")
        source, validation = (PairedWindows.of(part, kind, recipe) for part in (train, found.split("validation")))
        if recipe.rates is not None:
            print(f"windows run at {source.rate:g} frames/s: recorded 2D cannot be had at rates of {recipe.rates}")
        return source, validation
    corpus = motions.load(data)
    train = corpus.split("train", "validation") if both else corpus.split("train")
    return SeenMotion.of(train, recipe), SeenMotion.of(corpus.split("validation"), recipe)


def _settings(settings: Optimisation, both: bool) -> Optimisation:
    return replace(settings, keep="last") if both else settings


def _fitting(model: ModelConfig, source: "Source") -> ModelConfig:
    """The model with as many joints as the data. Raises PstmoError where options ask for others."""
    there, asked = (len(source.keypoints), len(source.poses)), (model.joints_in, model.joints_out)
    if asked not in (there, (ModelConfig.joints_in, ModelConfig.joints_out)):
        raise PstmoError(f"the data has {there} joints in and out, the model has {asked}; leave it to the data")
    return replace(model, joints_in=there[0], joints_out=there[1])
