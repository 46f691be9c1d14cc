"""How fast a lifter lifts: every mode and precision beside the bare network, in one run and in turns, so that whatever
else runs on the machine hits them alike; and how near that comes to what the machine can multiply."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from pstmo import checkpoint
from pstmo.benchmark.clock import wait
from pstmo.benchmark.machine import Machine
from pstmo.checkpoint import Checkpoint
from pstmo.framing import FRAMINGS
from pstmo.lift import Lifter, placed
from pstmo.metrics import rooted
from pstmo.model.cost import exact_macs, macs
from pstmo.model.folded import Precision
from pstmo.model.stmo import STMO
from pstmo.modes import KEPT
from pstmo.presets import PRESETS
from pstmo.sequence import Keypoints
from pstmo.skeleton import COCO, HUMAN36M
from pstmo.stream import Stream
from pstmo.track import Track
from pstmo.windowed import SCREEN
from pstmo.windows import mirrored

TURNS = 5
RATE = 50.0  # frames a second of the keypoints, and of the windows
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
MODES: dict[str, dict[str, Any]] = {
    "exact": {"mode": "exact"},
    "fast": {"mode": "fast"},
    "sequence, overlap 0.5": {"mode": "sequence", "overlap": 0.5},
    "sequence, overlap 0": {"mode": "sequence", "overlap": 0.0},
}


class Speed(NamedTuple):
    """turns: frames a second of each. macs: multiply-accumulates of a frame. apart: how far joints lie from the plain
    network's, on average, metres; of an untrained network only what does the same as the plain one is worth a look."""

    way: str
    precision: Precision
    turns: tuple[float, ...]
    macs: float
    apart: float

    @property
    def range(self) -> tuple[float, float]:
        """The slowest and the quickest turn."""
        return min(self.turns), max(self.turns)

    @property
    def frames_per_second(self) -> float:
        """Of all turns: as many frames in each."""
        return len(self.turns) / sum(1 / turn for turn in self.turns)


class Latency(NamedTuple):
    """Of a stream, one thread: milliseconds from a frame to its pose, the median and the 95th percentile."""

    precision: Precision
    lag: int
    p50: float
    p95: float


@dataclass(frozen=True)
class Result:
    """speeds: the plain network first. peak: multiply-accumulates a second in large products, by precision. memory: GiB
    of the process at most. load: seconds to read the weights; start: from a process's start to its first pose."""

    machine: Machine
    weights: str
    window: int
    parameters: int
    framing: str
    speeds: tuple[Speed, ...]
    latencies: tuple[Latency, ...]
    peak: dict[Precision, float]
    memory: float
    load: float
    start: float | None

    def share(self, speed: Speed) -> float:
        """Of what the machine can multiply, at most, in this precision."""
        return speed.frames_per_second * speed.macs / self.peak[speed.precision]


