"""What a detector saw is on disk at once, whole lines only, and is gone on with."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pstmo.errors import PstmoError
from pstmo.files import read_people
from pstmo.files.detections import About, DetectionsFile
from pstmo.frame import Frame
from pstmo.people import Detection
from pstmo.skeleton import COCO, Skeleton
from pstmo.video import open_video
from pstmo.watch import watch

ABOUT = About("clip.mp4 1 2", "stand-in", "coco17", (640, 480), 25.0, 700.0)


def people(frame: int) -> list[Detection]:
    """None, one or two."""
    chance = np.random.default_rng(frame)
    return [Detection(frame, chance.uniform(0.1, 400, (17, 3)), 0.5) for _ in range(frame % 3)]


def written(path: Path, frames: int, finish: bool = True) -> Path:
    with DetectionsFile(path, ABOUT) as file:
        for frame in range(file.frames, frames):
            file.add(frame / 25, people(frame))
        if finish and not file.finished:
            file.finish(24.5, None)
    return path


def test_what_is_written_is_read(tmp_path: Path):
    found = read_people(written(tmp_path / "seen.jsonl", 10))
    assert (found.image_size, found.fps, found.focal, found.frames) == ((640, 480), 24.5, 700.0, range(10))
    np.testing.assert_allclose(found.timestamps, np.arange(10) / 25)
    wanted = [person for frame in range(10) for person in people(frame)]
    assert [person.frame for person in found.detections] == [person.frame for person in wanted]
    for one, other in zip(found.detections, wanted, strict=True):
        np.testing.assert_allclose(one.joints, other.joints, atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1))
def test_cut_anywhere_it_goes_on_to_the_same_file(tmp_path_factory: pytest.TempPathFactory, share: float):
    folder = tmp_path_factory.mktemp("cut")
    whole = written(folder / "whole.jsonl", 9).read_bytes()
    cut = folder / "cut.jsonl"
    cut.write_bytes(whole[: round(share * len(whole))])
    assert written(cut, 9).read_bytes() == whole


def test_what_was_seen_until_then_can_be_read(tmp_path: Path):
    path = written(tmp_path / "seen.jsonl", 6, finish=False)
    path.write_bytes(path.read_bytes() + b'{"seconds":0.24,"people":[{"sco')
    assert read_people(path).frames == range(6)


def test_another_video_starts_anew(tmp_path: Path):
    path = written(tmp_path / "seen.jsonl", 6)
    other = About("other.mp4 3 4", *list(ABOUT.__dict__.values())[1:])
    with DetectionsFile(path, other) as file:
        assert (file.frames, file.finished) == (0, False)


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path):
    with pytest.raises(PstmoError, match=r"cannot write .*seen.jsonl: No such file"):
        written(tmp_path / "no/seen.jsonl", 1)


class Counting:
    """Sees a person whose nose tells the picture's number; stops working at one picture."""

    name, skeleton = "counting", COCO

    def __init__(self, stop: int | None = None, settings: str = "", every: int = 1):
        self.stop, self.seen, self.settings, self.every = stop, list[int](), settings, every

    def __call__(self, frames: Iterable[Frame], known: Sequence[Detection] = ()) -> Iterator[list[Detection]]:
        self.known = [person.memory for person in known]
        for frame in frames:
            if frame.number == self.stop:
                raise KeyboardInterrupt
            self.seen.append(frame.number)
            yield [Detection(frame.number, np.full((17, 3), 1.0 + frame.number), 1.0, memory=(frame.number / 3, -1e-9))]


def test_a_detector_that_was_stopped_goes_on_with_the_next_picture(tmp_path: Path, picture_folder: Path):
    path = tmp_path / "seen.jsonl"
    with pytest.raises(KeyboardInterrupt):
        watch(open_video(picture_folder, fps=10), "folder", Counting(stop=3), path)
    again = Counting()
    found = watch(open_video(picture_folder, fps=10), "folder", again, path)
    assert again.seen == [3, 4]
    assert again.known == [(2 / 3, -1e-9)]
    assert [person.joints[0, 0] for person in found.detections] == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(found.timestamps, np.arange(5) / 10)
    third = Counting()
    watch(open_video(picture_folder, fps=10), "folder", third, path)
    assert third.seen == []
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]))  # three frames
    backwards = Counting(every=2)
    watch(open_video(picture_folder, fps=10), "folder", backwards, path)
    assert (backwards.seen, backwards.known) == ([2, 3, 4], [(1 / 3, -1e-9)])
    other = Counting(settings="other weights")
    watch(open_video(picture_folder, fps=10), "folder", other, path)
    assert other.seen == [0, 1, 2, 3, 4]


@pytest.fixture
def picture_folder() -> Path:
    return Path(__file__).parent / "data/people"


def test_the_protocol_names_a_skeleton():
    assert isinstance(Counting.skeleton, Skeleton)
