"""Masked pose modelling: hide frames and joints of a window, then draw the whole window again (paper, section 3.2)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pstmo.errors import PstmoError
from pstmo.model.encoder import Encoder
from pstmo.model.layers import Block, Norm, embedding, initialise, pose_head
from pstmo.presets import ModelConfig


class MaskedPoseModel(nn.Module):
    """The encoder of STMO under a small decoder of half its width."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = c = config
        self.unread: dict[str, Tensor] = {}  # of an imported official checkpoint, for the way back
        width, hidden = c.width // 2, c.hidden // 2
        self.joint_token = embedding(2)
        self.encoder = Encoder(c)
        self.to_decoder = nn.Sequential(Norm(c.width), nn.Linear(c.width, width, bias=False))
        self.frame_token = embedding(width)
        self.position = embedding(c.frames, width)
        self.decoder = nn.Sequential(*(Block(width, hidden, c.heads, c.dropout) for _ in range(c.depth - 1)))
        self.head = pose_head(width, c.joints_in, axes=2)
        initialise(self)

    def forward(
        self,
        keypoints: Float[Tensor, "batch frames joints 2"],
        hidden_frames: Bool[Tensor, "*batch frames"],
        hidden_joints: Bool[Tensor, "*batch frames joints"],
    ) -> Float[Tensor, "batch frames joints 2"]:
        """Keypoints of every frame, in frame order. True = hidden; a mask without a batch axis holds for all windows.

        Raises PstmoError when windows of one batch hide different numbers of frames.
        """
        frames = seen_frames(hidden_frames.expand(keypoints.shape[:2]))  # (batch, seen)
        masked = torch.where(hidden_joints[..., None], self.joint_token, keypoints)
        seen = masked.take_along_dim(frames[..., None, None], dim=1)
        tokens = self.to_decoder(self.encoder(seen, frames))  # (batch, seen, width / 2)
        window = self.frame_token.expand(*keypoints.shape[:2], -1)
        window = window.scatter(1, frames[..., None].expand_as(tokens), tokens.to(window.dtype))
        return self.head(self.decoder(window + self.position))


def seen_frames(hidden: Bool[Tensor, "batch frames"]) -> Tensor:
    """Indices of the frames that are not hidden, in order: (batch, seen)."""
    counts = (~hidden).sum(1)
    if counts.min() != counts.max() or counts.min() == 0:
        found = f"between {counts.min()} and {counts.max()}"
        raise PstmoError(f"every window of a batch must show the same number of frames, at least 1; found {found}")
    return hidden.byte().argsort(dim=1, stable=True)[:, : int(counts[0])]
