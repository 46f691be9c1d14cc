"""MediaPipe's own landmarks of a video, in a Python where MediaPipe 0.10.21 is installed: the half of
`runs/detector_parity.py` that runs there.

    python runs/mediapipe_landmarks.py WIDTH HEIGHT landmarks.npz < frames.rgb

Reads pictures as bytes (RGB), writes joints (frames, 33, 4: x, y, visibility, presence) in pixels, NaN where nobody was
found, and the milliseconds of each picture.
"""

import sys
import time
from importlib import import_module

import numpy as np


def main(width: int, height: int, path: str) -> None:
    pose = import_module("mediapipe").solutions.pose.Pose(model_complexity=1, smooth_landmarks=False)
    joints, milliseconds = [], []
    while picture := sys.stdin.buffer.read(width * height * 3):
        started = time.perf_counter()
        found = pose.process(np.frombuffer(picture, np.uint8).reshape(height, width, 3)).pose_landmarks
        milliseconds.append(1000 * (time.perf_counter() - started))
        joints.append(np.full((33, 4), np.nan))
        if found:
            joints[-1][:] = [(m.x * width, m.y * height, m.visibility, m.presence) for m in found.landmark]
    np.savez(path, joints=np.array(joints), milliseconds=np.array(milliseconds))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
