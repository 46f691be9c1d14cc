"""What each mode of lifting costs and how much error it adds: docs/lifting.md, and its picture.

    pstmo data cmu4 --from data/mocap.npz -o data/cmu4
    python runs/lift_modes.py [--weights cmu-w81 cmu-w27] [--seconds 1500]

Lifts recordings of cmu4's test subjects, every so many-th until there are about as many seconds, in every mode, window
and precision, and measures errors and speed. Modes take turns, recording by recording, so that whatever else the
machine does hits them alike.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import torch

mpl.use("agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import LogLocator, StrMethodFormatter

import pstmo
from pstmo.benchmark.machine import Machine
from pstmo.datasets import paired
from pstmo.datasets.recording import Recording
from pstmo.lift import Lifter
from pstmo.metrics import mpjpe, p_mpjpe
from pstmo.model.cost import exact_macs, macs
from pstmo.sequence import Poses

DATA, KEYPOINTS, PAGE, PICTURE = Path("data/cmu4"), "noisy_coco", Path("docs/lifting.md"), Path("docs/lifting.png")
WAYS: dict[str, dict[str, Any]] = {
    "exact": {"mode": "exact"},
    "exact, not mirrored": {"mode": "exact", "mirror": False},
    "fast, 10 a second": {"mode": "fast"},
    "fast, 5 a second": {"mode": "fast", "every": 10},
    "sequence, overlap 0": {"mode": "sequence", "overlap": 0.0},
    "sequence, overlap 0.25": {"mode": "sequence", "overlap": 0.25},
    "sequence, overlap 0.5": {"mode": "sequence", "overlap": 0.5},
    "sequence, overlap 0.75": {"mode": "sequence", "overlap": 0.75},
    "live, lag 0": {"mode": "live", "lag": 0, "mirror": False},
    "live, lag 0.2 s": {"mode": "live", "lag": 10, "mirror": False},
}
BF16 = ("exact", "fast, 10 a second", "sequence, overlap 0.5")


class Sum:
    """Of a way, over recordings."""

    def __init__(self) -> None:
        self.frames, self.seconds, self.sums = 0, 0.0, np.zeros(4)

    def add(self, seconds: float, poses: Poses, recording: Recording, exact: np.ndarray) -> None:
        found, true = torch.from_numpy(poses.positions), torch.from_numpy(recording.poses.positions)
        shaking = (found[2:] - 2 * found[1:-1] + found[:-2]).norm(dim=-1).mean(-1).mean()
        from_exact = (found - torch.from_numpy(exact)).norm(dim=-1).mean()
        means = torch.stack([mpjpe(found, true).mean(), p_mpjpe(found, true).mean(), from_exact, shaking])
        self.frames, self.seconds = self.frames + len(found), self.seconds + seconds
        self.sums += 1000 * len(found) * means.double().numpy()

    @property
    def numbers(self) -> "Numbers":
        return Numbers(self.frames / self.seconds, *(self.sums / self.frames))


class Numbers(NamedTuple):
    frames_per_second: float
    mpjpe: float
    p_mpjpe: float
    from_exact: float
    shaking: float


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--weights", nargs="+", default=["cmu-w81", "cmu-w27"])
    arguments.add_argument("--seconds", type=float, default=600)
    options = arguments.parse_args()
    recordings = chosen(options.seconds)
    found = {name: measured(name, recordings) for name in options.weights}
    rounding = {name: rounded(name, recordings[:: max(1, len(recordings) // 12)]) for name in options.weights}
    frames = sum(recording.frames for recording in recordings)
    data = (
        f"{frames:,} frames of {len(recordings)} recordings, whose true motion shakes by {shaking(recordings):.1f} mm"
    )
    text = page(found, rounding, data, Machine.here(torch.device("cpu")))
    PAGE.write_text(text)
    picture(found)
    print(text)


def chosen(seconds: float) -> list[Recording]:
    test = paired.load(DATA).split("test")
    every = max(1, round(sum(entry.frames / entry.fps for entry in test.entries) / seconds))
    return [recording for i, recording in enumerate(test.recordings([KEYPOINTS])) if i % every == every // 2]


def measured(weights: str, recordings: list[Recording]) -> dict[str, Numbers]:
    lifters: dict[str, Lifter] = {name: pstmo.load(weights, precision=name) for name in ("fp32", "bf16")}
    ways = dict(turns(lifters))
    sums = {name: Sum() for name in ways}
    for lifter, how in ways.values():
        lifter.lift(recordings[0].keypoints[KEYPOINTS], **how)  # to warm up
    for recording in recordings:
        exact = None
        for name, (lifter, how) in ways.items():
            start = time.perf_counter()
            poses = lifter.lift(recording.keypoints[KEYPOINTS], **how)
            seconds = time.perf_counter() - start
            exact = poses.positions if exact is None else exact
            sums[name].add(seconds, poses, recording, exact)
    return {name: part.numbers for name, part in sums.items()}


def turns(lifters: dict[str, Lifter]) -> Iterator[tuple[str, tuple[Lifter, dict[str, Any]]]]:
    for name, how in WAYS.items():
        yield name, (lifters["fp32"], how)
        if name in BF16:
            yield f"{name}, bf16", (lifters["bf16"], how)


def rounded(weights: str, recordings: list[Recording]) -> tuple[float, float]:
    """Mean distance from float32, mm, of exact poses with bfloat16 products: as PyTorch's autocast makes them, ours."""
    lifter, close = (pstmo.load(weights, precision=precision) for precision in ("fp32", "bf16"))
    errors, threads = [], torch.get_num_threads()
    for recording in recordings:
        seen = recording.keypoints[KEYPOINTS]
        exact = lifter.lift(seen, mode="exact").positions
        torch.set_num_threads(1)  # autocast holds for its own thread alone
        with torch.autocast("cpu", torch.bfloat16):
            plain = lifter.lift(seen, mode="exact").positions
        torch.set_num_threads(threads)
        ours = close.lift(seen, mode="exact").positions
        errors.append([1000 * np.linalg.norm(found - exact, axis=-1).mean() for found in (plain, ours)])
    return tuple(np.mean(errors, axis=0).tolist())


