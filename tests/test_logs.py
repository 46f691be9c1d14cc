"""What a run tells on its way."""

import re
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pstmo.presets import Optimisation
from pstmo.training.logs import Logs
from pstmo.training.state import Position


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("columns", "told"), [(80, 1), (120, 3)])
def test_a_terminal_shows_progress_and_time_left(
    columns: int, told: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """However narrow it is; of the rest what there is room for. A run that goes on begins where it stopped."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    position = Position([{"epoch": epoch, "validation": 123.456} for epoch in range(12)], step=20)
    lines = StringIO()
    screen = Console(width=columns, file=lines)
    with Logs(tmp_path / "finetune", Optimisation(epochs=50), 1000, position, True) as logs:
        screen.print(logs._bar.get_renderable())
        position.step += 20
        logs.block([0.0512] * 20, 0.5)
        screen.print(logs._bar.get_renderable())
    begin, text = lines.getvalue().splitlines()
    assert re.match(r"finetune [━╸╺ ]+ 12020/50000 [\d:-]{7} ", begin), begin
    assert re.match(r"finetune [━╸╺ ]+ 12040/50000 [\d:-]{7} epoch 13/50, ", text), text
    facts = ("validation 123.5 (best 123", "loss 0.0512", "6400 windows/s")
    assert [fact in text for fact in facts] == [place < told for place in range(3)], text
