"""What smoothing makes of the error, before lifting and after: docs/smoothing.md.

    pstmo data cmu4 --from data/mocap.npz -o data/cmu4
    python runs/smoothing.py [--weights cmu-w27] [--data data/cmu4]

Lifts recordings of cmu4's test subjects, every so many-th, exactly and live: from keypoints as the detector gave them
or smoothed, poses as they come or smoothed.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

import pstmo
from pstmo.benchmark.machine import Machine
from pstmo.datasets import paired
from pstmo.datasets.recording import Recording
from pstmo.metrics import mpjpe, mpjve, p_mpjpe
from pstmo.sequence import Keypoints, Poses
from pstmo.smooth import one_euro, zero_phase

KEYPOINTS, PAGE = "noisy_coco", Path("docs/smoothing.md")
Smoother = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Way(NamedTuple):
    """before: of keypoints, after: of poses; None = as they come."""

    before: Smoother | None = None
    after: Smoother | None = None


EURO = ((1, 1), (1, 5), (2, 5), (1, 10), (3, 10))
"""cutoff, Hz; beta, Hz for each m/s, and before lifting for as many pixels a second as a person is tall."""

FINISHED = {"off": Way()}
LIVE = {"off": Way()}
for hertz in (3, 5, 7, 10):
    FINISHED[f"zero-phase 2D, {hertz} Hz"] = Way(before=partial(zero_phase, cutoff=hertz))
for hertz in (3, 5, 7, 10):
    FINISHED[f"zero-phase 3D, {hertz} Hz"] = Way(after=partial(zero_phase, cutoff=hertz))
for hertz, beta in EURO:
    LIVE[f"One-Euro 2D, {hertz} Hz, beta {beta}"] = Way(before=partial(one_euro, cutoff=hertz, beta=beta))
for hertz, beta in EURO:
    LIVE[f"One-Euro 3D, {hertz} Hz, beta {beta}"] = Way(after=partial(one_euro, cutoff=hertz, beta=beta))


class Errors(NamedTuple):
    """Millimetres; velocity and acceleration a frame; shaking: the mean second difference of what was found."""

    mpjpe: float
    p_mpjpe: float
    velocity: float
    acceleration: float
    shaking: float


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--weights", default="cmu-w27")
    arguments.add_argument("--data", type=Path, default=Path("data/cmu4"))
    arguments.add_argument("--frames", type=int, default=4000)
    options = arguments.parse_args()
    recordings, lifter = chosen(options.data, options.frames), pstmo.load(options.weights)
    found = {
        "mode exact": compared(FINISHED, recordings, lambda seen: lifter.lift(seen, mode="exact")),
        "mode live, lag 0": compared(LIVE, recordings, lambda seen: lifter.lift(seen, mode="live", mirror=False)),
    }
    shaking = weighted([[second_difference(true(r))] for r in recordings], recordings)[0]
    frames = sum(recording.frames for recording in recordings)
    data = f"{frames:,} frames of {len(recordings)} recordings, 50 a second, whose true motion shakes by {shaking:.1f}"
    text = page(found, options.weights, data, Machine.here(torch.device("cpu")))
    PAGE.write_text(text)
    print(text)


def chosen(data: Path, frames: int) -> list[Recording]:
    test = paired.load(data).split("test")
    every = max(1, round(test.frames / frames))
    return [recording for i, recording in enumerate(test.recordings([KEYPOINTS])) if i % every == every // 2]


def compared(
    ways: dict[str, Way], recordings: list[Recording], lift: Callable[[Keypoints], Poses]
) -> dict[str, Errors]:
    plain, found = [lift(recording.keypoints[KEYPOINTS]) for recording in recordings], {}
    for name, way in ways.items():
        lifted = plain if way.before is None else [lift(calmed(way.before, recording)) for recording in recordings]
        found[name] = measured([smoothed(way.after, poses) for poses in lifted], recordings)
    return found


def measured(motions: list[torch.Tensor], recordings: list[Recording]) -> Errors:
    rows = []
    for found, recording in zip(motions, recordings, strict=True):
        target = true(recording)
        errors = [mpjpe(found, target).mean(), p_mpjpe(found, target).mean(), mpjve(found, target)]
        rows.append([1000 * float(e) for e in errors] + [second_difference(found - target), second_difference(found)])
    return Errors(*weighted(rows, recordings))


def calmed(smoother: Smoother, recording: Recording) -> Keypoints:
    """The keypoints, smoothed in units of the person's height in the picture."""
    keypoints = recording.keypoints[KEYPOINTS]
    tall = height(keypoints)
    return replace(keypoints, xy=tall * smoother(keypoints.xy / tall, keypoints.times))


def smoothed(smoother: Smoother | None, poses: Poses) -> torch.Tensor:
    times = np.arange(poses.frames) / poses.fps
    return torch.from_numpy(poses.positions if smoother is None else smoother(poses.positions, times))


def height(keypoints: Keypoints) -> np.float32:
    """Of the person in the picture, pixels: the median of the boxes around the joints."""
    return np.float32(np.median(np.ptp(keypoints.xy[keypoints.observed.all(1)], axis=1).max(1)))


def true(recording: Recording) -> torch.Tensor:
    return torch.from_numpy(recording.poses.positions)


def second_difference(motion: torch.Tensor) -> float:
    """Mean of its length, mm."""
    return 1000 * float(motion.diff(n=2, dim=0).norm(dim=-1).mean())


def weighted(rows: list[list[float]], recordings: list[Recording]) -> list[float]:
    return np.average(rows, axis=0, weights=[recording.frames for recording in recordings]).tolist()


def page(found: dict[str, dict[str, Errors]], weights: str, data: str, machine: Machine) -> str:
    tables = "\n\n".join(table(mode, ways) for mode, ways in found.items())
    return f"""\
# Smoothing

Two ways (`pstmo.smooth`), for keypoints before they are lifted ("2D") or for poses after ("3D"), by the true clock:

- `zero_phase`: a smoothing spline, which answers to a frequency f with 1 / (1 + (f / cutoff)^4): a Butterworth filter
  of second order that runs forwards and backwards, but without transients at the ends, over gaps, and on any clock.
  Motion of constant velocity stays as it is. For finished clips.
- `OneEuro`: looks at what came before only, so it lags. For live poses.

The open benchmark's [test subjects](cmu4.md), keypoints "{KEYPOINTS}", lifted by `{weights}`: {data} mm
from frame to frame (mean second difference). Errors in mm, mean of frames; MPJVE and the error of acceleration a frame.

{tables}

Of One-Euro, beta is in Hz for each metre a second; before lifting, for each person's height a second.

- Smoothing takes away trembling, not error: MPJPE hardly moves, velocity and acceleration gain much.
- Poses are better smoothed after lifting than keypoints before it.
- Finished clips: `zero_phase` at 5 Hz, the default. 3 Hz has still less error here, but takes away quick motion, too.
- Live: `OneEuro` with 1 Hz and beta 5, the default: a quarter of the trembling is left, for half a millimetre of lag.

Machine: {machine}.

    python runs/smoothing.py
"""


def table(mode: str, ways: dict[str, Errors]) -> str:
    rows = [f"| {name} | " + " | ".join(f"{value:.1f}" for value in errors) + " |" for name, errors in ways.items()]
    head = f"| {mode} | MPJPE | P-MPJPE | MPJVE | acceleration | shaking |\n| --- | --: | --: | --: | --: | --: |"
    return "\n".join([head, *rows])


if __name__ == "__main__":
    main()
