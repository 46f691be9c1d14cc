"""Videos in: every picture with its own time, upright, from any usual file."""

import gc
import subprocess
import sys
import threading
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from video_files import SIZE, drawn, film, number_of, write

from pstmo.errors import PstmoError, VideoError
from pstmo.video import Video, open_video
from pstmo.video.clock import Clock
from pstmo.video.focal import focal_pixels

WIDTH, HEIGHT = SIZE
MILLISECONDS = Fraction(1, 1000)
SIGNS = list(product((-1, 1), repeat=2))

KINDS = {
    "mp4": {},
    "mkv": {},
    "ts": {},
    "flv": {},
    "mov": {"codec": "mpeg4"},
    "avi": {"codec": "mpeg4"},
    "webm": {"codec": "libvpx"},
    "mpg": {"codec": "mpeg2video", "max_b_frames": 2},
    "m4v": {"options": {"x264-params": "open-gop=1:bframes=3:keyint=20:scenecut=0"}},
    "h264": {},
}


def told(video: Video) -> list[tuple[int, int, float]]:
    """Of each frame: its number, the number its picture tells, and its time in whole milliseconds."""
    return [(frame.number, number_of(frame.image), round(frame.seconds, 3)) for frame in video]


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_comes_with_its_time_from_any_file(tmp_path, kind):
    video = open_video(film(tmp_path / f"clip.{kind}", range(60), **KINDS[kind]))
    assert video.image_size == SIZE
    assert video.fps == pytest.approx(30)
    assert told(video) == [(i, i, pytest.approx(i / 30, abs=0.0011)) for i in range(60)]
    assert video.fps == pytest.approx(30, abs=0.02)
    assert video.problem is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_is_the_same_as_in_the_whole(tmp_path, kind):
    path = film(tmp_path / f"clip.{kind}", range(100), **KINDS[kind])
    whole = list(open_video(path))
    for start, end in ((0, 1), (1.2, 1.3), (1.65, 3.01), (2.5, None), (3.28, 9)):
        wanted = [frame for frame in whole if start <= frame.seconds < (end or 99)]
        part = open_video(path, start, end)
        found = list(part)
        assert [frame.number for frame in found] == list(range(len(wanted)))
        assert [frame.seconds for frame in found] == [frame.seconds for frame in wanted]
        assert all(np.array_equal(a.image, b.image) for a, b in zip(found, wanted, strict=True))
        assert part.problem is None


@pytest.mark.parametrize("kind", ["mp4", "mkv", "mov", "webm"])
def test_variable_rates_keep_their_clock(tmp_path, kind):
    ticks = np.cumsum(np.random.default_rng(0).choice([16, 33, 50, 120], 50)).tolist()
    video = open_video(film(tmp_path / f"clip.{kind}", ticks, base=MILLISECONDS, **KINDS[kind]))
    assert told(video) == [(i, i, pytest.approx((tick - ticks[0]) / 1000)) for i, tick in enumerate(ticks)]
    assert video.fps == pytest.approx(49_000 / (ticks[-1] - ticks[0]))


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
def test_turned_pictures_come_upright(tmp_path, turn, pix_fmt):
    matrix = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)][turn]
    video = open_video(film(tmp_path / "clip.mp4", range(3), matrix=matrix, turn=turn, pix_fmt=pix_fmt))
    assert video.image_size == SIZE
    assert told(video) == [(i, i, pytest.approx(i / 30, abs=0.001)) for i in range(3)]


@pytest.mark.parametrize("matrix", [(i, 0, 0, j) for i, j in SIGNS] + [(0, i, j, 0) for i, j in SIGNS])
def test_each_of_the_eight_display_matrices_moves_pixels_as_it_says(tmp_path, matrix):
    stored = next(iter(open_video(film(tmp_path / "plain.mp4", range(1))))).image
    turned = next(iter(open_video(film(tmp_path / "turned.mp4", range(1), matrix=matrix)))).image
    a, b, c, d = matrix
    y, x = np.indices(stored.shape[:2])
    right, down = a * x + c * y, b * x + d * y
    expected = np.empty_like(turned)
    expected[down - down.min(), right - right.min()] = stored
    assert np.abs(turned.astype(int) - expected).max() <= 8  # colours are stored for 2 x 2 pixels


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "kind"),
    [
        ("libx264", "yuv422p10le", "mp4"),
        ("libx264", "yuvj420p", "mp4"),
        ("ffv1", "yuv444p16le", "mkv"),
        ("ffv1", "bgra", "mkv"),
        ("png", "rgba", "mov"),
        ("gif", "rgb8", "gif"),
    ],
)
def test_unusual_pixels_become_rgb(tmp_path, codec, pix_fmt, kind):
    path = film(tmp_path / f"clip.{kind}", range(5), codec=codec, pix_fmt=pix_fmt, base=Fraction(1, 10))
    video = open_video(path)
    assert told(video) == [(i, i, pytest.approx(i / 10)) for i in range(5)]
    image = next(iter(open_video(path))).image
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.flags.c_contiguous
    assert np.abs(image[::8, ::8].astype(int) - drawn(0)[::8, ::8]).mean() < 8


def test_grey_and_odd_sizes(tmp_path):
    path = write(tmp_path / "clip.mkv", [np.full((21, 35), 90, np.uint8)], codec="ffv1", pix_fmt="gray")
    image = next(iter(open_video(path))).image
    assert image.shape == (21, 35, 3)
    assert np.ptp(image) == 0


