"""What fills gaps, beside straight lines: on the open benchmark, with joints and bodies missing as detectors miss them.

    pstmo data cmu4 --from data/mocap.npz -o data/cmu4
    python runs/train_default_weights.py cmu-fill
    python runs/filling.py [--weights cmu-w27] [--frames 6000]

Ships the network (float16) with the package and writes docs/gaps.md. Keypoints are those of an imperfect detector
("noisy_coco"), of which runs of 3 to 30 frames are taken away; errors are those of what was taken away: in 2D from
where the joints truly were, in 3D of the lifted poses.
"""

import argparse
from collections import defaultdict
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import torch

import pstmo
from pstmo import checkpoint
from pstmo.benchmark.machine import Machine
from pstmo.camera import normalise_screen
from pstmo.checkpoint import Checkpoint
from pstmo.datasets import paired
from pstmo.datasets.recording import Recording
from pstmo.gaps import Filler
from pstmo.lift import Lifter
from pstmo.sequence import Keypoints
from pstmo.track import Track

DATA, TRAINED, PAGE = Path("data/cmu4"), Path("runs/out/cmu-fill/filler.safetensors"), Path("docs/gaps.md")
SEEN, TRUE, FRAMES = "noisy_coco", "gt_coco", (3, 30)
MISSING = {
    "joints, 5 %": (0.05, False),
    "joints, 15 %": (0.15, False),
    "joints, 30 %": (0.30, False),
    "the body, 15 %": (0.15, True),
}
"""Share of the frames, and whether all joints are missing at once or each by itself."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--weights", default="cmu-w27")
    arguments.add_argument("--frames", type=int, default=6000)
    options = arguments.parse_args()
    ship()
    recordings = chosen(options.frames)
    lifter, lines = pstmo.load(options.weights), pstmo.load(options.weights, draws=False)
    rows = [row(name, *how, recordings, lifter, lines) for name, how in MISSING.items()]
    PAGE.write_text(page(rows, recordings, options.weights, options.frames))
    print(PAGE.read_text())


def ship() -> None:
    """The trained network into the package."""
    found = checkpoint.load(TRAINED)
    facts = {"data": "CMU motion capture, free for all uses", "made by": "runs/train_default_weights.py cmu-fill"}
    described = Checkpoint(found.network, found.keypoints, found.poses, "cmu-fill", found.framing, found.rate, facts)
    folder = Path(str(resources.files("pstmo"))) / "weights/gaps"
    folder.mkdir(exist_ok=True)
    checkpoint.save(folder / "cmu-fill.safetensors", described, half=True)


def chosen(frames: int) -> list[Recording]:
    """About so many frames: of every so many-th recording the first eight seconds."""
    test = paired.load(DATA).split("test")
    every = max(1, len(test.entries) * 300 // frames)
    found = [r for i, r in enumerate(test.recordings([SEEN, TRUE])) if i % every == every // 2]
    return [recording for recording in found if recording.frames > 100]


def row(
    name: str, share: float, body: bool, recordings: list[Recording], lifter: Lifter, lines: Lifter
) -> tuple[str, dict[str, float]]:
    """Means over what was taken away."""
    chance, found, filler = np.random.default_rng(0), defaultdict(list), Filler.load()
    for recording in recordings:
        seen, true = (first(recording.keypoints[kind]) for kind in (SEEN, TRUE))
        hidden = taken(seen.frames, share, body, chance)
        gappy = Keypoints.from_array(
            np.where(hidden[..., None], np.nan, seen.xy), image_size=seen.image_size, fps=seen.fps
        )
        drawn = filler.fill(gappy).drawn
        assert drawn is not None
        height = np.median(np.ptp(true.xy, axis=1).max(-1)) / 100
        over_clip = replace(gappy, drawn=replace_lines(gappy, drawn.error))
        off = {"drawn": drawn.xy, "line": over_clip.drawn.xy if over_clip.drawn else drawn.xy}
        for way, xy in off.items():
            found[f"2D {way}"].append((np.linalg.norm(xy - true.xy, axis=-1) / height)[hidden])
        known = np.isfinite(drawn.error) & hidden
        found["expected"].append(drawn.error[known] / height)
        poses, frames = recording.poses.positions[: seen.frames], hidden.any(1)
        lifted = {
            "drawn": lifter.lift(gappy, mode="exact"),
            "line": lifter.lift(over_clip, mode="exact"),
            "window": lines.lift(gappy, mode="exact"),
            "whole": lifter.lift(seen, mode="exact"),
        }
        for way, motion in lifted.items():
            error = 1000 * np.linalg.norm(motion.positions - poses, axis=-1).mean(1)
            found[f"3D {way}"].append(error[frames])
    return name, {what: float(np.concatenate(parts).mean()) for what, parts in found.items()}


def first(keypoints: Keypoints, frames: int = 400) -> Keypoints:
    return replace(keypoints, xy=keypoints.xy[:frames], confidence=keypoints.confidence[:frames])


def taken(frames: int, share: float, body: bool, chance: np.random.Generator) -> np.ndarray:
    """(frames, joints) bool: runs of FRAMES frames, until the share is reached; the first and last frame stay."""
    hidden = np.zeros((frames, 17), bool)
    for joint in range(1 if body else 17):
        while hidden[:, joint].mean() < share:
            length = int(chance.integers(FRAMES[0], FRAMES[1] + 1))
            start = int(chance.integers(1, frames - length))
            hidden[start : start + length, slice(None) if body else joint] = True
    return hidden


def replace_lines(keypoints: Keypoints, error: np.ndarray) -> pstmo.sequence.Drawn:
    """What straight lines over the clip would draw."""
    filled = Track.of(keypoints, torch.device("cpu")).filled
    corners = normalise_screen(torch.tensor([[0.0, 0.0], list(keypoints.image_size)]), *keypoints.image_size)
    scale = keypoints.image_size[0] / 2
    return pstmo.sequence.Drawn(((filled - corners[0]) * scale).numpy().astype(np.float32), error)


def page(rows: list[tuple[str, dict[str, float]]], recordings: list[Recording], weights: str, wanted: int) -> str:
    frames = sum(min(recording.frames, 400) for recording in recordings)
    table = "\n".join(
        f"| {name} | {m['2D line']:.2f} | {m['2D drawn']:.2f} | {m['expected']:.2f} | {m['3D whole']:.1f} "
        f"| {m['3D window']:.1f} | {m['3D line']:.1f} | {m['3D drawn']:.1f} |"
        for name, m in rows
    )
    return f"""# Gaps: what a detector missed

