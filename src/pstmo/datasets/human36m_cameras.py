"""Human3.6M's four calibrated cameras, as they stood for each subject (numbers and source: human36m_cameras.json)."""

import json
from functools import cache
from importlib import resources
from typing import Any

import torch

from pstmo.camera import Camera, Intrinsics, normalise_screen, rotation
from pstmo.errors import PstmoError


@cache
def human36m_cameras(subject: str = "S9") -> tuple[Camera, ...]:
    """The four cameras of that subject, in the field's order; raises PstmoError naming the subjects there are."""
    text = resources.files("pstmo.datasets").joinpath("human36m_cameras.json").read_text("utf-8")
    facts = json.loads(text)
    if subject not in facts["extrinsics"]:
        raise PstmoError(f"no cameras are known for subject {subject!r}; available: {', '.join(facts['extrinsics'])}")
    return tuple(
        _camera(inner, outer) for inner, outer in zip(facts["intrinsics"], facts["extrinsics"][subject], strict=True)
    )


def _camera(inner: dict[str, Any], outer: dict[str, Any]) -> Camera:
    width, height = inner["res_w"], inner["res_h"]
    lens = Intrinsics(
        focal=torch.tensor(inner["focal_length"]) * 2 / width,
        centre=normalise_screen(torch.tensor(inner["center"]), width, height),
        radial=torch.tensor(inner["radial_distortion"]),
        tangential=torch.tensor(inner["tangential_distortion"]),
    )
    orientation = rotation(torch.tensor(outer["orientation"]))
    return Camera(inner["id"], (width, height), orientation, torch.tensor(outer["translation"]) / 1000, lens)
