"""Keypoints -> poses, exactly: every frame is the centre of a window of its own, seen as it is and mirrored."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pstmo import checkpoint
from pstmo.camera import normalise_screen
from pstmo.checkpoint import Checkpoint
from pstmo.errors import PstmoError
from pstmo.fill import interpolate, within
from pstmo.framing import FOCAL, FRAMINGS
from pstmo.metrics import rooted
from pstmo.model.stmo import STMO
from pstmo.sequence import Keypoints, Poses
from pstmo.windows import Clips, mirrored


def load(name_or_path: str | Path = checkpoint.DEFAULT, device: str = "cpu") -> "Lifter":
    """A lifter with weights that come with the package, by name, or with a checkpoint of one's own, by path.

    Raises CheckpointError naming the weights there are, or what is wrong with the file; PstmoError for a device that
    PyTorch does not have here.
    """
    path = checkpoint.find(name_or_path)
    found = checkpoint.load(path)
    return Lifter(found, placed(checkpoint.expect(found.network, STMO, path), device))


def placed(network: STMO, device: str) -> STMO:
    """The network on a device; raises PstmoError when there is none of that name."""
    try:
        return network.to(device)
    except (RuntimeError, AssertionError) as error:
        raise PstmoError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from None


@dataclass(frozen=True)
class Lifter:
    """A trained network with what its checkpoint says of it. Make it with `pstmo.load`."""

    checkpoint: Checkpoint
    network: STMO

    def lift(self, keypoints: Keypoints, *, mirror: bool = True, step: int | None = None, batch: int = 128) -> Poses:
        """One pose a frame, whatever the length of the clip.

        Joints that were not observed are interpolated within each window (see `fill`); frames in which nothing was
        observed say so in `Poses.observed`.
        mirror: average with the mirrored clip's poses (paper, section 4.2), for twice the time.
        step: source frames between two frames of a window; None = what the frame rate asks for.
        batch: windows computed at once.

        Raises PstmoError when no joint was observed at all, SkeletonError when the keypoints lack joints that the
        network reads.
        """
        keypoints = keypoints.to(self.checkpoint.keypoints)
        poses = self.centres(keypoints, mirror=mirror, step=step, batch=batch)
        return Poses(
            positions=rooted(poses, self.checkpoint.poses.root_index).cpu().numpy().astype(np.float32),
            skeleton=self.checkpoint.poses,
            fps=keypoints.fps,
            observed=np.asarray(keypoints.observed.any(1)),
            model=self.checkpoint.name,
        )

    def centres(
        self, keypoints: Keypoints, *, mirror: bool = True, step: int | None = None, batch: int = 128
    ) -> Float[Tensor, "frames out_joints 3"]:
        """As `lift`, but just as the network gives it: the root joint near 0, not at it."""
        if step is not None and step < 1:
            raise PstmoError(f"found a step of {step} frames, expected 1 or more")
        keypoints = keypoints.to(self.checkpoint.keypoints)
        if not keypoints.observed.any():
            raise PstmoError(f"nobody was observed: no joint in any of the {keypoints.frames} frames")
        track, focal = self.track(keypoints), focal_of(keypoints)
        every_frame = torch.arange(keypoints.frames, device=track.filled.device)
        clip = Clips([keypoints.frames], every_frame.device)
        rows = clip.windows(every_frame, self.network.config.frames, step or self.step(keypoints.fps))
        with torch.inference_mode():
            return torch.cat([self._centres(track.windows(part), focal, mirror) for part in rows.split(batch)])

    def track(self, keypoints: Keypoints) -> "Track":
        """The clip in normalised screen coordinates."""
        device = self.network.encoder.position.device
        xy = normalise_screen(torch.from_numpy(keypoints.xy).to(device), *keypoints.image_size)
        observed = torch.from_numpy(keypoints.observed).to(device)
        return Track(interpolate(xy[None], observed[None])[0], observed)

    def step(self, fps: float) -> int:
        """Source frames between two frames of a window, so that windows run about as fast as in training."""
        return max(1, round(fps / self.checkpoint.rate))

    def _centres(
        self, windows: Float[Tensor, "batch frames joints 2"], focal: float, mirror: bool
    ) -> Float[Tensor, "batch out_joints 3"]:
        view = FRAMINGS[self.checkpoint.framing](windows, windows.new_full((len(windows),), focal))
        poses = self.network(view.keypoints).centre
        if mirror:
            flipped = self.network(mirrored(view.keypoints, self.checkpoint.keypoints)).centre
            poses = (poses + mirrored(flipped, self.checkpoint.poses)) / 2
        return view.back(poses)


class Track(NamedTuple):
    """A clip before the network, in normalised screen coordinates, its gaps filled."""

    filled: Float[Tensor, "frames joints 2"]
    observed: Bool[Tensor, "frames joints"]

    def windows(self, rows: Int[Tensor, "batch frames"]) -> Float[Tensor, "batch frames joints 2"]:
        """As in training, gaps are filled from within each window."""
        return within(self.filled[rows], self.observed[rows])


def focal_of(keypoints: Keypoints) -> float:
    """Focal length over half the picture's width; a usual one where nobody knows it."""
    return FOCAL if keypoints.focal is None else 2 * keypoints.focal / keypoints.image_size[0]
