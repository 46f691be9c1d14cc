"""Damaged videos give what can be read; what is no video says what it is."""

import logging
import socket
import struct
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from video_files import drawn, film, number_of, picture, sound, write

from pstmo.errors import VideoError
from pstmo.video import open_video, reading

FACTS_FIRST = {"container": {"movflags": "faststart"}}
"""An MP4 whose table of contents comes first."""


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


@pytest.mark.parametrize(
    ("kind", "how"),
    [("mkv", {}), ("mp4", FACTS_FIRST), ("avi", {"codec": "mpeg4"}), ("flv", {}), ("webm", {"codec": "libvpx"})],
)
def test_a_cut_file_gives_what_is_left_and_says_so(tmp_path, caplog, kind, how):
    path = cut(film(tmp_path / f"clip.{kind}", range(100), **how), 0.6)
    video = open_video(path)
    with caplog.at_level(logging.WARNING, "pstmo"):
        frames = list(video)
    assert 15 < len(frames) < 90
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert [number_of(frame.image) for frame in frames[:-2]] == list(range(len(frames) - 2))  # the last may be damaged
    assert video.problem
    assert caplog.messages == [f"{path}: {video.problem}"]


def test_a_cut_transport_stream_is_a_shorter_one(tmp_path):
    whole = film(tmp_path / "clip.ts", range(100))
    frames = list(open_video(cut(whole, 0.6)))
    assert [number_of(frame.image) for frame in frames[:-2]] == list(range(len(frames) - 2))
    assert len(frames) > 40


def test_noise_in_the_middle_leaves_a_gap_in_the_time(tmp_path):
    path = film(tmp_path / "clip.mp4", range(100))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = np.random.default_rng(0).bytes(300)
    path.write_bytes(content)
    video = open_video(path)
    frames = list(video)
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert 80 < len(frames) < 100
    assert [round(frame.seconds * 30) for frame in frames if number_of(frame.image) == 99] == [99]
    assert "lost" in str(video.problem)


@pytest.mark.parametrize("share", [0.7, 0.8, 0.9])
def test_no_picture_is_lost_to_threads(tmp_path, share):
    """The last pictures before the cut are there, though FFmpeg's threads still held them."""
    path = film(tmp_path / "clip.mp4", range(100), max_b_frames=0, **FACTS_FIRST)
    packets = table(path)
    frames = list(open_video(cut(path, share)))
    whole = sum(end <= path.stat().st_size for end in packets)
    assert len(frames) in (whole, whole + 1)  # the one that was cut may be shown in part


def table(path: Path) -> list[int]:
    """Where each picture's bytes end."""
    with av.open(path) as container:
        return [packet.pos + packet.size for packet in container.demux(video=0) if packet.pos is not None]


def test_a_picture_of_another_shape_ends_the_video(tmp_path):
    small, large = (film(tmp_path / f"{scale}.h264", range(20), scale=scale) for scale in (1, 2))
    tall = write(tmp_path / "tall.h264", [np.zeros((64, 48, 3), np.uint8)] * 5, range(5))
    joined = tmp_path / "joined.h264"
    joined.write_bytes(small.read_bytes() + large.read_bytes() + tall.read_bytes())
    video = open_video(joined)
    frames = list(video)
    assert [number_of(frame.image) for frame in frames] == [*range(20), *range(20)]
    assert {frame.image.shape for frame in frames} == {drawn(0).shape}
    assert video.problem == "reading stopped, as the picture changes from 128 x 48 to 48 x 64 pixels"


def test_recordings_joined_have_one_clock(tmp_path):
    one, two = film(tmp_path / "one.ts", range(60)), film(tmp_path / "two.ts", range(60))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one.read_bytes() + two.read_bytes())
    frames = list(open_video(joined))
    assert [number_of(frame.image) for frame in frames] == [*range(60), *range(60)]
    assert np.diff([frame.seconds for frame in frames]) == pytest.approx(1 / 30, abs=0.002)


def nothing(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def text(path: Path) -> Path:
    path.write_text("not a video\n" * 100)
    return path


def subtitles(path: Path) -> Path:
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n\n" * 3)
    return path


def noise(path: Path) -> Path:
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    return path


def unknown_codec(path: Path) -> Path:
    film(path, range(5))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz9"))
    return path


def cut_short(path: Path) -> Path:
    return cut(film(path, range(50)), 0.8)


def bomb(path: Path) -> Path:
    """60,000 x 60,000 pixels in 10 kB."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000_000))
    content = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


@pytest.mark.parametrize(
    ("name", "make", "found"),
    [
        ("clip.mp4", nothing, "found an empty file"),
        ("clip.mp4", text, "found nothing that FFmpeg can read"),
        ("notes.txt", text, r"found text \(ansi\)"),
        ("clip.mp4", noise, "found nothing that FFmpeg can read"),
        ("clip.mp4", cut_short, "found nothing that FFmpeg can read"),
        ("clip.srt", subtitles, r"found subtitle \(srt\) in SubRip subtitle"),
        ("sound.wav", sound, r"found audio \(pcm_s16le\) in WAV"),
        ("sound.m4a", sound, r"found audio \(aac\) in QuickTime"),
        ("clip.mp4", unknown_codec, "codec that this FFmpeg does not have"),
        ("large.png", bomb, r"found video \(png\) without a picture"),
    ],
)
def test_what_is_no_video_says_what_it_is(tmp_path, name, make, found):
    path = make(tmp_path / name)
    with pytest.raises(VideoError, match=found) as told:
        open_video(path)
    assert str(told.value).startswith(f"{path}: ")
    assert "expected" in str(told.value)


def test_a_cover_is_no_video(tmp_path):
    """An MP3 with a picture of its singer."""
    cover = picture(tmp_path / "cover.jpg", drawn(0)).read_bytes()
    content = b"\0image/jpeg\0\3\0" + cover
    tag = b"APIC" + struct.pack(">I", len(content)) + b"\0\0" + content
    size = bytes(len(tag) >> shift & 127 for shift in (21, 14, 7, 0))
    path = tmp_path / "song.mp3"
    path.write_bytes(b"ID3\3\0\0" + size + tag + (b"\xff\xfb\x10\xc4" + bytes(100)) * 50)
    with pytest.raises(VideoError, match=r"found audio \(mp3.*\), cover picture \(mjpeg\)"):
        open_video(path)


def test_what_is_not_there(tmp_path):
    with pytest.raises(VideoError, match="there is no such file"):
        open_video(tmp_path / "nowhere.mp4")
    with pytest.raises(VideoError, match="clock of its own"):
        open_video(film(tmp_path / "clip.mp4", range(2)), fps=30)


def test_names_may_look_like_anything(tmp_path):
    for name in ("a:b.mp4", "50%d.mp4", "é ü.mp4", "-.mp4"):
        assert len(list(open_video(film(Path(tmp_path / name), range(3))))) == 3


def test_an_address_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(reading, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/clip.mp4"
        with pytest.raises(VideoError, match="found nothing that FFmpeg can read"):
            open_video(address)


def test_a_file_leads_to_no_other_file(tmp_path: Path):
    film(tmp_path / "secret.mp4", range(3))
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    with pytest.raises(VideoError, match=r"list\.mp4: found nothing that FFmpeg can read"):
        open_video(tmp_path / "list.mp4")
