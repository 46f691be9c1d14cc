"""People who stand and sway, for tests: what they are, where they are in a picture, and where in a world."""

import numpy as np

from pstmo.motion import Motion, Origins, World
from pstmo.report.bodies import STANDING
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M

FPS = 25.0


def standing(
    frames: int = 10,
    size: tuple[int, int] = (640, 480),
    person: int = 1,
    times: np.ndarray | None = None,
    aside: float = 0.0,
) -> Motion:
    """Somebody who faces the camera from 4 m away, `aside` metres to its right, and sways a little. times: seconds."""
    sway = 0.1 * np.sin(np.arange(frames) / 3)
    figure = np.array([STANDING[joint] for joint in HUMAN36M.joints])
    positions = np.zeros((frames, 17, 3), np.float32)
    positions[..., 0] = figure[:, 0] + aside + sway[:, None]
    positions[..., 1], positions[..., 2] = 4.0, figure[:, 1]
    seen = np.array([STANDING[joint] for joint in COCO.joints])
    scale = size[1] / 2.6
    xy = np.stack([np.stack([seen[:, 0] + aside + x, 2.2 - seen[:, 1]], 1) for x in sway]) * scale + (size[0] / 2, 0)
    keypoints = Keypoints.from_array(xy, image_size=size, fps=FPS, timestamps=times)
    poses = Poses.from_array(positions[..., [0, 2, 1]] * (1, -1, 1), fps=FPS)
    axes = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    origins = Origins("given", "model", "body", "ankles", "reprojection")
    world = World(positions, HUMAN36M, FPS, np.ones(frames, bool), axes, 1.5, 500.0, 1.0, 2.0, origins)
    return Motion(poses, keypoints, world, person)
