"""Faults on purpose: two runs on one target, memory that is too small, a network that gives no numbers."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL, keypoints

import pstmo
from pstmo import checkpoint
from pstmo.checkpoint import Checkpoint, save
from pstmo.errors import PstmoError
from pstmo.files.atomic import filling, replacing
from pstmo.files.detections import About, DetectionsFile
from pstmo.files.lock import alone
from pstmo.model.stmo import STMO
from pstmo.skeleton import COCO, HUMAN36M
from pstmo.threads import at_once

HOLD = """
import sys
from pathlib import Path
from pstmo.files.lock import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen]:
    """By another process."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_ends_with_its_process(tmp_path: Path):
    with held(tmp_path / "place") as other:
        with pytest.raises(PstmoError, match=r"another run is writing .*place"), alone(tmp_path / "place"):
            pass
        other.kill()
        other.wait()
        with alone(tmp_path / "place"):
            pass


def test_two_runs_do_not_write_one_file(tmp_path: Path):
    path, temporary = tmp_path / "motion.npz", tmp_path / ".motion.partial.npz"
    with held(temporary):
        temporary.write_text("the other's half")
        with pytest.raises(PstmoError, match=f"another run is writing {path}"), replacing(path):
            pass
        assert temporary.read_text() == "the other's half"
    with replacing(path) as mine:
        mine.write_text("whole")
    assert path.read_text() == "whole"


def test_two_runs_do_not_fill_one_folder(tmp_path: Path):
    temporary = tmp_path / ".data.partial"
    temporary.mkdir()
    (temporary / "half").write_text("the other's")
    with held(temporary):
        with pytest.raises(PstmoError, match="another run is writing"), filling(tmp_path / "data", "index"):
            pass
        assert (temporary / "half").exists()
    with filling(tmp_path / "data", "index") as mine:
        assert list(mine.iterdir()) == []
        (mine / "index").write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_two_runs_do_not_look_at_one_video(tmp_path: Path):
    about = About("clip", "eyes", "coco17", (640, 480), 25.0)
    with DetectionsFile(tmp_path / "seen.jsonl", about) as file:
        file.add(0.0, [])
        with pytest.raises(PstmoError, match=r"another run is writing .*seen\.jsonl"):
            DetectionsFile(tmp_path / "seen.jsonl", about)
        file.finish(25.0, None)
    assert (tmp_path / "seen.jsonl").read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("message", ["[enforce fail] DefaultCPUAllocator: can't allocate memory", "CUDA out of memory"])
def test_what_does_not_fit_into_memory_is_done_by_halves(message: str):
    sizes = []

    def work(part: torch.Tensor) -> torch.Tensor:
        if len(part) > 3:
            raise torch.OutOfMemoryError(message) if "CUDA" in message else RuntimeError(message)
        sizes.append(len(part))
        return 2 * part

    parts = [torch.arange(13), torch.arange(2)]
    for found, part in zip(at_once(work, parts), parts, strict=True):
        assert torch.equal(found, 2 * part)
    assert max(sizes) == 3
    pairs = at_once(lambda part: (work(part), part), parts)
    assert torch.equal(pairs[0][0], 2 * pairs[0][1])
    with pytest.raises(RuntimeError, match="shapes"):
        at_once(lambda part: part @ torch.ones(5, 5), parts)


def test_one_window_that_does_not_fit_is_an_error():
    def work(part: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        at_once(work, [torch.arange(4)])


def test_a_network_that_gives_no_numbers_is_named(tmp_path: Path):
    torch.manual_seed(0)
    network = STMO(SMALL)
    with torch.no_grad():
        next(network.centre_head.parameters())[0] = torch.nan
    save(tmp_path / "broken.safetensors", Checkpoint(network, COCO, HUMAN36M, "broken", "person", rate=50.0))
    with pytest.raises(PstmoError, match="broken gave poses that are no numbers"):
        pstmo.load(tmp_path / "broken.safetensors").lift(keypoints(20), mode="exact")
    assert np.isfinite(pstmo.load(checkpoint.DEFAULT).lift(keypoints(5)).positions).all()
