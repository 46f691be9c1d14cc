"""Keypoints -> poses, exactly: every frame is the centre of a window of its own, seen as it is and mirrored."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pstmo import checkpoint
from pstmo.camera import normalise_screen
from pstmo.checkpoint import Checkpoint
from pstmo.errors import CheckpointError, PstmoError
from pstmo.fill import interpolate
from pstmo.framing import FRAMINGS
from pstmo.model.stmo import STMO
from pstmo.sequence import Keypoints, Poses
from pstmo.windows import Clips, mirrored


def load(name_or_path: str | Path = checkpoint.DEFAULT, device: str = "cpu") -> "Lifter":
    """A lifter with weights that come with the package, by name, or with a checkpoint of one's own, by path.

    Raises CheckpointError naming the weights there are, or what is wrong with the file.
    """
    path = checkpoint.find(name_or_path)
    found = checkpoint.load(path)
    if not isinstance(found.network, STMO):
        raise CheckpointError(
            f"{path} holds a {type(found.network).__name__}, expected an STMO (a stage II checkpoint)"
        )
    return Lifter(found, found.network.to(device))


@dataclass(frozen=True)
class Lifter:
    """A trained network with what its checkpoint says of it. Make it with `pstmo.load`."""

    checkpoint: Checkpoint
    network: STMO

    def lift(self, keypoints: Keypoints, *, mirror: bool = True, batch: int = 128) -> Poses:
        """One pose a frame, whatever the length of the clip.

        Joints that were not observed are interpolated before (see `fill`); frames in which nothing was observed say so
        in `Poses.observed`. mirror: average with the mirrored clip's poses (paper, section 4.2), for twice the time.
        batch: windows computed at once.

        Raises PstmoError when no joint was observed at all, SkeletonError when the keypoints lack joints that the
        network reads.
        """
        keypoints = keypoints.to(self.checkpoint.keypoints)
        if not keypoints.observed.any():
            raise PstmoError(f"nobody was observed: all {keypoints.frames} frames of keypoints are NaN")
        track = self.track(keypoints)
        centres = torch.arange(len(track), device=track.device)
        with torch.inference_mode():
            poses = torch.cat([self._centres(track, part, keypoints.fps, mirror) for part in centres.split(batch)])
        return Poses(
            positions=_rooted(poses, self.checkpoint.poses.root_index).cpu().numpy().astype(np.float32),
            skeleton=self.checkpoint.poses,
            fps=keypoints.fps,
            observed=np.asarray(keypoints.observed.any(1)),
            model=self.checkpoint.name,
        )

    def track(self, keypoints: Keypoints) -> Float[Tensor, "frames joints 2"]:
        """The clip in normalised screen coordinates, its gaps filled."""
        device = self.network.encoder.position.device
        xy = normalise_screen(torch.from_numpy(keypoints.xy).to(device), *keypoints.image_size)
        return interpolate(xy[None], torch.from_numpy(keypoints.observed).to(device)[None])[0]

    def step(self, fps: float) -> int:
        """Source frames between two frames of a window, so that windows run about as fast as in training."""
        return max(1, round(fps / self.checkpoint.rate))

    def _centres(
        self, track: Float[Tensor, "frames joints 2"], centres: Tensor, fps: float, mirror: bool
    ) -> Float[Tensor, "batch joints 3"]:
        rows = Clips([len(track)], track.device).windows(centres, self.network.config.frames, self.step(fps))
        windows = FRAMINGS[self.checkpoint.framing](track[rows])
        poses = self.network(windows).centre
        if mirror:
            flipped = self.network(mirrored(windows, self.checkpoint.keypoints)).centre
            poses = (poses + mirrored(flipped, self.checkpoint.poses)) / 2
        return poses


def _rooted(poses: Float[Tensor, "frames joints 3"], root: int) -> Float[Tensor, "frames joints 3"]:
    """The root joint at 0, as in the field's evaluation; the others stay where the network put them."""
    poses = poses.clone()
    poses[:, root] = 0
    return poses
