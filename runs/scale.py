"""What many hours of video cost, and what a cluster waits for: the figures of docs/scale.md.

    python runs/scale.py [--hours 1e6] [--minutes 5] [--people 1.5] ...

First measures what the parts of the way cost one core of this machine, in processor time and bytes; then multiplies;
then lets items of random length pass through clusters of growing size, to see which part they wait for. What cannot be
measured here is an option, and the output says that it was assumed.
"""

import argparse
import heapq
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import torch

import pstmo
from pstmo import pipeline
from pstmo.benchmark.machine import Machine
from pstmo.detect import detector
from pstmo.files import read_keypoints, write_motion
from pstmo.model.cost import exact_macs
from pstmo.modes import KEPT
from pstmo.options import Lifting, Options
from pstmo.pipeline import Clock
from pstmo.samples import KEYPOINTS, VIDEO
from pstmo.video import open_video

HEIGHTS = (496, 720, 1080)


@dataclass(frozen=True)
class Costs:
    """Processor seconds on one core. decoding: a frame, by height. looking: a frame. lifting: a person's frame, by
    mode. finishing: their world and file. motion, seen: bytes of a person and frame in motion, of a frame as seen."""

    decoding: dict[int, float]
    looking: float
    lifting: dict[str, float]
    finishing: float
    motion: float
    seen: float


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--hours", type=float, default=1e6, help="of video")
    arguments.add_argument("--fps", type=float, default=30.0)
    arguments.add_argument("--people", type=float, default=1.5, help="in the picture, on average")
    arguments.add_argument("--minutes", type=float, default=5.0, help="of an item, on average")
    arguments.add_argument("--mbit", type=float, default=3.0, help="a second of video, 720p")
    arguments.add_argument("--gpu", type=float, default=100.0, help="TFLOP/s that a GPU sustains")
    arguments.add_argument("--handing", type=float, default=0.005, help="seconds of the head's own work for an item")
    arguments.add_argument(
        "--looks", type=float, default=100.0, help="seconds of video that a GPU could look at a second"
    )
    arguments.add_argument("--store", type=float, default=100.0, help="Gbit/s that the object store gives to all")
    arguments.add_argument("--prices", type=float, nargs=3, default=(0.04, 2.5, 0.02), help="core h, GPU h, GB a month")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    costs = measured()
    tell_costs(costs)
    tell_bill(costs, options)
    tell_clusters(costs, options)
    print(f"\n{Machine.here(torch.device('cpu'))}")


# What it costs here


