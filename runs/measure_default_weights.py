"""Measures weights that runs/train_default_weights.py made, on the held-out test subjects, and ships them.

    pstmo data mocap --from cmu.tar.xz -o data/mocap.npz
    python runs/measure_default_weights.py cmu-w27

Test subjects are seen by random cameras and an imperfect detector, beside the first weights that this package came with
(from the repository's history) and a lifter that sees one frame at a time (`train_default_weights.py frame-by-frame`).
Writes src/pstmo/weights/NAME.safetensors (float16) and the card docs/models/NAME.md.
"""

import argparse
import json
import subprocess
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from train_default_weights import DATA, NAMES, OUT, STEPS, recipe_of

from pstmo import checkpoint
from pstmo.checkpoint import Checkpoint
from pstmo.datasets import motions
from pstmo.imperfect import DetectorNoise
from pstmo.model.stmo import STMO, Prediction
from pstmo.training.check import Check, check
from pstmo.training.sources import SeenMotion, validation_batches, validation_numbers
from pstmo.windows import mirrored

FIRST = "aae8f66:src/pstmo/weights/cmu-coco17-w27.safetensors"
WINDOWS = 8192
PERFECT = DetectorNoise(
    steady=0.0,
    drift=0.0,
    jitter=0.0,
    outlier=0.0,
    swap=0.0,
    gap=0.0,
    lost=0.0,
    cut_off=0.0,
    nobody=0.0,
    strength=(1.0, 1.0),
)

LIMITS = """\
- Little or nothing in its training data: lying, crawling, phoning, long sitting, hands and feet: large errors there.
- One person; the camera stands still within a window. Children and very unusual bodies were not seen.
- Poses are relative to the hip and of the size of a recorded adult: no place in the room, no true body size.
- Who stands aside in the picture is seen from aside: how much depends on the lens. Where the field of view is not
  given (`--fov`), one of 49 degrees is assumed; a wrong one turns the whole pose by some degrees.
- The hips are those of the skeleton (14 to 20 cm apart), not Human3.6M's (26.6 cm); spine and neck are those of the
  CMU skeleton. Errors on Human3.6M will be larger than in the table above for that alone.
- The test above is motion capture seen by virtual cameras with a made-up detector, not video. It tells actions and
  settings apart; it does not tell how a real detector on real video fares.
- Frames in which nobody was seen, and joints that were not seen, rest on interpolation."""


class Mirrored(nn.Module):
    """Averages with what the network makes of the mirror image, as lifting does."""

    def __init__(self, found: Checkpoint):
        super().__init__()
        self.network, self.keypoints, self.poses = found.network, found.keypoints, found.poses

    def forward(self, keypoints: torch.Tensor) -> Prediction:
        straight, flipped = self.network(keypoints), self.network(mirrored(keypoints, self.keypoints))
        return Prediction(*((a + mirrored(b, self.poses)) / 2 for a, b in zip(straight, flipped, strict=True)))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("name", choices=[name for name in NAMES if name != "frame-by-frame"])
    name = arguments.parse_args().name
    trained = checkpoint.load(OUT / name / "finetune/model.safetensors")
    shipped = Path(f"src/pstmo/weights/{name}.safetensors")
    checkpoint.save(shipped, replace(trained, name=name, facts=facts(name)), half=True)
    ours, single = checkpoint.load(shipped), OUT / "frame-by-frame/finetune"
    lifters = {"first weights": first_weights(), name: ours}
    if len(lines("frame-by-frame", "finetune")) == recipe_of("frame-by-frame").finetune.epochs:
        lifters = {"frame by frame": checkpoint.load(single / "model.safetensors")} | lifters
    noisy = {title: measured(found, DetectorNoise()) for title, found in lifters.items()}
    text = card(name, shipped, table(noisy), table({name: measured(ours, PERFECT)}), noisy[name])
    Path(f"docs/models/{name}.md").write_text(text)
    print(text)


def facts(name: str) -> dict[str, Any]:
    log = lines(name, "finetune")
    return {
        "data": "CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu), seen by random virtual cameras",
        "licence": "MIT; the motion is free for all uses",
        "acknowledgement": motions.ACKNOWLEDGEMENT,
        "recipe": asdict(recipe_of(name)),
        "epochs": [len(lines(name, "pretrain")), len(log)],
        "validation_mpjpe_mm": min(line["validation"] for line in log),
        "test_subjects": list(motions.SPLITS["test"]),
        "validation_subjects": list(motions.SPLITS["validation"]),
    }


