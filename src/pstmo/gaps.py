"""What a detector missed, drawn from what it saw: gaps filled by masked pose modelling (paper, section 3.2)."""

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pstmo import checkpoint
from pstmo.camera import to_pixels
from pstmo.checkpoint import Checkpoint
from pstmo.model.filler import GapFiller
from pstmo.sequence import Drawn, Keypoints
from pstmo.threads import at_once, shares
from pstmo.track import Track
from pstmo.windows import mirrored

NEAR = 2
"""Frames from the middle of a window within which it draws as well as in the middle."""


@dataclass(frozen=True, eq=False)
class Filler:
    """Make it with `Filler.load`."""

    checkpoint: Checkpoint
    network: GapFiller

    @classmethod
    def load(cls, path: str | Path | None = None, device: str | torch.device = "cpu") -> "Filler":
        """What comes with the package, or a checkpoint of `training.filling`. Raises CheckpointError."""
        path = Path(str(resources.files("pstmo"))) / "weights/gaps/cmu-fill.safetensors" if path is None else Path(path)
        found = checkpoint.load(path)
        return cls(found, checkpoint.expect(found.network, GapFiller, path).to(device))

    def fill(self, keypoints: Keypoints) -> Keypoints:
        """The same with `drawn` joints where they were not observed. Raises SkeletonError when joints are missing that
        the network reads; joints beyond those are not drawn."""
        mine = self.checkpoint.keypoints
        seen = keypoints.to(mine)
        found, off = self.draw(Track.of(seen, self.network.encoder.position.device))
        width, height = keypoints.image_size
        xy, error = keypoints.xy.copy(), np.where(keypoints.observed, np.float32(0), np.float32(np.inf))
        columns = list(keypoints.skeleton.select(mine))
        xy[:, columns] = np.where(seen.observed[..., None], seen.xy, to_pixels(found, width, height).cpu().numpy())
        error[:, columns] = (off * width / 2).cpu().numpy()
        return replace(keypoints, drawn=Drawn(xy, error))

    @torch.inference_mode()
    def draw(self, track: Track) -> tuple[Float[Tensor, "frames joints 2"], Float[Tensor, "frames joints"]]:
        """A place for every joint, and how far off it is to be expected: 0 where it was observed, infinite where nobody
        was seen for longer than a window. On the normalised screen.

        Frames in which nobody was seen stay on lines between those before and after: there the network draws no better
        (docs/gaps.md)."""
        xy, error = track.filled.clone(), torch.where(track.observed, 0.0, torch.inf)
        rows = (~track.observed).any(1).nonzero()[:, 0]
        if len(rows) == 0:
            return xy, error
        places, off, somebody = self._near_the_middle(track, rows)
        rows, places, off = rows[somebody], places[somebody], off[somebody]
        hidden = ~track.observed[rows]
        partly = hidden & track.observed[rows].any(1, keepdim=True)
        xy[rows] = torch.where(partly[..., None], places, xy[rows])
        error[rows] = torch.where(hidden, off, error[rows])
        return xy, error

    def _near_the_middle(
        self, track: Track, frames: Int[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n joints 2"], Float[Tensor, "n joints"], Bool[Tensor, " n"]]:
        """What is drawn of those frames, each in the middle of a window or not far from it, its error, and whether
        anybody was seen in the window. Windows run as in training, so that a gap and both its ends fit into one."""
        window, step = self.network.config.frames, max(1, round(track.fps / self.checkpoint.rate))
        middle, near = window // 2, NEAR if track.times is None else 0
        steps = frames // step
        centres = (steps + near) // (2 * near + 1) * (2 * near + 1)
        place = steps - centres + near
        centres, which = (centres * step + frames % step).unique(return_inverse=True)
        offsets = step * (torch.arange(window, device=frames.device) - middle)

        def drawn(part: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            windows, observed = track.seen(track.places(part, offsets))
            core = slice(middle - near, middle + near + 1)
            xy, error = self._drawn(windows, observed)
            return xy[:, core], error[:, core], observed.flatten(1).any(1)

        xy, error, somebody = map(torch.cat, zip(*at_once(drawn, shares(centres, window)), strict=True))
        return xy[which, place], error[which, place], somebody[which]

    def _drawn(
        self, windows: Float[Tensor, "batch frames joints 2"], observed: Bool[Tensor, "batch frames joints"]
    ) -> tuple[Float[Tensor, "batch frames joints 2"], Float[Tensor, "batch frames joints"]]:
        """The mean of what is drawn of windows and of their mirror images."""
        skeleton = self.checkpoint.keypoints
        flipped = self.network(mirrored(windows, skeleton), observed[..., list(skeleton.mirrored)])
        straight = self.network(windows, observed)
        error = (straight.error + flipped.error[..., list(skeleton.mirrored)]) / 2
        return (straight.xy + mirrored(flipped.xy, skeleton)) / 2, error


def whole(keypoints: Keypoints) -> Keypoints:
    """Of keypoints that were observed all: nothing to draw."""
    return replace(keypoints, drawn=Drawn(keypoints.xy, np.zeros_like(keypoints.confidence)))


@cache
def usual(device: torch.device) -> Filler:
    """What comes with the package."""
    return Filler.load(device=device)
