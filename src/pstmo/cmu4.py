"""The open benchmark `cmu4`: CMU motion seen by Human3.6M's four published cameras, in the field's own files.

Written like Human3.6M: positions_3d in the world, positions_2d of each camera, under Human3.6M's subject names, because
each names a set of cameras. S1, S5, S6 and S7 train, S8 validates, S9 and S11 test; no CMU subject is in two splits.
Which clip goes where is fixed in cmu4_clips.csv. docs/cmu4.md is the protocol.
"""

import csv
import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from pstmo.camera import Camera, normalise_screen, to_pixels
from pstmo.chance import Chance
from pstmo.datasets import human36m, mocap, motions, paired
from pstmo.datasets.human36m_cameras import human36m_cameras
from pstmo.datasets.paired import PairedDataset
from pstmo.errors import PstmoError
from pstmo.files.atomic import filling
from pstmo.files.objects import write_objects
from pstmo.fill import interpolate
from pstmo.imperfect import DetectorNoise, detect
from pstmo.progress import progress
from pstmo.skeleton import COCO, HUMAN36M, MOCAP, Skeleton

NAME = "cmu4"
NOISE = replace(DetectorNoise(), lost=0.0, cut_off=0.0)
"""As in training, but every joint is seen at some time: files of this layout have no word for a joint that is not."""

CHECKSUM = "dd3191a5791134cadc088168b686ae59c7b685b6af1012961faaae2812e89771"
"""SHA-256 of the arrays (see `checksum`), built from the copy of the motion that the published numbers rest on."""

FRAMES, ROUNDING = 235_214, 1e-3
MEANS = {"gt": 458.89575, "noisy": 458.91130, "gt_coco": 451.03895, "noisy_coco": 450.99838}
"""What tells the published benchmark where another processor rounds otherwise: world frames; see `means`; pixels."""

_VERSION = 1
"""Goes up when the same clips come out otherwise."""

SHORTEST = 50
"""Frames: pieces in which the whole body is in all four pictures for less than a second are left out."""

NEAREST = 0.5
"""Metres: no joint is nearer to a camera."""

ACTIONS = {
    "acrobatics": "Acrobatics", "climb": "Climb", "dance": "Dance", "everyday": "Everyday", "other": "Other",
    "run and jump": "RunJump", "sports": "Sports", "walk": "Walk",
}  # fmt: skip
"""Classes of motion, as one word each: the field's code takes what stands before the first space for the action."""


class Clip(NamedTuple):
    """A line of cmu4_clips.csv: a motion of the CMU database, and the subject as whom it is filed."""

    name: str
    seen_as: str
    action: str


class Kind(NamedTuple):
    """One file of 2D. scored: with a third column, 0 where the detector missed the joint and a guess stands there."""

    skeleton: Skeleton
    noise: DetectorNoise | None
    scored: bool


KINDS = {
    "gt": Kind(HUMAN36M, None, False),
    "noisy": Kind(HUMAN36M, NOISE, False),
    "gt_coco": Kind(COCO, None, True),
    "noisy_coco": Kind(COCO, NOISE, True),
}

_STAND_INS = (
    0, 1, 2, 3, 3, 3, 4, 5, 6, 6, 6, 0, 7, 8, 9, 10, 8, 11, 12, 13, 13, 13, 13, 13, 8, 14, 15, 16, 16, 16, 16, 16,
)  # fmt: skip
"""Which of the 17 joints stands for each of the 32: feet are at the ankles, hands at the wrists, and so on."""

Takes = dict[str, dict[str, Any]]
"""By subject and take, as in the field's files."""


class Film(NamedTuple):
    """positions: (frames, 32, 3) in the world, metres. keypoints: of each kind, four arrays (frames, 17, 2 or 3), px.
    origins: subject, take, clip, first frame in it (at 50 a second) and frames of every take."""

    positions: Takes
    keypoints: dict[str, Takes]
    origins: list[tuple[str, str, str, int, int]]


