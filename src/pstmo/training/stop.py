"""SIGTERM and Ctrl-C end a run after the step that it is in, and its state is saved."""

import signal
import threading
from types import FrameType, TracebackType

import torch

from pstmo.errors import Stopped
from pstmo.training.engine import Engine

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Within its block these signals only set a flag; a second Ctrl-C interrupts at once."""

    def __init__(self) -> None:
        self._signal: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = number

    def now(self, engine: Engine) -> bool:
        """Whether to stop after this very step; several processes have to agree first, see `asked`."""
        return self._signal is not None and engine.processes == 1

    def asked(self, engine: Engine) -> bool:
        """Whether any process was asked to stop; all of them must ask together."""
        flag = torch.tensor(float(self._signal or 0), device=engine.device)
        found = int(engine.sum(flag).item())
        if found and self._signal is None:
            self._signal = signal.SIGTERM
        return found > 0

    def error(self, place: str) -> Stopped:
        name = signal.Signals(self._signal or signal.SIGTERM).name
        return Stopped(f"stopped by {name} in {place}; the same command goes on from there", int(self._signal or 0))
