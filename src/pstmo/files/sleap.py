"""SLEAP's analysis file, https://docs.sleap.ai, an HDF5 of arrays.

tracks (tracks, 2, nodes, frames), pixels, NaN where not observed; node_names; track_names (empty where nobody was
tracked); optionally point_scores (tracks, nodes, frames) and instance_scores (tracks, frames). sleap-io says the order
of the axes in an attribute `dims`, such as ["frame", "track", "node", "xy"]. Tracks are numbered in order, from 0.
"""

import json

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import Tree, describe, want
from pstmo.files.names import joint_names
from pstmo.files.npz import numeric
from pstmo.people import Detection, People

EXPECTED: str = "SLEAP analysis .h5 with arrays tracks (tracks, 2, nodes, frames) and node_names"

AXES = {
    "tracks": ("track", "xy", "node", "frame"),
    "point_scores": ("track", "node", "frame"),
    "instance_scores": ("track", "frame"),
}

ORDER = ("frame", "track", "node", "xy")


def recognises(content: object) -> bool:
    return isinstance(content, Tree) and {"tracks", "node_names"} <= set(content.arrays)


def read(content: object) -> People:
    tree = want(content, Tree, "content")
    nodes, tracks = (_names(tree, name) for name in ("node_names", "track_names"))
    xy = _ordered(tree, "tracks")
    frames, several = xy.shape[:2]
    if not nodes or xy.shape[2:] != (len(nodes), 2) or (tracks and len(tracks) != several):
        raise FormatError(
            f"'tracks': found {xy.shape} (frames, tracks, nodes, 2) of {len(nodes)} nodes, {len(tracks)} tracks"
        )
    points = _like(tree, "point_scores", xy[..., 0])
    scores = _like(tree, "instance_scores", xy[:, :, 0, 0])
    joints = np.concatenate([xy, np.where(np.isnan(points), 1, points)[..., None]], -1, dtype=np.float64)
    found = [
        Detection(
            frame,
            joints[frame, track],
            None if np.isnan(scores[frame, track]) else float(scores[frame, track]),
            int(track) if tracks else None,
        )
        for frame, track in np.argwhere(~np.isnan(xy).all((2, 3))).tolist()
    ]
    return People(found, range(frames), {len(nodes): joint_names(nodes)}, named=True)


def _names(tree: Tree, name: str) -> list[str]:
    array = tree.arrays.get(name, np.empty(0, "S1"))
    if array.size and (array.ndim != 1 or array.dtype.kind != "S"):
        raise FormatError(f"{name!r}: found {describe(array)}, expected names")
    return [text.decode("utf-8", "replace") for text in array.ravel().tolist()] if array.size else []


def _ordered(tree: Tree, name: str) -> np.ndarray:
    """The array with its axes in the usual order, those it has."""
    array, axes = numeric(tree.arrays, name), AXES[name]
    said = tree.attributes.get(name, {}).get("dims")
    try:
        dims = axes if said is None else tuple(map(str, json.loads(said)))
    except (ValueError, TypeError, RecursionError):
        dims = ()
    if set(dims) != set(axes) or len(dims) != array.ndim:
        raise FormatError(f"{name!r}: found {describe(array)} and dims {describe(said)}, expected {', '.join(axes)}")
    return array.transpose([dims.index(axis) for axis in ORDER if axis in axes])


def _like(tree: Tree, name: str, other: np.ndarray) -> np.ndarray:
    """That array, or NaN where the file doesn't have it."""
    if name not in tree.arrays:
        return np.full(other.shape, np.nan)
    array = _ordered(tree, name)
    if array.shape != other.shape:
        raise FormatError(f"{name!r}: found {array.shape}, expected {other.shape}")
    return array
