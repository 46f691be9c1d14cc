"""STMO, the many-to-one lifter: 2D skeletons of a window in, the 3D pose of its centre out (paper, section 3.3)."""

from math import prod
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from pstmo.model.encoder import Encoder
from pstmo.model.layers import Block, embedding, initialise, pose_head
from pstmo.presets import ModelConfig


class Prediction(NamedTuple):
    """Root-relative 3D poses in metres, in camera axes: of every frame of the window, and of its centre."""

    sequence: Float[Tensor, "batch frames joints 3"]
    centre: Float[Tensor, "batch joints 3"]


class STMO(nn.Module):
    """Keypoints in normalised screen coordinates -> Prediction."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.unread: dict[str, Tensor] = {}  # of an imported official checkpoint, for the way back
        self.encoder = Encoder(config)
        self.aggregator = Aggregator(config)
        self.sequence_head = pose_head(config.width, config.joints_out, axes=3)
        self.centre_head = pose_head(config.width, config.joints_out, axes=3)
        initialise(self)

    def forward(self, keypoints: Float[Tensor, "batch frames joints 2"]) -> Prediction:
        tokens = self.encoder(keypoints)  # (batch, frames, width)
        return Prediction(self.sequence_head(tokens), self.centre(tokens))

    def centre(self, tokens: Float[Tensor, "batch frames width"]) -> Float[Tensor, "batch joints 3"]:
        """The pose of the centre frame, from what the encoder made of the window."""
        return self.centre_head(self.aggregator(tokens)).squeeze(1)


class Aggregator(nn.Module):
    """Strided blocks that fold a window into one token (the paper's MOFA)."""

    def __init__(self, c: ModelConfig):
        super().__init__()
        lengths = [prod(c.strides[i:]) for i in range(len(c.strides))]  # 243, 81, 27, 9, 3 by default
        self.positions = nn.ParameterList(embedding(length, c.width) for length in lengths[: c.positioned])
        self.blocks = nn.ModuleList(Block(c.width, c.hidden, c.heads, c.dropout, stride) for stride in c.strides)

    def forward(self, tokens: Float[Tensor, "batch frames width"]) -> Float[Tensor, "batch 1 width"]:
        for i, block in enumerate(self.blocks):
            tokens = block(tokens + self.positions[i] if i < len(self.positions) else tokens)
        return tokens
