"""Films and contact sheets are real files: read back, they have the frames, times, sizes and pictures they should."""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from motions import FPS, standing

pytest.importorskip("aggdraw")
import av
from PIL import Image
from video_files import SIZE, film, number_of, write

from pstmo.errors import PstmoError, VideoError
from pstmo.files import read_motion, write_motion
from pstmo.motion import Motion
from pstmo.options import Rendering
from pstmo.render import render
from pstmo.render.layout import layout_of
from pstmo.render.recording import log_to_rerun
from pstmo.samples import VIDEO
from pstmo.sequence import Keypoints

BASE = Fraction(1, 25)
MILLISECONDS = Fraction(1, 1000)
USUAL = (1280, 720)


def frames_of(path: Path) -> list[tuple[float, np.ndarray]]:
    """Times in seconds, and pixels."""
    with av.open(path) as file:
        stream = file.streams.video[0]
        assert stream.time_base is not None
        return [
            (float(frame.pts * stream.time_base), frame.to_ndarray(format="rgb24")) for frame in file.decode(stream)
        ]


def picture_in(pixels: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """The left part, as it was laid out."""
    layout = layout_of(image_size, (pixels.shape[1], pixels.shape[0]), USUAL)
    (x, y), (width, height) = layout.place, layout.picture
    return pixels[y : y + height, x : x + width]


def unseen(motion: Motion) -> Motion:
    """Without keypoints over the picture."""
    assert motion.keypoints is not None
    nothing = np.full_like(motion.keypoints.xy, np.nan)
    confidence = np.zeros_like(motion.keypoints.confidence)
    return replace(motion, keypoints=replace(motion.keypoints, xy=nothing, confidence=confidence))


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("irregular", [False, True])
def test_mp4_has_the_pictures_and_the_times_of_the_source(tmp_path, turn, irregular):
    matrix = (0, 1, -1, 0) if turn else None
    gaps = np.random.default_rng(0).choice([16, 33, 50, 120], 30) if irregular else np.full(30, 40)
    ticks = np.cumsum(gaps) - gaps[0]
    source = film(tmp_path / "in.mp4", ticks.tolist(), scale=4, base=MILLISECONDS, turn=turn, matrix=matrix)
    times = ticks / 1000
    size = (SIZE[0] * 4, SIZE[1] * 4)
    people = [unseen(standing(30, size, times=times))]
    render(tmp_path / "out.mp4", people, source, Rendering(size=(480, 180)))
    found = frames_of(tmp_path / "out.mp4")
    assert [time for time, _ in found] == pytest.approx(times.tolist(), abs=0.001)
    assert [number_of(picture_in(pixels, size)) for _, pixels in found] == list(range(30))
    with av.open(tmp_path / "out.mp4") as file:
        context = file.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.width % 2, context.height % 2) == ("h264", "yuv420p", 0, 0)
        assert context.colorspace == 1


def test_a_part_begins_at_zero_and_has_the_pictures_of_that_part(tmp_path):
    source = film(tmp_path / "in.mp4", range(100), scale=2, base=BASE)
    size = (SIZE[0] * 2, SIZE[1] * 2)
    people = [unseen(standing(100, size))]
    render(tmp_path / "out.mp4", people, source, Rendering(start=2.4, end=3.0, size=(480, 180)))
    found = frames_of(tmp_path / "out.mp4")
    assert [time for time, _ in found] == pytest.approx(np.arange(15) / FPS, abs=0.001)
    assert [number_of(picture_in(pixels, size)) for _, pixels in found] == list(range(60, 75))


def test_colours_and_keypoints_survive_the_film(tmp_path):
    ground = np.full((240, 320, 3), (60, 120, 60), np.uint8)
    source = write(tmp_path / "in.mkv", [ground] * 10, range(10), base=BASE, codec="ffv1", pix_fmt="bgr0")
    motion = standing(10, (640, 480))  # twice the picture's size, as from a detector on a larger copy
    render(tmp_path / "out.mp4", [motion], source, Rendering(size=(801, 401)))
    found = frames_of(tmp_path / "out.mp4")
    assert len(found) == 10
    assert motion.keypoints is not None
    for frame, (_, pixels) in enumerate(found):
        assert pixels.shape == (400, 800, 3)
        picture = picture_in(pixels, (640, 480))
        assert np.abs(picture[-40:-20, -40:-20].astype(int) - (60, 120, 60)).max() < 6
        wrists = [motion.keypoints.skeleton.index(f"{side}_wrist") for side in ("left", "right")]
        places = motion.keypoints.xy[frame, wrists] * picture.shape[1] / 640
        left, right = (picture[round(y - 0.5), round(x - 0.5)].astype(int) for x, y in places.tolist())
        assert left[0] > left[2] + 80
        assert right[2] > right[0] + 80


