"""P-STMO: 2D human keypoints over time in, 3D motion out (Shan et al., ECCV 2022)."""

from typing import TYPE_CHECKING, Any

from pstmo.errors import PstmoError
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import Skeleton

if TYPE_CHECKING:
    from pstmo import checkpoint as checkpoint
    from pstmo.lift import Lifter, load
    from pstmo.stream import Stream

__all__ = ["Keypoints", "Lifter", "Poses", "PstmoError", "Skeleton", "Stream", "checkpoint", "load"]


def __getattr__(name: str) -> Any:
    """What needs torch is imported when it is first asked for."""
    import importlib

    if name in ("Lifter", "load"):
        return getattr(importlib.import_module("pstmo.lift"), name)
    if name == "Stream":
        return importlib.import_module("pstmo.stream").Stream
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("pstmo")
    if name == "checkpoint":
        return importlib.import_module("pstmo.checkpoint")
    raise AttributeError(f"module 'pstmo' has no attribute {name!r}")
