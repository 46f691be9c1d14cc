"""Who is at work on a file or in a folder is there alone. A lock ends with its process, however that ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pstmo.errors import PstmoError

try:
    import fcntl
except ImportError:  # Windows: there is no lock
    fcntl = None


def lock(handle: int, target: Path) -> None:
    """A file or folder that is open, until it is closed. target: what to call it. Raises PstmoError where another
    process has locked it."""
    if fcntl is None:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PstmoError(f"another run is writing {target}; wait for it, or choose another place") from None


@contextmanager
def alone(path: Path, target: Path | None = None) -> Iterator[None]:
    """Locks a file, which is made if it is not there, or a folder. target: what to call it; None = by its own name.

    Raises PstmoError where another process has locked it, OSError where the system refuses.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        lock(handle, target or path)
        yield
    finally:
        os.close(handle)
