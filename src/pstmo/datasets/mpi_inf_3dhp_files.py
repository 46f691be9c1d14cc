"""What the files of MPI-INF-3DHP hold: the original MATLAB files, and the archives that the field makes of them.

    S1/Seq1/annot.mat ... S8/Seq2     training: MATLAB v5, cells of 14 cameras, 28 joints
    TS1/annot_data.mat ... TS6        test: MATLAB v7.3, which is HDF5, 17 joints
    data_train_3dhp.npz               training, processed: 17 joints, pickled
    data_test_3dhp.npz                test, processed: 17 joints, no activities

Positions are millimetres in camera axes, x right, y down, z forward, as everywhere here.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pstmo.datasets import matlab
from pstmo.errors import FormatError, PstmoError
from pstmo.extras import extra
from pstmo.files.content import describe, want
from pstmo.files.npz import numeric

LARGEST = 2**30
"""Bytes of one array: many times what the longest sequence takes."""

TRAINING: dict[str, tuple[int, float]] = {
    "S1 Seq1": (6416, 25.0),
    "S1 Seq2": (12430, 50.0),
    "S2 Seq1": (6502, 25.0),
    "S2 Seq2": (6081, 25.0),
    "S3 Seq1": (12488, 50.0),
    "S3 Seq2": (12283, 50.0),
    "S4 Seq1": (6171, 25.0),
    "S4 Seq2": (6675, 25.0),
    "S5 Seq1": (12820, 50.0),
    "S5 Seq2": (12312, 50.0),
    "S6 Seq1": (6188, 25.0),
    "S6 Seq2": (6145, 25.0),
    "S7 Seq1": (6239, 25.0),
    "S7 Seq2": (6320, 25.0),
    "S8 Seq1": (6468, 25.0),
    "S8 Seq2": (6054, 25.0),
}
"""Published frames and frames a second of the training sequences."""

TEST = {"TS1": 603, "TS2": 540, "TS3": 505, "TS4": 553, "TS5": 276, "TS6": 452}
"""Published number of valid frames of the test sequences."""

TEST_FPS = 25.0
"""Stands in for a frame rate that the test files do not say."""

CAMERAS = ("0", "1", "2", "4", "5", "6", "7", "8")
"""Those of the 14 that the field trains on."""

ACTIVITIES = (
    "Standing/Walking",
    "Exercising",
    "Sitting",
    "Reaching/Crouching",
    "On The Floor",
    "Sports",
    "Miscellaneous",
)

_CELLS, _JOINTS = 14, 28
_PICK = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6)
"""The joints of skeleton `3dhp17`, in its order, among the 28 of the training files."""

_ARRAYS = {"annot2": 2, "univ_annot3": 3}
"""Names of the 2D and 3D annotations, and their axes."""


class View(NamedTuple):
    """One camera's view of one sequence, as the files have it.

    keypoints: (frames, 17, 2) pixels. positions: (frames, 17, 3) millimetres, camera axes. valid: (frames,) bool, None
    = all. activity: (frames,) from 1 on, 0 = none; None where the file does not know.
    """

    sequence: str  # "S1 Seq1", "TS1"
    camera: str
    fps: float
    keypoints: np.ndarray
    positions: np.ndarray
    valid: np.ndarray | None = None
    activity: np.ndarray | None = None


def sequence_of(path: Path) -> str:
    """The sequence whose file this is, from the folders it lies in; an archive's own name. Raises FormatError."""
    if path.suffix == ".npz":
        return path.name
    training = path.name == "annot.mat"
    name = " ".join(path.parts[-3:-1] if training else path.parts[-2:-1])
    return _known(name, TRAINING if training else TEST, "sequence, by the folder's name")


def _training(path: Path) -> Iterator[View]:
    """The eight cameras of one annot.mat, as many frames as are published. Raises FormatError."""
    sequence = sequence_of(path)
    frames, fps = TRAINING[sequence]
    cells = _cells(path)
    for camera in CAMERAS:
        yield View(sequence, camera, fps, *(_cell(cells, name, camera, frames) for name in _ARRAYS))


