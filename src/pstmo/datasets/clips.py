"""One file of motion capture (AMC with its ASF, or BVH) to motions on skeleton `mocap22`: metres, z up, 50 fps."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pstmo.datasets import asf, bvh
from pstmo.datasets.animation import Animation
from pstmo.datasets.rigs import RIGS, Figure, Rig
from pstmo.errors import FormatError
from pstmo.skeleton import HUMAN36M, MOCAP

FPS = 50.0
"""Frames a second of every motion, as in Human3.6M."""

CMU_FPS = 120.0
"""What CMU recorded at, where no clips.csv and no BVH header says anything else."""

_OTHER_FPS = {"90": 60.0}
"""Subjects whose files claim 120 frames a second, but who fall at 9.8 m/s2 at this rate."""

_MOST_ACCELERATION = 650.0
"""m/s2. Joints beyond this are markers that jumped; fast kicks and flips stay below."""

_SHORTEST = 30
"""Frames; shorter pieces between cuts are dropped."""


@dataclass(frozen=True, eq=False)
class Motion:
    """One person's motion.

    positions: (frames, 22, 3) float32, metres, world axes, z up, right-handed, skeleton `mocap22`.
    name: of the clip ("07_01"), with a, b, ... where cuts split it. source: the rig it was read from (asf, mb, daz).
    """

    positions: np.ndarray
    fps: float
    name: str
    subject: str
    action: str
    source: str

    @property
    def frames(self) -> int:
        return len(self.positions)


class Reading(NamedTuple):
    """What a clip gave: its motions, and the frames (at 50 fps) that were cut, by reason."""

    motions: list[Motion]
    cut: Counter[str]


def read_clip(path: Path, fps: float | None = None, subject: str | None = None, action: str = "") -> list[Motion]:
    """The motions in one .amc (with the subject's .asf beside it) or .bvh, at 50 fps, in order of time.

    More than one where glitches were cut out, none where nothing is left. `fps` is the file's frame rate; without it
    BVH files say it themselves, and AMC files, which cannot, count as CMU's 120. `subject` is the part of the file's
    name before `_` unless given. Raises FormatError naming the file.
    """
    return read(path, fps, subject, action).motions


def read(path: Path, fps: float | None, subject: str | None, action: str) -> Reading:
    """As `read_clip`, with a count of what was cut."""
    subject = subject or path.stem.split("_")[0]
    animation = _animation(path, subject, fps or _OTHER_FPS.get(subject))
    rig = _rig(animation, path)
    animation = rig.prepared(animation)
    if animation.frames == 0:
        return Reading([], Counter())
    figure = rig.place(animation.resampled(FPS).posed())
    pieces, cut = _clean_pieces(figure)
    positions = _z_up(figure.positions).astype(np.float32)
    whole = Motion(positions, FPS, path.stem, subject, action, rig.name)
    if len(pieces) == 1:
        return Reading([replace(whole, positions=positions[pieces[0]])], cut)
    names = [path.stem + (chr(97 + i) if i < 26 else f"z{i}") for i in range(len(pieces))]
    parts = [replace(whole, positions=positions[p], name=n) for n, p in zip(names, pieces, strict=True)]
    return Reading(parts, cut)


def _animation(path: Path, subject: str, fps: float | None) -> Animation:
    if path.suffix.lower() == ".bvh":
        return bvh.read(path, fps)
    if path.suffix.lower() != ".amc":
        raise FormatError(f"{path}: expected a .amc or .bvh file")
    skeleton = path.with_name(f"{subject}.asf")
    if not skeleton.exists():
        raise FormatError(f"{path}: its skeleton {skeleton.name} is not beside it")
    return asf.read(skeleton, path, fps or CMU_FPS)


def _rig(animation: Animation, path: Path) -> Rig:
    for rig in RIGS:
        if rig.fits(animation):
            return rig
    known = "; ".join(f"{rig.name}: {', '.join(sorted(rig.needed))}" for rig in RIGS)
    raise FormatError(f"{path}: unknown rig with joints {', '.join(animation.joints)}; known rigs need: {known}")


def _z_up(positions: np.ndarray) -> np.ndarray:
    """From y up to z up: a quarter turn about x."""
    x, y, z = np.moveaxis(positions, -1, 0)
    return np.stack([x, -z, y], -1)


def _clean_pieces(figure: Figure) -> tuple[list[slice], Counter[str]]:
    """Runs without a marker's jump and without a head that is turned over, none shorter than 0.6 s."""
    body = figure.positions[:, : len(HUMAN36M)]
    jumped = np.zeros(len(body), bool)
    speeding = np.linalg.norm(np.diff(body, 2, axis=0), axis=2).max(1, initial=0) * FPS**2 > _MOST_ACCELERATION
    for i in np.flatnonzero(speeding):
        jumped[max(i - 1, 0) : i + 4] = True
    turned = _turned_over(figure)
    edges = np.flatnonzero(np.diff(np.r_[True, jumped | turned, True].astype(int)))
    runs = [slice(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
    pieces = [run for run in runs if run.stop - run.start >= _SHORTEST]
    kept = sum(run.stop - run.start for run in pieces)
    glitches, overturned = int(jumped.sum()), int((turned & ~jumped).sum())
    cut = Counter({"marker jumps": glitches, "head turned over": overturned})
    cut["pieces under 0.6 s"] = len(body) - kept - glitches - overturned
    return pieces, +cut


def _turned_over(figure: Figure) -> np.ndarray:
    """(frames,) bool: the head stands upside down on the trunk, or looks more than 115 degrees away from the chest."""
    at = {joint: figure.positions[:, i] for i, joint in enumerate(MOCAP.joints)}
    trunk = at["thorax"] - at["hip"]
    chest = np.cross(at["left_shoulder"] - at["right_shoulder"], trunk)
    face = at["nose"] - (at["left_ear"] + at["right_ear"]) / 2
    return (_cosine(figure.head_up, trunk) < -0.3) | (_cosine(face, chest) < np.cos(np.deg2rad(115)))


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / np.maximum(np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1), 1e-12)