def measured() -> Costs:
    keypoints, lifter = read_keypoints(KEYPOINTS), pstmo.load()
    bf16 = pstmo.load(precision="bf16")
    ways = {
        "fast": lambda: lifter.lift(keypoints, mode="fast"),
        "fast, bf16": lambda: bf16.lift(keypoints, mode="fast"),
        "sequence": lambda: lifter.lift(keypoints, mode="sequence"),
    }
    motions = pipeline.lifted([{1: keypoints}], lifter, Lifting())[0]
    with TemporaryDirectory() as name:
        folder = Path(name)
        videos = {height: sized(folder / f"{height}.mp4", height) for height in HEIGHTS}
        eyes, frames = detector(), sum(1 for _ in open_video(videos[720]))
        decoding = {
            height: seconds(lambda path=path: exhaust(open_video(path))) / frames for height, path in videos.items()
        }
        looking = seconds(lambda: exhaust(eyes(open_video(videos[720])))) / frames - decoding[720]
        finishing = seconds(lambda: finish(motions, lifter, folder)) / keypoints.frames
        motion = (folder / "motion.npz").stat().st_size / keypoints.frames
        pipeline.keypoints_in(str(VIDEO), folder, Options(), Clock())
        seen = (folder / "detections.jsonl").stat().st_size / frames
    return Costs(
        decoding,
        looking,
        {name: seconds(way) / keypoints.frames for name, way in ways.items()},
        finishing,
        motion,
        seen,
    )


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of all threads, the least of three."""
    found = []
    for _ in range(3):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)


def exhaust(things: Iterable[object]) -> None:
    for _ in things:
        pass


def finish(motions: "list[pipeline.Motion]", lifter: pstmo.Lifter, folder: Path) -> None:
    for motion in pipeline.finished(motions, lifter, Options(), Clock()):
        write_motion(folder / "motion.npz", motion)


def sized(path: Path, height: int) -> Path:
    """The sample's video at another height, H.264 as phones and web sites write it."""
    with av.open(str(VIDEO)) as source, av.open(str(path), "w") as target:
        picture = source.streams.video[0]
        width = 2 * round(picture.width * height / picture.height / 2)
        stream = target.add_stream("libx264", rate=picture.average_rate, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in source.decode(picture):
            target.mux(stream.encode(frame.reformat(width, height, "yuv420p")))
        target.mux(stream.encode())
    return path


def tell_costs(costs: Costs) -> None:
    print("| measured on one core | ms of a frame |\n| --- | --: |")
    for height, cost in costs.decoding.items():
        print(f"| decoding, {height} lines | {1e3 * cost:.1f} |")
    print(f"| looking for people (two in the picture) | {1e3 * costs.looking:.1f} |")
    for mode, cost in costs.lifting.items():
        print(f"| lifting a person, {mode} | {1e3 * cost:.2f} |")
    print(f"| world and file of a person | {1e3 * costs.finishing:.2f} |")
    print(f"\nBytes of a frame: motion {costs.motion:.0f} a person, detections {costs.seen:.0f}")


# What it costs in all


def tell_bill(costs: Costs, options: argparse.Namespace) -> None:
    frames, people = 3600 * options.fps * options.hours, options.people
    rows = {
        "decoding, 720 lines": costs.decoding[720] * frames,
        "looking for people": costs.looking * frames,
        "lifting, fast": costs.lifting["fast"] * people * frames,
        "lifting, sequence": costs.lifting["sequence"] * people * frames,
        "world and files": costs.finishing * people * frames,
    }
    core_price, gpu_price, store_price = options.prices
    print(f"\n{options.hours:,.0f} hours of {options.fps:g} frames/s, {people:g} people in the picture, "
          f"{options.mbit:g} Mbit/s, GPUs of {options.gpu:g} TFLOP/s, prices {options.prices} (assumed)")  # fmt: skip
    print("\n| | hours | price |\n| --- | --: | --: |")
    for name, cost in rows.items():
        print(f"| {name} | {cost / 3600:,.0f} of a core | {core_price * cost / 3600:,.0f} |")
    gpu = on_gpu(options) * options.hours
    print(f"| lifting, fast, by GPUs | {gpu:,.0f} of a GPU | {gpu_price * gpu:,.0f} |")
    sizes = {
        "video": options.mbit / 8 * 1e6 * 3600 * options.hours,
        "detections": costs.seen * frames,
        "motion": costs.motion * people * frames,
    }
    print("\n| | TB | price a month |\n| --- | --: | --: |")
    for name, size in sizes.items():
        print(f"| {name} | {size / 1e12:,.0f} | {store_price * size / 1e9:,.0f} |")


def on_gpu(options: argparse.Namespace) -> float:
    """Seconds of a GPU that lifting a second of video takes: a multiply and an add, mirrored, KEPT times a second."""
    return 2 * 2 * exact_macs(pstmo.load().network.config) * KEPT * options.people / options.gpu / 1e12


# What a cluster waits for


@dataclass(frozen=True)
class Stage:
    """servers: that work at once. cost: seconds of one of them for a second of video; each: and for an item."""

    name: str
    servers: int
    cost: float
    each: float = 0.0


def tell_clusters(costs: Costs, options: argparse.Namespace) -> None:
    look = (costs.decoding[720] + costs.looking) * options.fps
    lift, finish = (cost * options.people * options.fps for cost in (costs.lifting["fast"], costs.finishing))
    head = Stage("the head", 1, 0.0, options.handing)
    store = Stage("the store", max(1, round(options.store)), options.mbit / 1000)  # channels of 1 Gbit/s
    print(f"\nItems of {options.minutes:g} minutes on average, a store of {options.store:g} Gbit/s, a head that takes "
          f"{1000 * options.handing:g} ms an item, machines of 16 cores and a GPU that looks at {options.looks:g} s of "
          "video a second (assumed)\n")  # fmt: skip
    print("| what | machines | hours of video an hour | waits for | busy, % | days for all | the last item, h |")
    print("| --- | --: | --: | --- | --- | --: | --: |")
    for machines in (1, 10, 100, 1000, 4000):
        cores = 16 * machines

        def gpus(cost: float, count: int = machines) -> Stage:
            return Stage("GPUs", count, cost)

        ways = {
            "videos, cores": [head, store, Stage("cores", cores, look + lift + finish)],
            "videos, GPUs lift": [head, store, Stage("cores", cores, look + finish), gpus(on_gpu(options))],
            "videos, GPUs look, too": [head, store, gpus(1 / options.looks), Stage("cores", cores, finish)],
            "keypoint files, cores": [head, Stage("cores", cores, lift + finish)],
        }
        for what, stages in ways.items():
            rate, busy, last = simulated(stages, options.minutes)
            most = max(busy, key=lambda name: busy[name])
            told = ", ".join(f"{name} {100 * share:.0f}" for name, share in busy.items())
            print(f"| {what} | {machines:,} | {rate:,.0f} | {most} | {told} | {options.hours / rate / 24:,.1f} | "
                  f"{last / 3600:.1f} |", flush=True)  # fmt: skip


def simulated(stages: list[Stage], minutes: float) -> tuple[float, dict[str, float], float]:
    """Seconds of video a second while all are at work, the share of that time in which each stage is, and how many
    seconds the last item then still takes. Items go through the stages in a row, at each to the first server that is
    free; queues have no end. Lengths are log-normal: many short ones, some of hours."""
    items = max(20_000, 30 * max(stage.servers for stage in stages))
    chance = random.Random(0)
    free = [[0.0] * stage.servers for stage in stages]
    busy, done = [0.0] * len(stages), []
    for _ in range(items):
        length, ready = 60 * minutes * chance.lognormvariate(-0.5, 1.0), 0.0
        for number, stage in enumerate(stages):
            took = stage.cost * length + stage.each
            ready = max(ready, free[number][0]) + took
            heapq.heapreplace(free[number], ready)
            busy[number] += took
        done.append((ready, length))
    idle = max(times[0] for times in free)  # from then on somebody has nothing left to do
    rate = sum(length for ready, length in done if ready <= idle) / idle
    each = sum(length for _, length in done)
    shares = {stage.name: rate * used / each / stage.servers for stage, used in zip(stages, busy, strict=True)}
    return rate, shares, max(ready for ready, _ in done) - idle


if __name__ == "__main__":
    main()
