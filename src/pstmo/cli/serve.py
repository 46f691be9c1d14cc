"""`pstmo serve`: a page on this machine to try it."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from pstmo.cli.app import app
from pstmo.errors import PstmoError
from pstmo.extras import extra
from pstmo.serve.jobs import Jobs, Limits

if TYPE_CHECKING:
    import socket

LIMITS = Limits()

PATIENCE = 2
"""Seconds that uploads under way still have when the server is asked to end."""


@app.command
def serve(host: str = "127.0.0.1", port: int = 8000, limits: Annotated[Limits, arg(name="")] = LIMITS) -> None:
    """Open a page where one drops a video, or keypoints, and gets the motion: to look at, and as files.

    Args:
        host: Address to listen on. Beyond this machine, such as 0.0.0.0, a token is needed; it is printed.
        port: To listen on; 0 = one that is free.
        limits: What is taken.
    """
    import secrets

    extra("fastapi", "serve")
    uvicorn = extra("uvicorn", "serve")
    from pstmo.serve.app import create
    from pstmo.serve.guard import LOOPBACK

    _end_in_order()
    token = None if host in LOOPBACK else secrets.token_urlsafe(24)
    with _listening(host, port) as listening, TemporaryDirectory(prefix="pstmo-") as folder:
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listening.getsockname()[1]}/" + (f"?token={token}" if token else "")
        jobs = Jobs(Path(folder), limits)
        try:
            print(f"{address}  drop a video there; Ctrl-C ends it", flush=True)
            how = {"log_level": "warning", "server_header": False, "timeout_graceful_shutdown": PATIENCE}
            uvicorn.Server(uvicorn.Config(create(jobs, token), **how)).run(sockets=[listening])
        except KeyboardInterrupt:  # uvicorn has ended in order, and passes it on
            pass
        finally:
            jobs.close()


def _end_in_order() -> None:
    """Also when asked to by another process or when the terminal closes: what was uploaded must not stay behind."""
    import signal

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _listening(host: str, port: int) -> "socket.socket":
    """Where clients can connect. Raises PstmoError."""
    import socket

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen()  # whoever reads the address may come at once
        return found
    except (OSError, OverflowError) as error:
        raise PstmoError(f"cannot listen on {host}, port {port}: {error}") from None
