"""What the files of Human3.6M hold: the field's archives, and the original files.

    data_3d_NAME.npz        positions_3d: {subject: {take: (frames, 32 or 17, 3)}}, metres, world axes, z up
    data_2d_NAME_KIND.npz   positions_2d: {subject: {take: [(frames, 17, 2 or 3) of each camera]}}, pixels, confidence;
                            metadata: {layout_name, num_joints, keypoints_symmetry}
    D3_Positions/TAKE.cdf   Pose: (1, frames, 96), millimetres, world axes, z up

NAME is "h36m"; other data sets come in the same layout under other names.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pstmo.errors import FormatError, PstmoError
from pstmo.extras import extra
from pstmo.files.content import describe, naming, number, want
from pstmo.files.npz import numeric
from pstmo.files.objects import read_objects
from pstmo.progress import progress
from pstmo.skeleton import COCO, HUMAN36M, Skeleton

Positions = dict[str, dict[str, np.ndarray]]
"""By subject and take: (frames, 17, 3) float32, metres, world axes, skeleton `h36m17`."""

KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""The joints of skeleton `h36m17`, in its order, among the 32 of the files; the others do not move by themselves."""

_ALL = 32
_FARTHEST = 20.0
"""Metres. Joints further from the hip were written in another unit."""

_LAYOUTS = {"h36m": HUMAN36M, "coco": COCO}
"""What metadata calls them."""

_CANONICAL = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}
"""Actions that some subjects' files call otherwise."""


class Detections(NamedTuple):
    """One file of 2D keypoints: by subject and take one array a camera, unchecked until a take is asked for."""

    path: Path
    skeleton: Skeleton
    takes: Mapping[str, Mapping[str, Any]]
    joints: int = 17  # as metadata says

    def views(self, subject: str, take: str, cameras: tuple[str, ...], frames: int) -> list[np.ndarray]:
        """A take's keypoints: of each camera (frames, 17, 2 or 3). Raises FormatError naming take and camera."""
        with naming(self.path):
            views = self.takes.get(subject, {}).get(take)
            if not isinstance(views, list | tuple) or len(views) != len(cameras):
                expected = f"a list of {len(cameras)} arrays, one a camera: {', '.join(cameras)}"
                raise FormatError(f"{subject}/{take}: found {describe(views, 0)}, expected {expected}")
            named = zip(cameras, views, strict=True)
            return [self._cut(f"{subject}/{take}/{camera}", view, frames) for camera, view in named]

    def _cut(self, what: str, view: Any, frames: int) -> np.ndarray:
        """Detectors saw more frames at the end than were captured."""
        array, joints = numeric({what: view}, what), len(self.skeleton)
        if array.ndim != 3 or array.shape[1] != joints or array.shape[2] not in (2, 3):
            raise FormatError(f"{what}: found {describe(array)}, expected (frames, {joints} joints, 2 or 3)")
        if len(array) < frames:
            raise FormatError(f"{what}: found {len(array)} frames, expected {frames} or more, as positions has")
        return array[:frames]


def read_positions(path: Path) -> Positions:
    """Reads a data_3d_NAME.npz. Raises FormatError."""
    content = read_objects(path)
    with naming(path):
        return {
            subject: {take: _body(array, f"{subject}/{take}") for take, array in takes.items()}
            for subject, takes in _takes(content, "positions_3d").items()
        }


def read_originals(paths: Iterable[Path]) -> Positions:
    """Reads what `originals` found. Raises FormatError, and PstmoError without cdflib."""
    positions: Positions = {}
    of: dict[str, Path] = {}
    for path in progress(list(paths), "reading D3_Positions"):
        with naming(path):
            subject, take = _named(path)
            other = of.setdefault(f"{subject}/{take}", path)
            if other != path:
                raise FormatError(f"{subject}/{take} is in {other} too, expected each once")
            positions.setdefault(subject, {})[take] = _body(_pose(path), "'Pose'")
    return positions


def originals(folder: Path) -> list[Path]:
    """The .cdf files of takes in or below a folder."""
    paths = sorted(folder.rglob("*.cdf"))
    return [path for path in paths if path.parent.name == "D3_Positions" and "_ALL" not in path.stem]


