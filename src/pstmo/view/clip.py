"""What the page's script reads: people, where they are, and what was seen of them."""

from collections.abc import Sequence

import numpy as np

from pstmo.motion import Motion, World
from pstmo.sequence import Keypoints
from pstmo.skeleton import Skeleton
from pstmo.view.pack import Pack


def clip(people: Sequence[Motion], pack: Pack) -> dict[str, object]:
    """Of people in the same frames; their arrays go into `pack`. See viewer/src/clip.js."""
    first = people[0]
    seen = [motion.keypoints for motion in people if motion.keypoints is not None]
    worlds = [motion.world for motion in people if motion.world is not None]
    return {
        "fps": first.fps,
        "times": pack.add(first.times - first.times[0], np.int32),
        "begins": float(first.times[0]),
        "imageSize": seen[0].image_size if seen else None,
        "camera": _camera(worlds[0]) if worlds else None,
        "people": [_person(motion, pack) for motion in people],
    }


def _person(motion: Motion, pack: Pack) -> dict[str, object]:
    return {
        "number": motion.person,
        **_layout(motion.skeleton),
        "root": motion.skeleton.root_index,
        "positions": pack.add(motion.positions, np.int16),
        "observed": pack.add(motion.observed, np.int8),
        "keypoints": None if motion.keypoints is None else _keypoints(motion.keypoints, pack),
    }


def _keypoints(keypoints: Keypoints, pack: Pack) -> dict[str, object]:
    """Places of joints that were observed and of those that were drawn; confidence 0 tells these apart."""
    xy, error = keypoints.xy, np.zeros_like(keypoints.confidence)
    if keypoints.drawn is not None:
        xy = np.where(keypoints.observed[..., None], xy, keypoints.drawn.xy)
        error = np.where(np.isfinite(keypoints.drawn.error), keypoints.drawn.error, np.nan)
    return {
        **_layout(keypoints.skeleton),
        "xy": pack.add(xy, np.int16),
        "confidence": pack.add(keypoints.confidence.clip(0, 1), np.int8),
        "error": pack.add(error, np.int16),
    }


def _camera(world: World) -> dict[str, object] | None:
    """Where it stands and what it looks at, if that is known."""
    if not np.isfinite(world.camera_height):
        return None
    return {"height": world.camera_height, "orientation": world.orientation.tolist()}


def _layout(skeleton: Skeleton) -> dict[str, object]:
    return {"joints": skeleton.joints, "bones": skeleton.bone_indices}
