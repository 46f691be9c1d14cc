"""What a finished network does on held-out windows: errors as means, and windows to look at, from best to worst."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pstmo.errors import PstmoError
from pstmo.metrics import joint_errors, mpjpe, p_mpjpe, rooted
from pstmo.model.stmo import STMO, Prediction
from pstmo.skeleton import Skeleton
from pstmo.training.sources import Batch

SAMPLES = 8


class Score(NamedTuple):
    """Means over the centre frames of windows, in millimetres."""

    windows: int
    mpjpe: float
    p_mpjpe: float


class Sample(NamedTuple):
    """The centre frame of a window. error: MPJPE in mm. keypoints: as the network saw them. predicted, target: metres,
    axes of what it saw: x right, y down, z forward."""

    action: str
    error: float
    keypoints: Float[np.ndarray, "joints_in 2"]
    predicted: Float[np.ndarray, "joints 3"]
    target: Float[np.ndarray, "joints 3"]


class Check(NamedTuple):
    """actions: by name. joints: mean error of each in mm. sequence: MPJPE in mm of the all-frames head at each place of
    the window. samples: the best window, the worst, and some of those between, by error."""

    total: Score
    actions: dict[str, Score]
    joints: dict[str, float]
    sequence: Float[np.ndarray, " frames"]
    samples: tuple[Sample, ...]


class _Seen(NamedTuple):
    """Of each window: the keypoints and poses of its centre frame, and errors in metres."""

    keypoints: Float[Tensor, "batch joints_in 2"]
    predicted: Float[Tensor, "batch joints 3"]
    target: Float[Tensor, "batch joints 3"]
    joints: Float[Tensor, "batch joints"]
    aligned: Float[Tensor, " batch"]
    sequence: Float[Tensor, "batch frames"]


@torch.inference_mode()
def check(network: STMO, batches: Iterable[Batch], actions: Sequence[str], poses: Skeleton) -> Check:
    """Runs the network, as it is in use, over windows; as in evaluation, the root joint is put to 0.

    actions: what the person does in each window, over all batches in order. poses: the layout of what is predicted.
    Raises PstmoError where windows and actions are not as many, or none, or where a prediction is not finite.
    """
    training = network.training
    network.eval()
    try:
        parts = [_look(network, batch, poses.root_index) for batch in batches]
    finally:
        network.train(training)
    windows = sum(len(part.keypoints) for part in parts)
    if windows != len(actions) or not windows:
        raise PstmoError(f"found {windows} windows and {len(actions)} actions to check on, expected one for each")
    seen = _Seen(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
    errors, aligned = (1000 * metres.double().numpy() for metres in (seen.joints.mean(1), seen.aligned))
    labels = np.array(actions, object)
    return Check(
        _score(errors, aligned),
        {name: _score(errors[labels == name], aligned[labels == name]) for name in sorted(set(actions))},
        dict(zip(poses.joints, (1000 * seen.joints.double().mean(0)).tolist(), strict=True)),
        1000 * seen.sequence.double().mean(0).numpy(),
        tuple(_sample(seen, i, actions[i], errors[i]) for i in spread(errors, actions)),
    )


def spread(errors: Float[np.ndarray, " windows"], actions: Sequence[str], most: int = SAMPLES) -> list[int]:
    """Numbers of some windows, from the least error to the largest: the ends, and one of each equal part in between.

    Of a part, the nearest to its middle among those whose action was chosen least so far.
    """
    order = np.argsort(errors, kind="stable").tolist()
    if len(order) <= most:
        return order
    parts: list[list[int]] = [part.tolist() for part in np.array_split(order, most)]
    best, worst = parts[0][0], parts[-1][-1]
    taken = Counter([actions[best], actions[worst]])
    between: list[int] = []
    for part in parts[1:-1]:
        between.append(_middle(part, actions, taken))
        taken[actions[between[-1]]] += 1
    return [best, *between, worst]


def _middle(part: Sequence[int], actions: Sequence[str], taken: Counter[str]) -> int:
    """The number nearest to the middle of a part, among those of the action that was taken least."""
    place = min(range(len(part)), key=lambda place: (taken[actions[part[place]]], abs(place - len(part) // 2)))
    return part[place]


def _look(network: STMO, batch: Batch, root: int) -> _Seen:
    """One batch, on the network's device; what is kept of it is on the CPU."""
    device = next(network.parameters()).device
    keypoints, target = batch.keypoints.to(device), batch.poses.to(device)
    predicted = Prediction(*(rooted(poses, root) for poses in network(keypoints)))
    if not all(poses.isfinite().all() for poses in predicted):
        raise PstmoError("the network predicts poses that are not finite")
    place = target.shape[1] // 2
    centre = target[:, place]
    seen = _Seen(
        keypoints[:, place],
        predicted.centre,
        centre,
        joint_errors(predicted.centre, centre),
        p_mpjpe(predicted.centre, centre),
        mpjpe(predicted.sequence, target),
    )
    return _Seen(*(part.cpu() for part in seen))


def _score(errors: Float[np.ndarray, " windows"], aligned: Float[np.ndarray, " windows"]) -> Score:
    return Score(len(errors), float(errors.mean()), float(aligned.mean()))


def _sample(seen: _Seen, i: int, action: str, error: float) -> Sample:
    poses = (part[i].numpy().copy() for part in (seen.keypoints, seen.predicted, seen.target))
    return Sample(action, float(error), *poses)
