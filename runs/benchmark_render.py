"""Frames a second of films by stage, and of matplotlib's 3D axes with the same figures: a table for docs/pictures.md.

pstmo lift src/pstmo/samples/sports2d_demo.mp4 -o out/demo --all
python runs/benchmark_render.py out/demo src/pstmo/samples/sports2d_demo.mp4
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pstmo.benchmark.machine import Machine
from pstmo.files import read_motion
from pstmo.motion import Motion
from pstmo.render.film import write_mp4
from pstmo.render.painter import Painter
from pstmo.render.shoot import Painted, Shoot

SIZE = (1280, 720)
ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Prepared(Shoot):
    """Frames that were painted before."""

    painted: tuple[Painted, ...] = ()

    def frames(self) -> Iterator[Painted]:
        yield from self.painted


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("video")
    given = arguments.parse_args()
    machine = Machine.here(torch.device("cpu"))
    people = [read_motion(path) for path in sorted(given.folder.glob("motion*.npz"))]
    rates = measured(people, given.video)
    print(f"{len(people)} people, {people[0].frames} frames, {SIZE[0]} x {SIZE[1]}\n")
    print("| stage | frames/s | ms of processor time a frame |\n| --- | --: | --: |")
    for stage, (wall, processor) in rates.items():
        print(f"| {stage} | {1 / wall:.0f} | {1000 * processor:.1f} |")
    ratio = rates["matplotlib, figures"][1] / rates["figures"][1]
    print(f"\nfigures take 1/{ratio:.1f} of the processor time that matplotlib's 3D axes take")
    print(f"\n{machine}")


def measured(people: list[Motion], video: str) -> dict[str, tuple[float, float]]:
    """By stage, seconds a frame: on the clock, and of the processor."""
    shoot = Shoot.of(people, video, (None, None), size=SIZE, usual=SIZE, view="turning")
    pictures = list(shoot.pictures())
    painter = Painter(shoot.scene, shoot.layout, shoot.eye)
    painted = tuple(
        Painted(seconds, painter(number, picture))
        for number, (seconds, picture) in enumerate(zip(shoot.scene.times.tolist(), pictures, strict=True))
    )
    prepared = Prepared(shoot.scene, shoot.layout, shoot.eye, video, shoot.step, painted)
    matplotlib = Matplotlib(shoot)
    numbers = range(len(pictures))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        stages: dict[str, Callable[[], Any]] = {
            "decode and scale": lambda: list(shoot.pictures()),
            "paint": lambda: [painter(number, pictures[number]) for number in numbers],
            "figures": lambda: [painter.figures(number) for number in numbers],
            "encode": lambda: write_mp4(path, prepared),
            "all, in threads": lambda: write_mp4(path, shoot),
            "all but the picture": lambda: write_mp4(path, replace(shoot, video=None)),
        }
        rates = {stage: best(work, len(numbers)) for stage, work in stages.items()}
    few = numbers[::10]
    return rates | {"matplotlib, figures": best(lambda: [matplotlib(number) for number in few], len(few))}


def best(work: Callable[[], Any], frames: int) -> tuple[float, float]:
    """Of some rounds, seconds a frame."""
    taken = []
    for _ in range(ROUNDS):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        taken.append(((time.perf_counter() - wall) / frames, (time.process_time() - processor) / frames))
    return min(taken)


class Matplotlib:
    """The same people as lines in 3D axes of the same size; lines are moved, not drawn anew."""

    def __init__(self, shoot: Shoot):
        self._shoot = shoot
        width, height = shoot.layout.figures
        self._canvas = FigureCanvasAgg(Figure((width / 100, height / 100), dpi=100))
        axes: Any = self._canvas.figure.add_subplot(projection="3d")
        axes.set(xlim=(-2, 2), ylim=(6, 10), zlim=(0, 4))
        self._axes = axes
        self._lines = [[axes.plot([], [], [])[0] for _ in actor.skeleton.bones] for actor in shoot.scene.actors]

    def __call__(self, frame: int) -> None:
        self._axes.view_init(elev=13, azim=-90 + frame)
        for actor, lines in zip(self._shoot.scene.actors, self._lines, strict=True):
            for bone, line in zip(actor.skeleton.bone_indices, lines, strict=True):
                line.set_data_3d(actor.positions[frame][list(bone)].T)
        self._canvas.draw()


if __name__ == "__main__":
    main()