def convert(source: Path, out: Path, clips: tuple[Clip, ...] | None = None) -> PairedDataset:
    """Builds the benchmark in one folder: data_3d_cmu4.npz, data_2d_cmu4_KIND.npz, takes.csv (which take is what), and
    the same as a paired data set.

    source: what `mocap.convert` reads, or the .npz that it wrote. clips: None = the published ones; those that the
    source lacks are named in the result's facts. Does nothing when `out` was made from this source already.
    Raises PstmoError when the source has none of them.
    """
    clips = published_clips() if clips is None else clips
    sources = paired.fingerprint([source]) | {"clips": [_VERSION, zlib.crc32(repr(clips).encode())]}
    done = paired.made_from(out, sources)
    if done is not None:
        return done
    corpus = _corpus(source)
    with filling(out, paired.INDEX) as folder:
        filmed = film(corpus, clips)
        found, notes = checksum(filmed), _notes(filmed) if clips == published_clips() else []
        _write(folder, filmed)
        del filmed
        facts = {
            "source": motions.ACKNOWLEDGEMENT,
            "licence": motions.LICENCE,
            "sources": sources,
            "checksum": found,
            "notes": notes,
            "missing": [f"clip {clip.name}" for clip in clips if clip.name not in set(corpus.names)],
        }
        paired.write(folder, NAME, human36m.field_recordings(folder, NAME, human36m.SPLITS), facts=facts)
    return paired.load(out)


def published_clips() -> tuple[Clip, ...]:
    text = resources.files("pstmo").joinpath("cmu4_clips.csv").read_text("utf-8")
    return tuple(Clip(row["clip"], row["seen_as"], row["action"]) for row in csv.DictReader(text.splitlines()))


def film(corpus: motions.Corpus, clips: tuple[Clip, ...]) -> Film:
    """Those of the clips that the corpus has, as takes. Raises PstmoError when it has none."""
    where = {str(name): i for i, name in enumerate(corpus.names)}
    filmed = Film({}, {kind: {} for kind in KINDS}, [])
    numbers: Counter[tuple[str, str]] = Counter()
    for clip in progress([clip for clip in clips if clip.name in where], "filming"):
        cameras = human36m_cameras(clip.seen_as)
        for start, world, pixels in _in_all_pictures(corpus.motion(where[clip.name]).positions, cameras):
            action = ACTIONS[motions.motion_class(clip.action)]
            numbers[clip.seen_as, action] += 1
            take = f"{action} {numbers[clip.seen_as, action]}"
            filmed.positions.setdefault(clip.seen_as, {})[take] = _all_32(world)
            filmed.origins.append((clip.seen_as, take, clip.name, start, len(world)))
            for kind, how in KINDS.items():
                views = _views(pixels, cameras, how, f"{clip.name}/{start}/{kind}")
                filmed.keypoints[kind].setdefault(clip.seen_as, {})[take] = list(views)
    if not filmed.origins:
        raise PstmoError(f"found {corpus.clips} motions and none of {NAME}'s {len(clips)} clips among them")
    return filmed


def checksum(filmed: Film) -> str:
    """SHA-256 of every array's bytes, in the order of their names."""
    digest = hashlib.sha256()
    for takes in (filmed.positions, *(filmed.keypoints[kind] for kind in sorted(KINDS))):
        for subject in sorted(takes):
            for take in sorted(takes[subject]):
                digest.update(f"{subject}/{take}".encode())
                views = takes[subject][take]
                for array in views if isinstance(views, list) else [views]:
                    digest.update(array.tobytes())
    return digest.hexdigest()


def means(filmed: Film) -> dict[str, float]:
    """Of every kind the mean of all pixel coordinates: nearly the same wherever it is computed."""
    found = {}
    for kind, takes in filmed.keypoints.items():
        views = [view[..., :2] for by_take in takes.values() for views in by_take.values() for view in views]
        found[kind] = float(sum(view.sum(dtype=np.float64) for view in views) / sum(view.size for view in views))
    return found


