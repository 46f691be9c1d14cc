"""Poses of many recordings in one .npz: what another lifter made, to be measured; or ours, to be kept.

One array a recording, under its name ("S9/Walking 1/54138969"): (frames, joints, 3), metres, camera axes, in the
layout of the data set's poses; where its root lies does not matter.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.atomic import replacing
from pstmo.files.content import describe, naming
from pstmo.files.npz import numeric
from pstmo.sequence import Poses
from pstmo.skeleton import Skeleton

FARTHEST = 20.0
"""Metres. Joints further from the root were written in another unit."""

LARGEST = 2**30
"""Bytes of one recording's poses: a day at 50 frames a second."""


class Predictions:
    """An opened file; a recording's poses are read when they are asked for."""

    def __init__(self, path: Path):
        """Raises FormatError when it is not a whole .npz file."""
        self.path = path
        try:
            with path.open("rb") as file:
                start = file.read(6)
            if start == b"\x93NUMPY":
                raise FormatError(f"{path}: found a bare array, expected an .npz with one array a recording")
            self._archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, NotImplementedError) as error:  # that, of a later version's archive
            raise FormatError(f"{path}: not a whole .npz file of predictions: {error}") from None
        self.names = tuple(name.removesuffix(".npy") for name in self._archive.namelist())

    def poses(self, name: str, skeleton: Skeleton, fps: float) -> Poses:
        """Raises FormatError naming what the file holds, PstmoError for poses of another shape."""
        with naming(self.path):
            if name not in self.names:
                some = ", ".join(self.names[:5]) or "nothing"
                raise FormatError(f"no predictions for {name!r}; found {len(self.names)}: {some}")
            try:
                if self._archive.getinfo(f"{name}.npy").file_size > LARGEST:
                    raise FormatError(f"unpacks to more than {LARGEST / 2**30:g} GiB")
                with self._archive.open(f"{name}.npy") as member:
                    positions = np.lib.format.read_array(member, allow_pickle=False)
            except Exception as error:  # zipfile, zlib and numpy raise a dozen kinds between them
                raise FormatError(f"{name!r} cannot be read: {error}") from None
            positions = numeric({name: positions}, name)
            if not np.isfinite(positions).all():
                raise FormatError(f"{name!r}: found {describe(positions)} with NaN, expected a pose in every frame")
            poses = Poses.from_array(positions, fps=fps, skeleton=skeleton, model=self.path.stem)
            reach = float(np.median(np.linalg.norm(poses.positions, axis=-1).max(1)))
            if reach > FARTHEST:
                raise FormatError(f"{name!r}: found joints {reach:.0f} from the root, expected metres; divide by 1000?")
            return poses


class PredictionsFile:
    """A file being written, one recording after another."""

    def __init__(self, archive: zipfile.ZipFile):
        self._archive = archive

    def add(self, name: str, poses: Poses) -> None:
        with self._archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
            np.lib.format.write_array(member, poses.positions, allow_pickle=False)


@contextmanager
def writing(path: Path) -> Iterator[PredictionsFile]:
    """Whole at the end of the block, or not there at all."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        yield PredictionsFile(archive)
