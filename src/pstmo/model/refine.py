"""The refine module: mixes the lifted pose with the one that the 2D keypoints give at the lifted depth (paper, 4.2)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pstmo.errors import PstmoError
from pstmo.skeleton import Skeleton


class Refine(nn.Module):
    """Weighs, for x and y of each joint, a lifted pose against its back-projection; depth stays as lifted.

    The module is that of Cai et al. (ICCV 2019), which P-STMO takes over.
    """

    def __init__(self, joints: int = 17, width: int = 1024, dropout: float = 0.5):
        super().__init__()
        self.joints, self.width = joints, width
        self.unread: dict[str, Tensor] = {}
        self.weigh = nn.Sequential(
            nn.Linear(joints * 6, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, joints * 2),
            nn.Sigmoid(),
        )

    def forward(
        self,
        lifted: Float[Tensor, "batch joints 3"],
        back_projected: Float[Tensor, "batch joints 3"],
    ) -> Float[Tensor, "batch joints 3"]:
        both = torch.cat([lifted, back_projected], -1).flatten(1)
        share = self.weigh(both).unflatten(-1, (-1, 2))  # of the lifted pose
        xy = share * lifted[..., :2] + (1 - share) * back_projected[..., :2]
        return torch.cat([xy, lifted[..., 2:]], -1)

    def check_fit(self, keypoints: Skeleton, poses: Skeleton) -> None:
        """Raises PstmoError where 2D, 3D and the module do not have the same joints."""
        if keypoints.joints != poses.joints or self.joints != len(poses):
            layouts = f"{keypoints.name} -> {poses.name}, and a module of {self.joints} joints"
            raise PstmoError(f"refining needs the same joints in 2D, 3D and the module, found {layouts}")
