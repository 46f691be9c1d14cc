"""A clip on the normalised screen, its gaps filled: what windows are taken from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pstmo.camera import normalise_screen
from pstmo.fill import held, interpolate, within
from pstmo.framing import FOCAL
from pstmo.sequence import Keypoints

SAME = 1e-3
"""Frames: what lies nearer to a frame than this is that frame."""

CLOSE = 1.5
"""Frames: between two that are farther apart than this, one is missing."""

Places = Int[Tensor, "batch frames"] | Float[Tensor, "batch frames"]


@dataclass(frozen=True, eq=False)
class Track:
    """One person. focal: over half the picture's width. drawn: gaps were filled by somebody who knows people, and are
    left so; else each window draws lines of its own through what it sees, as in training."""

    filled: Float[Tensor, "frames joints 2"]
    observed: Bool[Tensor, "frames joints"]
    fps: float
    focal: float = FOCAL
    times: Float[np.ndarray, " frames"] | None = None
    drawn: bool = False

    @classmethod
    def of(cls, keypoints: Keypoints, device: torch.device, live: bool = False) -> "Track":
        """live: nothing is known of the future when a gap is filled."""
        xy = normalise_screen(torch.from_numpy(keypoints.xy).to(device), *keypoints.image_size)
        observed = torch.from_numpy(keypoints.observed).to(device)
        drawn = None if live else keypoints.drawn
        known = observed
        if drawn is not None:
            xy = normalise_screen(torch.from_numpy(drawn.xy).to(device), *keypoints.image_size)
            known = torch.isfinite(xy).all(-1)
        filled = (held if live else interpolate)(xy[None], known[None])[0]
        return cls(filled, observed, keypoints.fps, focal_of(keypoints), keypoints.timestamps, drawn is not None)

    def __len__(self) -> int:
        return len(self.filled)

    def places(self, frames: Int[Tensor, " batch"], offsets: Int[Tensor, " window"]) -> Places:
        """Where in the track the frames stand that lie so many frames from each of those, by the clock.

        Past an end it is the first or last frame; between two frames of an irregular clock, a fraction.
        """
        if self.times is None:
            return (frames[:, None] + offsets).clamp(0, len(self) - 1)
        wanted = self.times[frames.cpu().numpy()][:, None] + offsets.cpu().numpy() / self.fps
        return self._at(wanted).to(frames.device)

    @property
    def ticks(self) -> int:
        """Frames that a regular clock would have had."""
        return len(self) if self.times is None else round((self.times[-1] - self.times[0]) * self.fps) + 1

    def on_ticks(self, ticks: Int[Tensor, "batch window"]) -> Places:
        """As `places`, by a regular clock that begins with the first frame."""
        if self.times is None:
            return ticks.clamp(0, len(self) - 1)
        return self._at(self.times[0] + ticks.cpu().numpy() / self.fps).to(ticks.device)

    def off_ticks(self, motion: Float[Tensor, "ticks joints 3"]) -> Float[Tensor, "frames joints 3"]:
        """What was computed by the regular clock, at the frames."""
        if self.times is None:
            return motion
        place = torch.from_numpy((self.times - self.times[0]) * self.fps).to(motion.device)
        low = place.long().clamp_max(len(motion) - 1)
        high, share = (low + 1).clamp_max(len(motion) - 1), (place - low).float()[:, None, None]
        return torch.lerp(motion[low], motion[high], share)

    def _at(self, seconds: Float[np.ndarray, "batch window"]) -> Places:
        assert self.times is not None
        places = np.interp(seconds, self.times, np.arange(len(self)))
        nearest = np.rint(places)
        places = np.where(np.abs(places - nearest) < SAME, nearest, places)
        return torch.from_numpy(places if (places != nearest).any() else nearest.astype(np.int64))

    @cached_property
    def _close(self) -> Bool[Tensor, " frames"]:
        """The next frame comes about when it should: what lies between them is known."""
        assert self.times is not None
        return torch.from_numpy(np.diff(self.times, append=np.inf) * self.fps <= CLOSE).to(self.observed.device)

    def windows(self, places: Places) -> Float[Tensor, "batch frames joints 2"]:
        xy, observed = self.seen(places)
        return xy if self.drawn else within(xy, observed)

    def seen(
        self, places: Places
    ) -> tuple[Float[Tensor, "batch frames joints 2"], Bool[Tensor, "batch frames joints"]]:
        """Of windows, and what was observed in them."""
        if not places.is_floating_point():
            return self.filled[places], self.observed[places]
        low = places.long()
        high, share = (low + 1).clamp_max(len(self) - 1), (places - low)[..., None].to(self.filled.dtype)
        observed = self.observed[low] & ((self.observed[high] & self._close[low, None]) | (share == 0))
        return torch.lerp(self.filled[low], self.filled[high], share[..., None]), observed


def focal_of(keypoints: Keypoints) -> float:
    """Focal length over half the picture's width; a usual one where nobody knows it."""
    return keypoints.lens(FOCAL)
