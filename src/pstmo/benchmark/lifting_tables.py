"""What was measured of lifting, as tables for people and as JSON for machines."""

import json
from dataclasses import asdict

from pstmo.benchmark.lifting import Result, Speed
from pstmo.benchmark.tables import number
from pstmo.tables import aligned

FORMAT = "pstmo benchmark lift 1"


def table(result: Result) -> str:
    peaks = ", ".join(f"{precision} {2 * macs / 1e9:,.0f}" for precision, macs in result.peak.items())
    start = "" if result.start is None else f"; from the start of a process to its first pose {result.start:.1f} s"
    return "\n\n".join([
        f"### Lifting with {result.weights}: window {result.window}, {result.parameters / 1e6:.1f} million parameters, "
        f"framing {result.framing}\n\n{result.machine}",
        aligned([HEAD, *(_row(result, speed) for speed in result.speeds)], 2),
        f"Mirrored. Share: of the largest products that this machine does (GFLOP/s: {peaks}), in the same run.",
        aligned([
            ["live, one thread", "lag", "p50 ms", "p95 ms"],
            *([each.precision, str(each.lag), f"{each.p50:.1f}", f"{each.p95:.1f}"] for each in result.latencies),
        ]),
        f"Peak memory {result.memory:.2f} GiB; weights read in {result.load:.2f} s{start}.",
    ])  # fmt: skip


HEAD = ["way", "precision", "frames/s", "slowest turn", "quickest", "ms a frame", "times plain", "MMACs", "share",
        "apart mm"]  # fmt: skip


def to_json(result: Result) -> str:
    facts = asdict(result) | {"speeds": [_facts(result, speed) for speed in result.speeds]}
    return json.dumps({"format": FORMAT, **facts}, indent=1, allow_nan=False)


def _row(result: Result, speed: Speed) -> list[str]:
    numbers = [number(value) for value in (speed.frames_per_second, *speed.range)]
    times = speed.frames_per_second / result.speeds[0].frames_per_second
    costs = [f"{1000 / speed.frames_per_second:.3g}", number(times), number(speed.macs / 1e6)]
    return [speed.way, speed.precision, *numbers, *costs, f"{result.share(speed):.0%}", f"{1000 * speed.apart:.3f}"]


def _facts(result: Result, speed: Speed) -> dict[str, object]:
    return {
        "way": speed.way,
        "precision": speed.precision,
        "frames_per_second": speed.frames_per_second,
        "slowest_turn": speed.range[0],
        "quickest_turn": speed.range[1],
        "times_plain": speed.frames_per_second / result.speeds[0].frames_per_second,
        "macs": speed.macs,
        "share_of_peak": result.share(speed),
        "metres_from_plain": speed.apart,
    }
