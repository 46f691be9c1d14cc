"""How near our BlazePose comes to MediaPipe's, landmark by landmark, and what a picture costs.

    python3.11 -m venv /tmp/mediapipe && /tmp/mediapipe/bin/pip install mediapipe==0.10.21
    pip download --no-deps sports2d==0.8.34 && unzip sports2d-*.whl "Sports2D/Demo/*"
    python runs/detector_parity.py Sports2D/Demo/demo.mp4 --mediapipe /tmp/mediapipe/bin/python [--frames 200]

Both look at the same pictures one after another, full model, one person, nothing smoothed that comes out.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np

from pstmo.detect.blazepose import BlazePose
from pstmo.frame import Frame

FIRST = 30
"""Pictures; after them, small differences have had time to grow."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("video", type=Path)
    arguments.add_argument("--mediapipe", type=Path, required=True, help="a Python with MediaPipe 0.10.21")
    arguments.add_argument("--frames", type=int, default=200)
    options = arguments.parse_args()
    frames = list(islice(decoded(options.video), options.frames))
    theirs, _, their_time = mediapipe(options.mediapipe, frames)
    ours, our_time = blazepose(frames)
    apart = np.linalg.norm(ours[..., :2] - theirs[..., :2], axis=-1)
    found, known = ~np.isnan(ours[:, 0, 0]), ~np.isnan(theirs[:, 0, 0])
    counts = f"both {(found & known).sum()}, ours {found.sum()}, theirs {known.sum()}"
    print(f"{len(frames)} pictures of {options.video.name}; somebody found in: {counts}")
    print("| pictures with somebody | median, px | 95 of 100 below, px |\n| --- | --: | --: |")
    together = apart[found & known]
    for name, part in (("all", together), (f"first {FIRST}", together[:FIRST]), ("later", together[FIRST:])):
        print(f"| {name} | {np.median(part):.2f} | {np.percentile(part, 95):.2f} |")
    print(f"milliseconds a picture, median: ours {np.median(our_time):.1f}, theirs {np.median(their_time):.1f}")


def decoded(path: Path) -> Iterator[Frame]:
    with av.open(str(path)) as video:
        for number, picture in enumerate(video.decode(video=0)):
            yield Frame(number, number / 30, picture.to_ndarray(format="rgb24"))


def blazepose(frames: list[Frame]) -> tuple[np.ndarray, list[float]]:
    """(frames, 33, 3) and milliseconds a frame."""
    joints, milliseconds = np.full((len(frames), 33, 3), np.nan), []
    started = time.perf_counter()
    for i, people in enumerate(BlazePose(people=1, threads=2)(frames)):
        milliseconds.append(1000 * (time.perf_counter() - started))
        for person in people:
            joints[i] = person.joints
        started = time.perf_counter()
    return joints, milliseconds


def mediapipe(python: Path, frames: list[Frame], smooth: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(frames, 33, 4) pixels, (frames, 33, 3) metres and milliseconds a frame."""
    height, width = frames[0].image.shape[:2]
    script = Path(__file__).with_name("mediapipe_landmarks.py")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "landmarks.npz"
        command = [python, script, str(width), str(height), path, *(["smooth"] if smooth else [])]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdin
            for frame in frames:
                process.stdin.write(frame.image.tobytes())
            process.stdin.close()
        if process.returncode:
            raise SystemExit(
                f"{python} {script} failed with {process.returncode}: is MediaPipe 0.10.21 installed there?"
            )
        found = np.load(path)
        return found["joints"], found["world"], found["milliseconds"]


if __name__ == "__main__":
    main()
