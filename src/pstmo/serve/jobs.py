"""Jobs one at a time, in order, each in a folder and a process of its own.

A process can be killed when it takes too long, and when a strange file brings it down nothing else falls. What was
uploaded is deleted as soon as its job ends, what came of it some time later or when the server stops.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

if sys.platform == "linux":
    import resource

State = Literal["uploading", "waiting", "running", "done", "failed"]

ENDED = ("done", "failed")

ERROR = "pstmo: error: "
"""How the line begins in which a job says why it failed."""


@dataclass(frozen=True)
class Limits:
    """What is taken of strangers."""

    largest: int = 500
    """Megabytes of a file that is sent."""
    queue: int = 8
    """Jobs that wait or run, at most."""
    minutes: float = 60.0
    """For one job; then it is ended."""
    keep: float = 60.0
    """Minutes for which results can be fetched."""
    disk: int = 2000
    """Megabytes of a file that a job writes, on Linux."""


@dataclass(eq=False)
class Job:
    """One upload and what becomes of it. number: how the client calls it; nobody can guess it."""

    number: str
    folder: Path
    source: Path
    options: Sequence[str]
    state: State = "uploading"
    progress: dict[str, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None
    forgetting: threading.Timer | None = None

    @property
    def results(self) -> dict[str, Path]:
        """Files to be had, by name."""
        return {path.name: path for path in sorted((self.folder / "out").glob("*"))} if self.state == "done" else {}


class Full(Exception):  # noqa: N818
    """No more jobs are taken for now."""


class Jobs:
    """Runs them in a thread of its own until it is closed. folder: theirs alone."""

    def __init__(self, folder: Path, limits: Limits = Limits(), command: Sequence[str] = ()):
        """command: what lifts; by default `pstmo lift` itself."""
        self.limits, self._folder = limits, folder
        self._command = list(command) or [sys.executable, "-m", "pstmo", "lift"]
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._changed, self._closed = threading.Condition(), False
        self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._worker.start()

    def new(self, suffix: str, options: Sequence[str]) -> Job:
        """One whose source is about to be written. suffix: of the source's name. Raises Full."""
        with self._changed:
            if sum(job.state not in ENDED for job in self._jobs.values()) >= self.limits.queue:
                raise Full
            number = secrets.token_urlsafe(16)
            folder = self._folder / number
            folder.mkdir()
            job = self._jobs[number] = Job(number, folder, folder / f"sent{suffix}", options)
            return job

    def start(self, job: Job) -> None:
        """Its source is there."""
        with self._changed:
            job.state = "waiting"
            self._waiting.append(job)
            self._changed.notify_all()

    def get(self, number: str) -> Job | None:
        return self._jobs.get(number)

    def before(self, job: Job) -> int:
        """How many come first."""
        with self._changed:
            running = any(other.state == "running" for other in self._jobs.values())
            return self._waiting.index(job) + running if job in self._waiting else 0

    def remove(self, job: Job) -> None:
        """With all its files, also while it runs."""
        with self._changed:
            self._jobs.pop(job.number, None)
            if job in self._waiting:
                self._waiting.remove(job)
            if job.forgetting:
                job.forgetting.cancel()
            _kill(job)
        shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """Ends what runs and deletes everything."""
        with self._changed:
            self._closed = True
            for job in self._jobs.values():
                _kill(job)
            self._changed.notify_all()
        self._worker.join()
        for job in list(self._jobs.values()):
            self.remove(job)

    def _work(self) -> None:
        while job := self._next():
            self._end(job, *self._run(job))

    def _next(self) -> Job | None:
        """The first that waits, running; None = there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            job = self._waiting.popleft()
            job.state = "running"
            with suppress(OSError):  # there may be no room for another process
                job.process = self._started(job)
            return job

    def _started(self, job: Job) -> "subprocess.Popen[str]":
        command = [*self._command, str(job.source), "-o", str(job.folder / "out"), *job.options]
        process = subprocess.Popen(
            command,
            cwd=job.folder,
            env=os.environ | {"PSTMO_PROGRESS": "lines"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        if sys.platform == "linux":
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (self.limits.disk << 20, self.limits.disk << 20))
        return process

    def _run(self, job: Job) -> tuple[State, list[str]]:
        """Until it ends, or its time does; how it ended, and what it told."""
        if job.process is None:
            return "failed", ["found no room for another process on this machine"]
        late = _later(self.limits.minutes, _kill, job)
        with job.process as process:
            listener = threading.Thread(target=_listen, args=[job, process.stderr])
            listener.start()
            assert process.stdout
            told = process.stdout.read().splitlines()
            listener.join()
        in_time = late.is_alive()
        late.cancel()
        if not in_time:
            return "failed", [f"stopped after {self.limits.minutes:g} minutes"]
        if process.returncode != 0:
            return "failed", job.told or [f"it ended without a word (exit code {process.returncode})"]
        return "done", told

    def _end(self, job: Job, state: State, told: list[str]) -> None:
        """Deletes what was uploaded, and what came of it later; at once where the job was removed as it ran."""
        with suppress(OSError):
            job.source.unlink()
        job.told = [line.replace(f"{job.folder}/out/", "").replace(f"{job.folder}/", "") for line in told]
        with self._changed:
            if job.number in self._jobs:
                job.forgetting = _later(self.limits.keep, self.remove, job)
            else:
                shutil.rmtree(job.folder, ignore_errors=True)
            job.state = state


def _later(minutes: float, action: Callable[[Job], None], job: Job) -> threading.Timer:
    timer = threading.Timer(min(60 * minutes, threading.TIMEOUT_MAX), action, [job])
    timer.daemon = True
    timer.start()
    return timer


def _listen(job: Job, stream: Iterable[str]) -> None:
    """To progress, and to the error that a job ends with, which may have several lines."""
    for line in stream:
        progress = _progress(line)
        if progress is not None:
            job.progress = progress
        elif line.startswith(ERROR):
            job.told = [line.removeprefix(ERROR).strip()]
        elif job.told:
            job.told.append(line.strip())


def _progress(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _kill(job: Job) -> None:
    """The process and those that it has started."""
    if job.process and job.process.poll() is None:
        with suppress(OSError):
            os.killpg(job.process.pid, signal.SIGKILL)