def measure(name: str, device: str = "cpu", seconds: float = 10.0) -> Result:
    """name: of weights or of a preset, whose network is then untrained, or a file. seconds: that each way gets.
    Raises PstmoError for a device that is not here, CheckpointError for weights that are not."""
    started = time.perf_counter()
    found = described(name)
    load = time.perf_counter() - started
    network = placed(checkpoint.expect(found.network, STMO, name), device)
    lifters: dict[Precision, Lifter] = {each: Lifter(found, network, each) for each in PRECISIONS}
    machine = Machine.here(torch.device(device))
    latencies = [latency(lifters[each], lag) for each in PRECISIONS for lag in (0, network.config.frames // 2)]
    speeds, peak = in_turns(lifters, seconds)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    parameters = sum(parameter.numel() for parameter in network.parameters())
    start = first_pose(name, device) if name not in PRESETS or name in checkpoint.available() else None
    facts = found.name, network.config.frames, parameters, found.framing
    return Result(machine, *facts, speeds, tuple(latencies), peak, memory, load, start)


def described(name: str) -> Checkpoint:
    """Weights, or the untrained network of a preset."""
    if name not in PRESETS or name in checkpoint.available():
        return checkpoint.load(checkpoint.find(name))
    recipe = PRESETS[name]
    torch.manual_seed(0)
    network = STMO(recipe.model).eval()
    return Checkpoint(network, COCO, HUMAN36M, f"{name}, untrained", recipe.framing, RATE)


def in_turns(lifters: dict[Precision, Lifter], seconds: float) -> tuple[tuple[Speed, ...], dict[Precision, float]]:
    """A B C A B C ...; products without a network take their turns as well."""
    lifter = lifters["fp32"]
    ways: list[tuple[str, Precision, float, Callable[[int], np.ndarray]]] = [
        ("plain network, window by window", "fp32", plain_macs(lifter), partial(plainly, lifter))
    ]
    for name, how in MODES.items():
        for precision, narrow in lifters.items():
            lift = partial(_lifted, narrow, how)
            ways.append((name, precision, mode_macs(lifter, how), lift))
    sample = lifter.network.config.frames
    wanted = ways[0][3](sample)
    distances = [np.linalg.norm(lift(sample) - wanted, axis=-1) for *_, lift in ways]  # and warms up
    paces = [timed(lift, sample) for *_, lift in ways]
    turns: list[list[float]] = [[] for _ in ways]
    products: dict[Precision, list[float]] = {precision: [] for precision in lifters}
    for _ in range(TURNS):
        for i, (*_, lift) in enumerate(ways):
            paces[i] = timed(lift, max(1, round(paces[i] * seconds / TURNS)))
            turns[i].append(paces[i])
        for precision, found in products.items():
            found.append(product_macs(precision, lifter.device))
    speeds = tuple(
        Speed(name, precision, tuple(turn), cost, float(apart.mean()))
        for (name, precision, cost, _), turn, apart in zip(ways, turns, distances, strict=True)
    )
    return speeds, {precision: sum(found) / TURNS for precision, found in products.items()}


def swaying(frames: int) -> Keypoints:
    """Somebody who sways, seen without a mistake: as much work as anybody."""
    chance = np.random.default_rng(0)
    body = chance.uniform((400, 200), (880, 1000), (1, len(COCO), 2))
    phase, time_ = chance.uniform(0, 6, (1, len(COCO), 2)), np.arange(frames)[:, None, None] / RATE
    return Keypoints.from_array(body + 40 * np.sin(4 * time_ + phase), image_size=(1280, 1280), fps=RATE)


@torch.inference_mode()
def plainly(lifter: Lifter, frames: int) -> np.ndarray:
    """The network as it was trained, once for each window and once for its mirror image."""
    keypoints = swaying(frames)
    track, window = Track.of(keypoints, lifter.device), lifter.network.config.frames
    offsets = lifter.step(keypoints.fps) * (torch.arange(window) - window // 2)
    framed, poses = FRAMINGS[lifter.checkpoint.framing], []
    for frame in range(len(track)):
        windows = track.windows(track.places(torch.tensor([frame]), offsets).to(track.filled.device))
        view = framed(windows, windows.new_full((1,), track.focal))
        straight = lifter.network(view.keypoints).centre
        flipped = lifter.network(mirrored(view.keypoints, lifter.checkpoint.keypoints)).centre
        poses.append(view.back((straight + mirrored(flipped, lifter.checkpoint.poses)) / 2))
    return rooted(torch.cat(poses), lifter.checkpoint.poses.root_index).cpu().numpy()


def _lifted(lifter: Lifter, how: dict[str, Any], frames: int) -> np.ndarray:
    return lifter.lift(swaying(frames), **how).positions


def mode_macs(lifter: Lifter, how: dict[str, Any]) -> float:
    """Of a frame, mirrored; tokens once a frame where windows share them."""
    cost, window = macs(lifter.network.config), lifter.network.config.frames
    shared = lifter.checkpoint.framing == SCREEN
    if how["mode"] == "sequence":
        hop = max(1, round(window * (1 - how["overlap"])))
        tokens = cost.tokens * (hop if shared else window)
        return 2 * (tokens + cost.encoder + cost.sequence_head) / hop
    every = round(RATE / KEPT) if how["mode"] == "fast" else 1
    tokens = cost.tokens * (every if shared else window)
    return 2 * (tokens + cost.encoder + cost.aggregator + cost.centre_head) / every


def plain_macs(lifter: Lifter) -> float:
    config = lifter.network.config
    return 2.0 * (exact_macs(config) + macs(config).sequence_head)


def timed(lift: Callable[[int], np.ndarray], frames: int) -> float:
    """Frames a second."""
    started = time.perf_counter()
    lift(frames)
    return frames / (time.perf_counter() - started)


def product_macs(precision: Precision, device: torch.device, size: int = 1024, rows: int = 4096) -> float:
    """Multiply-accumulates a second of large products: the most that there is to be had."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    x, weight = torch.ones(rows, size, dtype=kind, device=device), torch.ones(size, size, dtype=kind, device=device)
    times, best = 0, 0.0
    until = time.perf_counter() + 0.5
    while time.perf_counter() < until or times < 3:
        started = time.perf_counter()
        F.linear(x, weight)
        wait(device)
        best, times = max(best, rows * size**2 / (time.perf_counter() - started)), times + 1
    return best


def latency(lifter: Lifter, lag: int, frames: int = 300) -> Latency:
    seen, threads = swaying(frames), torch.get_num_threads()
    stream = Stream(lifter, image_size=seen.image_size, fps=seen.fps, lag=lag)
    torch.set_num_threads(1)
    try:
        times = []
        for xy in seen.xy:
            started = time.perf_counter()
            stream.push(xy)
            times.append(1000 * (time.perf_counter() - started))
    finally:
        torch.set_num_threads(threads)
    p50, p95 = np.percentile(times[frames // 3 :], (50, 95)).tolist()
    return Latency(lifter.precision, lag, p50, p95)


def first_pose(name: str, device: str) -> float:
    """Seconds from the start of a process to its first pose, the shortest of three."""
    code = f"import numpy, pstmo; x = numpy.ones((1, {len(COCO)}, 2)); seen = pstmo.Keypoints.from_array("
    code += f"x, image_size=(9, 9), fps=50); pstmo.load({name!r}, {device!r}).lift(seen)"
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        seconds.append(time.perf_counter() - started)
    return min(seconds)
