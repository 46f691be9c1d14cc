"""Our motion beside the 3D that MediaPipe itself gives, on real videos: docs/beside-mediapipe.md.

    python3.11 -m venv /tmp/mediapipe && /tmp/mediapipe/bin/pip install mediapipe==0.10.21
    pip download --no-deps sports2d==0.8.34 pose2sim==0.10.49     # BSD 3-Clause; unzip the wheels
    python runs/beside_mediapipe.py --mediapipe /tmp/mediapipe/bin/python VIDEO [VIDEO ...]

Both see the same pictures with the same networks for keypoints; MediaPipe smooths its landmarks, as it does by default.
For both the root's way is found in the same manner, by reprojection of their own keypoints with the same lens.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from detector_parity import mediapipe
from matplotlib.axes import Axes

from pstmo.benchmark.machine import Machine
from pstmo.detect.blazepose import BlazePose
from pstmo.frame import Frame
from pstmo.framing import FOCAL
from pstmo.lift import Lifter, load
from pstmo.sequence import Keypoints
from pstmo.skeleton import MEDIAPIPE33, Skeleton
from pstmo.smooth import zero_phase
from pstmo.source import SURE
from pstmo.video import open_video
from pstmo.world import root_trajectory

LIMBS = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle"))
ARMS = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", "elbow", "wrist"))
BONES = tuple((chain[i], chain[i + 1]) for chain in (LIMBS[:3], LIMBS[3:], ARMS[:3], ARMS[3:]) for i in (0, 1))
COMMON = Skeleton("limbs", LIMBS + ARMS, BONES)
"""Joints that both give and that mean the same."""

PAGE, PICTURE, MOMENTS = Path("docs/beside-mediapipe.md"), Path("docs/beside-mediapipe.png"), 6


class Motion(NamedTuple):
    """(frames, joints, 3) metres, camera axes, joints of COMMON, the hips' middle at 0; and the keypoints it is of."""

    positions: np.ndarray
    keypoints: Keypoints


class Errors(NamedTuple):
    """reprojection: % of the person's height in the picture, median. bones: standard deviation of a bone's length, % of
    it, mean. shaking: mean length of the second difference, mm a frame squared."""

    reprojection: float
    bones: float
    shaking: float


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("videos", nargs="+", type=Path)
    arguments.add_argument("--mediapipe", type=Path, required=True, help="a Python with MediaPipe 0.10.21")
    arguments.add_argument("--frames", type=int, default=100)
    options = arguments.parse_args()
    lifter, rows, pictures = load(), [], []
    for path in options.videos:
        frames = [frame for frame, _ in zip(open_video(path), range(options.frames), strict=False)]
        fps = (len(frames) - 1) / (frames[-1].seconds - frames[0].seconds)
        frames, ways = motions(frames, fps, lifter, options.mediapipe)
        told = f"{path.name}, {len(frames)} pictures"
        rows += [f"| {told} | {way} | " + cells(measured(motion)) for way, motion in ways.items()]
        pictures.append((path.stem, frames, ways))
    draw(*pictures[0][1:])
    PAGE.write_text(page(rows, Machine.here(torch.device("cpu"))))
    print(f"wrote {PAGE} and {PICTURE}")


def motions(frames: list[Frame], fps: float, lifter: Lifter, python: Path) -> tuple[list[Frame], dict[str, Motion]]:
    """By name; from the first frame in which somebody was seen by both to the last, and these frames."""
    image = frames[0].image.shape[1::-1]
    size = (int(image[0]), int(image[1]))
    seen = np.full((len(frames), 33, 3), np.nan)
    for i, people in enumerate(BlazePose(people=1)(frames)):
        for person in people:
            seen[i] = person.joints
    theirs, world, _ = mediapipe(python, frames, smooth=True)
    there = np.flatnonzero(np.isfinite(seen[:, 0, 0]) & np.isfinite(theirs[:, 0, 0]))
    span = slice(there[0], there[-1] + 1)

    def keypoints(joints: np.ndarray) -> Keypoints:
        facts = {"skeleton": MEDIAPIPE33, "image_size": size, "fps": fps}
        return Keypoints.from_array(joints[span, :, :2], confidence=joints[span, :, 2], **facts)

    ours, known = keypoints(seen).trusted(SURE), keypoints(theirs[..., :3])
    poses = lifter.lift(ours)
    pick = [poses.skeleton.index(joint) for joint in COMMON.joints]
    calm = zero_phase(poses.positions, ours.times, 5.0)
    gap = np.isnan(world[span, 0, 0])
    times = np.arange(len(gap))
    flat = world[span].reshape(len(gap), -1)
    flat = np.stack([np.interp(times, times[~gap], column[~gap]) for column in flat.T], 1)
    space = flat.reshape(len(gap), 33, 3)[:, [MEDIAPIPE33.index(joint) for joint in COMMON.joints]]
    return frames[span], {
        "MediaPipe, smoothed by itself": Motion(hips_at_0(space), known),
        "pstmo, not smoothed": Motion(hips_at_0(poses.positions[:, pick]), ours),
        "pstmo": Motion(hips_at_0(calm[:, pick]), ours),
    }


