"""Files on this machine and in object stores alike, by fsspec; what is written is there whole or not at all."""

import posixpath
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pstmo.errors import PstmoError
from pstmo.extras import extra

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


@dataclass(frozen=True)
class Place:
    """A file or folder that may be there. address: as people write it. path: within its file system."""

    address: str
    path: str
    system: "AbstractFileSystem"

    @property
    def local(self) -> bool:
        return "file" in self.system.protocol

    def below(self, name: str) -> "Place":
        return Place(f"{self.address.rstrip('/')}/{name}", f"{self.path.rstrip('/')}/{name}", self.system)

    def holds(self, other: "Place", path: str) -> bool:
        """Whether a path of another place's file system lies in this folder."""
        return self.system == other.system and path.startswith(self.path.rstrip("/") + "/")

    def exists(self) -> bool:
        with self._telling("read"):
            return self.system.exists(self.path)

    def is_folder(self) -> bool:
        with self._telling("read"):
            return self.system.isdir(self.path)

    def files(self) -> dict[str, dict[str, Any]]:
        """What the file system knows of each file in this folder and those below, or of the file itself, by path."""
        with self._telling("read"):
            return dict(self.system.find(self.path, detail=True))

    def read(self) -> bytes:
        """Raises PstmoError."""
        with self._telling("read"):
            return bytes(self.system.cat_file(self.path))  # type: ignore[arg-type]

    def read_all(self, paths: list[str]) -> list[bytes]:
        """Of files below this folder, many at once where the file system can; b"" = that could not be read."""
        with self._telling("read"):
            found = self.system.cat_ranges(paths, [None] * len(paths), [None] * len(paths), on_error="return")
        return [content if isinstance(content, bytes) else b"" for content in found]

    def write(self, content: bytes) -> None:
        """The whole file at once. Raises PstmoError."""
        with self._telling("write"):
            if not self.local:  # object stores show a file when all of it is there
                self.system.pipe_file(self.path, content)
                return
            path = Path(self.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.parent / f".{secrets.token_hex(4)}.partial"  # of two writers, each its own
            try:
                temporary.write_bytes(content)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)

    def fetch(self, folder: Path) -> Path:
        """On this machine: itself, or a copy in that folder. Raises PstmoError."""
        if self.local:
            return Path(self.path)
        copy = folder / Path(self.path).name
        for path in self.files() or [self.path]:
            target = copy / path.removeprefix(self.path).strip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._telling("read"):
                self.system.get_file(path, str(target))
        return copy

    def remove(self) -> None:
        """Where it is there. Raises PstmoError."""
        with self._telling("remove"):
            if self.system.exists(self.path):
                self.system.rm_file(self.path)

    @contextmanager
    def _telling(self, doing: str) -> Iterator[None]:
        try:
            yield
        except PstmoError:
            raise
        except Exception as error:  # each file system has errors of its own
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise PstmoError(f"cannot {doing} {self.address}: {reason}") from error


def place(address: str) -> Place:
    """Of a path on this machine, or an address such as s3://bucket/folder. Raises PstmoError for an address that fsspec
    does not know, or whose library is not installed."""
    fsspec = extra("fsspec", "corpus")
    if "://" not in address:
        path = posixpath.abspath(address)
        return Place(path, path, fsspec.filesystem("file"))
    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError, OSError) as error:
        raise PstmoError(f"cannot use {address}: {error}") from None
    return Place(path if "file" in system.protocol else address, path, system)
