"""A real video, and keypoints of it, to try everything on; README.md beside this file says whence."""

from pathlib import Path

VIDEO = Path(__file__).parent / "sports2d_demo.mp4"
KEYPOINTS = Path(__file__).parent / "sports2d_demo.npz"
