"""The weights that come with the package: stage I, then stage II, on CMU motion seen by random cameras.

    pstmo data mocap --from cmu.tar.xz -o data/mocap.npz
    python runs/train_default_weights.py
    python runs/measure_default_weights.py

Goes on where it was stopped. `pstmo pretrain` and `pstmo finetune` with the preset cmu-w27 do the same.
"""

from pathlib import Path

from pstmo.datasets import motions
from pstmo.presets import PRESETS
from pstmo.training.finetune import finetune
from pstmo.training.pretrain import pretrain
from pstmo.training.sources import SeenMotion

DATA = Path("data/mocap.npz")
OUT = Path("runs/out/cmu-coco17-w27")


def main() -> None:
    recipe = PRESETS["cmu-w27"]
    corpus = motions.load(DATA)
    train, validation = (SeenMotion.of(corpus.split(name), recipe) for name in ("train", "validation"))
    pretrained = pretrain(train, validation, OUT / "stage1", recipe.model, recipe.masking, recipe.pretrain)
    finetune(train, validation, OUT / "stage2", recipe.model, recipe.finetune, pretrained)


if __name__ == "__main__":
    main()