def hips_at_0(positions: np.ndarray) -> np.ndarray:
    middle = (positions[:, COMMON.index("left_hip")] + positions[:, COMMON.index("right_hip")]) / 2
    return (positions - middle[:, None]).astype(np.float64)


def measured(motion: Motion) -> Errors:
    positions, keypoints = motion
    focal = keypoints.lens(FOCAL) * keypoints.image_size[0] / 2
    error = root_trajectory(positions, COMMON, keypoints, focal).error
    tall = np.median(
        [np.ptp(xy[seen, 1]) for xy, seen in zip(keypoints.xy, keypoints.observed, strict=True) if seen.any()]
    )
    start, end = np.array(COMMON.bone_indices).T
    lengths = np.linalg.norm(positions[:, start] - positions[:, end], axis=-1)
    shaking = 1000 * np.linalg.norm(np.diff(positions, n=2, axis=0), axis=-1).mean()
    return Errors(100 * error / float(tall), 100 * float((lengths.std(0) / lengths.mean(0)).mean()), float(shaking))


def cells(errors: Errors) -> str:
    return f"{errors.reprojection:.2f} | {errors.bones:.1f} | {errors.shaking:.1f} |"


def draw(frames: list[Frame], ways: dict[str, Motion]) -> None:
    """Moments of a video: the picture, and each motion from the side, as if seen from the picture's left edge."""
    shown = {name: motion for name, motion in ways.items() if name != "pstmo, not smoothed"}
    known = next(iter(shown.values())).keypoints
    there = np.flatnonzero(known.observed.any(1))
    moments = there[np.linspace(0, len(there) - 1, MOMENTS + 2).round().astype(int)[1:-1]]
    figure, axes = plt.subplots(1 + len(shown), MOMENTS, figsize=(2 * MOMENTS, 2.3 * (1 + len(shown))))
    for column, moment in enumerate(moments):
        axes[0, column].imshow(cut(frames[moment].image, known.xy[moment]))
        axes[0, column].set_title(f"{frames[moment].seconds:.1f} s", fontsize=9)
        for row, (name, motion) in enumerate(shown.items(), 1):
            side(axes[row, column], motion.positions[moment])
            if column == 0:
                axes[row, 0].set_ylabel(f"{name},\nfrom the side", fontsize=8)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
        for edge in axis.spines.values():
            edge.set_visible(False)
    figure.tight_layout(pad=0.5)
    figure.savefig(PICTURE, dpi=80)
    plt.close(figure)


def side(axis: Axes, pose: np.ndarray) -> None:
    """Depth to the right, up upwards; left limbs orange, right ones blue, as on the page."""
    torso = ("left_shoulder", "right_shoulder", "right_hip", "left_hip", "left_shoulder")
    path = pose[[COMMON.index(joint) for joint in torso]]
    axis.plot(path[:, 2], -path[:, 1], color="#7b8794", lw=2)
    for start, end in COMMON.bone_indices:
        colour = "#d55e00" if COMMON.joints[end].startswith("left") else "#0072b2"
        axis.plot(pose[[start, end], 2], -pose[[start, end], 1], color=colour, lw=2.5, solid_capstyle="round")
    axis.set(xlim=(-0.8, 0.8), ylim=(-1.0, 0.8), aspect="equal")


def cut(image: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """A square about the person."""
    low, high = np.nanmin(xy, 0), np.nanmax(xy, 0)
    middle, half = (low + high) / 2, int(0.65 * (high - low).max())
    x, y = middle.astype(int)
    return image[max(0, y - half) : y + half, max(0, x - half) : x + half]


def page(rows: list[str], machine: Machine) -> str:
    table = "\n".join(rows)
    return f"""\
# Beside MediaPipe's own 3D

MediaPipe gives landmarks in space with those in the picture, from each picture alone, then smooths them. `pstmo` lifts
the same network's 2D keypoints over time. On real videos nobody knows the truth, but three things can be measured: by
how much the motion misses its own keypoints when it is placed before the camera (% of the person's height in the
picture, median), how steady the length of limbs is (standard deviation, %), and how much it shakes (mean second
difference, mm a frame squared). Joints: shoulders to wrists, hips to ankles.

| video | | reprojection, % | bones, % | shaking |
| --- | --- | --: | --: | --: |
{table}

Machine: {machine}.

    python runs/beside_mediapipe.py --mediapipe /tmp/mediapipe/bin/python VIDEO ...

The first of these videos from the side (depth to the right):

![Both motions from the side]({PICTURE.name})

- Lifting over time shakes far less, at no cost in how near the motion lies to what was seen.
- Limbs keep their lengths better, but not well: neither knows a skeleton; `--fit-skeleton` makes them constant.
- Where the detector takes one leg for the other (cam02), both are wrong, ours more steadily so: it follows the
  keypoints' sudden change over some frames, where MediaPipe's space jumps.
- From the side both lean with the camera: these are camera axes. `world_positions` stand upright.
"""


if __name__ == "__main__":
    main()
