"""Keypoint files in, motion files out."""

from pstmo.files.motion import read_motion, write_keypoints, write_motion
from pstmo.files.reader import FORMATS, read_everyone, read_keypoints, read_people

__all__ = [
    "FORMATS",
    "read_everyone",
    "read_keypoints",
    "read_motion",
    "read_people",
    "write_keypoints",
    "write_motion",
]
