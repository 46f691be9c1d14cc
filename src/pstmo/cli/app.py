"""The app that commands register with. Each is a function: its parameters are the options, its docstring the help."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from pstmo.errors import PstmoError, Stopped

app = tyro.extras.SubcommandApp()

Out = Annotated[Path, arg(aliases=["-o"])]


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def logged(*names: str) -> Iterator[list[str]]:
    """Lists what the library logs under those names, to be printed once all has gone well."""
    loggers, handler = [logging.getLogger(name) for name in names], _Kept()
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


def main() -> None:
    """Runs a command; a mistake in its input is one line on standard error and exit code 2.

    Threads of PyTorch that wait for others sleep: spinning, as they do by default, they take the time of the one they
    wait for as soon as anything else runs on the machine.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when PyTorch is imported
    if sys.argv[1:] == ["--version"]:
        print(f"pstmo {version('pstmo')}")
        return
    try:
        app.cli(
            prog="pstmo",
            description="A video of people, or keypoints, in; 3D motion out (P-STMO, ECCV 2022).",
            config=(tyro.conf.OmitSubcommandPrefixes,),
        )
    except Stopped as error:
        print(f"pstmo: {error}", file=sys.stderr)
        sys.exit(128 + error.number)
    except PstmoError as error:
        print(f"pstmo: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("pstmo: interrupted", file=sys.stderr)
        sys.exit(130)
