"""pstmo's own files: keypoints and motion as .npz archives of plain arrays, never pickles."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.errors import FormatError, PstmoError
from pstmo.files.atomic import replacing
from pstmo.files.content import load, naming, want
from pstmo.files.npz import numeric, text
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import by_name

UNITS = "metres"
AXES = "camera: x right, y down, z forward, root joint at 0"


def write_keypoints(path: str | Path, keypoints: Keypoints) -> None:
    """Writes keypoints so that `read_keypoints` gives the same back; see `npz` for the arrays. Raises PstmoError."""
    _write(Path(path), _arrays(keypoints) | {"skeleton": keypoints.skeleton.name, "fps": keypoints.fps})


def write_motion(
    path: str | Path, poses: Poses, keypoints: Keypoints | None = None, more: Mapping[str, Any] | None = None
) -> None:
    """Writes poses, and the keypoints they were lifted from, as an .npz of plain arrays.

    positions (frames, joints, 3) float32 in metres, observed (frames,) bool, timestamps (frames,) in seconds from the
    first frame, fps, joints (names), parents (index of each joint's parent, -1 for none), and texts: skeleton, root,
    units, axes, model, mode, version (of pstmo). With keypoints also keypoints (frames, joints, 2) float32 in pixels,
    confidence (frames, joints), keypoints_skeleton and image_size (width, height); where gaps were drawn (see `gaps`)
    keypoints_drawn and keypoints_error, pixels. more: arrays to go with it, such as `World.arrays`.

    Raises PstmoError when they have not as many frames as the poses, or when the file cannot be written.
    """
    if keypoints is not None and keypoints.frames != poses.frames:
        raise PstmoError(f"found {keypoints.frames} frames of keypoints for {poses.frames} of poses, expected as many")
    arrays = {
        "positions": poses.positions,
        "observed": poses.observed,
        "fps": poses.fps,
        "timestamps": np.arange(poses.frames) / poses.fps if keypoints is None else keypoints.times,
        "joints": poses.skeleton.joints,
        "parents": poses.skeleton.parents,
        "skeleton": poses.skeleton.name,
        "root": poses.skeleton.root,
        "units": UNITS,
        "axes": AXES,
        "model": poses.model,
        "mode": poses.mode,
        "smoothing": poses.smoothing,
        "version": version("pstmo"),
    }
    if keypoints is not None:
        arrays |= _arrays(keypoints) | {"keypoints_skeleton": keypoints.skeleton.name}
        if keypoints.drawn is not None:
            arrays |= {"keypoints_drawn": keypoints.drawn.xy, "keypoints_error": keypoints.drawn.error}
    _write(Path(path), arrays | dict(more or {}))


def read_motion(path: str | Path) -> Poses:
    """Reads what `write_motion` wrote. Raises FormatError for anything else, SkeletonError for an unknown skeleton."""
    with naming(Path(path)):
        arrays = want(load(Path(path)), dict, "content")
        for key, value in (("units", UNITS), ("axes", AXES)):
            if text(arrays, key) != value:
                raise FormatError(f"{key!r}: found {text(arrays, key)!r}, expected {value!r}")
        skeleton = by_name(text(arrays, "skeleton"))
        if tuple(want(arrays.get("joints"), np.ndarray, "'joints'").ravel().tolist()) != skeleton.joints:
            raise FormatError(f"'joints': found others than those of skeleton {skeleton.name!r}, or in another order")
        poses = Poses.from_array(
            numeric(arrays, "positions"),
            fps=float(numeric(arrays, "fps", size=1).item()),
            skeleton=skeleton,
            observed=numeric(arrays, "observed"),
            model=text(arrays, "model"),
            mode=text(arrays, "mode") if "mode" in arrays else "",
        )
        smoothing = float(numeric(arrays, "smoothing", size=1).item()) if "smoothing" in arrays else 0.0
        return replace(poses, smoothing=smoothing)


def _arrays(keypoints: Keypoints) -> dict[str, Any]:
    return {"keypoints": keypoints.xy, "confidence": keypoints.confidence, "image_size": keypoints.image_size}


def _write(path: Path, arrays: dict[str, Any]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