def test_pixels_come_square(tmp_path):
    path = film(tmp_path / "clip.mkv", range(3), sample_aspect_ratio=Fraction(4, 3))
    video = open_video(path)
    assert video.image_size == (round(WIDTH * 4 / 3), HEIGHT)
    frames = list(video)
    assert [number_of(frame.image) for frame in frames] == [0, 1, 2]
    assert frames[0].image.shape == (HEIGHT, round(WIDTH * 4 / 3), 3)


def test_one_black_picture(tmp_path):
    video = open_video(write(tmp_path / "black.mp4", [np.zeros((48, 64, 3), np.uint8)]))
    (frame,) = video
    assert (frame.number, frame.seconds, frame.image.max()) == (0, 0, 0)
    assert video.fps == pytest.approx(30)


def test_a_portrait_phone_video_in_4k(tmp_path):
    path = film(
        tmp_path / "phone.mov", range(4), scale=34, turn=1, matrix=(0, 1, -1, 0), options={"preset": "ultrafast"}
    )
    video = open_video(path)
    assert video.image_size == (WIDTH * 34, HEIGHT * 34)
    assert [number for _, number, _ in told(video)] == [0, 1, 2, 3]


def test_a_part_with_no_picture_says_how_long_the_video_is(tmp_path):
    path = film(tmp_path / "clip.mp4", range(30))
    with pytest.raises(VideoError, match=r"no picture from 5 to 6 s; its length is 1 s"):
        list(open_video(path, 5, 6))
    with pytest.raises(VideoError, match="no picture from 5 s on"):
        list(open_video(path, 5))
    for start, end in ((-1, None), (2, 1), (float("nan"), None)):
        with pytest.raises(VideoError, match="expected seconds"):
            open_video(path, start, end)


def test_pictures_are_taken_once(tmp_path):
    video = open_video(film(tmp_path / "clip.mp4", range(2)))
    assert len(list(video)) == 2
    with pytest.raises(PstmoError, match="taken already"):
        iter(video)


def test_frames_to_expect(tmp_path):
    path = film(tmp_path / "clip.mkv", range(60))
    assert open_video(path).frames == 60
    assert open_video(path, 0.5, 1).frames == 15
    assert open_video(path, 1.5).frames == 15
    assert open_video(film(tmp_path / "clip.h264", range(60))).frames is None


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("video")]


def test_closing_early_ends_the_thread(tmp_path):
    path = film(tmp_path / "clip.mp4", range(60))
    for frame in open_video(path):
        assert threads()
        if frame.number == 3:
            break
    gc.collect()
    assert not threads()

    def fails() -> None:
        for _ in open_video(path):
            raise RuntimeError("detector")

    with pytest.raises(RuntimeError, match="detector"):
        fails()
    gc.collect()
    assert not threads()


def python(*line: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *line], check=False, capture_output=True, text=True, timeout=60, **how)


def test_pictures_held_at_exit_do_not_hold_the_program(tmp_path):
    path = film(tmp_path / "clip.mp4", range(60))
    code = f"from pstmo.video import open_video; frames = iter(open_video({str(path)!r})); print(next(frames).number)"
    done = python("-W", "error", "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells the memory in use")
def test_memory_holds_a_few_pictures_only(tmp_path):
    how = {"scale": 12, "matrix": (0, 1, -1, 0), "turn": 1, "options": {"preset": "ultrafast"}}
    path = film(tmp_path / "clip.mp4", range(100), **how)
    code = f"""
import gc, pathlib
from pstmo.video import open_video
gc.disable()
pages = [int(pathlib.Path("/proc/self/statm").read_text().split()[1]) for frame in open_video({str(path)!r})]
print((pages[-1] - pages[30]) * 4 // 1024)
"""
    assert int(python("-c", code).stdout) < 40  # megabytes; seventy pictures as they are stored have 93


def test_standard_input(tmp_path):
    path = film(tmp_path / "clip.mkv", range(10))
    code = "from pstmo.video import open_video; print(len(list(open_video('-', 0.1))))"
    with path.open("rb") as file:
        done = python("-c", code, stdin=file)
    assert (done.stdout, done.stderr) == ("7\n", "")


@given(st.lists(st.none() | st.floats(-1e5, 1e5), min_size=1, max_size=40), st.floats(0.001, 1))
def test_repaired_clocks_rise(times, step):
    clock = Clock(step)
    assert all(a < b for a, b in pairwise([clock(time) for time in times]))


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=40, unique=True).map(sorted))
def test_clocks_that_rise_are_left_alone(times):
    clock = Clock(0.04)
    assert [clock(time) for time in times] == times


def test_how_clocks_are_repaired():
    clock = Clock(0.5)
    assert [clock(time) for time in (10.0, None, 10.5, 12.0, 12.0, 12.5, 3.0, 3.5)] == [
        10,
        10.5,
        10.75,
        12,
        12.25,
        12.5,
        13,
        13.5,
    ]


def test_the_focal_length_that_a_phone_tells(tmp_path):
    tag = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
    plain, path = film(tmp_path / "plain.mp4", range(1)), tmp_path / "phone.mov"
    with av.open(plain) as source, av.open(path, "w", options={"movflags": "use_metadata_tags"}) as copy:
        copy.metadata[tag] = "26"
        stream = copy.add_stream_from_template(source.streams.video[0])
        packet = next(source.demux(video=0))
        packet.stream = stream
        copy.mux(packet)
    assert open_video(path).focal == pytest.approx(26 / 43.267 * np.hypot(*SIZE), rel=1e-4)
    assert open_video(plain).focal is None
    assert focal_pixels({"ExifIFD/FocalLengthIn35mmFilm": "     50"}, (360, 240)) == pytest.approx(500)
    for strange in ("0", "nan", "wide", ""):
        assert focal_pixels({tag: strange}, (360, 240)) is None
