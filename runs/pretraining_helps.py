"""Does stage I help? The same fine-tuning steps from the pre-trained encoder and from scratch, on held-out subjects.

    python runs/pretraining_helps.py [--epochs 10]

Needs data/mocap.npz, data/cmu4 and stage I of runs/train_default_weights.py. Writes docs/pretraining.md.
"""

import argparse
import json
import platform
from dataclasses import replace
from pathlib import Path

from pstmo.datasets import motions, paired
from pstmo.evaluate import evaluate, lifting
from pstmo.lift import load
from pstmo.presets import PRESETS
from pstmo.training.finetune import finetune
from pstmo.training.sources import SeenMotion

DATA = Path("data/mocap.npz")
BENCHMARK = Path("data/cmu4")
KEYPOINTS, CAMERA = "noisy_coco", "54138969"
STAGE_1 = Path("runs/out/cmu-coco17-w27/stage1/pretrained.safetensors")
OUT = Path("runs/out/pretraining_helps")
PAGE = Path("docs/pretraining.md")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--epochs", type=int, default=10)
    epochs = arguments.parse_args().epochs
    recipe = PRESETS["cmu-w27"]
    corpus = motions.load(DATA)
    train, validation = (SeenMotion.of(corpus.split(name), recipe) for name in ("train", "validation"))
    settings = replace(recipe.finetune, epochs=epochs, decay=0.02 ** (1 / epochs))
    rows = []
    for start, pretrained in (("from scratch", None), ("pre-trained", STAGE_1)):
        folder = OUT / f"{start.replace(' ', '-')}-{epochs}"
        path = finetune(train, validation, folder, recipe.model, settings, pretrained)
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        test = paired.load(BENCHMARK).split("test").only(cameras=[CAMERA])
        predict = lifting(load(path), KEYPOINTS, mirror=False)
        errors = evaluate(predict, test.recordings([KEYPOINTS]), data=test.name, keypoints=KEYPOINTS).by_frame
        rows.append(f"| {start} | {log[-1]['validation']:.1f} | {errors.mpjpe:.1f} | {errors.p_mpjpe:.1f} |")
    windows = epochs * (settings.epoch_windows or 0)
    PAGE.write_text(f"""\
# Does pre-training help?

Stage II for {epochs} epochs ({windows:,} windows), once from stage I's encoder and once from scratch; all else is equal
(preset `cmu-w27`, learning rate down to 2 % at the end). Subjects of validation and test are not in training. Test:
the open benchmark (cmu4.md), keypoints {KEYPOINTS}, camera {CAMERA}, no mirrored averaging, mean of frames.

| start | validation MPJPE mm | test MPJPE mm | test P-MPJPE mm |
| --- | --: | --: | --: |
{chr(10).join(rows)}

One seed each, on {platform.machine()} ({platform.processor() or "CPU"}, bfloat16 products):

    python runs/pretraining_helps.py --epochs {epochs}
""")
    print(PAGE.read_text())


if __name__ == "__main__":
    main()
