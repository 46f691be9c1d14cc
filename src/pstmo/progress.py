"""A progress bar on standard error, where a person looks at it."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def progress(things: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
    """The things themselves; total: how many there are, where they don't know."""
    quiet = not sys.stderr.isatty()
    yield from track(things, title, total, console=Console(stderr=True), disable=quiet, transient=True)
