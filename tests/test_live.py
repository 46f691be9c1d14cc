"""`pstmo live`: a real process that is spoken to line by line."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import keypoints

import pstmo
from pstmo.cli import main
from pstmo.samples import VIDEO
from pstmo.smooth import one_euro

OPTIONS = ("--image-size", "640", "480", "--fps", "30")


@contextmanager
def live(weights: Path, *options: str) -> Iterator[Any]:
    command = [sys.executable, "-m", "pstmo", "live", *OPTIONS, "-w", str(weights), *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def told(
    small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[object, list[dict], str]]:
    """Exit code, lines and errors of the same in this process, which is quicker."""

    def run(lines: str) -> tuple[object, list[dict], str]:
        monkeypatch.setattr(sys, "argv", ["pstmo", "live", *OPTIONS, "-w", str(small_checkpoint)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


@pytest.mark.parametrize("smooth", [True, False])
def test_each_line_is_answered_at_once(small_checkpoint: Path, smooth: bool):
    seen, lag = keypoints(12), 2
    wanted = pstmo.load(small_checkpoint).lift(seen, mode="live", lag=lag, mirror=False).positions
    wanted = one_euro(wanted, seen.times) if smooth else wanted
    with live(small_checkpoint, "--lag", str(lag), "--smooth" if smooth else "--no-smooth") as process:
        first = json.loads(process.stdout.readline())
        assert (first["units"], first["lag"], first["joints"][0]) == ("metres", lag, "hip")
        for i, xy in enumerate(seen.xy.tolist()):
            process.stdin.write(json.dumps({"keypoints": xy, "timestamp": i / 30}) + "\n")
            if i >= lag:  # waits for the answer before it says more
                pose = json.loads(process.stdout.readline())
                assert pose["timestamp"] == pytest.approx((i - lag) / 30)
                np.testing.assert_allclose(pose["positions"], wanted[i - lag], atol=2e-5)
        process.stdin.close()
        rest = [json.loads(line) for line in process.stdout]
        np.testing.assert_allclose([pose["positions"] for pose in rest], wanted[-lag:], atol=2e-5)
        assert process.wait(10) == 0


def test_joints_and_people_may_be_missing(told):
    xy = keypoints(3).xy.tolist()
    lines = [
        {"keypoints": [None, *([x, y, 0.5] for x, y in xy[0][1:])]},
        {"keypoints": None},
        {"keypoints": [[x, y, 0] for x, y in xy[2]]},
    ]
    code, out, _ = told("\n".join(map(json.dumps, lines)) + "\n\n")
    assert code == 0
    assert [pose["observed"] for pose in out[1:]] == [True, False, False]
    assert np.isfinite([pose["positions"] for pose in out[1:]]).all()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no json", "found 'no json', expected "),
        ("[1, 2]", "found '[1, 2]', expected "),
        ('{"joints": []}', "expected "),
        ('{"keypoints": [[1, 2]]}', "keypoints have 1 joints, but skeleton 'coco17' has 17"),
        ('{"keypoints": [[1, 2, 3, 4], [1]]}', "expected "),
        ('{"keypoints": null, "timestamp": "noon"}', "expected "),
        ("[" * 100_000, "expected "),
        ('{"keypoints": ' + "1" * 2_000_000 + "}", "expected "),
    ],
    ids=["prose", "list", "other", "few", "ragged", "noon", "deep", "long"],
)
def test_a_line_that_is_no_frame_is_named(told, line: str, message: str):
    good = json.dumps({"keypoints": keypoints(1).xy[0].tolist()})
    code, out, err = told(f"{good}\n{line}\n{good}\n")
    assert code == 2
    assert len(out) == 2  # the layout, and the pose of the good line
    assert err.startswith("pstmo: error: line 2 of the input: ")
    assert message in err
    assert len(err) < 300


def test_a_reader_may_go_away(small_checkpoint: Path):
    with live(small_checkpoint) as process:
        process.stdout.readline()
        process.stdout.close()
        line = json.dumps({"keypoints": keypoints(1).xy[0].tolist()}) + "\n"
        with suppress(BrokenPipeError):  # it ends as soon as nobody hears it
            for _ in range(2000):
                process.stdin.write(line)
        assert process.wait(30) == 0
        with suppress(BrokenPipeError):
            process.stdin.close()
        assert process.stderr.read() == ""


def test_keypoints_need_to_be_told_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "argv", ["pstmo", "live"])
    with pytest.raises(SystemExit):
        main()
    assert "keypoints need --image-size WIDTH HEIGHT and --fps" in capsys.readouterr().err


def test_a_video_is_lifted_picture_by_picture(small_checkpoint: Path, tmp_path: Path):
    """Of a real video on standard input; an MP4 that ends with its table of contents cannot be read there."""
    av = pytest.importorskip("av")
    pytest.importorskip("ai_edge_litert")
    pipe = tmp_path / "demo.mkv"
    with av.open(str(VIDEO)) as source, av.open(str(pipe), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in [packet for packet in source.demux(video=0) if packet.dts is not None][:45]:
            packet.stream = stream
            target.mux(packet)
    done, mp4 = (
        subprocess.run(
            [sys.executable, "-m", "pstmo", "live", "-", "-w", str(small_checkpoint), "--lag", "1"],
            input=path.read_bytes(),
            capture_output=True,
            check=False,
        )
        for path in (pipe, VIDEO)
    )
    assert done.returncode == 0, done.stderr
    assert (mp4.returncode, mp4.stdout) == (2, b"")
    assert b"must begin with its table of contents" in mp4.stderr
    head, *poses = map(json.loads, done.stdout.splitlines())
    assert (head["lag"], len(poses)) == (1, 45)
    np.testing.assert_allclose([pose["timestamp"] for pose in poses], np.arange(45) / 30, atol=1e-3)
    assert sum(pose["observed"] for pose in poses) > 35
