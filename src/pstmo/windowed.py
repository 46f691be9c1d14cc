"""Windows of keypoints through the network, of several clips in one batch; what those of a clip share, once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pstmo.checkpoint import Checkpoint
from pstmo.framing import FRAMINGS, View
from pstmo.model.stmo import STMO
from pstmo.track import Places, Track
from pstmo.windows import mirrored

SCREEN = "screen"
"""The framing by which a frame looks the same in every window."""

Tokens = Float[Tensor, "both frames width"]
"""Of windows, and where mirror images count, of these after them."""

Each = Float[Tensor, "both batch frames width"]
"""The same, the windows' and the mirror images' apart."""

Found = Float[Tensor, "batch *each out_joints 3"]
Head = Callable[[STMO, Tokens], Tensor]
"""What is read out of the tokens of windows."""


def of_centre(network: STMO, tokens: Tokens) -> Float[Tensor, "both joints 3"]:
    return network.centre(tokens)


def of_every_frame(network: STMO, tokens: Tokens) -> Float[Tensor, "both frames joints 3"]:
    return network.sequence_head(tokens)


class WindowLifter(nn.Module):
    """network: folded. mirror: average with what it makes of the mirror image, in the same batch (paper, 4.2)."""

    def __init__(self, network: STMO, checkpoint: Checkpoint, mirror: bool = True):
        super().__init__()
        self.network, self.checkpoint, self.mirror = network, checkpoint, mirror

    def forward(
        self, windows: Float[Tensor, "batch frames joints 2"], focal: Float[Tensor, " batch"], head: Head = of_centre
    ) -> Found:
        """Normalised screen coordinates -> poses in camera axes, as the network gives them: the root near 0, not at it.

        focal: over half the picture's width.
        """
        view = self.view(windows, focal)
        return self.read(self.tokens(view.keypoints), view, head)

    def view(self, windows: Float[Tensor, "batch frames joints 2"], focal: Float[Tensor, " batch"]) -> View:
        return FRAMINGS[self.checkpoint.framing](windows, focal)

    def tokens(self, keypoints: Float[Tensor, "batch frames joints 2"]) -> Tokens:
        if self.mirror:
            keypoints = torch.cat([keypoints, mirrored(keypoints, self.checkpoint.keypoints)])
        return self.network.encoder.tokens(keypoints)

    def read(self, tokens: Tokens, view: View, head: Head) -> Found:
        poses = head(self.network, self.network.encoder.over_time(tokens))
        if self.mirror:
            straight, flipped = poses.unflatten(0, (2, -1))
            poses = (straight + mirrored(flipped, self.checkpoint.poses)) / 2
        return view.back(poses)


@dataclass(frozen=True, eq=False)
class Windowed:
    """A clip, and what lifts its windows. tokens: of every frame by itself, where somebody has them."""

    track: Track
    lifter: WindowLifter
    tokens: Float[Tensor, "both frames width"] | None = None

    @property
    def device(self) -> torch.device:
        return self.track.filled.device

    @property
    def window(self) -> int:
        return self.lifter.network.config.frames

    def poses(self, places: Places, head: Head) -> Found:
        return poses([(self, places)], head)

    def seen(self, places: Places) -> tuple[Each, View]:
        """Windows as the network sees them, and their tokens."""
        if self.lifter.checkpoint.framing == SCREEN and not places.is_floating_point():
            return self._shared(places), View(self.track.filled[places[:0]])
        windows = self.track.windows(places)
        view = self.lifter.view(windows, windows.new_full((len(windows),), self.track.focal))
        return self.lifter.tokens(view.keypoints).unflatten(0, (-1, len(windows))), view

    def _shared(self, rows: Places) -> Each:
        """A frame on the normalised screen is the same in every window, but for joints that the window fills."""
        frames, place = rows.unique(return_inverse=True)
        tokens = self._of_frames(self.track.filled[frames]) if self.tokens is None else self.tokens[:, frames]
        tokens = tokens[:, place]  # (1 or 2, batch, frames, width)
        own = ~self.track.observed[rows].all(-1)
        if own.any():
            tokens[:, own] = self._of_frames(self.track.windows(rows)[own])
        return tokens

    def _of_frames(self, keypoints: Float[Tensor, "frames joints 2"]) -> Float[Tensor, "both frames width"]:
        return self.lifter.tokens(keypoints[None])


def poses(parts: Sequence[tuple[Windowed, Tensor]], head: Head) -> Found:
    """Of windows of several clips, with one lifter, in one batch. parts: clips and `Places` in them."""
    tokens, views = zip(*(clip.seen(places) for clip, places in parts), strict=True)
    return parts[0][0].lifter.read(torch.cat(tokens, 1).flatten(0, 1), View.of(views), head)
