"""Masked pose modelling at work: joints that were not observed are drawn from the window around them.

Stage I (paper, section 3.2) shows the encoder a learned token for each joint that it hides. That costs the network what
is known best: between two observations a joint is near the line through both. So here the encoder sees that line, is
told which joints are hidden, and draws how far off the line they are.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pstmo.fill import within
from pstmo.model.encoder import Encoder
from pstmo.model.layers import embedding, initialise, pose_head
from pstmo.presets import ModelConfig

Windows = Float[Tensor, "batch frames joints 2"]
Observed = Bool[Tensor, "batch frames joints"]


class Drawn(NamedTuple):
    """xy: of all joints, the observed ones as they are. error: how far off each is to be expected, in the same units;
    0 where observed. size: of the person in each window, in these units."""

    xy: Windows
    error: Float[Tensor, "batch frames joints"]
    size: Float[Tensor, " batch"]


class GapFiller(nn.Module):
    """The encoder of STMO, and a head that reads an offset and its uncertainty out of each frame's token."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.unread: dict[str, Tensor] = {}  # of an imported official checkpoint: there are none of this kind
        self.encoder = Encoder(config)
        self.hidden_joint = embedding(config.joints_in, config.width)
        self.head = pose_head(config.width, config.joints_in, axes=3)
        initialise(self)

    def forward(self, keypoints: Windows, observed: Observed) -> Drawn:
        """keypoints: in any units, values where they are not observed count only where nobody is seen in all of the
        window."""
        lines = within(keypoints, observed)
        middle = lines.mean((1, 2), keepdim=True)
        size = (lines - middle).square().sum(-1, keepdim=True).mean((1, 2), keepdim=True).sqrt().clamp_min(1e-6)
        tokens = self.encoder.tokens((lines - middle) / size) + (~observed).to(lines.dtype) @ self.hidden_joint
        found = self.head(self.encoder.over_time(tokens)).to(lines.dtype)
        hidden = (~observed)[..., None]
        xy = lines + torch.where(hidden, found[..., :2], 0) * size
        error = torch.where(hidden, found[..., 2:].exp(), 0) * size
        return Drawn(xy, error[..., 0], size.flatten())
