"""The encoder that masked pre-training learns and that fine-tuning starts from."""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from pstmo.model.layers import Block, embedding, spatial_encoder
from pstmo.presets import ModelConfig


class Encoder(nn.Module):
    """One token a frame from its joints (the paper's SEM), then attention over the frames (TEM)."""

    def __init__(self, c: ModelConfig):
        super().__init__()
        self.spatial = spatial_encoder(c.joints_in, c.width, c.dropout, c.spatial)
        self.position = embedding(c.frames, c.width)
        self.temporal = nn.Sequential(*(Block(c.width, c.hidden, c.heads, c.dropout) for _ in range(c.depth)))

    def forward(
        self,
        keypoints: Float[Tensor, "batch seen joints 2"],
        frames: Int[Tensor, "batch seen"] | None = None,
    ) -> Float[Tensor, "batch seen width"]:
        """`frames` says which frames of the window the keypoints are; None = the whole window."""
        return self.over_time(self.tokens(keypoints), frames)

    def tokens(self, keypoints: Float[Tensor, "batch frames joints 2"]) -> Float[Tensor, "batch frames width"]:
        """Of each frame by itself, wherever in a window it stands."""
        return self.spatial(keypoints.flatten(2))

    def over_time(
        self, tokens: Float[Tensor, "batch seen width"], frames: Int[Tensor, "batch seen"] | None = None
    ) -> Float[Tensor, "batch seen width"]:
        position = self.position if frames is None else F.embedding(frames, self.position)  # the same bits each time
        return self.temporal(tokens + position)
