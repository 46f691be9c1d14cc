"""Keypoints -> poses."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pstmo import checkpoint, gaps, modes
from pstmo.checkpoint import Checkpoint
from pstmo.errors import PstmoError
from pstmo.metrics import rooted
from pstmo.model.folded import Precision, folded
from pstmo.model.stmo import STMO
from pstmo.modes import KEPT, Mode, Plan
from pstmo.sequence import Keypoints, Poses
from pstmo.track import Track
from pstmo.windowed import Windowed, WindowLifter


def load(
    name_or_path: str | Path = checkpoint.DEFAULT,
    device: str = "cpu",
    precision: Precision = "fp32",
    draws: bool = True,
) -> "Lifter":
    """A lifter with weights that come with the package, by name, or with a checkpoint of one's own, by path.

    precision: "bf16" = products in bfloat16, several times as fast where the processor or GPU has them, poses about a
    millimetre from those of "fp32".
    draws: gaps are filled by a network that knows people; else by straight lines within each window.

    Raises CheckpointError naming the weights there are, or what is wrong with the file; PstmoError for a device that
    PyTorch does not have here.
    """
    path = checkpoint.find(name_or_path)
    found = checkpoint.load(path)
    return Lifter(found, placed(checkpoint.expect(found.network, STMO, path), device), precision, draws)


def placed(network: STMO, device: str) -> STMO:
    """The network on a device; raises PstmoError when there is none of that name."""
    try:
        return network.to(device)
    except (RuntimeError, AssertionError) as error:
        raise PstmoError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from None


class How(NamedTuple):
    """How clips are lifted; what each of it means: `Lifter.lift`."""

    mode: Mode = "auto"
    mirror: bool = True
    step: int | None = None
    every: int | None = None
    overlap: float | int = 0.5
    lag: int = 0


USUALLY = How()


@dataclass(frozen=True)
class Lifter:
    """A trained network with what its checkpoint says of it. Make it with `pstmo.load`."""

    checkpoint: Checkpoint
    network: STMO
    precision: Precision = "fp32"
    draws: bool = True

    def lift(
        self,
        keypoints: Keypoints,
        *,
        mode: Mode = "auto",
        mirror: bool = True,
        step: int | None = None,
        every: int | None = None,
        overlap: float = 0.5,
        lag: int = 0,
    ) -> Poses:
        """One pose a frame, whatever the length of the clip.

        Joints that were not observed are drawn from those around them (see `gaps`), or, by a stream, held; frames in
        which nothing was observed say so in `Poses.observed`.
        mode: "exact", every frame from a window around it; "fast", some exactly and a curve through them; "sequence",
        all frames of a window at once; "live", each from what a stream has seen; "auto", see `modes.chosen`.
        mirror: average with the mirrored clip's poses (paper, section 4.2), for twice the time.
        step: source frames between two frames of a window; None = what the frame rate asks for.
        every, of "fast": source frames from one exact pose to the next; None = 10 a second.
        overlap, of "sequence": the share of a window, from 0 and below 1, that the next one sees again.
        lag, of "live": frames that are seen after each; half a window and more is exact.

        Raises PstmoError when no joint was observed at all or a setting is out of its range, SkeletonError when the
        keypoints lack joints that the network reads.
        """
        return self.lift_all([keypoints], How(mode, mirror, step, every, overlap, lag))[0]

    def lift_all(self, clips: Sequence[Keypoints], how: How = USUALLY) -> list[Poses]:
        """As `lift` does each of them, windows of all in common batches: a short clip has too few for a GPU. Raises
        PstmoError when there is something wrong with any."""
        ready = [self._ready(clip, how) for clip in clips]
        with torch.inference_mode():
            motions = modes.carried_out([(clip.windowed, clip.plan) for clip in ready])
        return [self._poses(clip, motion) for clip, motion in zip(ready, motions, strict=True)]

    def centres(
        self, keypoints: Keypoints, *, mirror: bool = True, step: int | None = None
    ) -> Float[Tensor, "frames out_joints 3"]:
        """As `lift` does exactly, but just as the network gives it: the root joint near 0, not at it."""
        keypoints = self._observed(keypoints)
        step = self.step(keypoints.fps) if step is None else step
        _check(step=step)
        with torch.inference_mode():
            windowed = self._windowed(keypoints, mirror)
            return modes.carried_out([(windowed, modes.exact(windowed.track, windowed.window, step))])[0]

    def filled(self, keypoints: Keypoints) -> Keypoints:
        """With its gaps `drawn`, unless they are already, or nobody knows these joints."""
        if not self.draws or keypoints.drawn is not None:
            return keypoints
        if keypoints.observed.all():
            return gaps.whole(keypoints)
        filler = gaps.usual(self.device)
        known = filler.checkpoint.keypoints.joints == self.checkpoint.keypoints.joints
        return filler.fill(keypoints) if known else keypoints

    def step(self, fps: float) -> int:
        """Source frames between two frames of a window, so that windows run about as fast as in training."""
        return max(1, round(fps / self.checkpoint.rate))

    @property
    def device(self) -> torch.device:
        return self.network.encoder.position.device

    @cached_property
    def folded(self) -> STMO:
        """The network as it lifts."""
        return folded(self.network, self.precision)

    def _ready(self, keypoints: Keypoints, how: How) -> "_Ready":
        keypoints = self._observed(keypoints)
        if how.mode != "live":
            keypoints = self.filled(keypoints)
        every = max(1, round(keypoints.fps / KEPT)) if how.every is None else how.every
        step = self.step(keypoints.fps) if how.step is None else how.step
        _check(step=step, every=every, overlap=how.overlap, lag=how.lag)
        windowed = self._windowed(keypoints, how.mirror, live=how.mode == "live")
        mode, clip = how.mode, (windowed.track, windowed.window, step)
        if mode == "auto":
            mode = modes.chosen(keypoints.frames, every, self.network.config, how.mirror, windowed.device)
        ways = {
            "exact": lambda: modes.exact(*clip),
            "fast": lambda: modes.fast(*clip, every),
            "sequence": lambda: modes.sequence(*clip, how.overlap),
            "live": lambda: modes.live(*clip, how.lag),
        }
        if mode not in ways:
            raise PstmoError(f"found mode {mode!r}, expected one of auto, {', '.join(ways)}")
        return _Ready(keypoints, mode, windowed, ways[mode]())

    def _poses(self, clip: "_Ready", motion: modes.Motion) -> Poses:
        positions = rooted(motion.float(), self.checkpoint.poses.root_index).cpu().numpy()
        if not np.isfinite(positions).all():
            raise PstmoError(
                f"{self.checkpoint.name} gave poses that are no numbers: its weights are broken, or {self.precision} "
                f"on {self.device} is too coarse for them"
            )
        return Poses(
            positions=positions,
            skeleton=self.checkpoint.poses,
            fps=clip.keypoints.fps,
            observed=np.asarray(clip.keypoints.observed.any(1)),
            model=self.checkpoint.name,
            mode=clip.mode,
        )

    def _observed(self, keypoints: Keypoints) -> Keypoints:
        keypoints = keypoints.to(self.checkpoint.keypoints)
        if not keypoints.observed.any():
            raise PstmoError(f"nobody was observed: no joint in any of the {keypoints.frames} frames")
        return keypoints

    def _windowed(self, keypoints: Keypoints, mirror: bool, live: bool = False) -> Windowed:
        track = Track.of(keypoints, self.device, live)
        return Windowed(track, WindowLifter(self.folded, self.checkpoint, mirror))


class _Ready(NamedTuple):
    """A clip that is to be lifted."""

    keypoints: Keypoints
    mode: Mode
    windowed: Windowed
    plan: Plan


def _check(step: int = 1, every: int = 1, overlap: float | int = 0.0, lag: int = 0) -> None:
    if step < 1:
        raise PstmoError(f"found a step of {step} frames, expected 1 or more")
    if every < 1:
        raise PstmoError(f"found every {every} frames, expected 1 or more")
    if not 0 <= overlap < 1:
        raise PstmoError(f"found an overlap of {overlap:g}, expected 0 or more and less than 1")
    if lag < 0:
        raise PstmoError(f"found a lag of {lag} frames, expected 0 or more")
