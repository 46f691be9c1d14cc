"""The field's measures, on tensors of root-relative poses in metres. Lengths come back in the unit that came in.

MPJPE (protocol 1), P-MPJPE (protocol 2, after rigid alignment with scale), N-MPJPE (after scaling alone), MPJVE
(velocity), and MPI-INF-3DHP's PCK and AUC (Mehta et al., 2017).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from pstmo.skeleton import MPI_INF_3DHP, Skeleton

Pose = Float[Tensor, "*batch joints 3"]
PerJoint = Float[Tensor, "*batch joints"]
PerFrame = Float[Tensor, "*batch"]

PCK_THRESHOLD = 0.150  # metres
AUC_THRESHOLDS = tuple(i / 200 for i in range(31))  # metres: 0, 5, ... 150 mm

PCK_GROUPS: dict[str, tuple[str, ...]] = {
    "head": ("head_top",),
    "neck": ("neck",),
    "shoulder": ("right_shoulder", "left_shoulder"),
    "elbow": ("right_elbow", "left_elbow"),
    "wrist": ("right_wrist", "left_wrist"),
    "hip": ("right_hip", "left_hip"),
    "knee": ("right_knee", "left_knee"),
    "ankle": ("right_ankle", "left_ankle"),
}
"""The joints of MPI-INF-3DHP that PCK counts, grouped as its evaluation prints them."""


def rooted(poses: Pose, root: int) -> Pose:
    """The root joint at 0, as before each of these measures; the others stay where the network put them."""
    poses = poses.clone()
    poses[..., root, :] = 0
    return poses


def joint_errors(predicted: Pose, target: Pose) -> PerJoint:
    """Distance of each joint from its target."""
    return (predicted - target).norm(dim=-1)


def mpjpe(predicted: Pose, target: Pose) -> PerFrame:
    """Mean per-joint position error of each frame (protocol 1)."""
    return joint_errors(predicted, target).mean(-1)


def p_mpjpe(predicted: Pose, target: Pose) -> PerFrame:
    """MPJPE after the rotation, translation and scale that bring each prediction nearest (protocol 2)."""
    return mpjpe(procrustes(predicted, target), target)


def n_mpjpe(predicted: Pose, target: Pose) -> PerFrame:
    """MPJPE after the scale that brings each prediction nearest (Rhodin et al., 2018)."""
    return mpjpe(rescaled(predicted, target), target)


def velocity_errors(
    predicted: Float[Tensor, "frames joints 3"], target: Float[Tensor, "frames joints 3"]
) -> Float[Tensor, " pairs"]:
    """Mean per-joint velocity error between each frame and the one before it, a frame."""
    return mpjpe(predicted.diff(dim=0), target.diff(dim=0))


def mpjve(predicted: Float[Tensor, "frames joints 3"], target: Float[Tensor, "frames joints 3"]) -> Tensor:
    """Mean per-joint velocity error of one clip, a frame; 0 for a clip of one frame (Pavllo et al., 2019)."""
    if len(predicted) < 2:
        return predicted.new_zeros(())
    return velocity_errors(predicted, target).mean()


def procrustes(predicted: Pose, target: Pose) -> Pose:
    """Each predicted pose moved, turned (never mirrored), scaled onto its target by least squares (Umeyama, 1991)."""
    x, y = predicted.double(), target.double()
    x = x - x.mean(-2, keepdim=True)
    u, s, vt = torch.linalg.svd(x.mT @ y)  # the same wherever y lies, as x lies about 0
    sign = torch.ones_like(s)
    sign[..., -1] = torch.linalg.det(u @ vt).sign()
    turn = u * sign[..., None, :] @ vt
    scale = (s * sign).sum(-1) / x.square().sum((-1, -2)).clamp_min(1e-12)
    return (scale[..., None, None] * x @ turn + y.mean(-2, keepdim=True)).to(predicted.dtype)


def rescaled(predicted: Pose, target: Pose) -> Pose:
    """Each predicted pose scaled onto its target by least squares."""
    dot = (predicted * target).sum((-1, -2), keepdim=True)
    square = predicted.square().sum((-1, -2), keepdim=True)
    return predicted * dot / square.clamp_min(1e-12)


def pck_joints(skeleton: Skeleton) -> tuple[int, ...]:
    """The joints that PCK and AUC count: those of PCK_GROUPS in MPI-INF-3DHP's layout, all but the root in others."""
    if skeleton == MPI_INF_3DHP:
        return tuple(skeleton.index(joint) for joints in PCK_GROUPS.values() for joint in joints)
    return tuple(i for i, joint in enumerate(skeleton.joints) if joint != skeleton.root)


def pck(errors: PerJoint, threshold: float = PCK_THRESHOLD) -> Tensor:
    """Share of joints nearer than the threshold, in percent."""
    return 100 * (errors < threshold).double().mean()


def auc(errors: PerJoint) -> Tensor:
    """Mean of PCK over thresholds of 0, 5, ... 150 mm, in percent: the area under the PCK curve."""
    return torch.stack([pck(errors, threshold) for threshold in AUC_THRESHOLDS]).mean()


def pck_by_group(errors: Float[Tensor, "frames 17"]) -> dict[str, tuple[float, float]]:
    """MPI-INF-3DHP: (PCK, AUC) in percent of each joint group, and under "total" of all their joints together."""
    columns = {name: [MPI_INF_3DHP.index(joint) for joint in joints] for name, joints in PCK_GROUPS.items()}
    columns["total"] = [i for group in list(columns.values()) for i in group]
    return {name: (float(pck(errors[:, pick])), float(auc(errors[:, pick]))) for name, pick in columns.items()}
