"""Sums of errors over frames, per joint: tallies of other frames add up, and every mean follows from them."""

from dataclasses import dataclass, fields
from math import nan
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pstmo import metrics
from pstmo.sequence import Poses
from pstmo.skeleton import Skeleton

_THRESHOLDS = torch.tensor(metrics.AUC_THRESHOLDS, dtype=torch.float64)
PCK_COLUMN = metrics.AUC_THRESHOLDS.index(metrics.PCK_THRESHOLD)


class Errors(NamedTuple):
    """Means over frames, in millimetres (velocity: a frame); PCK at 150 mm and AUC in percent, of `metrics.pck_joints`
    alone. what there is nothing to count for is nan."""

    frames: int
    mpjpe: float
    p_mpjpe: float
    n_mpjpe: float
    mpjve: float
    pck: float
    auc: float


class Measured(NamedTuple):
    """Of each frame and joint, in metres: distance as it is, after rigid alignment, after scaling, and of velocities
    (from the frame before; nan in the first frame and after one without a measured pose)."""

    error: Float[Tensor, "frames joints"]
    aligned: Float[Tensor, "frames joints"]
    scaled: Float[Tensor, "frames joints"]
    velocity: Float[Tensor, "frames joints"]


def measure(lifted: Poses, truth: Poses) -> Measured:
    """Compares one recording's poses, frame by frame, in float64; frames that were not measured give nan."""
    observed = torch.from_numpy(truth.observed)
    predicted, target = (torch.from_numpy(poses.positions).double() for poses in (lifted, truth))
    target = torch.where(observed[:, None, None], target, 0)
    nan = torch.full(target.shape[:2], torch.nan, dtype=torch.float64)
    velocity = nan.clone()
    velocity[1:] = metrics.joint_errors(predicted.diff(dim=0), target.diff(dim=0))
    before = torch.cat([observed[:1] & False, observed[:-1]])
    return Measured(
        *(
            torch.where(observed[:, None], errors, nan)
            for errors in (
                metrics.joint_errors(predicted, target),
                metrics.joint_errors(metrics.procrustes(predicted, target), target),
                metrics.joint_errors(metrics.rescaled(predicted, target), target),
                torch.where(before[:, None], velocity, nan),
            )
        )
    )


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums over frames (velocity: over pairs of frames); (joints,) metres. near: (joints, thresholds) frames in which
    a joint was nearer than each of metrics.AUC_THRESHOLDS."""

    frames: int
    pairs: int
    error: np.ndarray
    aligned: np.ndarray
    scaled: np.ndarray
    velocity: np.ndarray
    near: np.ndarray

    @classmethod
    def of(cls, measured: Measured) -> "Tally":
        """Of the frames among these in which a pose was measured."""
        seen, moving = ~measured.error.isnan().any(1), ~measured.velocity.isnan().any(1)
        error = measured.error[seen]
        sums = (error, measured.aligned[seen], measured.scaled[seen], measured.velocity[moving])
        beyond = torch.bucketize(error, _THRESHOLDS, right=True)  # thresholds that are not above the error
        buckets = len(_THRESHOLDS) + 1
        joints = torch.arange(error.shape[1]) * buckets
        counts = torch.bincount((beyond + joints).flatten(), minlength=buckets * error.shape[1]).unflatten(
            0, (-1, buckets)
        )
        near = counts.cumsum(1)[:, :-1]
        error, aligned, scaled, velocity = (part.sum(0).numpy() for part in sums)
        return cls(int(seen.sum()), int(moving.sum()), error, aligned, scaled, velocity, near.numpy())

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def errors(self, skeleton: Skeleton) -> Errors:
        """Over all joints."""
        return self._errors(list(range(len(skeleton))), list(metrics.pck_joints(skeleton)))

    def joint_errors(self, skeleton: Skeleton) -> dict[str, Errors]:
        """Of every joint by itself."""
        counted = metrics.pck_joints(skeleton)
        return {name: self._errors([i], [i] if i in counted else []) for i, name in enumerate(skeleton.joints)}

    def pck_curve(self, skeleton: Skeleton) -> np.ndarray:
        """PCK in percent at each of metrics.AUC_THRESHOLDS."""
        return self._share(list(metrics.pck_joints(skeleton)))

    def _errors(self, joints: list[int], counted: list[int]) -> Errors:
        def mean(sums: np.ndarray, count: int) -> float:
            return float(1000 * sums[joints].mean() / count) if count else nan

        share = self._share(counted)
        return Errors(
            self.frames,
            mean(self.error, self.frames),
            mean(self.aligned, self.frames),
            mean(self.scaled, self.frames),
            mean(self.velocity, self.pairs),
            float(share[PCK_COLUMN]),
            float(share.mean()),
        )

    def _share(self, joints: list[int]) -> np.ndarray:
        if not joints or not self.frames:
            return np.full(len(_THRESHOLDS), np.nan)
        return 100 * self.near[joints].mean(0) / self.frames
