"""A lifter against measured poses: the field's errors per action and over all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator

from pstmo import metrics
from pstmo.datasets.mocap import Corpus, motion_class
from pstmo.detector import DetectorNoise
from pstmo.errors import PstmoError
from pstmo.lift import Lifter
from pstmo.sequence import Poses
from pstmo.skeleton import COCO, HUMAN36M, Skeleton
from pstmo.studio import Filmed, human36m_cameras, in_studio


class Case(NamedTuple):
    """One clip to be evaluated on."""

    action: str
    filmed: Filmed


class Errors(NamedTuple):
    """Means over frames, in millimetres (velocity: a frame); PCK at 150 mm and AUC in percent, without the root."""

    frames: int
    mpjpe: float
    p_mpjpe: float
    n_mpjpe: float
    mpjve: float
    pck: float
    auc: float


@dataclass(frozen=True)
class Evaluation:
    """Errors of each action; frames in which nothing was observed are left out."""

    model: str
    actions: dict[str, Errors]

    @property
    def by_frame(self) -> Errors:
        """Every frame counts the same."""
        frames = sum(errors.frames for errors in self.actions.values())
        return Errors(frames, *(self._mean(i, [e.frames / frames for e in self.actions.values()]) for i in range(1, 7)))

    @property
    def by_action(self) -> Errors:
        """Every action counts the same: the average that papers on Human3.6M print."""
        share = 1 / len(self.actions)
        frames = sum(errors.frames for errors in self.actions.values())
        return Errors(frames, *(self._mean(i, [share] * len(self.actions)) for i in range(1, 7)))

    def rows(self) -> Iterator[tuple[str, Errors]]:
        yield from sorted(self.actions.items())
        yield "mean of actions", self.by_action
        yield "mean of frames", self.by_frame

    def markdown(self) -> str:
        """The table that the model cards show."""
        lines = [
            "| action | frames | MPJPE mm | P-MPJPE mm | N-MPJPE mm | MPJVE mm/frame | PCK@150 % | AUC % |",
            "| --- | --: | --: | --: | --: | --: | --: | --: |",
        ]
        for name, errors in self.rows():
            numbers = " | ".join(f"{value:.1f}" for value in errors[1:])
            lines.append(f"| {name} | {errors.frames} | {numbers} |")
        return "\n".join(lines)

    def _mean(self, column: int, shares: list[float]) -> float:
        return sum(errors[column] * share for errors, share in zip(self.actions.values(), shares, strict=True))


def evaluate(lifter: Lifter, cases: Iterable[Case], *, mirror: bool = True) -> Evaluation:
    """Lifts every clip and compares it with what was measured, in the layout of the measured poses.

    Raises PstmoError when there is nothing to compare.
    """
    found: dict[str, list[_Clip]] = {}
    for action, filmed in cases:
        if filmed.keypoints.observed.any():
            lifted = lifter.lift(filmed.keypoints, mirror=mirror)
            found.setdefault(action, []).append(_compare(lifted, filmed.poses))
    if not found:
        raise PstmoError("found no clip to evaluate on in which anybody is seen")
    return Evaluation(lifter.checkpoint.name, {action: _errors(clips) for action, clips in found.items()})


def mocap_cases(
    corpus: Corpus,
    noise: DetectorNoise | None,
    seed: int = 0,
    skeletons: tuple[Skeleton, Skeleton] = (COCO, HUMAN36M),
) -> Iterator[Case]:
    """Every motion as Human3.6M's four cameras see it, grouped by class of motion. skeletons: of 2D and 3D."""
    cameras = human36m_cameras()
    generator = Generator().manual_seed(seed)
    for i in range(corpus.clips):
        motion = corpus.motion(i)
        world = in_studio(motion.positions, cameras)
        for camera in cameras:
            yield Case(motion_class(motion.action), camera.film(world, motion.fps, noise, generator, skeletons))


class _Clip(NamedTuple):
    """Of the observed frames: (frames,) errors, velocity errors of fewer, and distances of all joints but the root."""

    error: torch.Tensor
    aligned: torch.Tensor
    scaled: torch.Tensor
    velocity: torch.Tensor
    joints: torch.Tensor


def _compare(lifted: Poses, measured: Poses) -> _Clip:
    predicted = torch.from_numpy(lifted.to(measured.skeleton).positions)
    target = torch.from_numpy(measured.positions)
    seen = torch.from_numpy(lifted.observed)
    both = seen[1:] & seen[:-1]
    velocity = metrics.velocity_errors(predicted, target)[both]
    predicted, target = predicted[seen], target[seen]
    moving = [i for i in range(len(measured.skeleton)) if i != measured.skeleton.root_index]
    return _Clip(
        metrics.mpjpe(predicted, target),
        metrics.p_mpjpe(predicted, target),
        metrics.n_mpjpe(predicted, target),
        velocity,
        metrics.joint_errors(predicted, target)[:, moving],
    )


def _errors(clips: list[_Clip]) -> Errors:
    error, aligned, scaled, velocity, joints = (torch.cat(parts) for parts in zip(*clips, strict=True))
    return Errors(
        frames=len(error),
        mpjpe=1000 * error.mean().item(),
        p_mpjpe=1000 * aligned.mean().item(),
        n_mpjpe=1000 * scaled.mean().item(),
        mpjve=1000 * velocity.mean().item() if len(velocity) else 0.0,
        pck=metrics.pck(joints).item(),
        auc=metrics.auc(joints).item(),
    )
