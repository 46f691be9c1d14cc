"""A camera: its newest picture, whoever is slow; played by a stand-in, as few machines that test have one."""

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from test_live import keypoints

from pstmo.cli import main
from pstmo.errors import PstmoError, VideoError
from pstmo.video import Camera


class Capture:
    """OpenCV's, of a camera that gives numbered pictures (blue, green, red), ten milliseconds apart."""

    fps, broken = 0.0, False

    def __init__(self, number: int, pictures: int = 30):
        self.left = pictures if number == 0 else 0
        self.taken = 0
        self.released = False
        Capture.last = self

    def read(self) -> tuple[bool, np.ndarray | None]:
        if self.taken == self.left:
            if Capture.broken:
                raise RuntimeError("OpenCV has no more")
            return False, None
        time.sleep(0.01)
        self.taken += 1
        return True, np.full((48, 64, 3), (self.taken, 100, 200), np.uint8)

    def get(self, what: int) -> float:
        return self.fps if what == 5 else -1.0

    def release(self) -> None:
        self.released = True


@pytest.fixture(autouse=True)
def opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = SimpleNamespace(VideoCapture=Capture, CAP_PROP_FPS=5, setLogLevel=lambda level: None)
    monkeypatch.setitem(sys.modules, "cv2", stand_in)


def test_pictures_come_in_order_with_rising_times_in_red_green_blue():
    camera = Camera(0)
    assert (camera.image_size, camera.fps) == ((64, 48), 30.0)
    frames = list(camera)
    numbers = [int(frame.image[0, 0, 2]) for frame in frames]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 30
    assert frames[0].image[0, 0, :2].tolist() == [200, 100]
    assert (np.diff([frame.seconds for frame in frames]) > 0).all()
    assert Capture.last.released


def test_who_is_slow_misses_pictures_and_never_falls_behind():
    frames, numbers = iter(Camera(0)), []
    while numbers[-1:] != [30]:
        there = Capture.last.taken
        numbers.append(int(next(frames).image[0, 0, 2]))
        assert numbers[-1] >= there - 1  # the last may be on its way
        time.sleep(0.05)
    assert len(numbers) < 30
    assert next(frames, None) is None


@pytest.mark.parametrize("told", [0.0, -1.0, float("nan"), 1e6])
def test_a_camera_that_tells_no_rate_has_a_usual_one(monkeypatch: pytest.MonkeyPatch, told: float):
    monkeypatch.setattr(Capture, "fps", told)
    assert Camera(0).fps == 30
    monkeypatch.setattr(Capture, "fps", 15.0)
    assert Camera(0).fps == 15


def test_a_camera_that_fails_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Capture, "broken", True)
    frames = list(Camera(0))
    assert int(frames[-1].image[0, 0, 2]) == 30
    assert Capture.last.released


def test_leaving_early_gives_the_camera_back():
    frames = iter(Camera(0))
    next(frames)
    frames.close()
    assert Capture.last.released


def test_a_camera_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(VideoError, match="camera 3: found none that gives a picture"):
        Camera(3)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(PstmoError, match=r"pip install 'pstmo\[camera\]'"):
        Camera(0)


def test_live_takes_a_camera(small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """One who sees the same person in every picture looks; a pose comes for each."""
    joints = np.concatenate([keypoints(1).xy[0], np.ones((17, 1))], 1)

    class Eyes:
        name, settings, skeleton = "stand-in", "", keypoints(1).skeleton

        def __call__(self, frames):
            for frame in frames:
                yield [SimpleNamespace(joints=joints)] if frame.number % 2 == 0 else []

    monkeypatch.setattr("pstmo.detect.detector", lambda *_, **__: Eyes())
    monkeypatch.setattr(sys, "argv", ["pstmo", "live", "0", "-w", str(small_checkpoint)])
    main()
    head, *poses = map(json.loads, capsys.readouterr().out.splitlines())
    assert head["joints"][0] == "hip"
    assert 1 < len(poses) <= 30
    assert [pose["observed"] for pose in poses] == [i % 2 == 0 for i in range(len(poses))]
