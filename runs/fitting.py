"""What fitting the skeleton makes of lifted motion: docs/fitting.md's tables.

    pstmo data mocap --from cmu.tar.xz -o data/mocap.npz
    python runs/fitting.py [--weights cmu-w27] [--split test] [--data data/mocap.npz]

Films motion of the test subjects by random cameras, as runs/world.py does; lifts, smooths and places what a detector
sees; and compares that with the true motion before the skeleton is fitted and after. The constants of fitting were
chosen on "validation".
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from world import Shot, virtual

import pstmo
from pstmo.benchmark.machine import Machine
from pstmo.fit import fitted
from pstmo.lift import Lifter
from pstmo.limits import broken
from pstmo.metrics import mpjpe, p_mpjpe
from pstmo.motion import Motion
from pstmo.sequence import Poses
from pstmo.skeleton import HUMAN36M
from pstmo.smooth import zero_phase
from pstmo.world import in_world

PAGE, BEGIN, END = Path("docs/fitting.md"), "<!-- tables -->", "<!-- end of tables -->"
FEET = [HUMAN36M.index("left_ankle"), HUMAN36M.index("right_ankle")]
SLOW, LOW, LEAST = 0.15, 0.15, 5
"""Metres a second, metres, frames: where a true foot rests."""
CLIPS, FPS = (5, 300), 30
"""Seconds of clips that are timed."""


class Measured(NamedTuple):
    """Of a motion against the true one. Millimetres and seconds; share of frames; pixels."""

    mpjpe: float
    p_mpjpe: float
    world: float
    bones: float
    sliding: float
    broken: float
    acceleration: float
    jerk: float
    pixels: float


ROWS = (
    "MPJPE, mm",
    "P-MPJPE, mm",
    "place of the joints in the world off by, mm",
    "deviation of a bone's length over time, mm",
    "speed of feet that truly rest, mm/s",
    "frames with a joint beyond its limits, %",
    "error of acceleration, m/s^2",
    "jerk, m/s^3",
    "from the detected keypoints, pixels (median)",
)
"""What is `Measured`, as the table says it."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--weights", default="cmu-w27")
    arguments.add_argument("--split", default="test")
    arguments.add_argument("--data", type=Path, default=Path("data/mocap.npz"))
    options = arguments.parse_args()
    torch.set_num_threads(1)
    lifter = pstmo.load(options.weights)
    shots = list(virtual(options.data, options.split))
    frames = sum(shot.poses.frames for shot in shots)
    text = f"""\
{len(shots)} recordings, {frames:,} frames of the {options.split} subjects, 50 a second; detected 2D;
`{options.weights}`, mode fast, smoothed at 5 Hz. Means of the frames.

{compared(shots, lifter)}

{timed(shots, lifter)}

Machine: {Machine.here(torch.device("cpu"))}.

    python runs/fitting.py
"""
    if options.split == "test":
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{rest.split(END)[1]}")
    print(text)


def lifted(shot: Shot, lifter: Lifter) -> Motion:
    poses = lifter.lift(shot.keypoints, mode="fast")
    poses = replace(poses, positions=zero_phase(poses.positions, shot.keypoints.times, 5), smoothing=5.0)
    return Motion(poses, shot.keypoints, in_world(poses, shot.keypoints))


def compared(shots: list[Shot], lifter: Lifter) -> str:
    true = [truly(shot) for shot in shots]
    before = [lifted(shot, lifter) for shot in shots]
    after = [fitted(motion) for motion in before]
    through = [fitted(motion) for motion in true]
    moved = [np.mean([1000 * motion.fit.moved[0] for motion in motions if motion.fit]) for motions in (after, through)]
    columns = [mean(motions, shots) for motions in (before, after, true, through)]
    rows = [
        f"| {name} | " + " | ".join(f"{value:.1f}" for value in values) + " |"
        for name, *values in zip(ROWS, *columns, strict=True)
    ]
    rows.append(f"| joints moved by, mm (median of each recording) | | {moved[0]:.1f} | | {moved[1]:.1f} |")
    head = "| | lifted | **fitted** | true | true, fitted |\n| --- | --: | --: | --: | --: |"
    return "\n".join([head, *rows])


def truly(shot: Shot) -> Motion:
    """The true motion, in a world as `in_world` makes it of lifted ones, but exact."""
    assert shot.keypoints.focal is not None
    world = in_world(shot.poses, shot.keypoints)
    right = np.cross(np.array([0.0, 0.0, 1.0]), shot.up)
    right /= np.linalg.norm(right)
    orientation = np.stack([right, np.cross(shot.up, right), shot.up])
    points = there(shot) @ orientation.T + np.array([0, 0, shot.height])
    exact = replace(world, positions=points.astype(np.float32), orientation=orientation, camera_height=shot.height)
    return Motion(shot.poses, shot.keypoints, exact)