Joints that were not observed are drawn before lifting, by a network that was trained to draw what was hidden from it
(masked pose modelling, the paper's stage I; `gaps.Filler`, `model/filler.py`). It sees the straight line through a gap,
is told which joints are hidden, and draws how far off the line they are, and how far off that may be. Frames in which
nobody was seen stay on lines. Streams know nothing of what comes: they hold the last place.

In `motion.npz`, `keypoints_drawn` has every joint's place and `keypoints_error` the error to be expected, in pixels: 0
where it was observed, infinite where nobody was seen for longer than a window.

The open benchmark's [test subjects](cmu4.md), keypoints "{SEEN}", {frames:,} frames of {len(recordings)} recordings, of
which runs of {FRAMES[0]} to {FRAMES[1]} frames were taken away. 2D: distance of what was taken away from where it truly
was, % of the person's height in the picture (of what was seen it is about 2); *expected* is what the network said of
its own. 3D: MPJPE in mm of `{weights}`, exact, in the frames with gaps.

| missing | 2D line | 2D drawn | expected | 3D nothing missing | 3D line in each window | 3D line | 3D drawn |
| --- | --: | --: | --: | --: | --: | --: | --: |
{table}

{Machine.here(torch.device("cpu"))}.

    python runs/filling.py --weights {weights} --frames {wanted}

- A line over the whole clip is far better than lines within each window, as the lifter's training has them.
- What is drawn is nearer to the truth than a line, most where much is missing around it; the lifter, which is used to
  lines, gains less from that than the keypoints do.
- Who draws is told how sure to be: the errors it expects of itself are about those it makes.
"""


if __name__ == "__main__":
    main()
