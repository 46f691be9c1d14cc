"""One command from a real video to 3D files, through real processes."""

import base64
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pstmo.cli.lift import lift
from pstmo.files import read_motion, read_people
from pstmo.options import Looking, Options

pytest.importorskip("av")
pytest.importorskip("ai_edge_litert")

import av
from video_files import sound, write

from pstmo.samples import VIDEO
from pstmo.video import open_video

LIFT = f"lift {VIDEO} -w cmu-w27"
PSTMO = (sys.executable, "-m", "pstmo")


@pytest.fixture(scope="module")
def lifted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first two seconds."""
    folder = tmp_path_factory.mktemp("video")
    command = [*PSTMO, *LIFT.split(), "-o", "out", "--end", "2", "--all", "--embed-video"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "884 x 496 pixels, 30 frames/s, 60 frames" in result.stdout
    return folder / "out"


def motion(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def test_a_picture_in_is_a_pose_out(lifted: Path):
    found = motion(lifted / "motion-1.npz")
    assert found["positions"].shape == found["world_positions"].shape == (60, 17, 3)
    np.testing.assert_allclose(found["timestamps"], np.arange(60) / 30, atol=1e-3)
    assert found["observed"].mean() > 0.9
    assert (found["mode"], found["smoothing"], found["world_root_from"]) == ("fast", 5.0, "reprojection")
    assert len(read_people(lifted / "detections.jsonl").frames) == 60


def test_the_page_has_the_part_of_the_video_that_was_lifted(lifted: Path, tmp_path: Path):
    page = (lifted / "view.html").read_text("utf-8")
    embedded = page.split('id="video">')[1].split("<")[0]
    (tmp_path / "small.mp4").write_bytes(base64.b64decode(embedded))
    with av.open(tmp_path / "small.mp4") as file:
        times = [picture.time for picture in file.decode(video=0)]
        assert (file.streams.video[0].height, file.streams.video[0].codec_context.name) == (480, "h264")
    np.testing.assert_allclose(times, np.arange(60) / 30, atol=1e-3)
    assert '"number":1' in page
    assert '"number":2' in page


def test_what_cannot_be_embedded_is_said_before_any_work(lifted: Path, tmp_path: Path, pstmo_here):
    for source in ("-", lifted / "detections.jsonl"):
        result = pstmo_here(tmp_path, f"lift {source} -o out --embed-video")
        assert (result.code, result.out) == (2, "")
        assert "--embed-video looks at a video a second time, expected a file, folder or address" in result.err
    assert not list(tmp_path.iterdir())


def test_who_stands_stands_upright_on_the_floor(lifted: Path):
    found = motion(lifted / "motion-1.npz")
    joints = found["joints"].tolist()
    world = found["world_positions"][found["observed"]]
    hip, head, ankle = (world[:, joints.index(name), 2].mean() for name in ("hip", "head_top", "left_ankle"))
    assert 0.6 < hip < 1.2
    assert 1.2 < head < 2.0
    assert -0.1 < ankle < 0.3
    lengths = np.linalg.norm(world[:, 0] - world[0, 0], axis=-1)
    assert lengths.max() < 1.0  # he stays on his block


def test_joints_that_were_not_seen_are_drawn_and_said_to_be(lifted: Path):
    found = motion(lifted / "motion-1.npz")
    unseen = found["confidence"] == 0
    assert np.isnan(found["keypoints"][unseen]).all()
    assert (found["keypoints_error"][~unseen] == 0).all()
    assert (found["keypoints_error"][unseen] > 0).all()


def test_what_was_seen_lifts_again_without_the_video(lifted: Path, tmp_path: Path, pstmo_here):
    again = pstmo_here(tmp_path, f"lift {lifted / 'detections.jsonl'} -o again -w cmu-w27 --all")
    assert again.code == 0, again.err
    wanted = motion(lifted / "motion-1.npz")
    for name in ("positions", "world_positions", "timestamps", "keypoints"):
        np.testing.assert_allclose(motion(tmp_path / "again/motion-1.npz")[name], wanted[name], atol=1e-5)


def test_somebody_who_is_not_there_is_named(lifted: Path, tmp_path: Path, pstmo_here):
    result = pstmo_here(tmp_path, f"lift {lifted / 'detections.jsonl'} -o out --person 9")
    assert (result.code, result.out) == (2, "")
    assert "found no person 9; persons in it: 1" in result.err


def test_a_killed_run_goes_on_with_the_next_picture(tmp_path: Path, pstmo_here):
    command = [*PSTMO, *LIFT.split(), "-o", "out", "--end", "2"]
    seen = tmp_path / "out/detections.jsonl"
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until and (not seen.exists() or seen.read_bytes().count(b"\n") < 8):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = seen.read_bytes()
    whole = before[: before.rfind(b"\n") + 1]
    assert 8 <= whole.count(b"\n") < 60
    assert not (tmp_path / "out/motion.npz").exists()
    assert pstmo_here(tmp_path, f"{LIFT} -o out --end 2").code == 0
    assert seen.read_bytes().startswith(whole)
    assert read_motion(tmp_path / "out/motion.npz").poses.frames == 60


def first_picture() -> np.ndarray:
    """Of the demo: a man about (370, 140) in 884 x 496 pixels."""
    return next(iter(open_video(VIDEO))).image


def test_one_picture_is_one_pose(tmp_path: Path, pstmo_here):
    write(tmp_path / "short.mp4", [first_picture()])
    result = pstmo_here(tmp_path, "lift short.mp4 -o out -w cmu-w27")
    assert result.code == 0, result.err
    found = motion(tmp_path / "out/motion.npz")
    assert found["positions"].shape == found["world_positions"].shape == (1, 17, 3)
    assert np.isfinite(found["world_positions"]).all()


def test_a_phone_held_upright_in_4k(tmp_path: Path, pstmo_here):
    """The man in 2160 x 3840 pixels, which lie on their side in the file."""
    there = first_picture()[:480, 235:505]
    there = there.repeat(8, 0).repeat(8, 1)
    turned = [np.rot90(there)] * 2
    write(tmp_path / "phone.mov", turned, (0, 1), matrix=(0, 1, -1, 0), options={"preset": "ultrafast"})
    result = pstmo_here(tmp_path, "lift phone.mov -o out -w cmu-w27")
    assert result.code == 0, result.err
    assert "phone.mov: 2160 x 3840 pixels" in result.out
    found = motion(tmp_path / "out/motion.npz")
    height = dict(zip(found["joints"].tolist(), found["world_positions"][0, :, 2].tolist(), strict=True))
    assert height["head_top"] > height["hip"] + 0.5 > height["left_ankle"] + 0.9


def test_a_full_disk_loses_nothing_that_was_seen(tmp_path: Path):
    """A limit on the size of files stands for it."""
    command = [*PSTMO, *LIFT.split(), "-o", "out", "--end", "1"]

    def run(kilobytes: int) -> tuple[int, str]:
        """Exit code and error."""

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000 * kilobytes, 1000 * kilobytes))

        done = subprocess.run(command, cwd=tmp_path, preexec_fn=limit, capture_output=True, text=True, check=False)
        return done.returncode, "\n".join(line for line in done.stderr.splitlines() if line.startswith("pstmo"))

    assert run(10) == (2, "pstmo: error: cannot write out/detections.jsonl: File too large")
    seen = (tmp_path / "out/detections.jsonl").read_bytes()
    whole = seen[: seen.rfind(b"\n") + 1]
    assert whole.count(b"\n") > 5
    assert run(30) == (2, "pstmo: error: cannot write out/motion.npz: File too large")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["detections.jsonl"]
    assert run(5000)[0] == 0
    assert (tmp_path / "out/detections.jsonl").read_bytes().startswith(whole)
    assert read_motion(tmp_path / "out/motion.npz").frames == 30


def test_bad_input_gets_one_message_and_leaves_no_motion(tmp_path: Path, pstmo_here):
    write(tmp_path / "black.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5, range(5))
    strange = write(tmp_path / "strange.mp4", [np.zeros((64, 64, 3), np.uint8)])
    strange.write_bytes(strange.read_bytes().replace(b"avc1", b"zzz9"))
    sound(tmp_path / "song.wav")
    (tmp_path / "text.mp4").write_text("no video at all")
    for name, wanted in {
        "black.mp4": "blazepose found nobody in any of 5 pictures",
        "song.wav": "found audio",
        "text.mp4": "expected a video",
        "strange.mp4": "found video in a codec that this FFmpeg does not have",
        "missing.mp4": "there is no such file",
        "black.mp4 --start 9": "found no picture from 9 s on",
        "black.mp4 --skeleton coco17": "black.mp4 is a video, for which --skeleton (found coco17) means nothing",
    }.items():
        out = Path(name.split()[0]).stem + str(len(name))
        result = pstmo_here(tmp_path, f"lift {name} -o {out}")
        assert result.code == 2, name
        assert result.out == ""
        errors = [line for line in result.err.splitlines() if line.startswith("pstmo: error")]
        assert len(errors) == 1
        assert wanted in errors[0], errors
        assert not (tmp_path / out / "motion.npz").exists()


def test_the_demo_lifts_keypoints_where_no_video_can_be_read(
    tmp_path: Path, pstmo_here, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    code, out, err = pstmo_here(tmp_path, "demo -o shown")
    assert (code, err) == (0, "")
    assert out.startswith(
        "the sample's keypoints are lifted, not its video: this needs ai_edge_litert.interpreter: pip"
    )
    assert motion(tmp_path / "shown/motion.npz")["positions"].shape == (200, 17, 3)
    assert (tmp_path / "shown/view.html").stat().st_size > 500_000


def test_the_demo_lifts_everybody_of_its_video(tmp_path: Path, pstmo_here, monkeypatch: pytest.MonkeyPatch):
    """Half a second of it here; runs/matrix.py lifts all."""

    def shorter(source: str, out: Path, options: Options, embed_video: bool) -> None:
        lift(source, out, options=replace(options, looking=Looking(end=0.5)), embed_video=embed_video)

    monkeypatch.setattr("pstmo.cli.demo.lift", shorter)
    code, _, err = pstmo_here(tmp_path, "demo")
    assert (code, err) == (0, "")
    names = {path.name for path in (tmp_path / "out/demo").iterdir()}
    assert names == {"detections.jsonl", "motion-1.npz", "view.html"}  # the second person comes later
    assert 'id="video">' in (tmp_path / "out/demo/view.html").read_text("utf-8")
