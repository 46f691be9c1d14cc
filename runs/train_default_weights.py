"""The weights that come with the package: stage I, then stage II, on CMU motion seen by random cameras.

    pstmo data mocap --source ../shared/mocap/cmu.tar.xz --out data/mocap.npz
    python runs/train_default_weights.py

Goes on where it stopped. Afterwards runs/finish_default_weights.py measures them and puts them into the package.
"""

from pathlib import Path

from pstmo.datasets import mocap
from pstmo.presets import Masking, ModelConfig, Optimisation, strides_for
from pstmo.training.finetune import finetune
from pstmo.training.pretrain import pretrain
from pstmo.training.sources import SeenMotion

DATA = Path("data/mocap.npz")
OUT = Path("runs/out/cmu-coco17-w27")
MODEL = ModelConfig(strides=strides_for(27), dropout=0.0)
MASKING = Masking(frames=0.8, joints=2)
EPOCH = {"epoch_windows": 12_800, "batch": 128, "clip": 1.0, "precision": "bf16"}
STAGE_1 = Optimisation(epochs=24, lr=1e-3, decay=0.05 ** (1 / 24), warmup=200, **EPOCH)
STAGE_2 = Optimisation(epochs=100, lr=1e-3, decay=0.02 ** (1 / 100), warmup=200, **EPOCH)


def motion(split: str) -> SeenMotion:
    corpus = mocap.load(DATA).split(split)
    return SeenMotion.from_arrays(corpus.positions, corpus.starts, corpus.fps)


def main() -> None:
    train, validation = motion("train"), motion("validation")
    pretrained = pretrain(train, validation, OUT / "stage1", MODEL, MASKING, STAGE_1)
    finetune(train, validation, OUT / "stage2", MODEL, STAGE_2, pretrained)


if __name__ == "__main__":
    main()