def _cells(path: Path) -> dict[str, list[np.ndarray]]:
    found = {}
    for name, cells in matlab.read(path, tuple(_ARRAYS)).items():
        if not isinstance(cells, list) or len(cells) != _CELLS:
            raise FormatError(f"{name!r}: found {describe(cells)}, expected {_CELLS} cells, one a camera")
        found[name] = cells
    return found


def _cell(cells: Mapping[str, list[np.ndarray]], name: str, camera: str, frames: int) -> np.ndarray:
    """(frames, 17, axes): a camera's 17 joints of 28. Raises FormatError."""
    what, axes = f"{name} of camera {camera}", _ARRAYS[name]
    rows = numeric({what: cells[name][int(camera)]}, what)
    if rows.ndim != 2 or rows.shape[1] != _JOINTS * axes or len(rows) < frames:
        expected = f"({frames} or more frames, {_JOINTS} joints x {axes})"
        raise FormatError(f"{what!r}: found {describe(rows)}, expected {expected}")
    return rows[:frames].reshape(frames, _JOINTS, axes)[:, _PICK]


def _test(path: Path) -> Iterator[View]:
    """The one camera of an annot_data.mat. Raises FormatError."""
    sequence = sequence_of(path)
    found = _datasets(path, (*_ARRAYS, "valid_frame", "activity_annotation"))
    for name, axes in _ARRAYS.items():
        if found[name].shape[1:] != (1, len(_PICK), axes):
            expected = f"(frames, 1, {len(_PICK)} joints, {axes})"
            raise FormatError(f"{name!r}: found {describe(found[name])}, expected {expected}")
    keypoints, positions = (found[name][:, 0] for name in _ARRAYS)
    frames = _as_many(keypoints, positions, "annot2 and univ_annot3")
    valid = _whole_numbers(found, "valid_frame", frames, most=1) > 0
    activity = _whole_numbers(found, "activity_annotation", frames, most=len(ACTIVITIES))
    yield View(sequence, "0", TEST_FPS, keypoints, positions, valid, activity)