def there(shot: Shot) -> np.ndarray:
    """Camera axes."""
    return shot.poses.positions.astype(float) + shot.root[:, None]


def mean(motions: list[Motion], shots: list[Shot]) -> np.ndarray:
    """Of the frames; of feet that rest, of those frames in which any does."""
    found = np.array([measured(motion, shot) for motion, shot in zip(motions, shots, strict=True)])
    weight = np.array([shot.poses.frames for shot in shots])[:, None] * np.isfinite(found)
    return np.nansum(weight * np.nan_to_num(found), 0) / weight.sum(0)


def measured(motion: Motion, shot: Shot) -> Measured:
    world, true, fps = motion.world, there(shot), motion.fps
    assert world is not None
    points = (world.positions.astype(float) - np.array([0, 0, world.camera_height])) @ world.orientation
    about_root = [torch.from_numpy(p - p[:, [HUMAN36M.root_index]]) for p in (points, true)]
    starts, ends = np.array(HUMAN36M.bone_indices).T
    steps = np.linalg.norm(np.diff(points[:, FEET], axis=0), axis=-1) * fps
    rest = rests(true, shot, fps)
    rest = rest[1:] & rest[:-1]
    return Measured(
        mpjpe=1000 * float(mpjpe(*about_root).mean()),
        p_mpjpe=1000 * float(p_mpjpe(*about_root).mean()),
        world=1000 * length(points - true),
        bones=1000 * float(np.linalg.norm(points[:, ends] - points[:, starts], axis=-1).std(0).mean()),
        sliding=1000 * float(steps[rest].mean()) if rest.any() else float("nan"),
        broken=100 * broken(points, HUMAN36M),
        acceleration=length(np.diff(points - true, 2, axis=0)) * fps**2,
        jerk=length(np.diff(points, 3, axis=0)) * fps**3,
        pixels=off(points, shot),
    )


def rests(true: np.ndarray, shot: Shot, fps: float) -> np.ndarray:
    """(frames, 2) bool."""
    feet = true[:, FEET]
    slow = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * fps < SLOW
    still = slow & (feet @ shot.up + shot.height < LOW)
    found = np.zeros_like(still)
    for foot in (0, 1):
        edges = np.flatnonzero(np.diff(still[:, foot], prepend=False, append=False))
        for start, stop in edges.reshape(-1, 2).tolist():
            found[start:stop, foot] = stop - start >= LEAST
    return found


def off(points: np.ndarray, shot: Shot) -> float:
    keypoints = shot.keypoints
    assert keypoints.focal is not None
    joints = [joint for joint in HUMAN36M.joints if joint in keypoints.skeleton.joints]
    pick = [keypoints.skeleton.index(joint) for joint in joints]
    picked = points[:, [HUMAN36M.index(joint) for joint in joints]]
    shown = keypoints.focal * picked[..., :2] / picked[..., 2:] + np.array(keypoints.image_size) / 2
    return float(np.median(np.linalg.norm(shown - keypoints.xy[:, pick], axis=-1)[keypoints.observed[:, pick]]))


def length(vectors: np.ndarray) -> float:
    return float(np.linalg.norm(vectors, axis=-1).mean())


def timed(shots: list[Shot], lifter: Lifter) -> str:
    rows = []
    for seconds in CLIPS:
        clip = repeated(shots, lifter, seconds * FPS)
        started = time.perf_counter()
        fitted(clip)
        rows.append(f"| {seconds} s, {clip.frames:,} frames | {time.perf_counter() - started:.1f} |")
    return "\n".join([f"| clip, {FPS} frames a second | seconds, one thread |", "| --- | --: |", *rows])


def repeated(shots: list[Shot], lifter: Lifter, frames: int) -> Motion:
    """Lifted motions one after another, without keypoints."""
    found, count = [], 0
    for shot in shots:
        if count < frames:
            found.append(lifted(shot, lifter).world)
            count += shot.poses.frames
    points = np.concatenate([world.positions for world in found if world is not None])[:frames]
    assert found[0] is not None
    world = replace(found[0], positions=points, fps=float(FPS), observed=np.ones(len(points), bool))
    poses: Poses = replace(Poses.from_array(points @ world.orientation, fps=FPS), smoothing=5.0)
    return Motion(poses, None, world)


if __name__ == "__main__":
    main()
