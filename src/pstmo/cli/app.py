"""The app that commands register with. Each is a function: its parameters are the options, its docstring the help."""

import os
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from pstmo.errors import Lost, PstmoError, Stopped
from pstmo.logged import logged

app = tyro.extras.SubcommandApp()

TRY_AGAIN = 75
"""Exit code of a run that lost a process: EX_TEMPFAIL of sysexits.h."""

__all__ = ["Out", "app", "logged", "main"]

Out = Annotated[Path, arg(aliases=["-o"])]


def main() -> None:
    """Runs a command; a mistake in its input is one line on standard error and exit code 2, a lost process 75.

    Threads of PyTorch that wait for others sleep: spinning, as they do by default, they take the time of the one they
    wait for as soon as anything else runs on the machine.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when PyTorch is imported
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # names of files may be no text
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
    except Lost as error:
        print(f"pstmo: {error}", file=sys.stderr)
        sys.exit(TRY_AGAIN)
    except PstmoError as error:
        print(f"pstmo: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("pstmo: interrupted", file=sys.stderr)
        sys.exit(130)
