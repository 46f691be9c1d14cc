"""Folders of pictures as videos."""

from pathlib import Path

import pytest
from video_files import SIZE, drawn, number_of, picture

from pstmo.errors import VideoError
from pstmo.video import Video, open_video


def told(video: Video) -> list[tuple[int, int, float]]:
    """Of each frame: its number, the number its picture tells, and its time."""
    return [(frame.number, number_of(frame.image), frame.seconds) for frame in video]


def folder_of(path: Path, names: list[str], suffix: str = ".png") -> Path:
    path.mkdir()
    for number, name in enumerate(names):
        picture(path / f"{name}{suffix}", drawn(number))
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_folder_of_pictures(tmp_path, suffix):
    folder = folder_of(tmp_path / "pictures", ["f1", "f2", "f10", "f11", "g0"], suffix)
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".f0.png").write_text("nor this")
    video = open_video(folder, fps=10)
    assert (video.image_size, video.fps, video.frames, video.duration) == (SIZE, 10, 5, 0.5)
    assert told(video) == [(i, i, i / 10) for i in range(5)]
    assert video.fps == pytest.approx(10)
    assert told(open_video(folder, 0.2, 0.4, fps=10)) == [(0, 2, 0.2), (1, 3, 0.3)]


def test_what_a_folder_lacks(tmp_path):
    folder = folder_of(tmp_path / "pictures", ["1", "2", "3"])
    with pytest.raises(VideoError, match="no clock: give frames per second"):
        open_video(folder)
    for rate in (0, -1, float("nan"), float("inf")):
        with pytest.raises(VideoError, match="frame rate"):
            open_video(folder, fps=rate)
    (folder / "2.png").write_bytes(b"no picture")
    video = open_video(folder, fps=10)
    assert told(video) == [(0, 0, 0), (1, 2, 0.2)]
    assert video.problem == "pictures lost, as they could not be decoded: 1"
    picture(folder / "4.png", drawn(0, scale=2))
    with pytest.raises(VideoError, match=r"4\.png: found a picture of 256 x 96 pixels, expected 128 x 48"):
        list(open_video(folder, fps=10))
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoError, match=r"no pictures \(nothing\)"):
        open_video(tmp_path / "empty", fps=10)
