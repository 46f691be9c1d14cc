"""Measures the weights that runs/train_default_weights.py made, on the held-out test subjects, and ships them.

Needs data/cmu4 (`pstmo data cmu4`). Writes src/pstmo/weights/NAME.safetensors (float16) and the card
docs/models/NAME.md.

    python runs/measure_default_weights.py
"""

import json
from dataclasses import asdict, replace
from pathlib import Path

from pstmo import checkpoint
from pstmo.datasets import motions, paired
from pstmo.evaluate import Evaluation, evaluate, lifting
from pstmo.lift import load
from pstmo.presets import PRESETS
from pstmo.tables import markdown

BENCHMARK = Path("data/cmu4")
RUN = Path("runs/out/cmu-coco17-w27")
NAME = checkpoint.DEFAULT
SHIPPED = Path(f"src/pstmo/weights/{NAME}.safetensors")
CARD = Path(f"docs/models/{NAME}.md")

LIMITS = """\
- Little or nothing in its training data: lying, crawling, phoning, long sitting, hands and feet: large errors there.
- One person; the camera stands still within a window of 27 frames. Children and very unusual bodies were not seen.
- Poses are relative to the hip and of the size of a recorded adult: no place in the room, no true body size.
- The hips are those of the skeleton (14 to 20 cm apart), not Human3.6M's (26.6 cm); spine and neck are those of the
  CMU skeleton. Errors on Human3.6M will be larger than on the table above for that alone.
- The test above is motion capture seen by virtual cameras with a made-up detector, not video. It tells actions and
  settings apart; it does not tell how a real detector on real video fares.
- Frames in which nobody was seen, and joints that were not seen, rest on interpolation."""


def main() -> None:
    log = [json.loads(line) for line in (RUN / "stage2/log.jsonl").read_text().splitlines()]
    stage1 = [json.loads(line) for line in (RUN / "stage1/log.jsonl").read_text().splitlines()]
    best = min(log, key=lambda line: line["validation"])
    recipe = PRESETS["cmu-w27"]
    trained = replace(
        checkpoint.load(RUN / "stage2/model.safetensors"),
        name=NAME,
        facts={
            "data": "CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu), seen by random virtual cameras",
            "licence": "MIT; the motion is free for all uses",
            "acknowledgement": motions.ACKNOWLEDGEMENT,
            "recipe": asdict(recipe),
            "epochs": [len(stage1), len(log)],
            "validation_mpjpe_mm": best["validation"],
            "test_subjects": list(motions.SPLITS["test"]),
            "validation_subjects": list(motions.SPLITS["validation"]),
        },
    )
    SHIPPED.parent.mkdir(exist_ok=True)
    checkpoint.save(SHIPPED, trained, half=True)
    noisy, clean = measured("noisy_coco"), measured("gt_coco")
    CARD.parent.mkdir(parents=True, exist_ok=True)
    CARD.write_text(card(stage1, log, best, noisy, clean))
    print(markdown(noisy), markdown(clean), f"wrote {SHIPPED} and {CARD}", sep="\n\n")


def measured(keypoints: str) -> Evaluation:
    """On the benchmark's test subjects."""
    test = paired.load(BENCHMARK).split("test")
    predict = lifting(load(NAME), keypoints)
    return evaluate(predict, test.recordings([keypoints]), data=test.name, keypoints=keypoints)


def card(stage1: list[dict], log: list[dict], best: dict, noisy: Evaluation, clean: Evaluation) -> str:
    recipe = PRESETS["cmu-w27"]
    windows = recipe.finetune.epoch_windows or 0
    hours = sum(line["seconds"] for line in stage1 + log) / 3600
    return f"""\
# {NAME}

The weights that `pstmo.load()` takes. COCO-17 keypoints in, Human3.6M-17 poses out; P-STMO-S with a window of
{recipe.model.frames} frames, {SHIPPED.stat().st_size / 1e6:.1f} MB in float16. MIT licence: also for commercial use.

## Data

{motions.ACKNOWLEDGEMENT} The database is free for all uses, also in products that are sold; the motion itself may not
be resold directly, even in converted form.

The part used: 71 minutes to train, 3 to validate (subjects {", ".join(motions.SPLITS["validation"])}), 9 to test
(subjects {", ".join(motions.SPLITS["test"])}). No subject is in two of them.

## Recipe

Preset `cmu-w27`: stage I, {len(stage1)} epochs of {recipe.pretrain.epoch_windows:,} windows, 80 % of the frames and 2
joints of each remaining frame hidden; stage II, {len(log)} epochs of {windows:,} windows. Every window is seen by a new
random camera and a new imperfect detector, at 20 to 60 frames a second. bfloat16 products, {hours:.1f} hours of one
core of an Intel Xeon with AMX. Best epoch by validation: {best["epoch"]}, {best["validation"]:.1f} mm; the validation
subjects dance and throw, which is harder than the test.

    python runs/train_default_weights.py

These weights were trained just before two small changes to the data: virtual cameras are now level also when they aim
aside (they rolled by some degrees), and a gap lasts 9 frames at most (it was 10). A new run differs by that and chance.

## Test error

The test subjects of the [open benchmark](../cmu4.md), filmed by Human3.6M's four published cameras, mirrored averaging.

With the detector's mistakes (jitter, drift, jumps, swaps, missed joints):

{markdown(noisy)}

With a perfect detector:

{markdown(clean)}

    pstmo data cmu4 --from cmu.tar.xz -o data/cmu4
    python runs/measure_default_weights.py

## What it can't do

{LIMITS}
"""


if __name__ == "__main__":
    main()
