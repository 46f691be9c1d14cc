"""Files that are written whole or not at all, and the folders they go to."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pstmo.errors import PstmoError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, with its suffix, to write to; on success that file becomes `path`.

    When the block fails, what was at `path` stays as it was and the temporary file goes. The one that a killed process
    leaves behind is overwritten the next time. Raises PstmoError when the system refuses (no such folder, no
    permission, disk full); other errors pass through.
    """
    if not path.parent.is_dir():
        raise PstmoError(f"cannot write {path}: there is no folder {path.parent}")
    temporary = path.parent / f".{path.stem}.partial{path.suffix}"
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise PstmoError(f"cannot write {path}: {error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, where they are not there yet. Raises PstmoError when the system refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PstmoError(f"cannot make the folder {folder}: {error.strerror}") from None
