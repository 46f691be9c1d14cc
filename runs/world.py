"""How well motion is put into the world: docs/world.md's tables.

    pstmo data mocap --from cmu.tar.xz -o data/mocap.npz
    pstmo data cmu4 --from data/mocap.npz -o data/cmu4
    python runs/world.py [--weights cmu-w27] [--data data]

Films motion of the test subjects, by cmu4's four cameras and by random ones that stand from knee height to 4 m and are
rolled; puts true and lifted poses into the world; and compares ways to find up, and focal lengths.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

import pstmo
from pstmo.benchmark.machine import Machine
from pstmo.camera import to_pixels
from pstmo.chance import Chance
from pstmo.datasets import motions, paired
from pstmo.datasets.human36m_cameras import human36m_cameras
from pstmo.framing import FOCAL
from pstmo.imperfect import DetectorNoise, detect
from pstmo.lift import Lifter
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M, MOCAP
from pstmo.synthesis import BodyRanges, CameraRanges, random_cameras, vary_body
from pstmo.world import CAMERA_UP, in_world, root_trajectory, standing_height, upwards

PAGE, BEGIN, END = Path("docs/world.md"), "<!-- tables -->", "<!-- end of tables -->"
RANGES = CameraRanges(height=(0.3, 4.0), roll=0.1, off_centre=0.3)
SIZE, LONGEST, SHORTEST, TRIES, INSIDE = (1920, 1080), 600, 100, 40, 0.97
FACTORS = (0.7, 1.4)
LENSES = np.geomspace(1.0, 4.4, 16)
"""Over half the picture's width."""


class Shot(NamedTuple):
    """What a camera sees, and the truth. root: camera axes. up: in camera axes. height: of the camera, metres."""

    keypoints: Keypoints
    poses: Poses
    root: np.ndarray
    up: np.ndarray
    height: float

    def placed(self, joint: str) -> np.ndarray:
        """Camera axes, metres."""
        return self.poses.positions[:, HUMAN36M.index(joint)] + self.root


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--weights", default="cmu-w27")
    arguments.add_argument("--data", type=Path, default=Path("data"))
    options = arguments.parse_args()
    torch.set_num_threads(1)
    lifter = pstmo.load(options.weights)
    shots = [*benchmark(options.data / "cmu4"), *virtual(options.data / "mocap.npz")]
    frames = sum(shot.poses.frames for shot in shots)
    text = f"""\
{len(shots)} recordings, {frames:,} frames of the test subjects; detected 2D; `{options.weights}`, mode fast. Median of
the recordings, in brackets the 95th percentile.

{placing(shots, lifter)}

{finding_up(shots, lifter)}

{focal_lengths(shots, lifter)}

Machine: {Machine.here(torch.device("cpu"))}.

    python runs/world.py
"""
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{rest.split(END)[1]}")
    print(text)


def benchmark(folder: Path) -> Iterator[Shot]:
    test = paired.load(folder).split("test")
    for entry in [entry for entry in test.entries if entry.frames >= SHORTEST][5::7]:
        recording = test.read(entry, ["noisy_coco"])
        camera = {camera.name: camera for camera in human36m_cameras(entry.subject)}[entry.camera]
        assert recording.root is not None
        up = camera.orientation[2].double().numpy()
        yield Shot(recording.keypoints["noisy_coco"], recording.poses, recording.root, up, float(camera.position[2]))


def virtual(path: Path, split: str = "test") -> Iterator[Shot]:
    """A view of each motion, in which nearly all of it can be seen."""
    corpus = motions.load(path).split(split)
    for i in range(corpus.clips):
        motion = torch.from_numpy(np.array(corpus.motion(i).positions[:LONGEST]))
        if len(motion) >= SHORTEST:
            tries = (filmed(motion, corpus.fps, Chance.of("world", i, number)) for number in range(TRIES))
            yield from islice((shot for shot in tries if shot is not None), 1)


