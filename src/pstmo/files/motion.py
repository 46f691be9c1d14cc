"""pstmo's own files: keypoints and motion as .npz archives of plain arrays, never pickles."""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.atomic import replacing
from pstmo.files.cells import whole
from pstmo.files.content import describe, load, naming, want
from pstmo.files.npz import numeric, text
from pstmo.motion import WORLD_AXES, Fit, Motion, Origins, World
from pstmo.sequence import Drawn, Keypoints, Poses
from pstmo.skeleton import by_name

UNITS = "metres"
AXES = "camera: x right, y down, z forward, root joint at 0"


def write_keypoints(path: str | Path, keypoints: Keypoints) -> None:
    """Writes keypoints so that `read_keypoints` gives the same back; see `npz` for the arrays. Raises PstmoError."""
    _write(Path(path), _arrays(keypoints) | {"skeleton": keypoints.skeleton.name, "fps": keypoints.fps})


def write_motion(path: str | Path, motion: Motion) -> None:
    """Writes a motion as an .npz of plain arrays, so that `read_motion` gives the same back.

    positions (frames, joints, 3) float32 in metres, observed (frames,) bool, timestamps (frames,) in seconds, fps,
    person, joints (names), parents (index of each joint's parent, -1 for none), and texts: skeleton, root, units, axes,
    model, mode, version (of pstmo). Where they are known also keypoints (frames, joints, 2) float32 in pixels,
    confidence (frames, joints), keypoints_skeleton, image_size (width, height) and keypoints_focal (pixels); where gaps
    were drawn (see `gaps`) keypoints_drawn and keypoints_error, pixels. With a world what `World.arrays` gives; of a
    fitted skeleton what `Fit.arrays` gives.

    Raises PstmoError when the file cannot be written.
    """
    poses, keypoints = motion.poses, motion.keypoints
    arrays = {
        "positions": poses.positions,
        "observed": poses.observed,
        "fps": poses.fps,
        "timestamps": motion.times,
        "person": motion.person,
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
        arrays |= {} if keypoints.focal is None else {"keypoints_focal": keypoints.focal}
        if keypoints.drawn is not None:
            arrays |= {"keypoints_drawn": keypoints.drawn.xy, "keypoints_error": keypoints.drawn.error}
    arrays |= {} if motion.world is None else motion.world.arrays
    _write(Path(path), arrays | ({} if motion.fit is None else motion.fit.arrays))


def read_motion(path: str | Path) -> Motion:
    """Reads what `write_motion` wrote. Raises FormatError for anything else, SkeletonError for an unknown skeleton."""
    with naming(Path(path)):
        return motion_in(load(Path(path)))


def motion_in(content: object) -> Motion:
    """Of a file of ours that was loaded. Raises FormatError, SkeletonError."""
    arrays = want(content, dict, "content")
    for key, value in (("units", UNITS), ("axes", AXES)):
        if text(arrays, key) != value:
            raise FormatError(f"{key!r}: found {text(arrays, key)!r}, expected {value!r}")
    skeleton = by_name(text(arrays, "skeleton"))
    if tuple(want(arrays.get("joints"), np.ndarray, "'joints'").ravel().tolist()) != skeleton.joints:
        raise FormatError(f"'joints': found others than those of skeleton {skeleton.name!r}, or in another order")
    poses = Poses.from_array(
        numeric(arrays, "positions"),
        fps=_number(arrays, "fps"),
        skeleton=skeleton,
        observed=numeric(arrays, "observed"),
        model=text(arrays, "model"),
        mode=text(arrays, "mode") if "mode" in arrays else "",
    )
    poses = replace(poses, smoothing=_number(arrays, "smoothing", 0.0))
    person = whole(_number(arrays, "person", 1.0), "'person'")
    keypoints = _keypoints(arrays, poses.fps) if "keypoints" in arrays else None
    world = _world(arrays, poses) if "world_positions" in arrays else None
    timestamps = None if keypoints else _timestamps(arrays, poses.fps)
    return Motion(poses, keypoints, world, person, timestamps, _fit(arrays) if "fit_moved" in arrays else None)


def _timestamps(arrays: dict[str, Any], fps: float) -> np.ndarray | None:
    """None where the clock is regular and begins at 0."""
    times = numeric(arrays, "timestamps").ravel()
    regular = len(times) > 0 and np.allclose(times, np.arange(len(times)) / fps, rtol=0, atol=1e-9)
    return None if regular else times


def _keypoints(arrays: dict[str, Any], fps: float) -> Keypoints:
    width, height = numeric(arrays, "image_size", size=2).astype(float).ravel().tolist()
    keypoints = Keypoints.from_array(
        numeric(arrays, "keypoints"),
        image_size=(whole(width, "width"), whole(height, "height")),
        fps=fps,
        confidence=numeric(arrays, "confidence"),
        skeleton=text(arrays, "keypoints_skeleton"),
        focal=_number(arrays, "keypoints_focal") if "keypoints_focal" in arrays else None,
        timestamps=_timestamps(arrays, fps),
    )
    if "keypoints_drawn" not in arrays:
        return keypoints
    drawn = Drawn(numeric(arrays, "keypoints_drawn").astype(np.float32), _errors(arrays))
    for what, found, shape in zip(Drawn._fields, drawn, (keypoints.xy.shape, keypoints.confidence.shape), strict=True):
        if found.shape != shape:
            raise FormatError(f"what was drawn, {what}: found {describe(found)}, expected {shape}")
    return replace(keypoints, drawn=drawn)


def _errors(arrays: dict[str, Any]) -> np.ndarray:
    """Infinite is a value here: nobody knows."""
    array = want(arrays.get("keypoints_error"), np.ndarray, "'keypoints_error'")
    if array.dtype.kind != "f":
        raise FormatError(f"'keypoints_error': found {describe(array)}, expected an array of numbers")
    return array.astype(np.float32)


def _world(arrays: dict[str, Any], poses: Poses) -> World:
    if text(arrays, "world_axes") != WORLD_AXES:
        raise FormatError(f"'world_axes': found {text(arrays, 'world_axes')!r}, expected {WORLD_AXES!r}")
    return World(
        positions=numeric(arrays, "world_positions").astype(np.float32),
        skeleton=poses.skeleton,
        fps=poses.fps,
        observed=numeric(arrays, "world_observed", size=poses.frames).astype(bool).ravel(),
        orientation=numeric(arrays, "world_orientation", size=9).astype(np.float64).reshape(3, 3),
        camera_height=_number(arrays, "world_camera_height"),
        focal=_number(arrays, "world_focal"),
        scale=_number(arrays, "world_scale"),
        error=_number(arrays, "world_reprojection_error"),
        origins=Origins(*(text(arrays, f"world_{name}_from") for name in Origins._fields)),
    )


def _fit(arrays: dict[str, Any]) -> Fit:
    pairs = (numeric(arrays, f"fit_{name}", size=2).ravel().tolist() for name in Fit._fields)
    return Fit(*((float(first), float(second)) for first, second in pairs))


def _number(arrays: dict[str, Any], key: str, usual: float | None = None) -> float:
    if usual is not None and key not in arrays:
        return usual
    return float(numeric(arrays, key, size=1).item())


def _arrays(keypoints: Keypoints) -> dict[str, Any]:
    return {"keypoints": keypoints.xy, "confidence": keypoints.confidence, "image_size": keypoints.image_size}


def _write(path: Path, arrays: dict[str, Any]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
