"""What was measured, as tables for people and as JSON for machines."""

import json
from dataclasses import asdict
from pathlib import Path

from pstmo.benchmark.training import Result
from pstmo.files.atomic import replacing
from pstmo.tables import aligned

FORMAT = "pstmo benchmark train 1"
NAMES = {
    "batch": "making the batch",
    "forward": "forward",
    "backward": "backward",
    "optimizer": "optimizer, cut of gradients",
    "rest": "everything else",
}
TARGET = 0.05
"""Of a step, at most, outside of network and optimizer."""


def table(result: Result) -> str:
    parts = [_heading(result), _speeds(result), _step(result), _schedule(result)]
    if result.memory is not None:
        busy = "not told (pip install nvidia-ml-py)" if result.utilisation is None else f"{result.utilisation:.0f} %"
        parts.append(f"GPU in stage II: peak memory {result.memory:.2f} GiB, utilisation {busy}.")
    return "\n\n".join(parts)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def to_json(result: Result) -> str:
    return json.dumps(
        {
            "format": FORMAT,
            "machine": asdict(result.machine),
            **{name: getattr(result, name) for name in ("preset", "window", "batch", "optimizer", "data")},
            "ways": [
                {
                    **{name: getattr(speed, name) for name in ("way", "precision", "attention")},
                    "windows_per_second": speed.windows_per_second,
                    "slowest_turn": speed.range[0],
                    "quickest_turn": speed.range[1],
                    "times_plain": speed.windows_per_second / result.plain.windows_per_second,
                }
                for speed in result.speeds
            ],
            "step": {"seconds": result.step, "shares": result.shares, "outside": result.outside, "target": TARGET},
            "schedule": [stage._asdict() for stage in result.stages],
            "gpu": {"peak_memory_gib": result.memory, "utilisation_percent": result.utilisation},
        },
        indent=1,
        allow_nan=False,
    )


def write_json(path: Path, text: str) -> None:
    """Whole or not at all. Raises PstmoError when the system refuses."""
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", "utf-8")


def _heading(result: Result) -> str:
    what = f"window {result.window}, batch {result.batch}, {result.optimizer}, motion {result.data}"
    return f"### Training {result.preset}: {what}\n\n{result.machine}"


def _speeds(result: Result) -> str:
    rows = [["way", "precision", "attention", "windows/s", "slowest turn", "quickest", "times plain"]]
    for speed in result.speeds:
        ratio = speed.windows_per_second / result.plain.windows_per_second
        numbers = [number(value) for value in (speed.windows_per_second, *speed.range)]
        rows.append([speed.way, speed.precision, speed.attention, *numbers, f"{ratio:.2f}"])
    return aligned(rows, 3)


def _step(result: Result) -> str:
    rows = [["a step of the engine, stage II", "ms", "share"]]
    rows += [[NAMES[part], f"{1000 * s:.1f}", f"{result.shares[part]:.1%}"] for part, s in result.step.items()]
    verdict = f"Batch and everything else: {result.outside:.1%} of a step; the target is below {TARGET:.0%}."
    return f"{aligned(rows, 1)}\n\n{verdict}"


def _schedule(result: Result) -> str:
    stages = "\n".join(
        f"- {name}: {number(hours)} hours for {epochs} epochs of {windows:,} windows"
        for name, epochs, windows, hours in result.stages
    )
    where, hours = "GPU" if result.machine.gpu else "CPU", sum(stage.hours for stage in result.stages)
    return (
        f"The preset's whole schedule on this {where} takes {number(hours)} hours (extrapolated, not run):\n\n{stages}"
    )