def _datasets(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Arrays of numbers at the top of an HDF5 file, which must lie in this very file. Raises FormatError."""
    h5py = extra("h5py", "data")
    try:
        with h5py.File(path, "r") as file:
            return {name: numeric({name: _dataset(h5py, file, name)}, name) for name in names}
    except PstmoError:
        raise
    except Exception as error:  # the HDF5 library's errors come as any of a dozen kinds
        raise FormatError(f"not a whole MATLAB v7.3 (HDF5) file: {error}") from error


def _dataset(h5py: Any, file: Any, name: str) -> np.ndarray:
    there = list(file)  # asking `name in file` would follow a link
    if name not in there:
        raise FormatError(f"found no variable {name!r}; there are: {', '.join(there) or 'none'}")
    if file.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise FormatError(f"{name!r}: found a link, which is not followed; expected an array in this file")
    found = file[name]
    if not isinstance(found, h5py.Dataset):
        raise FormatError(f"{name!r}: found a {type(found).__name__.lower()}, expected an array of numbers")
    if found.is_virtual or found.external:
        raise FormatError(f"{name!r}: found an array kept in other files, which are not read; expected it in this one")
    if found.dtype.kind not in "biuf" or found.nbytes > LARGEST:
        what = f"an array of {found.shape} and type {found.dtype}"
        raise FormatError(f"{name!r}: found {what}, expected an array of numbers, {LARGEST / 2**30:g} GiB at most")
    return np.asarray(found[()])


def _processed_training(content: Mapping[str, Any]) -> Iterator[View]:
    """All sequences and cameras of a data_train_3dhp.npz. Raises FormatError."""
    for sequence, entry in _data(content, TRAINING).items():
        if not isinstance(entry, list | tuple) or len(entry) != 2:
            raise FormatError(f"{sequence}: found {describe(entry)}, expected a list of cameras and fps")
        fps = float(_array({"fps": entry[1]}, "fps", sequence, size=1).item())
        if not fps > 0:
            raise FormatError(f"{f'fps of {sequence}'!r}: found {fps:g}, expected frames a second")
        for camera, arrays in want(entry[0], dict, f"cameras of {sequence}").items():
            where = f"{sequence} camera {_known(camera, CAMERAS, f'camera of {sequence}')}"
            keypoints, positions = _pair(arrays, where)
            yield View(sequence, camera, fps, keypoints, positions)


def _processed_test(content: Mapping[str, Any]) -> Iterator[View]:
    """All sequences of a data_test_3dhp.npz. Raises FormatError."""
    for sequence, arrays in _data(content, TEST).items():
        keypoints, positions = _pair(arrays, sequence)
        what = f"valid of {sequence}"
        valid = _whole_numbers({what: _array(arrays, "valid", sequence)}, what, len(keypoints), most=1)
        yield View(sequence, "0", TEST_FPS, keypoints, positions, valid > 0)


def _data(content: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    if "data" not in content:
        raise FormatError(f"found no member 'data'; there are: {', '.join(content) or 'none'}")
    data = want(content["data"], dict, "'data'")
    for sequence in data:
        _known(sequence, known, "sequence in 'data'")
    return data


def _pair(arrays: Any, where: str) -> tuple[np.ndarray, np.ndarray]:
    """(frames, 17, 2) and (frames, 17, 3) of one camera. Raises FormatError."""
    keypoints, positions = (_array(arrays, name, where) for name in ("data_2d", "data_3d"))
    for name, array, axes in (("data_2d", keypoints, 2), ("data_3d", positions, 3)):
        if array.ndim != 3 or array.shape[1:] != (len(_PICK), axes):
            expected = f"(frames, {len(_PICK)} joints, {axes})"
            raise FormatError(f"{f'{name} of {where}'!r}: found {describe(array)}, expected {expected}")
    _as_many(keypoints, positions, f"data_2d and data_3d of {where}")
    return keypoints, positions


def _array(arrays: Any, name: str, where: str, size: int | None = None) -> np.ndarray:
    """One array, or number, of an unpickled mapping. Raises FormatError."""
    value, what = want(arrays, dict, where).get(name), f"{name} of {where}"
    single = isinstance(value, int | float | np.number)
    return numeric({what: np.asarray(value) if single else value}, what, size)


def _as_many(keypoints: np.ndarray, positions: np.ndarray, what: str) -> int:
    if len(keypoints) != len(positions) or not len(keypoints):
        found = f"{len(keypoints)} and {len(positions)} frames"
        raise FormatError(f"{what}: found {found}, expected as many, and at least 1")
    return len(keypoints)


def _whole_numbers(arrays: Mapping[str, np.ndarray], what: str, frames: int, most: int) -> np.ndarray:
    """(frames,) uint8 from 0 to `most`. Raises FormatError."""
    found = arrays[what]
    if found.size != frames or not np.isin(found, range(most + 1)).all():
        holds = ", ".join(f"{value:g}" for value in np.unique(found.astype(float))[:10])
        expected = f"{frames} (frames) whole numbers from 0 to {most}"
        raise FormatError(f"{what!r}: found {describe(found)} holding {holds}; expected {expected}")
    return found.reshape(frames).astype(np.uint8)


def _known(name: object, names: Mapping[str, Any] | tuple[str, ...], what: str) -> str:
    if not isinstance(name, str) or name not in names:
        raise FormatError(f"found {name!r} as {what}, expected one of {', '.join(names)}")
    return name


READERS: dict[str, Callable[[Any], Iterator[View]]] = {
    "annot.mat": _training,
    "data_train_3dhp.npz": _processed_training,
    "annot_data.mat": _test,
    "data_test_3dhp.npz": _processed_test,
}
"""By file name. They take a .mat's path, or what `read_objects` read, and give the views in it one after another.

Their FormatErrors name the variable, not the file.
"""