def lines(name: str, stage: str) -> list[dict[str, Any]]:
    log = OUT / name / stage / "log.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def first_weights() -> Checkpoint:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "first.safetensors")
        path.write_bytes(subprocess.run(["git", "show", FIRST], check=True, capture_output=True).stdout)
        return checkpoint.load(path)


def measured(found: Checkpoint, noise: DetectorNoise) -> Check:
    """Errors on the same moments of the test subjects, seen by the same cameras, whatever the window."""
    assert isinstance(found.network, STMO)
    recipe = replace(recipe_of("cmu-w27"), framing=found.framing)
    source = replace(SeenMotion.of(motions.load(DATA).split("test"), recipe), noise=noise)
    batches = validation_batches(source, found.network.config.frames, WINDOWS, batch=128)
    actions = source.actions(validation_numbers(source, WINDOWS))
    return check(Mirrored(found), batches, actions, found.poses)  # type: ignore[arg-type]


def table(checks: dict[str, Check]) -> str:
    """MPJPE / P-MPJPE in mm, a row for each kind of motion."""
    first = next(iter(checks.values()))
    rows = ["| motion | windows | " + " | ".join(checks) + " |", "| --- | --: |" + " --: |" * len(checks)]
    for action in sorted(first.actions):
        scores = [found.actions[action] for found in checks.values()]
        cells = " | ".join(f"{score.mpjpe:.1f} / {score.p_mpjpe:.1f}" for score in scores)
        rows.append(f"| {action} | {scores[0].windows} | {cells} |")
    totals = " | ".join(f"**{found.total.mpjpe:.1f} / {found.total.p_mpjpe:.1f}**" for found in checks.values())
    return "\n".join([*rows, f"| all | {first.total.windows} | {totals} |"])


def card(name: str, shipped: Path, noisy: str, perfect: str, found: Check) -> str:
    recipe, stage1, stage2 = recipe_of(name), lines(name, "pretrain"), lines(name, "finetune")
    settings, best = recipe.finetune, min(stage2, key=lambda line: line["validation"])
    hours = sum(line["seconds"] for line in stage1 + stage2) / 3600
    frames, middle = recipe.model.frames, recipe.model.frames // 2
    if name in STEPS:
        start = f"It starts from `{STEPS[name][0]}`, whose knowledge is stretched over the larger window"
    else:
        start = (
            f"Stage I: {len(stage1)} epochs of {recipe.pretrain.epoch_windows:,} windows, {recipe.masking.frames:.0%} "
            f"of the frames and {recipe.masking.joints} joints of each remaining frame hidden"
        )
    return f"""\
# {name}

COCO-17 keypoints in, Human3.6M-17 poses out; P-STMO-S with a window of {frames} frames,
{shipped.stat().st_size / 1e6:.1f} MB in float16. MIT licence: also for commercial use.

## Data

{motions.ACKNOWLEDGEMENT}
The database is free for all uses, also in products that are sold; the motion itself may not be resold directly, even in
converted form.

The part used: 71 minutes to train, 3 to validate (subjects {", ".join(motions.SPLITS["validation"])}), 9 to test
(subjects {", ".join(motions.SPLITS["test"])}). No subject is in two of them.

## Recipe

{start}. Stage II: {len(stage2)} epochs of {settings.epoch_windows:,} windows, batch {settings.batch},
{settings.optimizer} at {settings.lr:g}, {settings.schedule}. Every window is seen by a new random camera and a new
imperfect detector, at 20 to 60 frames a second; the network's view faces the person (framing "{recipe.framing}").
bfloat16 products, {hours:.1f} hours of a busy machine with two virtual cores. Best epoch by validation:
{best["epoch"]}, {best["validation"]:.1f} mm; the validation subjects dance and throw, which is harder than the test.

    python runs/train_default_weights.py {name}

## Test error

MPJPE / P-MPJPE in mm of the centre frame: {found.total.windows} moments of the test subjects, seen by random cameras
whose lens is known, mirrored averaging. With the detector's mistakes (jitter, drift, jumps, swaps, missed joints),
beside the first weights that this package had and, where it is trained, a lifter that sees one frame at a time (same
data, same steps):

{noisy}

With a perfect detector:

{perfect}

The all-frames head at the centre of the window: {found.sequence[middle]:.1f} mm; at its ends {found.sequence[0]:.1f} mm
and {found.sequence[-1]:.1f} mm.

    python runs/train_default_weights.py frame-by-frame
    python runs/measure_default_weights.py {name}

## What it can't do

{LIMITS}
"""


if __name__ == "__main__":
    main()
