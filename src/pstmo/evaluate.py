"""Predictions against measured poses: the field's errors by action, subject, camera, recording, activity and joint."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from heapq import nlargest
from math import isfinite, nan
from typing import NamedTuple

import numpy as np
import torch

from pstmo.camera import back_project_pose
from pstmo.datasets.paired import NO_ACTIVITY
from pstmo.datasets.recording import Recording
from pstmo.errors import PstmoError
from pstmo.files.predictions import Predictions, PredictionsFile
from pstmo.lift import Lifter
from pstmo.metrics import rooted
from pstmo.model.refine import Refine
from pstmo.modes import Mode
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import Skeleton
from pstmo.tally import Errors, Measured, Tally, measure
from pstmo.track import Track

Predict = Callable[[Recording], Poses]
"""What is measured: a recording's keypoints -> poses, frame by frame, in the layout of the measured ones."""

GROUPS = ("action", "subject", "camera", "recording", "activity")
WORST = 12


class Cell(NamedTuple):
    """Frames that belong together in every grouping; activity is "" where there is none."""

    action: str
    subject: str
    camera: str
    recording: str
    activity: str
    tally: Tally


class Moment(NamedTuple):
    """One frame to look at. error: MPJPE in mm; predicted and target: (joints, 3) metres, camera axes."""

    recording: str
    frame: int
    error: float
    keypoints: Keypoints  # of this frame alone
    predicted: np.ndarray
    target: np.ndarray


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured. curves: of each recording, MPJPE of every frame in mm, nan where no pose was measured.
    worst: the worst frame of each of the worst takes, whichever camera saw it, the worst first."""

    model: str
    data: str
    keypoints: str  # which kind of 2D
    skeleton: Skeleton
    cells: tuple[Cell, ...]
    curves: dict[str, np.ndarray]
    worst: tuple[Moment, ...]

    @property
    def total(self) -> Tally:
        return _sum(cell.tally for cell in self.cells)

    @property
    def by_frame(self) -> Errors:
        """Every frame counts the same."""
        return self.total.errors(self.skeleton)

    @property
    def by_action(self) -> Errors:
        """Every action counts the same: the average that papers on Human3.6M print."""
        actions = list(self.by("action").values())
        means = [_mean(column) for column in list(zip(*actions, strict=True))[1:]]
        return Errors(sum(errors.frames for errors in actions), *means)

    @property
    def by_joint(self) -> dict[str, Errors]:
        return self.total.joint_errors(self.skeleton)

    def by(self, group: str) -> dict[str, Errors]:
        """One of GROUPS: the errors of each of its members, in the order of their names and numbers."""
        tallies: dict[str, Tally] = {}
        for cell in self.cells:
            name = getattr(cell, group)
            tallies[name] = tallies[name] + cell.tally if name in tallies else cell.tally
        return {name: tallies[name].errors(self.skeleton) for name in sorted(tallies, key=_natural) if name}


def evaluate(
    predict: Predict, recordings: Iterable[Recording], *, data: str, keypoints: str, activities: tuple[str, ...] = ()
) -> Evaluation:
    """Measures a predictor, recording by recording; nothing of the data stays in memory but sums and curves.

    data, keypoints: names of the data set and of its kind of 2D. Raises PstmoError when a prediction does not fit its
    recording, or when there is nothing to measure.
    """
    cells: list[Cell] = []
    curves: dict[str, np.ndarray] = {}
    moments: dict[tuple[str, str], Moment] = {}
    model, skeleton = "", None
    for recording in recordings:
        predicted = predict(recording)
        _check_fit(predicted, recording)
        model, skeleton = predicted.model, recording.poses.skeleton
        if not recording.poses.observed.any():
            continue
        measured = measure(predicted, recording.poses)
        cells += _cells(recording, measured, activities)
        curve = 1000 * measured.error.mean(1).numpy()
        curves[recording.name] = curve.astype(np.float32)
        moment, take = _moment(recording, predicted, keypoints, curve), (recording.subject, recording.take)
        moments[take] = max(moment, moments.get(take, moment), key=lambda seen: seen.error)
    if skeleton is None or not cells:
        raise PstmoError(f"{data}: found no recording with measured poses to evaluate on")
    worst = tuple(nlargest(WORST, moments.values(), key=lambda moment: moment.error))
    return Evaluation(model, data, keypoints, skeleton, tuple(cells), curves, worst)


def lifting(
    lifter: Lifter,
    keypoints: str,
    *,
    mode: Mode = "exact",
    mirror: bool = True,
    step: int | None = None,
    refine: Refine | None = None,
) -> Predict:
    """Predicts by lifting one kind of keypoints. step: recorded frames between two of a window; None = by frame rate.

    refine: goes over the poses (paper, section 4.2). The back-projection that it mixes in stands at the MEASURED depth
    of the root, as in the paper's 42.1 mm: an oracle that real video does not have. Raises PstmoError where a recording
    lacks lens or root, or where 2D and 3D joints are not the same.
    """
    if refine is not None:
        if mode != "exact":
            raise PstmoError(f"refining needs exact poses, found mode {mode!r}")
        refine.check_fit(lifter.checkpoint.keypoints, lifter.checkpoint.poses)

    def predict(recording: Recording) -> Poses:
        seen = recording.keypoints[keypoints]
        poses = lifter.lift(seen, mode=mode, mirror=mirror, step=step) if refine is None else refined(recording, refine)
        return poses.to(recording.poses.skeleton)

    def refined(recording: Recording, refine: Refine) -> Poses:
        if recording.lens is None or recording.root is None:
            raise PstmoError(f"{recording.name}: refining needs the camera's lens and the root's place, found neither")
        seen = recording.keypoints[keypoints].to(lifter.checkpoint.keypoints)
        root = lifter.checkpoint.poses.root_index
        lifted = lifter.centres(seen, mirror=mirror, step=step).cpu()
        xy, depth = Track.of(seen, lifted.device).filled, torch.from_numpy(recording.root[:, 2])
        with torch.inference_mode():
            poses = refine(lifted, back_project_pose(xy, lifted[..., 2], depth, root, recording.lens))
        name = f"{lifter.checkpoint.name} + refine"
        return Poses.from_array(rooted(poses, root).numpy(), fps=seen.fps, skeleton=lifter.checkpoint.poses, model=name)

    return predict


def stored(predictions: Predictions) -> Predict:
    """Predicts what a file says."""

    def predict(recording: Recording) -> Poses:
        return predictions.poses(recording.name, recording.poses.skeleton, recording.poses.fps)

    return predict


def keeping(predict: Predict, file: PredictionsFile) -> Predict:
    """The same predictions, written to a file as they are made."""

    def predict_and_keep(recording: Recording) -> Poses:
        poses = predict(recording)
        file.add(recording.name, poses)
        return poses

    return predict_and_keep


def _mean(values: Iterable[float]) -> float:
    """Of those that are known."""
    known = [value for value in values if isfinite(value)]
    return sum(known) / len(known) if known else nan


def _natural(name: str) -> list[str | int]:
    """A key that puts S9 before S11."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))]


