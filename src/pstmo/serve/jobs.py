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
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

if sys.platform == "linux":
    import resource

State = Literal["uploading", "waiting", "running", "done", "failed"]

ENDED = ("done", "failed")


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
    ended: float = 0.0
    process: subprocess.Popen[str] | None = None

    @property
    def results(self) -> dict[str, Path]:
        """Files to be had, by name."""
        return {path.name: path for path in sorted((self.folder / "out").iterdir())} if self.state == "done" else {}


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
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed, timeout=1)
                old = [job for job in self._jobs.values() if job.ended and job.ended < time.monotonic()]
                if self._closed:
                    return
                job = self._waiting.popleft() if self._waiting else None
                if job:
                    job.state = "running"
                    job.process = self._started(job)
            for gone in old:
                self.remove(gone)
            if job:
                self._run(job)

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

    def _run(self, job: Job) -> None:
        """Until it ends, or its time does."""
        assert job.process
        late = threading.Timer(60 * self.limits.minutes, _kill, [job])
        late.start()
        with job.process as process:
            listener = threading.Thread(target=_listen, args=[job, process.stderr])
            listener.start()
            assert process.stdout
            told = process.stdout.read().splitlines()
            listener.join()
        in_time = late.is_alive()
        late.cancel()
        with suppress(OSError):
            job.source.unlink()
        job.ended = time.monotonic() + 60 * self.limits.keep
        if process.returncode != 0:
            told = job.told or [f"it ended without a word (exit code {process.returncode})"]
        if not in_time:
            told = [f"stopped after {self.limits.minutes:g} minutes"]
        job.told = [line.replace(f"{job.folder}/out/", "").replace(f"{job.folder}/", "") for line in told]
        job.state = "failed" if process.returncode else "done"


def _listen(job: Job, stream: Any) -> None:
    """To progress, and to the error that a job ends with."""
    for line in stream:
        with suppress(ValueError):
            job.progress = dict(json.loads(line))
            continue
        if line.startswith("pstmo: error: "):
            job.told = [line.removeprefix("pstmo: error: ").strip()]


def _kill(job: Job) -> None:
    """The process and those that it has started."""
    if job.process and job.process.poll() is None:
        with suppress(OSError):
            os.killpg(job.process.pid, signal.SIGKILL)
