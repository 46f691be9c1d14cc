"""Files and folders that are written whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pstmo.errors import PstmoError
from pstmo.files.lock import alone


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, with its suffix, to write to; on success that file becomes `path`.

    When the block fails, what was at `path` stays as it was and the temporary file goes. The one that a killed process
    leaves behind is overwritten the next time. Raises PstmoError when the system refuses (no such folder, no
    permission, disk full) and while another process writes the same; other errors pass through.
    """
    if not path.parent.is_dir():
        raise PstmoError(f"cannot write {path}: there is no folder {path.parent}")
    temporary = path.parent / f".{path.stem}.partial{path.suffix}"
    try:
        with alone(temporary, path):
            try:
                yield temporary
                temporary.replace(path)
            finally:
                with suppress(OSError):
                    temporary.unlink()
    except OSError as error:
        raise PstmoError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def filling(folder: Path, mark: str) -> Iterator[Path]:
    """Yields an empty temporary folder beside `folder` to write into; on success it takes the place of `folder`.

    mark: name of the file that tells such a folder; another one that is there and not empty is never replaced. What a
    failed block or a killed process leaves is never at `folder`. Raises PstmoError when the system refuses.
    """
    if folder.exists() and not (folder / mark).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise PstmoError(f"{folder} is there and holds something else, expected a new folder or one with {mark}")
    make_folder(folder.parent)
    temporary, old = (folder.parent / f".{folder.name}.{word}" for word in ("partial", "old"))
    try:
        if old.exists() and not folder.exists():
            old.rename(folder)  # a run was killed between the two renames below
        temporary.mkdir(exist_ok=True)
        with alone(temporary, folder):
            _empty(temporary)
            try:
                yield temporary
                shutil.rmtree(old, ignore_errors=True)
                if folder.exists():
                    folder.rename(old)
                temporary.rename(folder)
                shutil.rmtree(old, ignore_errors=True)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise PstmoError(f"cannot write {folder}: {error.strerror or error}") from error


def _empty(folder: Path) -> None:
    """Of what a killed process left there."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, where they are not there yet. Raises PstmoError when the system refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PstmoError(f"cannot make the folder {folder}: {error.strerror}") from None
