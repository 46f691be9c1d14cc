"""Lifts keypoint files with an exported graph and nothing but NumPy and ONNX Runtime.

    pip install numpy onnxruntime
    pip install --no-deps pstmo
    python -m pstmo.runner lifter.onnx keypoints.npz -o motion.npz

`pstmo export` makes the graph. Poses are those of `Lifter.lift`: of a graph of kind "centre" its mode "exact", of kind
"sequence" its mode "sequence".
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.errors import PstmoError
from pstmo.extras import extra
from pstmo.files import read_keypoints, write_motion
from pstmo.motion import Motion
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import from_facts

FORMAT = "pstmo graph 1"
IN_FLIGHT = 4096
"""Frames of all windows that are computed at once."""


class Runner:
    """A graph and what its metadata say of it. threads: None = as ONNX Runtime likes."""

    def __init__(self, path: str | Path, threads: int | None = None):
        """Raises PstmoError for a file that is no graph of pstmo."""
        onnxruntime = extra("onnxruntime", "export")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self.session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            self.facts = json.loads(self.session.get_modelmeta().custom_metadata_map["pstmo"])
            self.keypoints, self.poses = from_facts(self.facts["keypoints"]), from_facts(self.facts["poses"])
        except Exception as error:  # ONNX Runtime raises a dozen kinds
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise PstmoError(f"{path} is not a graph that `pstmo export` wrote: {reason}") from None
        if self.facts["format"] != FORMAT:
            raise PstmoError(f"{path}: found {self.facts['format']!r}, expected {FORMAT!r}")

    def lift(self, keypoints: Keypoints, *, step: int | None = None, overlap: float = 0.5) -> Poses:
        """One pose a frame. step: source frames between two frames of a window; None = what the frame rate asks for.
        overlap: of a graph of kind "sequence", see `Lifter.lift`. Raises PstmoError when nobody was observed."""
        keypoints = keypoints.to(self.keypoints)
        if not keypoints.observed.any():
            raise PstmoError(f"nobody was observed: no joint in any of the {keypoints.frames} frames")
        step = max(1, round(keypoints.fps / self.facts["rate"])) if step is None else step
        focal = keypoints.lens(self.facts["focal"])
        clip = _Clip(keypoints)
        exact = self.facts["kind"] == "centre"
        positions = self._exact(clip, focal, step) if exact else self._sequence(clip, focal, step, overlap)
        return Poses(
            positions=positions.astype(np.float32),
            skeleton=self.poses,
            fps=keypoints.fps,
            observed=np.asarray(keypoints.observed.any(1)),
            model=self.facts["name"],
            mode="exact" if exact else "sequence",
        )

    def _exact(self, clip: "_Clip", focal: float, step: int) -> np.ndarray:
        window = self.facts["frames"]
        rows = np.arange(len(clip.xy))[:, None] + step * (np.arange(window) - window // 2)
        return np.concatenate([poses for _, poses in self._run(clip, focal, rows)])

    def _sequence(self, clip: "_Clip", focal: float, step: int, overlap: float) -> np.ndarray:
        """As `modes.sequence`."""
        window, frames = self.facts["frames"], len(clip.xy)
        hop = max(1, round(window * (1 - overlap)))
        starts = np.arange(0, -(-frames // step), hop) - (window - hop) // 2
        rows = (starts[:, None] + np.arange(window)) * step
        rows = np.concatenate([rows + phase for phase in range(min(step, frames))])
        ramp = np.minimum(np.arange(1, window + 1), np.arange(window, 0, -1))[:, None, None]
        total, weight = np.zeros((frames, len(self.poses), 3)), np.zeros((frames, 1, 1))
        for part, poses in self._run(clip, focal, rows):
            there = (part >= 0) & (part < frames)
            np.add.at(total, part[there], (poses * ramp)[there])
            np.add.at(weight, part[there], np.broadcast_to(ramp, (*part.shape, 1, 1))[there])
        return total / weight

    def _run(self, clip: "_Clip", focal: float, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows of windows, as many as are computed at once, and their poses."""
        most = max(1, IN_FLIGHT // self.facts["frames"])
        for start in range(0, len(rows), most):
            part = rows[start : start + most]
            windows = clip.windows(part.clip(0, len(clip.xy) - 1))
            inputs = {"keypoints": windows, "focal": np.full(len(windows), focal, np.float32)}
            yield part, self.session.run(["poses"], inputs)[0]


class _Clip:
    """A clip on the normalised screen, its gaps filled as `fill.interpolate` does."""

    def __init__(self, keypoints: Keypoints):
        width, height = keypoints.image_size
        self.observed = keypoints.observed
        xy = keypoints.xy * np.float32(2 / width) - np.array([1, height / width], np.float32)
        self.xy = _filled(xy[None], self.observed[None])[0]

    def windows(self, rows: np.ndarray) -> np.ndarray:
        """Gaps are filled from within each window; where nobody is seen in all of it the clip's fill stays."""
        windows, observed = self.xy[rows], self.observed[rows]
        gappy = ~observed.all((1, 2)) & observed.any((1, 2))
        windows[gappy] = _filled(windows[gappy], observed[gappy])
        return windows


def _filled(xy: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """(windows, frames, joints, 2): each gap linearly in time, the ends held, joints never seen at the mean of the
    frame's others."""
    frames, last = np.arange(xy.shape[1])[:, None], xy.shape[1] - 1
    before = np.maximum.accumulate(np.where(observed, frames, -1), 1)
    after = np.minimum.accumulate(np.where(observed, frames, last + 1)[:, ::-1], 1)[:, ::-1]
    low, high = (
        np.take_along_axis(xy, np.broadcast_to(rows.clip(0, last)[..., None], xy.shape), 1) for rows in (before, after)
    )
    share = ((frames - before) / np.maximum(after - before, 1))[..., None].astype(np.float32)
    low, high = np.where(before[..., None] < 0, high, low), np.where(after[..., None] > last, low, high)
    ever = np.asarray(observed.any(1))[:, None, :, None]
    filled = np.where(ever, np.where(observed[..., None], xy, low + share * (high - low)), 0)
    middle = filled.sum(2, keepdims=True) / np.maximum(ever.sum(2, keepdims=True), 1)
    return np.where(ever, filled, middle).astype(np.float32)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m pstmo.runner", description="Keypoints to 3D motion.")
    arguments.add_argument("graph", type=Path, help="what `pstmo export` wrote, .onnx")
    arguments.add_argument("keypoints", type=Path, help="file of keypoints, or OpenPose's folder")
    arguments.add_argument("-o", "--out", type=Path, required=True, help="the .npz file to write")
    arguments.add_argument("--format", help="of the keypoints; without it the content decides")
    arguments.add_argument("--skeleton", help="layout of the joints, where the file does not say")
    arguments.add_argument("--image-size", type=int, nargs=2, help="width and height in pixels, where it does not say")
    arguments.add_argument("--fps", type=float, help="frames per second, where it does not say")
    arguments.add_argument("--fov", type=float, help="what the picture shows from left to right, in degrees")
    arguments.add_argument("--person", type=int, help="track number; without it the one seen longest")
    told = arguments.parse_args()
    size = None if told.image_size is None else tuple(told.image_size)
    facts = {"format": told.format, "skeleton": told.skeleton, "image_size": size}
    try:
        seen = read_keypoints(told.keypoints, **facts, fps=told.fps, person=told.person)
        seen = seen if told.fov is None else seen.with_view(told.fov)
        poses = Runner(told.graph).lift(seen)
        write_motion(told.out, Motion(poses, seen))
    except PstmoError as error:
        print(f"pstmo.runner: error: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"{told.out}: {poses.frames} frames of {poses.skeleton.name}, metres, camera axes")


if __name__ == "__main__":
    main()
