"""A folder of one's own paired recordings, 2D and 3D, to a data set; docs/own-data.md says how the folder looks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.datasets import paired
from pstmo.datasets.paired import PairedDataset
from pstmo.datasets.recording import SPLITS, Recording
from pstmo.errors import FormatError, PstmoError, SkeletonError
from pstmo.files import npz
from pstmo.files.atomic import filling
from pstmo.files.content import describe, image_size, load, naming, number, want
from pstmo.files.npz import numeric, text
from pstmo.progress import progress
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import SKELETONS, Skeleton, by_name, from_facts

KIND = "own"
"""What these keypoints are called among a data set's kinds."""

_COMMON = "dataset.json"
_FARTHEST = 20.0
"""Metres. Bodies whose joints lie further from the root were written in another unit."""


@dataclass(frozen=True)
class Common:
    """What dataset.json says of all recordings; None = each file says it."""

    name: str
    fps: float | None = None
    image_size: tuple[int, int] | None = None
    keypoints: Skeleton | None = None
    poses: Skeleton | None = None
    licence: str = "not said"

    def named(self, name: str) -> Skeleton:
        """A skeleton described here or known to pstmo. Raises SkeletonError."""
        described = [skeleton for skeleton in (self.keypoints, self.poses) if skeleton and skeleton.name == name]
        return described[0] if described else by_name(name)


def convert(source: Path, out: Path) -> PairedDataset:
    """Converts train, validation and test of `source` into the folder `out`; an unchanged source is not read again.

    Raises FormatError or SkeletonError naming the file, and PstmoError when `out` cannot be written.
    """
    source = source.resolve()
    if source.is_relative_to(out.resolve()):
        raise PstmoError(f"{out} holds the recordings themselves, expected another folder for the data set")
    files = [(split, path) for split in SPLITS for path in _archives(source / split)]
    if not files:
        expected = ", ".join(f"{split}/*.npz" for split in SPLITS)
        raise FormatError(f"{source}: found no recordings, expected any of {expected}")
    described = [source / _COMMON] if (source / _COMMON).is_file() else []
    marks = paired.fingerprint([*described, *(path for _, path in files)])
    if found := paired.made_from(out, marks):
        return found
    common = _common(described[0]) if described else Common(source.name)
    facts = {"source": f"own recordings: {common.name}", "licence": common.licence, "sources": marks}
    with filling(out, paired.INDEX) as folder:
        paired.write(folder, common.name, _recordings(source, files, common), facts=facts)
    return paired.load(out)


