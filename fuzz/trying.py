"""One input after another through a reader, watched: what it raises, how long it takes, how much memory it needs."""

import resource
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from targets import Target

import pstmo
from pstmo.errors import PstmoError

PACKAGE = Path(pstmo.__file__).parent

LONG = 2.0
"""Seconds of processor time in which a small file has to be read or refused."""

LARGE = 500
"""Megabytes that reading it may take beyond those in use before."""


class Hang(BaseException):
    """What no reader catches by mistake."""


def tried(target: Target, content: bytes, folder: Path) -> str:
    """What came of it: "read", "refused", or what is wrong: the error's type and place, "hang" or "memory"."""
    path = folder / target.name
    path.write_bytes(content)
    before = _memory()
    try:
        with _deadline(LONG):
            target.read(path)
        found = "read"
    except PstmoError:
        found = "refused"
    except Hang:
        found = "hang"
    except Exception as error:
        found = f"{type(error).__name__} in {_place(error)}"
    return "memory" if _memory() - before > LARGE else found


def counted(target: Target, inputs: Iterator[bytes], folder: Path, keep: Path) -> Counter[str]:
    """How often what came of the inputs; one of each that is wrong is kept."""
    counts: Counter[str] = Counter()
    for content in inputs:
        found = tried(target, content, folder)
        counts[found] += 1
        if found not in ("read", "refused") and counts[found] == 1:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{found.replace(' ', '-')}{Path(target.name).suffix}").write_bytes(content)
    return counts


def _memory() -> float:
    """Megabytes at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _place(error: BaseException) -> str:
    """The last line of the package that it came through, or where it was raised."""
    lines = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    file, line = ([place for place in lines if PACKAGE in place[0].parents] or lines)[-1]
    return f"{file.name}:{line}"


def memory_limit(gigabytes: float) -> None:
    """For this process: a reader that wants more gets a MemoryError, and the machine stays alive."""
    if sys.platform == "linux":
        size = int(gigabytes * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