def shaking(recordings: list[Recording]) -> float:
    """Mean second difference of the true motion, mm."""
    total = sum(np.linalg.norm(np.diff(r.poses.positions, 2, axis=0), axis=-1).mean() * r.frames for r in recordings)
    return float(1000 * total / sum(r.frames for r in recordings))


def page(
    found: dict[str, dict[str, Numbers]], rounding: dict[str, tuple[float, float]], data: str, machine: Machine
) -> str:
    tables = "\n\n".join(table(name, ways) for name, ways in found.items())
    plain, ours = next(iter(rounding.values()))
    config = pstmo.load(next(iter(found))).network.config
    one, all_frames = exact_macs(config), macs(config)
    each = all_frames.tokens + (all_frames.encoder + all_frames.sequence_head) / config.frames
    return f"""\
# Lifting: what each mode costs

    pstmo lift keypoints.json -o out --mode exact

| mode | what it does | when |
| --- | --- | --- |
| `exact` | the paper's: every frame is the centre of a window of its own | clips of some seconds; numbers to compare |
| `fast` | 10 exact poses a second (`--every N`: each N-th frame), a cubic curve through them | as good, less shaky |
| `sequence` | the all-frames head over windows that overlap (`--overlap 0.5`), blended | hours of video |
| `live` | each frame from those before it and `--lag` frames after it | to see what a stream would give |
| `auto` | `fast` where that takes about half a minute at most, else `sequence` | the default |

An exact pose of the default network takes {one / 1e6:.0f} million multiply-accumulates, twice that with mirroring; a
pose of the all-frames head {each / 1e6:.1f} million.

![Error and speed of the modes](lifting.png)

The open benchmark's [test subjects](cmu4.md), keypoints "{KEYPOINTS}": {data} from frame to frame (mean second
difference, 50 frames a second). Errors in mm, mean of frames; *from exact* is the mean distance from the exact poses in
float32. Mirrored, but for the live ones and where it says otherwise; speeds of lifting alone, gaps
drawn (which is what holds back the quickest ones), without files and start.

{tables}

Machine: {machine}. Other programs ran beside it; modes took turns, so compare speeds with each other.

    python runs/lift_modes.py

- The modes hardly differ in error. They do in what they make of the detector's trembling: one exact pose after another
  shakes more than people do, a curve through a tenth of a second does not.
- The all-frames head follows each frame's own keypoints more closely: quick, good and shaky. Smooth it, or take `fast`.
- bfloat16 (`--precision bf16`) pays where the processor multiplies it (AMX, AVX512-BF16), or on a GPU. Products as they
  come (autocast) are {plain:.1f} mm from float32; as done here, with the mean person subtracted before each product and
  added after it in float32 (`model/folded.py`), {ours:.1f} mm.
"""


def table(weights: str, ways: dict[str, Numbers]) -> str:
    rows = [
        f"| {name} | {n.mpjpe:.1f} | {n.p_mpjpe:.1f} | {n.from_exact:.1f} | {n.shaking:.1f} "
        f"| {n.frames_per_second:,.0f} | {n.frames_per_second / ways['exact'].frames_per_second:.1f} |"
        for name, n in ways.items()
    ]
    head = f"| `{weights}` | MPJPE | P-MPJPE | from exact | shaking | frames/s | times exact |"
    return "\n".join([head, "| --- | --: | --: | --: | --: | --: | --: |", *rows])


def picture(found: dict[str, dict[str, Numbers]]) -> None:
    figure, plot = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
    for (weights, ways), marker in zip(found.items(), "os^", strict=False):
        for name, n in ways.items():
            colour = {"e": "C0", "f": "C2", "s": "C1", "l": "C3"}[name[0]]
            hollow = "none" if "bf16" in name else colour
            plot.plot(n.frames_per_second, n.mpjpe, marker, color=colour, markerfacecolor=hollow)
        plot.plot([], [], marker, color="grey", label=weights)
    for name, colour in {"exact": "C0", "fast": "C2", "sequence": "C1", "live": "C3"}.items():
        plot.plot([], [], "s", color=colour, label=name)
    plot.plot([], [], "o", color="grey", markerfacecolor="none", label="bfloat16")
    plot.set(xscale="log", xlabel="frames a second", ylabel="MPJPE, mm")
    plot.xaxis.set_major_locator(LogLocator(10, (1, 2, 5)))
    plot.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    plot.minorticks_off()
    plot.grid(alpha=0.3)
    plot.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
