"""A track through the network, window by window, and what windows share computed once."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pstmo.checkpoint import Checkpoint
from pstmo.framing import FRAMINGS, View
from pstmo.model.stmo import STMO
from pstmo.track import Places, Track
from pstmo.windows import mirrored

SCREEN = "screen"
"""The framing by which a frame looks the same in every window."""

Tokens = Float[Tensor, "both frames width"]
Head = Callable[[STMO, Tokens], Tensor]
"""What is read out of the tokens of windows."""


def of_centre(network: STMO, tokens: Tokens) -> Float[Tensor, "batch joints 3"]:
    return network.centre(tokens)


def of_every_frame(network: STMO, tokens: Tokens) -> Float[Tensor, "batch frames joints 3"]:
    return network.sequence_head(tokens)


@dataclass(frozen=True, eq=False)
class Windowed:
    """network: folded. mirror: average with what it makes of the mirror image, in the same batch (paper, 4.2).
    tokens: of every frame of the track and of its mirror image, where somebody has them."""

    track: Track
    network: STMO
    checkpoint: Checkpoint
    mirror: bool = True
    tokens: Float[Tensor, "both frames width"] | None = None

    @property
    def device(self) -> torch.device:
        return self.track.filled.device

    def poses(self, places: Places, head: Head) -> Float[Tensor, "batch *frames joints 3"]:
        """In camera axes, as the network gives them: the root joint near 0, not at it."""
        tokens, view = self._tokens(places)
        poses = head(self.network, self.network.encoder.over_time(tokens))
        if self.mirror:
            straight, flipped = poses.chunk(2)
            poses = (straight + mirrored(flipped, self.checkpoint.poses)) / 2
        return view.back(poses)

    def of_frames(self, keypoints: Float[Tensor, "frames joints 2"]) -> Float[Tensor, "both frames width"]:
        """Tokens of frames that need no window around them."""
        return self.network.encoder.tokens(self._both(keypoints[None]))

    def _tokens(self, places: Places) -> tuple[Tokens, View]:
        """Of all windows and, after them, of their mirror images."""
        if self.checkpoint.framing == SCREEN and not places.is_floating_point():
            return self._shared(places), View(self.track.filled[:0, None])
        windows = self.track.windows(places)
        view = FRAMINGS[self.checkpoint.framing](windows, windows.new_full((len(windows),), self.track.focal))
        return self.network.encoder.tokens(self._both(view.keypoints)), view

    def _shared(self, rows: Places) -> Tokens:
        """A frame on the normalised screen is the same in every window, but for joints that the window fills."""
        frames, place = rows.unique(return_inverse=True)
        tokens = self.of_frames(self.track.filled[frames]) if self.tokens is None else self.tokens[:, frames]
        tokens = tokens[:, place]  # (1 or 2, batch, frames, width)
        own = ~self.track.observed[rows].all(-1)
        if own.any():
            filled = self.track.windows(rows)[own]
            tokens[:, own] = self.of_frames(filled)
        return tokens.flatten(0, 1)

    def _both(self, keypoints: Float[Tensor, "batch frames joints 2"]) -> Float[Tensor, "both frames joints 2"]:
        return torch.cat([keypoints, mirrored(keypoints, self.checkpoint.keypoints)]) if self.mirror else keypoints