def filmed(motion: torch.Tensor, fps: float, chance: Chance) -> Shot | None:
    ground = motion[..., :2].flatten(0, 1)
    middle = torch.cat([(ground.amin(0) + ground.amax(0)) / 2, motion[:, 0, 2].median()[None]])
    cameras = random_cameras(middle[None], RANGES, chance)
    looked_at, world = vary_body(motion[None], BodyRanges(), chance)
    xy, before = cameras.see(looked_at)
    inside = (xy.abs() < torch.tensor([1, SIZE[1] / SIZE[0]])).all(-1).float().mean()
    if inside < INSIDE or before[..., 2].min() < 0.5:
        return None
    found = detect(xy[:, :, list(MOCAP.select(COCO))], replace(DetectorNoise(), lost=0.0, cut_off=0.0), chance)
    keypoints = Keypoints.from_array(
        to_pixels(found.xy, *SIZE)[0].numpy(),
        confidence=found.observed[0].numpy(),
        image_size=SIZE,
        fps=fps,
        focal=float(cameras.focal) * SIZE[0] / 2,
    )
    points = cameras.see(world)[1][0, :, list(MOCAP.select(HUMAN36M))].numpy()
    up, height = cameras.orientation[0, 2].double().numpy(), float(cameras.position[0, 2])
    return Shot(keypoints, Poses.from_array(points, fps=fps), points[:, HUMAN36M.root_index], up, height)


def placing(shots: list[Shot], lifter: Lifter) -> str:
    def row(name: str, factor: float, lifting: bool, tall: bool) -> str:
        found = np.array([placed(shot, lifter if lifting else None, factor, tall) for shot in shots])
        return f"| {name} | {spread(found[:, 0], 2)} | {spread(found[:, 1], 1)} | {spread(found[:, 2], 3)} |"

    lenses = [(1.0, "known"), *((factor, f"wrong, x {factor:g}") for factor in FACTORS)]
    rows = [row(f"true, focal length {name}", factor, False, False) for factor, name in lenses]
    rows += [row(f"lifted, focal length {name}", factor, True, False) for factor, name in lenses]
    rows += [row("lifted, focal length and person's height known", 1.0, True, True)]
    head = "| poses | root off, m | of its distance, % | height of the hip off, m |\n| --- | --: | --: | --: |"
    return "\n".join([head, *rows])


def placed(shot: Shot, lifter: Lifter | None, factor: float, tall: bool) -> tuple[float, float, float]:
    assert shot.keypoints.focal is not None
    keypoints = replace(shot.keypoints, focal=factor * shot.keypoints.focal)
    poses = shot.poses if lifter is None else lifter.lift(keypoints, mode="fast")
    height = standing_height(shot.poses.positions.astype(float), HUMAN36M) if tall else None
    world = in_world(poses, keypoints, height=height)
    root = (world.root - np.array([0, 0, world.camera_height])) @ world.orientation
    off, distance = np.linalg.norm(root - shot.root, axis=-1), np.linalg.norm(shot.root, axis=-1)
    hip = shot.placed("hip") @ shot.up + shot.height
    return float(np.median(off)), float(np.median(100 * off / distance)), float(np.abs(world.root[:, 2] - hip).mean())


def finding_up(shots: list[Shot], lifter: Lifter) -> str:
    rows = []
    lifted = [lifter.lift(shot.keypoints, mode="fast") for shot in shots]
    for name, way in UPS.items():
        true = [degrees(way(shot.poses, shot), shot.up) for shot in shots]
        found = [degrees(way(poses, shot), shot.up) for poses, shot in zip(lifted, shots, strict=True)]
        rows.append(f"| {name} | {spread(true, 1)} | {spread(found, 1)} |")
    return "\n".join(["| up by | true poses, degrees off | lifted poses |", "| --- | --: | --: |", *rows])


def level(poses: Poses, shot: Shot) -> np.ndarray:
    return CAMERA_UP


