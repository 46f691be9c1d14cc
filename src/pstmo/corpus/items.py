"""What there is to lift: the videos and keypoint files of a folder, a list or an object store, each by a name."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pstmo.corpus.places import Place, place
from pstmo.errors import PstmoError
from pstmo.source import KEYPOINTS

VIDEOS = (".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm", ".wmv")
"""How files end that count as videos when a folder is walked; what a list names counts whatever its ending."""

FRAME = "_keypoints.json"
"""How OpenPose's files end, one a frame: the folder that holds them is one item."""

LISTS = (".list", ".lst", ".txt")

STAMPS = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified", "updated", "created")
"""By which file systems tell one content of a file from another, the best first."""


@dataclass(frozen=True)
class Item:
    """name: of the folder for what comes of it, below the target. address: where it is. size: bytes. stamp: changes
    when the content does."""

    name: str
    address: str
    size: int
    stamp: str


def items_of(source: str, out: Place) -> list[Item]:
    """In the order of their names. source: a folder, a list file (one path or address a line; paths count from the
    list's folder), or an fsspec address. out: the target, which is left out. Raises PstmoError."""
    there = place(source)
    if there.is_folder():
        found = list(_walked(there, out))
    elif source.lower().endswith(LISTS):
        found = list(_listed(there))
    elif there.exists():
        raise PstmoError(
            f"{source} is one file, expected a folder, a list ({' '.join(LISTS)}) or an address of a folder"
        )
    else:
        raise PstmoError(
            f"there is no {source}, expected a folder, a list of files or an address such as s3://bucket/folder"
        )
    if not found:
        raise PstmoError(
            f"{source}: found nothing to lift, expected files that end with {' '.join(VIDEOS + KEYPOINTS)}"
        )
    return _named_once(found)


def _walked(folder: Place, out: Place) -> Iterator[Item]:
    """Without hidden files, and without what lies in the target."""
    groups: dict[str, dict[str, Any]] = {}
    for path, info in folder.files().items():
        name = posixpath.relpath(path, folder.path)
        hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
        if hidden or out.holds(folder, path) or not name.lower().endswith(VIDEOS + KEYPOINTS):
            continue
        whole = posixpath.dirname(name) if name.endswith(FRAME) else name
        groups.setdefault(whole, {})[path] = info
    for name, files in groups.items():
        address = folder.below(name) if name else folder
        yield _item(name or PurePosixPath(folder.path).name, address, files)


def _listed(file: Place) -> Iterator[Item]:
    base = place(posixpath.dirname(file.address) or ".")
    for line in file.read().decode("utf-8-sig", "surrogateescape").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        there = place(text if "://" in text or text.startswith("/") else posixpath.join(base.address, text))
        files = there.files() or {there.path: {}}  # what is not there is found out, and told, when its turn comes
        inside = base.local == there.local and there.path.startswith(base.path.rstrip("/") + "/")
        name = posixpath.relpath(there.path, base.path) if inside else there.address.replace("://", "/").strip("/")
        yield _item(name, there, files)


def _item(name: str, there: Place, files: dict[str, dict[str, Any]]) -> Item:
    sizes = {path: info.get("size") or 0 for path, info in sorted(files.items())}
    stamps = [str(next((info[key] for key in STAMPS if info.get(key)), "")) for _, info in sorted(files.items())]
    stamp = stamps[0] if len(stamps) == 1 else f"{len(stamps)} files until {max(stamps)}"
    return Item(name, there.address, sum(sizes.values()), stamp)


def _named_once(items: list[Item]) -> list[Item]:
    """A list may name one file twice, but not two files by one name. Raises PstmoError."""
    found: dict[str, Item] = {}
    for item in items:
        other = found.setdefault(item.name, item)
        if other.address != item.address:
            raise PstmoError(f"{other.address} and {item.address} would both be lifted to {item.name}")
    return [found[name] for name in sorted(found)]
