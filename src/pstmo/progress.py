"""How far a job is, on standard error: a bar where a person looks at it; JSON lines where a program has asked for them
by PSTMO_PROGRESS=lines, {"doing": ..., "done": 12, "of": 150}, "of" being null where nobody knows."""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")

OFTEN = 0.2
"""Seconds from one line to the next, at least."""


def progress(things: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
    """The things themselves; total: how many there are, where they don't know."""
    if os.environ.get("PSTMO_PROGRESS") == "lines":
        yield from _told(things, title, len(things) if total is None and isinstance(things, Sized) else total)
    else:
        quiet = not sys.stderr.isatty()
        yield from track(things, title, total, console=Console(stderr=True), disable=quiet, transient=True)


def _told(things: Iterable[T], title: str, total: int | None) -> Iterator[T]:
    last = -OFTEN
    for done, thing in enumerate(things):
        if time.monotonic() - last >= OFTEN:
            last = time.monotonic()
            sys.stderr.write(json.dumps({"doing": title, "done": done, "of": total}) + "\n")
        yield thing