def test_gifs_have_fewer_frames_and_their_true_times(tmp_path):
    times = np.arange(30) / 30
    motion = standing(30, (160, 120), times=times)
    render(tmp_path / "out.gif", [motion, standing(30, (160, 120), person=2, times=times, aside=1.0)])
    with Image.open(tmp_path / "out.gif") as gif:
        assert gif.n_frames == 15
        assert gif.size == (640, 274)
        durations = []
        for number in range(gif.n_frames):
            gif.seek(number)
            durations.append(gif.info["duration"])
        assert np.cumsum(durations)[:-1] == pytest.approx(1000 * times[2::2], abs=5.1)
        assert 20 <= durations[-1] <= 100
        assert len(np.unique(np.asarray(gif.convert("RGB")).reshape(-1, 3), axis=0)) > 50


def test_contact_sheets_show_moments_row_by_row(tmp_path):
    source = film(tmp_path / "in.mp4", range(50), scale=2, base=BASE)
    size = (SIZE[0] * 2, SIZE[1] * 2)
    people = [unseen(standing(50, size))]
    render(tmp_path / "out.png", people, source, Rendering(moments=4, size=(400, 110)))
    with Image.open(tmp_path / "out.png") as image:
        sheet = np.asarray(image)
    assert sheet.shape == (4 * 118 + 8, 416, 3)
    cells = [sheet[8 + 118 * row :][:110, 8:408] for row in range(4)]
    assert [number_of(picture_in(cell, size)) for cell in cells] == [0, 16, 33, 49]
    render(tmp_path / "few.png", [standing(2)], None, Rendering(size=(200, 90)))
    with Image.open(tmp_path / "few.png") as image:
        assert image.size == (216, 2 * 98 + 8)


def test_without_keypoints_and_video_figures_have_all_the_room(tmp_path):
    poses = replace(standing(8), keypoints=None)
    render(tmp_path / "out.mp4", [poses], None, Rendering(size=(200, 100), view="side"))
    found = frames_of(tmp_path / "out.mp4")
    assert (len(found), found[0][1].shape) == (8, (100, 200, 3))
    with pytest.raises(PstmoError, match="found no keypoints to lay over"):
        render(tmp_path / "out.mp4", [poses], "in.mp4")


def test_videos_that_do_not_fit_leave_what_was_there(tmp_path):
    size = (SIZE[0] * 2, SIZE[1] * 2)
    out = tmp_path / "out.mp4"
    out.write_text("before")
    short = film(tmp_path / "short.mp4", range(20), scale=2, base=BASE)
    timeless = film(tmp_path / "short.h264", range(20), scale=2, base=BASE)  # does not tell how long it is
    for source in (short, timeless):
        with pytest.raises(VideoError, match=r"found pictures until 0\.\d+ s, expected one at (0.84|1.96) s"):
            render(out, [standing(50, size)], source)
    with pytest.raises(VideoError, match=r"256 x 96 pixels, expected the shape .* 640 x 480"):
        render(out, [standing(20)], short)
    with pytest.raises(PstmoError, match=r"expected a name that ends with .mp4, .gif, .png"):
        render(tmp_path / "out.avi", [standing()])
    with pytest.raises(PstmoError, match="found 0 moments for a contact sheet, expected 1 to 100"):
        render(tmp_path / "out.png", [standing()], how=Rendering(moments=0))
    with pytest.raises(PstmoError, match="found a size of 9000 x 10 pixels, expected sides from 64 to 8192"):
        render(out, [standing()], how=Rendering(size=(9000, 10)))
    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "short.h264", "short.mp4"]


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "aggdraw", None)
    with pytest.raises(PstmoError, match=r"this needs aggdraw: pip install 'pstmo\[render\]'"):
        render(tmp_path / "out.mp4", [standing()])
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(PstmoError, match=r"this needs rerun: pip install 'pstmo\[rerun\]'"):
        log_to_rerun([standing()])


@pytest.fixture
def lifted(tmp_path: Path) -> Path:
    """A folder as `pstmo lift` leaves it, with people of the demo's first second."""
    folder = tmp_path / "lifted"
    folder.mkdir()
    for person in (1, 2, 10):
        motion = standing(30, (884, 496), person, np.arange(30) / 30, aside=person / 10)
        write_motion(folder / f"motion-{person}.npz", motion)
    return folder


