"""MediaPipe's own landmarks of a video, in a Python where MediaPipe 0.10.21 is installed: the half of
`runs/detector_parity.py` and `runs/beside_mediapipe.py` that runs there.

    python runs/mediapipe_landmarks.py WIDTH HEIGHT landmarks.npz [smooth] < frames.rgb

Reads pictures as bytes (RGB), writes joints (frames, 33, 4: x, y, visibility, presence) in pixels and world (frames,
33, 3) in metres, NaN where nobody was found, and the milliseconds of each picture.
"""

import sys
import time
from importlib import import_module

import numpy as np


def main(width: int, height: int, path: str, smooth: bool) -> None:
    pose = import_module("mediapipe").solutions.pose.Pose(model_complexity=1, smooth_landmarks=smooth)
    joints, world, milliseconds = [], [], []
    while picture := sys.stdin.buffer.read(width * height * 3):
        started = time.perf_counter()
        told = pose.process(np.frombuffer(picture, np.uint8).reshape(height, width, 3))
        found = told.pose_landmarks
        milliseconds.append(1000 * (time.perf_counter() - started))
        joints.append(np.full((33, 4), np.nan))
        world.append(np.full((33, 3), np.nan))
        if found:
            world[-1][:] = [(m.x, m.y, m.z) for m in told.pose_world_landmarks.landmark]
            joints[-1][:] = [(m.x * width, m.y * height, m.visibility, m.presence) for m in found.landmark]
    np.savez(path, joints=np.array(joints), world=np.array(world), milliseconds=np.array(milliseconds))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], "smooth" in sys.argv[4:])
