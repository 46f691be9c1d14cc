"""Frames in which `sides.put_back` exchanges left and right, of keypoints in which none were exchanged, and of videos.

pstmo data cmu4 --from data/mocap.npz -o data/cmu4
python runs/sides.py [--data data/cmu4] [out/detections.jsonl ...]
"""

import argparse
from pathlib import Path

from pstmo.datasets import paired
from pstmo.files import read_everyone
from pstmo.sequence import Keypoints
from pstmo.sides import put_back
from pstmo.source import SURE

KEYPOINTS, EVERY = "noisy_coco", 4


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("videos", nargs="*", type=Path, help="what detectors saw in videos")
    arguments.add_argument("--data", type=Path, default=Path("data/cmu4"))
    options = arguments.parse_args()
    data = paired.load(options.data).split("test")
    seen = [recording.keypoints[KEYPOINTS] for recording in list(data.recordings([KEYPOINTS]))[::EVERY]]
    print("| keypoints | frames | exchanged |\n| --- | --: | --: |")
    for step in (1, 2):
        found = [put_back(thinned(keypoints, step)).frames for keypoints in seen]
        frames, wrong = sum(map(len, found)), sum(int(min(part.sum(), (~part).sum())) for part in found)
        print(f"| {data.name}, {seen[0].fps / step:g} frames/s | {frames:,} | {wrong} |")
    for path in options.videos:
        for person, keypoints in read_everyone(path).items():
            wrong = int(put_back(keypoints.trusted(SURE)).frames.sum())
            print(f"| {path}, person {person} | {keypoints.frames} | {wrong} |")


def thinned(keypoints: Keypoints, step: int) -> Keypoints:
    facts = {"skeleton": keypoints.skeleton, "image_size": keypoints.image_size, "fps": keypoints.fps / step}
    return Keypoints.from_array(keypoints.xy[::step], confidence=keypoints.confidence[::step], **facts)


if __name__ == "__main__":
    main()