def read_detections(path: Path, kind: str) -> Detections:
    """Reads a data_2d_NAME_KIND.npz. Raises FormatError."""
    content = read_objects(path)
    with naming(path):
        metadata = _member(content, "metadata") if "metadata" in content else {}
        joints = int(number(metadata.get("num_joints", len(HUMAN36M)), "num_joints"))
        skeleton = _skeleton(metadata, kind) if joints == len(HUMAN36M) else HUMAN36M
        return Detections(path, skeleton, _takes(content, "positions_2d"), joints)


def _member(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name not in content:
        raise FormatError(f"found no member {name!r}; there are: {', '.join(content) or 'none'}")
    return want(content[name], dict, repr(name))


def _takes(content: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """The member of that name, by subject and take, both of which have names."""
    subjects = _member(content, name)
    for subject, takes in subjects.items():
        for key in (subject, *want(takes, dict, f"{name!r} of {subject!r}")):
            if not isinstance(key, str) or not key.strip():
                raise FormatError(f"{name!r} of {subject!r}: found the key {key!r}, expected a name")
    return subjects


def _skeleton(metadata: Mapping[str, Any], kind: str) -> Skeleton:
    """As the metadata says; without any, as the kind's name says."""
    layout = want(metadata.get("layout_name", "coco" if "coco" in kind else "h36m"), str, "layout_name")
    if layout not in _LAYOUTS:
        raise FormatError(f"found layout_name {layout!r}, expected one of {', '.join(_LAYOUTS)}")
    skeleton = _LAYOUTS[layout]
    sides = [list(skeleton.left), list(skeleton.right)]
    symmetry = want(metadata.get("keypoints_symmetry", sides), list, "keypoints_symmetry")
    if [sorted(map(str, want(side, list, "a side of keypoints_symmetry"))) for side in symmetry] != [
        sorted(map(str, side)) for side in sides
    ]:
        raise FormatError(f"found keypoints_symmetry {symmetry}, expected {sides} (left, right) as in {skeleton.name}")
    return skeleton


def _body(array: Any, what: str) -> np.ndarray:
    """(frames, 32 or 17, 3) metres -> (frames, 17, 3). Raises FormatError."""
    array = numeric({what: array}, what)
    if array.ndim != 3 or array.shape[1] not in (_ALL, len(KEPT)) or array.shape[2] != 3 or not len(array):
        raise FormatError(f"{what}: found {describe(array)}, expected (frames, {_ALL} or {len(KEPT)} joints, 3)")
    body = np.array(array[:, KEPT] if array.shape[1] == _ALL else array, np.float32)
    reach = np.nan_to_num(np.abs(body - body[:, :1])).max()
    if reach > _FARTHEST:
        raise FormatError(f"{what}: found joints {reach:.0f} from the hip, expected metres, not millimetres")
    return body


def _pose(path: Path) -> np.ndarray:
    """(frames, 32, 3) metres of a .cdf file."""
    cdflib = extra("cdflib", "data")
    try:
        with cdflib.CDF(path) as file:
            names = file.cdf_info().zVariables + file.cdf_info().rVariables
            pose = file.varget("Pose") if "Pose" in names else None
    except PstmoError:
        raise
    except Exception as error:  # cdflib, struct, zlib and numpy raise a dozen kinds between them
        raise FormatError(f"not a whole CDF file: {error}") from error
    if pose is None:
        raise FormatError(f"found no variable 'Pose'; there are: {', '.join(names) or 'none'}")
    pose = numeric({"Pose": pose}, "Pose")
    if pose.ndim not in (2, 3) or pose.shape[-1] != _ALL * 3 or pose.shape[:-2] not in ((), (1,)):
        raise FormatError(f"'Pose': found {describe(pose)}, expected (1, frames, {_ALL} joints x 3)")
    return pose.reshape(-1, _ALL, 3) / 1000


def _named(path: Path) -> tuple[str, str]:
    """Subject and take, by the folders and the file's name."""
    subjects = [part for part in path.parts[:-1] if part.startswith("S") and part[1:].isdecimal()]
    if not subjects:
        raise FormatError("lies in no folder of a subject, expected one such as S1/MyPoseFeatures/D3_Positions")
    action, *number = path.stem.split(" ")
    return subjects[-1], " ".join([_CANONICAL.get(action, action), *number])
