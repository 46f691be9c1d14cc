"""Files that are written whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from pstmo.errors import PstmoError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, with its suffix, to write to; on success that file becomes `path`.

    When the block fails, what was at `path` stays as it was and the temporary file goes. Raises PstmoError when the
    system refuses (no such folder, no permission, disk full); other errors pass through.
    """
    if not path.parent.is_dir():
        raise PstmoError(f"cannot write {path}: there is no folder {path.parent}")
    temporary = path.parent / f".{uuid4().hex}{path.suffix}"
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise PstmoError(f"cannot write {path}: {error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
