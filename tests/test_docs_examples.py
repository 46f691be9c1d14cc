"""The tutorial, the how-tos and the README's examples do what they say: run as a reader runs them, top to bottom.

Their video is a second of the sample's. What takes longer, and every other page: runs/docs_commands.py.
"""

import io
import re
import shutil
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from conftest import keypoints
from doc_pages import ROOT, blocks, calls, lines

from pstmo.cli import main
from pstmo.files import read_motion, read_people
from pstmo.motions import read_motions
from pstmo.samples import VIDEO

SKIPPED = r"pip |pstmo live 0"
"""Lines that are not run here: installing, and a camera."""

LONG, QUICK = "finetune.epochs=10", "finetune.epochs=1 finetune.batch=4 finetune.epoch_windows=8"


def cut(source: Path, path: Path, first: int, frames: int) -> None:
    """A part of a video."""
    with av.open(str(source)) as whole, av.open(str(path), "w") as part:
        seen = whole.streams.video[0]
        stream: Any = part.add_stream("libx264", seen.average_rate, width=seen.width, height=seen.height)
        for number, picture in enumerate(whole.decode(seen)):
            picture.pts, picture.time_base = number - first, 1 / seen.average_rate
            if first <= number < first + frames:
                part.mux(stream.encode(picture))
        part.mux(stream.encode(None))


def run(words: list[str], given: str = "") -> str:
    """What a call prints; given: on its standard input."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(sys, "argv", words)
        patch.setattr(sys, "stdin", io.StringIO(given))
        main()
    return said.getvalue()


def follow(name: str, known: dict[str, Any] | None = None) -> int:
    """Does what a page says, block by block, here. known: names that its examples take for granted. Gives the number
    of commands and examples."""
    known, done = dict(known or {}), 0
    for block in blocks(ROOT / name):
        if block.language == "python":
            if named := re.match(r"# (\w+\.py)\n", block.text):
                Path(named[1]).write_text(block.text)
            exec(compile(block.text, name, "exec"), known)
            done += 1
        for line in lines(block):
            if not re.match(SKIPPED, line):
                follow_line(line)
                done += 1
    return done


def follow_line(line: str) -> None:
    said = ""
    for call in calls("", line.replace(LONG, QUICK)):
        if call.words[0] == "python" and call.words[1].endswith(".py"):
            with redirect_stdout(io.StringIO()) as printed:
                exec(compile(Path(call.words[1]).read_text(), call.words[1], "exec"), {})
            said = printed.getvalue()
        else:
            said = run(list(call.words), said)
    if target := re.search(r"> (\S+)$", line):
        Path(target[1]).write_text(said)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With video.mp4, a second with two people in it."""
    folder = tmp_path_factory.mktemp("studio")
    cut(VIDEO, folder / "video.mp4", 60, 30)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(["pstmo", "lift", "video.mp4", "-o", "out"])
    for other in ("one", "everybody", "clean", "tuned"):  # what was seen is the same: once is enough
        (folder / other).mkdir()
        shutil.copy(folder / "out/detections.jsonl", folder / other)
    return folder


@pytest.fixture(autouse=True)
def here(studio: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(studio)


def test_the_tutorial():
    assert follow("docs/tutorial.md") > 12
    assert len(read_motions("both.c3d")) == 2
    assert read_motion("clean/motion.npz").fit is not None
    for name in ("out/motion.bvh", "out/motion.glb", "out/motion.trc", "film.mp4", "moments.png"):
        assert Path(name).stat().st_size > 5000


def test_ones_own_detector():
    assert follow("docs/howto/detector.md") == 6
    motion = read_motion("closer/motion-1.npz")
    assert motion.observed.mean() > 0.8
    assert read_motion("lifted/motion.npz").frames == 30
    seen, whole = motion.keypoints, read_motion("out/motion.npz").keypoints
    assert seen is not None
    assert whole is not None
    assert np.nanmedian(np.linalg.norm(seen.xy - whole.xy, axis=-1)) < 10  # in the whole picture, as the other run


def test_live():
    with redirect_stdout(io.StringIO()):
        assert follow("docs/howto/live.md") == 5
    assert len(Path("poses.jsonl").read_text().splitlines()) == 1 + 60
    assert len(Path("late.jsonl").read_text().splitlines()) == 1 + 30


def test_fine_tuning():
    assert follow("docs/howto/fine-tune.md") == 7
    assert read_motion("tuned/motion.npz").poses.model == "tuned"


def test_motion_files():
    assert follow("docs/motion-files.md") == 5
    assert Path("both.glb").exists()


def test_examples_of_the_readme():
    walker = keypoints(frames=30)
    known = {"xy": walker.xy, "score": walker.confidence, "frames": list(zip(walker.times, walker.xy, strict=True))}
    for block in blocks(ROOT / "README.md"):
        if block.language == "python":
            exec(compile(block.text, "README.md", "exec"), known)
    assert known["poses"].positions.shape == (30, 17, 3)
    assert known["pose"].positions.shape == (17, 3)


@pytest.mark.parametrize("name", ["fitting", "tracking", "video", "world"])
def test_examples_of_how_it_works(name: str):
    motion, people = read_motion("out/motion.npz"), read_people("out/detections.jsonl")
    known = {"motion": motion, "poses": motion.poses, "keypoints": motion.keypoints, "people": people, "seconds": 0.0}
    known["detections"] = [found for found in people.detections if found.frame == 0]
    Path("walk.mp4").write_bytes((VIDEO).read_bytes())
    for block in blocks(ROOT / f"docs/{name}.md"):
        if block.language == "python":
            exec(compile(block.text, name, "exec"), known)
