"""The weights that come with the package: CMU motion seen by random cameras and an imperfect detector.

    pstmo data mocap --from cmu.tar.xz -o data/mocap.npz
    python runs/train_default_weights.py cmu-w27
    python runs/measure_default_weights.py cmu-w27

The live network (window 27) goes through both stages. The larger windows then start from the one before: what it has
learned is stretched over more frames, which costs far less than to learn it again there. "frame-by-frame" is a baseline
that sees one frame, from the same data in as many steps. "cmu-fill" fills what a detector misses before
lifting: runs of frames of single joints, of several and of the whole body. Goes on where it was stopped.
"""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from pstmo.imperfect import DetectorNoise
from pstmo.presets import PRESETS, Masking, Recipe
from pstmo.train import Job
from pstmo.training.engine import Engine
from pstmo.training.filling import learn_to_fill
from pstmo.training.sources import SeenMotion

DATA = Path("data/mocap.npz")
OUT = Path("runs/out")
STEPS = {"cmu-w81": ("cmu-w27", 16), "cmu-w243": ("cmu-w81", 4)}
"""Grown networks: from which they start, and for how many epochs they are trained on."""

GROWN_LR = 5e-4
"""A quarter of the preset's, which took a grown network from 84 to 117 mm of validation error in its first epoch."""

FILL = "cmu-fill"
WHOLE = DetectorNoise(outlier=0.0, swap=0.0, gap=0.0, lost=0.0, cut_off=0.0, nobody=0.0)
"""Nothing is missing but what the masks hide."""

NAMES = ("cmu-w27", *STEPS, FILL, "frame-by-frame")


def recipe_of(name: str) -> Recipe:
    if name == "frame-by-frame":
        live = PRESETS["cmu-w27"]
        return replace(live, model=replace(live.model, strides=(1,)))
    if name == FILL:
        live = PRESETS["cmu-w27"]
        masking, stage = Masking(0.0, 0, gaps=0.3), replace(live.pretrain, epochs=12)
        return replace(live, framing="screen", masking=masking, pretrain=stage, rates=(15.0, 30.0))
    recipe = PRESETS[name]
    if name not in STEPS:
        return recipe
    return replace(recipe, finetune=replace(recipe.finetune, epochs=STEPS[name][1], lr=GROWN_LR))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("name", choices=NAMES)
    name = arguments.parse_args().name
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    job, start = Job.of(DATA, recipe_of(name), OUT / name, Engine()), None
    if name == FILL:
        assert isinstance(job.train, SeenMotion)
        assert isinstance(job.validation, SeenMotion)
        whole, held_out = replace(job.train, noise=WHOLE), replace(job.validation, noise=WHOLE)
        recipe = job.recipe
        learn_to_fill(whole, held_out, OUT / name, recipe.model, recipe.masking, recipe.pretrain, job.engine)
        return
    if name in STEPS:
        start = OUT / STEPS[name][0] / "finetune/model.safetensors"
    elif name != "frame-by-frame":
        start = job.pretrain()
    job.finetune(start)


if __name__ == "__main__":
    main()