@pytest.mark.parametrize("name", ["out.mp4", "out.gif", "out.png"])
def test_the_command_makes_what_the_ending_says(tmp_path, lifted, pstmo_here, name):
    result = pstmo_here(tmp_path, f"view {lifted} -o {name} --video {VIDEO} --start 0.2 --end 0.6 --size 320 120")
    assert result == (0, f"{name}: 3 people\n", "")
    frames = frames_of(tmp_path / name)
    assert len(frames) == {"out.mp4": 12, "out.gif": 6, "out.png": 1}[name]
    if name != "out.png":
        assert frames[0][1].shape == (120, 320, 3)


def test_the_command_says_what_it_can_make(tmp_path, lifted, pstmo_here):
    for line, message in (
        (f"view {lifted}", "found no -o, expected -o with a name that ends with .mp4 or .gif (films), .png"),
        (f"view {lifted} -o out.avi", "found out.avi, expected -o with a name that ends with .mp4"),
        ("view", "found no motion to show, expected files such as motion.npz"),
        (f"view {tmp_path} -o out.mp4", "found no motion.npz and no motion-1.npz"),
        (f"view {lifted} -o out.html --start 1", "out.html is a page, for which --start (found 1.0) means nothing"),
    ):
        result = pstmo_here(tmp_path, line)
        assert (result.code, message in result.err) == (2, True), result.err


def test_a_film_does_not_take_its_videos_place(tmp_path, lifted, pstmo_here):
    (tmp_path / "walk.mp4").write_bytes(b"precious")
    result = pstmo_here(tmp_path, f"view {lifted} -o walk.mp4 --video ./walk.mp4")
    assert (result.code, "is what the motion or its video is read from" in result.err) == (2, True)
    assert (tmp_path / "walk.mp4").read_bytes() == b"precious"


def test_people_of_several_files_are_told_apart_and_those_of_several_runs_not_mixed(tmp_path, lifted, pstmo_here):
    for name in ("a.npz", "b.npz"):
        write_motion(tmp_path / name, standing(5))
    assert pstmo_here(tmp_path, "view a.npz b.npz -o both.html") == (0, "both.html: 2 people\n", "")
    write_motion(lifted / "motion.npz", standing(30))
    result = pstmo_here(tmp_path, f"view {lifted} -o out.html")
    assert result.code == 2
    assert "found motion.npz and motion-1.npz and motion-2.npz and motion-10.npz, of several runs" in result.err


def test_pages_are_left_to_the_page(tmp_path, lifted, pstmo_here, monkeypatch):
    calls: list[Any] = []
    monkeypatch.setattr("pstmo.view.page.write_page", lambda *given, **how: calls.append((given, how)))
    result = pstmo_here(tmp_path, f"view {lifted}/motion-2.npz {lifted}/motion-1.npz -o page.html --video in.mp4")
    assert result.code == 0
    ((path, people), how) = calls[0]
    assert (path, [motion.person for motion in people], how) == (
        Path("page.html"),
        [2, 1],
        {"title": "page", "video": "in.mp4"},
    )


class Rerun(ModuleType):
    """Takes calls as rerun does and keeps them."""

    def __init__(self) -> None:
        super().__init__("rerun")
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.ViewCoordinates = type("ViewCoordinates", (), {"RIGHT_HAND_Z_UP": "z up", "RDF": "rdf"})

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any, **how: Any) -> Any:
            self.calls.append((name, given, how))
            if name == "save":
                Path(given[0]).write_text("recording")
            return name, given, how

        return call


def test_rerun_gets_motion_keypoints_and_camera(tmp_path, lifted, pstmo_here, monkeypatch):
    stand_in = Rerun()
    monkeypatch.setitem(sys.modules, "rerun", stand_in)
    result = pstmo_here(tmp_path, f"view {lifted}/motion-1.npz --rerun -o out.rrd")
    assert result == (0, "out.rrd: for rerun's viewer\n", "")
    assert (tmp_path / "out.rrd").read_text() == "recording"
    logged = [given for name, given, _ in stand_in.calls if name == "log"]
    assert [entity for entity, _ in logged[:3]] == ["world", "world/camera", "world/camera/picture"]
    times = [how["duration"] for name, _, how in stand_in.calls if name == "set_time"]
    assert times == pytest.approx(np.arange(30) / 30)
    motion = read_motion(lifted / "motion-1.npz")
    joints = [what[1][0] for entity, what in logged if entity == "world/person-1/figure/joints"]
    np.testing.assert_array_equal(joints, motion.positions)
    assert isinstance(motion.keypoints, Keypoints)
    seen = [what[1][0] for entity, what in logged if entity == "world/camera/picture/person-1"]
    np.testing.assert_array_equal(seen, motion.keypoints.xy)
    assert stand_in.calls[0][0] == "init"
    assert pstmo_here(tmp_path, f"view {lifted} --rerun -o out.mp4").code == 2
    pstmo_here(tmp_path, f"view {lifted} --rerun")
    assert stand_in.calls[-1][0] == "log"
