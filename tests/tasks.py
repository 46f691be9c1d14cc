"""Processes of one training as SLURM's srun starts them, forked from one that has imported everything: quick."""

import multiprocessing
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from pstmo.cli import main
from pstmo.training import engine

QUIET = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["pstmo.train", "lightning_fabric", "torch.utils.tensorboard", "matplotlib.pyplot"])
_jobs = count()


class Task(NamedTuple):
    process: BaseProcess
    errors: Path

    def end(self) -> tuple[int | None, str]:
        """Waits for it; gives its exit code and the last line on standard error."""
        self.process.join()
        return self.process.exitcode, self.said().splitlines()[-1] if self.said() else ""

    def said(self) -> str:
        return self.errors.read_text()


def started(calls: Sequence[str], folder: Path, silence: float = 60.0) -> list[Task]:
    """A task on a machine of its own for each call of pstmo. silence: seconds that they wait for each other."""
    job = next(_jobs)
    slurm = {"NTASKS": len(calls), "NNODES": len(calls), "NTASKS_PER_NODE": 1, "LOCALID": 0, "NODELIST": "localhost"}
    slurm |= {"JOB_NAME": "training", "JOB_ID": 10 * os.getpid() + job % 10}  # of which the port is made
    tasks = []
    for rank, call in enumerate(calls):
        errors = folder / f"errors-{job}-{rank}"
        errors.touch()
        told = {f"SLURM_{name}": str(value) for name, value in (slurm | {"PROCID": rank, "NODEID": rank}).items()}
        tasks.append(Task(_server.Process(target=_work, args=(call, told, errors, silence)), errors))
        with patch.dict(os.environ, QUIET):  # the server starts with the first of them
            tasks[-1].process.start()
    return tasks


def _work(call: str, environment: dict[str, str], errors: Path, silence: float) -> None:
    with errors.open("w") as file:
        os.dup2(file.fileno(), 2)
    os.environ.update(environment)
    engine.SILENCE = timedelta(seconds=silence)
    sys.argv = ["pstmo", *call.split()]
    main()
