"""One HTML file with the 2D input and the 3D motion side by side: no network, no server, opens from disk.

The looks are in page.html; the script viewer.js is built from viewer/ at the root of the repository.
"""

import base64
import json
from html import escape
from importlib import metadata, resources
from pathlib import Path
from string import Template

import numpy as np

from pstmo.errors import PstmoError
from pstmo.files.atomic import replacing
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import Skeleton

_SETTLE = 0.1
"""Seconds before and after a frame within which its lowest joint decides where the floor is."""


def write_page(path: Path, keypoints: Keypoints, poses: Poses, title: str = "") -> None:
    """Writes the page to `path`, whole or not at all.

    Raises PstmoError if keypoints and poses are not frame by frame the same sequence.
    """
    if keypoints.frames != poses.frames:
        raise PstmoError(
            f"{keypoints.frames} frames of keypoints and {poses.frames} frames of poses, expected the same number"
        )
    files = resources.files("pstmo.view")
    page = Template(files.joinpath("page.html").read_text("utf-8")).substitute(
        title=escape(title or "Lifted motion"),
        facts="\n".join(f"<li>{escape(fact)}</li>" for fact in _facts(keypoints, poses)),
        aspect=f"{keypoints.image_size[0] / keypoints.image_size[1]:.4f}",
        data=json.dumps(_clip(keypoints, poses), separators=(",", ":")).replace("<", "\\u003c"),
        script=files.joinpath("viewer.js").read_text("utf-8"),
    )
    with replacing(path) as temporary:
        temporary.write_text(page, "utf-8")


def _facts(keypoints: Keypoints, poses: Poses) -> tuple[str, ...]:
    """What a reader has to know to read the numbers right."""
    width, height = keypoints.image_size
    root = (poses.skeleton.root or "root").replace("_", " ")
    return (
        f"Model: {poses.model or 'none (measured poses)'}",
        f"pstmo {metadata.version('pstmo')}",
        f"{poses.fps:g} frames/s",
        f"2D: {keypoints.skeleton.name}, pixels in {width} × {height}",  # noqa: RUF001
        f"3D: {poses.skeleton.name}, metres from the {root}, camera axes (x right, y down, z forward)",
        "Grid: 0.5 m; the floor follows the lowest joint",
    )


def _clip(keypoints: Keypoints, poses: Poses) -> dict[str, object]:
    """The sequence as the script reads it; see viewer/src/clip.js."""
    return {
        "fps": poses.fps,
        "imageSize": keypoints.image_size,
        "keypoints": {
            **_layout(keypoints.skeleton),
            "xy": _pack(keypoints.xy, np.int16),
            "confidence": _pack(keypoints.confidence.clip(0, 1), np.int8),
        },
        "poses": {
            **_layout(poses.skeleton),
            "positions": _pack(poses.positions, np.int16),
            "rootHeight": _pack(root_height(poses), np.int16),
            "observed": _pack(poses.observed, np.int8),
        },
    }


def _layout(skeleton: Skeleton) -> dict[str, object]:
    return {"joints": skeleton.joints, "bones": skeleton.bone_indices}


def _pack(values: np.ndarray, dtype: type[np.signedinteger]) -> dict[str, object]:
    """Numbers as base64 of small integers times a scale; the smallest integer stands for NaN."""
    values, limits = values.astype(np.float64), np.iinfo(dtype)
    scale = float(np.nanmax(np.abs(values), initial=0)) / limits.max or 1.0
    integers = np.where(np.isnan(values), limits.min, np.rint(np.nan_to_num(values) / scale))
    code = np.dtype(dtype).newbyteorder("<")
    return {
        "type": dtype.__name__,
        "scale": scale,
        "base64": base64.b64encode(integers.astype(code).tobytes()).decode(),
    }


def root_height(poses: Poses) -> np.ndarray:
    """(frames,) metres from the floor to the root, so that the lowest joint stands on the floor.

    Root-relative poses don't know the floor. Each frame takes the deepest joint of the frames around it and then their
    mean: no joint ever sinks below the floor, and the floor doesn't shake.
    """
    known = np.isfinite(poses.positions[:, :, 1]).any(1)
    if not known.any():
        return np.zeros(poses.frames)
    deepest = np.nanmax(poses.positions[known, :, 1], axis=1)
    depth = np.interp(np.arange(poses.frames), np.flatnonzero(known), deepest)
    reach = round(_SETTLE * poses.fps)
    return _around(_around(depth, reach).max(-1), reach).mean(-1)


def _around(values: np.ndarray, reach: int) -> np.ndarray:
    """(frames, 2 * reach + 1): every frame with its neighbours; the first and the last are repeated outwards."""
    return np.lib.stride_tricks.sliding_window_view(np.pad(values, reach, mode="edge"), 2 * reach + 1)