def _write(folder: Path, filmed: Film) -> None:
    write_objects(folder / f"data_3d_{NAME}.npz", positions_3d=filmed.positions)
    for kind, takes in filmed.keypoints.items():
        skeleton = KINDS[kind].skeleton
        metadata = {
            "layout_name": "coco" if skeleton == COCO else "h36m",
            "num_joints": len(skeleton),
            "keypoints_symmetry": [list(skeleton.left), list(skeleton.right)],
        }
        write_objects(folder / f"data_2d_{NAME}_{kind}.npz", positions_2d=takes, metadata=metadata)
    with (folder / "takes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("subject", "take", "clip", "first_frame", "frames"), *filmed.origins])


def _notes(filmed: Film) -> list[str]:
    """Whether it is the benchmark that others have."""
    found, frames = checksum(filmed), sum(frames for *_, frames in filmed.origins)
    if found == CHECKSUM:
        return [f"checksum {found[:12]}: the published benchmark, bit by bit"]
    off = max(abs(mean - MEANS[kind]) for kind, mean in means(filmed).items())
    if frames == FRAMES and off < ROUNDING:
        return [f"checksum {found[:12]}: the published benchmark but for rounding, as on other processors"]
    return [
        f"NOT the published benchmark: {frames} frames (published {FRAMES}), pixels off by {off:.2g} in the mean; "
        "results do not compare with the published ones"
    ]


def _corpus(source: Path) -> motions.Corpus:
    if source.suffix == ".npz":
        return motions.load(source)
    with TemporaryDirectory() as folder:
        mocap.convert(source, Path(folder) / "mocap.npz")
        return motions.load(Path(folder) / "mocap.npz")


def _in_all_pictures(motion: np.ndarray, cameras: tuple[Camera, ...]) -> Iterator[tuple[int, np.ndarray, Tensor]]:
    """The motion moved to the middle of the cameras, in the pieces in which all of them see all of it: first frame,
    (frames, 22, 3) in the world, and (cameras, frames, 22, 2) pixels."""
    ground = motion[..., :2].reshape(-1, 2)
    middle = (ground.min(0) + ground.max(0)) / 2
    place = torch.stack([camera.position[:2] for camera in cameras]).mean(0).numpy()
    world = motion + np.append(place - middle, 0).astype(np.float32)
    pixels, points = (
        torch.stack(parts) for parts in zip(*(camera.see(torch.from_numpy(world)) for camera in cameras), strict=True)
    )
    sizes = torch.tensor([camera.image_size for camera in cameras])[:, None, None]
    inside = ((pixels >= 0) & (pixels < sizes)).all(-1) & (points[..., 2] > NEAREST)
    edges = np.flatnonzero(np.diff(inside.all(2).all(0).numpy(), prepend=False, append=False))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start >= SHORTEST:
            yield int(start), world[start:end], pixels[:, start:end]


def _all_32(world: np.ndarray) -> np.ndarray:
    """`mocap22` -> Human3.6M's 32 joints."""
    return np.ascontiguousarray(world[:, list(MOCAP.select(HUMAN36M))][:, list(_STAND_INS)])


def _views(pixels: Tensor, cameras: tuple[Camera, ...], how: Kind, name: str) -> np.ndarray:
    """(cameras, frames, 17, 2 or 3): 2D of one kind. Chance comes from the name alone, whatever else is filmed."""
    pixels = pixels[:, :, list(MOCAP.select(how.skeleton))]
    observed = torch.ones(pixels.shape[:3], dtype=torch.bool)
    if how.noise is not None:
        sizes = [camera.image_size for camera in cameras]
        xy = torch.stack([normalise_screen(seen, *size) for seen, size in zip(pixels, sizes, strict=True)])
        found = detect(xy, how.noise, Chance(Generator().manual_seed(zlib.crc32(name.encode()))), how.skeleton)
        xy, observed = interpolate(*found), found.observed
        pixels = torch.stack([to_pixels(seen, *size) for seen, size in zip(xy, sizes, strict=True)])
    columns = [pixels, observed[..., None].float()] if how.scored else [pixels]
    return torch.cat(columns, -1).numpy()
