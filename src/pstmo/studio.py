"""Motion filmed by Human3.6M's published cameras: whole clips as a lifter gets them, and the poses behind them."""

import json
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from pstmo.camera import Intrinsics, normalise_screen, project, rotation, to_pixels, world_to_camera
from pstmo.detector import DetectorNoise, detect
from pstmo.errors import PstmoError
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import COCO, HUMAN36M, MOCAP, Skeleton


class Filmed(NamedTuple):
    """A clip as one camera saw it, and the measured poses in that camera's axes."""

    keypoints: Keypoints
    poses: Poses


class StudioCamera(NamedTuple):
    """One of Human3.6M's calibrated cameras."""

    name: str
    image_size: tuple[int, int]
    orientation: Float[Tensor, "3 3"]  # camera axes -> world axes
    position: Float[Tensor, "3"]  # metres
    lens: Intrinsics

    def film(
        self,
        world: np.ndarray,
        fps: float,
        noise: DetectorNoise | None,
        generator: Generator,
        skeletons: tuple[Skeleton, Skeleton] = (COCO, HUMAN36M),
    ) -> Filmed:
        """world: (frames, 22, 3), metres, z up, skeleton `mocap22`, where the camera stands. noise: None = a perfect
        detector. Joints outside the picture are not observed."""
        seen, posed = skeletons
        points = world_to_camera(torch.tensor(world, dtype=torch.float32), self.orientation, self.position)
        flat = points[:, list(MOCAP.select(seen))]
        xy = project(flat, self.lens)
        width, height = self.image_size
        observed = flat[..., 2] > 0.1
        if noise is not None:
            found = detect(xy[None], noise, generator, seen)
            xy, observed = found.xy[0], found.observed[0] & observed
        inside = (xy.abs()[..., 0] <= 1) & (xy.abs()[..., 1] <= height / width)
        xy = torch.where((observed & inside)[..., None], to_pixels(xy, width, height), torch.nan)
        keypoints = Keypoints.from_array(xy.numpy(), skeleton=seen, image_size=self.image_size, fps=fps)
        poses = Poses.from_array(points[:, list(MOCAP.select(posed))].numpy(), skeleton=posed, fps=fps)
        return Filmed(keypoints, poses)


@cache
def human36m_cameras(subject: str = "S9") -> tuple[StudioCamera, ...]:
    """The four cameras as they stood for that subject; raises PstmoError naming the subjects there are."""
    text = resources.files("pstmo.datasets").joinpath("human36m_cameras.json").read_text("utf-8")
    facts = json.loads(text)
    if subject not in facts["extrinsics"]:
        raise PstmoError(f"no cameras are known for subject {subject!r}; available: {', '.join(facts['extrinsics'])}")
    return tuple(
        _camera(inner, outer) for inner, outer in zip(facts["intrinsics"], facts["extrinsics"][subject], strict=True)
    )


def in_studio(world: np.ndarray, cameras: tuple[StudioCamera, ...]) -> np.ndarray:
    """The clip moved over the floor so that the middle of its ground lies in the middle of the cameras."""
    ground = world[..., :2].reshape(-1, 2)
    middle = (ground.min(0) + ground.max(0)) / 2
    place = torch.stack([camera.position[:2] for camera in cameras]).mean(0).numpy()
    return world + np.append(place - middle, 0).astype(np.float32)


def _camera(inner: dict[str, Any], outer: dict[str, Any]) -> StudioCamera:
    width, height = inner["res_w"], inner["res_h"]
    lens = Intrinsics(
        focal=torch.tensor(inner["focal_length"]) * 2 / width,
        centre=normalise_screen(torch.tensor(inner["center"]), width, height),
        radial=torch.tensor(inner["radial_distortion"]),
        tangential=torch.tensor(inner["tangential_distortion"]),
    )
    orientation = rotation(torch.tensor(outer["orientation"]))
    return StudioCamera(inner["id"], (width, height), orientation, torch.tensor(outer["translation"]) / 1000, lens)