def torso(poses: Poses, shot: Shot) -> np.ndarray:
    direction = poses.positions[:, HUMAN36M.index("thorax")].astype(float)
    return unit(direction[direction @ CAMERA_UP > 0].sum(0) + 1e-9 * CAMERA_UP)


def balance(poses: Poses, shot: Shot) -> np.ndarray:
    up = upwards(poses.positions.astype(float), HUMAN36M)
    return CAMERA_UP if up is None else up


def floor(poses: Poses, shot: Shot, prior: Callable[[Poses, Shot], np.ndarray], tilt: float) -> np.ndarray:
    """A plane through the places of the lower ankle, 5 cm off, independent each half second. tilt: radians by which
    the prior may be off."""
    up, motion = prior(poses, shot), poses.positions.astype(float)
    assert shot.keypoints.focal is not None
    motion += root_trajectory(motion, HUMAN36M, shot.keypoints, shot.keypoints.focal).root[:, None]
    ankles = motion[:, [HUMAN36M.index("left_ankle"), HUMAN36M.index("right_ankle")]]
    lower = ankles[np.arange(len(ankles)), (ankles @ up).argmin(1)]
    right = unit(np.cross(np.array([0.0, 0.0, 1.0]), up))
    axes, weight, slope = np.stack([right, np.cross(up, right)], 1), np.ones(len(lower)), np.zeros(2)
    for _ in range(10):
        from_mean = lower - np.average(lower, axis=0, weights=weight)
        places, heights = from_mean @ axes, from_mean @ up
        price = 0.05**2 * 0.5 * poses.fps / tilt**2
        slope = np.linalg.solve((weight * places.T) @ places + price * np.eye(2), (weight * places.T) @ heights)
        weight = 1 / (1 + ((heights - places @ slope) / 0.05) ** 2)
    return unit(up - axes @ slope)


UPS: dict[str, Callable[[Poses, Shot], np.ndarray]] = {
    "the picture (the camera is level)": level,
    "the torso's mean direction": torso,
    "a plane through the feet": lambda poses, shot: floor(poses, shot, level, 10.0),
    "**balance**: the body's middle above the feet": balance,
    "balance, and the plane": lambda poses, shot: floor(poses, shot, balance, 0.06),
}


def focal_lengths(shots: list[Shot], lifter: Lifter) -> str:
    """Assumed, against that of least reprojection error, of the random cameras."""
    own = [shot for shot in shots if shot.keypoints.image_size == SIZE]
    errors: dict[str, list[float]] = {"assumed": [], "estimated, true poses": [], "estimated, lifted poses": []}
    for shot in own:
        assert shot.keypoints.focal is not None
        true, unknown = shot.keypoints.focal / SIZE[0] * 2, replace(shot.keypoints, focal=None)
        errors["assumed"].append(off_by(FOCAL, true))
        for name, poses in (("true", shot.poses), ("lifted", lifter.lift(unknown, mode="fast"))):
            errors[f"estimated, {name} poses"].append(off_by(best_lens(poses, unknown), true))
    rows = [f"| {name} | {spread(values, 0)} |" for name, values in errors.items()]
    return "\n".join([f"| focal length ({len(own)} random cameras) | off by, % |", "| --- | --: |", *rows])


def best_lens(poses: Poses, keypoints: Keypoints) -> float:
    motion = poses.positions.astype(float)
    return min(LENSES, key=lambda lens: root_trajectory(motion, HUMAN36M, keypoints, lens * SIZE[0] / 2).error)


def off_by(found: float, true: float) -> float:
    """Percent, of the shorter."""
    return 100 * (max(found, true) / min(found, true) - 1)


def degrees(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(found @ true, -1, 1))))


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def spread(values: list[float] | np.ndarray, digits: int) -> str:
    return f"{np.median(values):.{digits}f} ({np.quantile(values, 0.95):.{digits}f})"


if __name__ == "__main__":
    main()
