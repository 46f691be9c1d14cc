"""The weights that come with the package: CMU motion seen by random cameras and an imperfect detector.

    pstmo data mocap --from cmu.tar.xz -o data/mocap.npz
    python runs/train_default_weights.py cmu-w27
    python runs/measure_default_weights.py cmu-w27

The live network (window 27) goes through both stages. The larger windows then start from the one before: what it has
learned is stretched over more frames, which costs far less than to learn it again there. "frame-by-frame" is a baseline
that sees one frame, from the same data in as many steps. Goes on where it was stopped.
"""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from pstmo.datasets import motions
from pstmo.presets import PRESETS, Recipe
from pstmo.training.engine import Engine
from pstmo.training.finetune import finetune
from pstmo.training.pretrain import pretrain
from pstmo.training.sources import SeenMotion

DATA = Path("data/mocap.npz")
OUT = Path("runs/out")
STEPS = {"cmu-w81": ("cmu-w27", 16), "cmu-w243": ("cmu-w81", 8)}
"""Grown networks: from which they start, and for how many epochs they are trained on."""

NAMES = ("cmu-w27", *STEPS, "frame-by-frame")


def recipe_of(name: str) -> Recipe:
    if name == "frame-by-frame":
        live = PRESETS["cmu-w27"]
        return replace(live, model=replace(live.model, strides=(1,)))
    recipe = PRESETS[name]
    return replace(recipe, finetune=replace(recipe.finetune, epochs=STEPS[name][1])) if name in STEPS else recipe


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("name", choices=NAMES)
    name = arguments.parse_args().name
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    engine, recipe, corpus = Engine(), recipe_of(name), motions.load(DATA)
    train, validation = (
        SeenMotion.of(corpus.split(part), recipe, str(engine.device)) for part in ("train", "validation")
    )
    folder, start = OUT / name, None
    if name in STEPS:
        start = OUT / STEPS[name][0] / "finetune/model.safetensors"
    elif name != "frame-by-frame":
        folder_1 = folder / "pretrain"
        start = pretrain(train, validation, folder_1, recipe.model, recipe.masking, recipe.pretrain, engine)
    finetune(train, validation, folder / "finetune", recipe.model, recipe.finetune, start, engine)


if __name__ == "__main__":
    main()