def _archives(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.npz") if not path.name.startswith("."))


def _common(path: Path) -> Common:
    """Reads a dataset.json. Raises FormatError, or SkeletonError for a skeleton that is none."""
    with naming(path):
        facts = want(load(path), dict, "content")
        known = Common.__dataclass_fields__
        if strangers := [key for key in facts if key not in known]:
            raise FormatError(f"found the key {strangers[0]!r}, expected only {', '.join(known)}")
        common = Common(
            name=want(facts.get("name", path.parent.name), str, "'name'"),
            fps=number(facts["fps"], "'fps'") if "fps" in facts else None,
            image_size=image_size({"image_size": facts.get("image_size")}),
            keypoints=_described(facts, "keypoints"),
            poses=_described(facts, "poses"),
            licence=want(facts.get("licence", Common.licence), str, "'licence'"),
        )
        _ = common.poses and common.poses.root_index  # names what is missing
        return common


def _described(facts: Mapping[str, Any], key: str) -> Skeleton | None:
    value = facts.get(key)
    if value is None:
        return None
    if isinstance(value, str):
        return by_name(value)
    skeleton = from_facts(want(value, dict, repr(key)))
    if SKELETONS.get(skeleton.name, skeleton) != skeleton:
        raise SkeletonError(f"{key!r}: pstmo knows another skeleton {skeleton.name!r}, expected a name of its own")
    return skeleton


def _recordings(source: Path, files: list[tuple[str, Path]], common: Common) -> Iterator[Recording]:
    of: dict[str, Path] = {}
    for split, path in progress(files, common.name):
        with naming(path):
            recording = _recording(path, source / split, split, common)
            other = of.setdefault(recording.name, path)
            if other != path:
                raise FormatError(
                    f"found {recording.name} (subject/take/camera) in {other} too, expected each once; "
                    "a sub-folder or 'subject' says who it is"
                )
        yield recording


def _recording(path: Path, folder: Path, split: str, common: Common) -> Recording:
    arrays = want(load(path), dict, "content")
    keypoints = _keypoints(arrays, common)
    poses, root = _poses(arrays, common, keypoints.fps)
    if poses.frames != keypoints.frames:
        counts = f"{keypoints.frames} frames in 'keypoints' and {poses.frames} in 'positions'"
        raise FormatError(f"found {counts}, expected as many")
    below = path.relative_to(folder).parts
    take = _text(arrays, "take", path.stem)
    return Recording(
        subject=_text(arrays, "subject", below[0] if len(below) > 1 else "1"),
        take=take,
        action=_text(arrays, "action", re.sub(r"[\s_-]*[0-9]+$", "", take) or take),
        camera=_text(arrays, "camera", "0"),
        split=split,
        keypoints={KIND: keypoints},
        poses=poses,
        root=root,
    )


def _keypoints(arrays: dict[str, Any], common: Common) -> Keypoints:
    seen = npz.read({key: value for key, value in arrays.items() if not key.endswith("skeleton")})
    if not seen.detections:
        raise FormatError("'keypoints': found zero frames, expected at least 1")
    joints = np.stack([detection.joints for detection in seen.detections])
    keypoints = Keypoints.from_array(
        joints[..., :2],
        confidence=joints[..., 2],
        skeleton=_skeleton(arrays, "keypoints_skeleton", common.keypoints, common),
        image_size=_said("image_size", seen.image_size, common.image_size),
        fps=_said("fps", seen.fps, common.fps),
    )
    if not keypoints.observed.any():
        raise FormatError("'keypoints': found no joint observed in any frame (NaN, or confidence 0 everywhere)")
    return keypoints


def _poses(arrays: dict[str, Any], common: Common, fps: float) -> tuple[Poses, np.ndarray | None]:
    """The poses, and (frames, 3) their root joint, None where it is 0 throughout."""
    skeleton = _skeleton(arrays, "skeleton", common.poses, common)
    positions = numeric(arrays, "positions")
    if positions.ndim != 3 or positions.shape[2] != 3:
        raise FormatError(f"'positions': found {describe(positions)}, expected (frames, {len(skeleton)} joints, 3)")
    observed = np.asarray(np.isfinite(positions).all((1, 2)))
    if "observed" in arrays:
        said = numeric(arrays, "observed")
        if said.shape != observed.shape:
            raise FormatError(f"'observed': found {describe(said)}, expected {observed.shape} (frames,)")
        observed &= said.astype(bool)
    poses = Poses.from_array(positions, fps=fps, skeleton=skeleton, observed=observed)
    if not observed.any():
        raise FormatError("'positions': found no pose observed in any frame (NaN, or 'observed' is false throughout)")
    reach = float(np.median(np.linalg.norm(poses.positions[observed], axis=-1).max(1)))
    if reach > _FARTHEST:
        raise FormatError(f"'positions': found joints {reach:.0f} away from the root, expected metres, not millimetres")
    root = positions[:, skeleton.root_index].astype(np.float32)
    return poses, root if np.nan_to_num(root).any() else None


def _skeleton(arrays: dict[str, Any], key: str, described: Skeleton | None, common: Common) -> Skeleton:
    """The file's, by name, or else that of dataset.json. Raises SkeletonError when neither says one."""
    if key in arrays:
        return common.named(text(arrays, key))
    if described is None:
        raise SkeletonError(
            f"{key!r}: neither the file nor {_COMMON} says which; available: {', '.join(SKELETONS)}, "
            f"or one of your own described in {_COMMON}"
        )
    return described


def _said(key: str, here: Any, common: Any) -> Any:
    if here is None and common is None:
        raise FormatError(f"{key!r}: found neither in the file nor in {_COMMON}, expected it in one of them")
    return common if here is None else here


def _text(arrays: dict[str, Any], key: str, otherwise: str) -> str:
    return (text(arrays, key) if key in arrays else "") or otherwise