def _cells(recording: Recording, measured: Measured, activities: tuple[str, ...]) -> list[Cell]:
    labels = recording.action, recording.subject, recording.camera, recording.name
    if recording.activity is None:
        return [Cell(*labels, "", Tally.of(measured))]
    cells = []
    for number in np.unique(recording.activity):
        pick = torch.from_numpy(recording.activity == number)
        name = "" if number == NO_ACTIVITY else activities[number]
        cells.append(Cell(*labels, name, Tally.of(Measured(*(part[pick] for part in measured)))))
    return [cell for cell in cells if cell.tally.frames]


def _moment(recording: Recording, predicted: Poses, kind: str, curve: np.ndarray) -> Moment:
    frame = int(np.nanargmax(curve))
    at = slice(frame, frame + 1)
    seen = recording.keypoints[kind]
    shown = replace(seen, xy=seen.xy[at].copy(), confidence=seen.confidence[at].copy())
    poses = predicted.positions[frame].copy(), recording.poses.positions[frame].copy()
    return Moment(recording.name, frame, float(curve[frame]), shown, *poses)


def _check_fit(predicted: Poses, recording: Recording) -> None:
    if predicted.frames != recording.frames or predicted.skeleton != recording.poses.skeleton:
        found = f"{predicted.frames} frames of {predicted.skeleton.name}"
        expected = f"{recording.frames} of {recording.poses.skeleton.name}"
        raise PstmoError(f"{recording.name}: found predictions of {found}, expected {expected}")
    if not np.isfinite(predicted.positions).all():
        raise PstmoError(f"{recording.name}: {predicted.model or 'the model'} predicts poses that are not finite")


def _sum(tallies: Iterable[Tally]) -> Tally:
    first, *rest = tallies
    for tally in rest:
        first = first + tally
    return first
