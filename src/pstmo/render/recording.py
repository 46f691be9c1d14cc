"""Motion, keypoints and camera for rerun, a viewer for developers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.errors import PstmoError
from pstmo.extras import extra
from pstmo.files.atomic import replacing
from pstmo.motion import Motion
from pstmo.render.colours import by_bone
from pstmo.render.scene import Actor, Scene, scene_of

ENDING = ".rrd"


def log_to_rerun(people: Sequence[Motion], path: Path | None = None) -> None:
    """Logs into a viewer that is started, or into a file, whole or not at all.

    Timeline "time", seconds. Entities: world/person-1/figure, its joints and bones in metres; world/camera, a pinhole
    with picture/person-1 below it, pixels. Raises PstmoError, also where rerun is not installed.
    """
    scene, rerun = scene_of(people), extra("rerun", "rerun")
    if path is None:
        rerun.init("pstmo", spawn=True)
        _log(rerun, scene, people)
        return
    if path.suffix.lower() != ENDING:
        raise PstmoError(f"found {path}, expected a name that ends with {ENDING}")
    with replacing(path) as temporary:
        rerun.init("pstmo")
        rerun.save(str(temporary))
        _log(rerun, scene, people)
        rerun.disconnect()


def _log(rerun: Any, scene: Scene, people: Sequence[Motion]) -> None:
    rerun.log("world", rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    _log_camera(rerun, people)
    for frame, seconds in enumerate(scene.times.tolist()):
        rerun.set_time("time", duration=seconds)
        for actor in scene.actors:
            _log_figure(rerun, actor, frame)
            _log_keypoints(rerun, actor, frame)


def _log_camera(rerun: Any, people: Sequence[Motion]) -> None:
    """Of those who have a place in the world it sees, which they share."""
    placed = next((motion for motion in people if motion.world is not None and motion.keypoints is not None), None)
    if placed is None:
        return
    world, keypoints = placed.world, placed.keypoints
    assert world is not None
    assert keypoints is not None
    height = float(np.nan_to_num(world.camera_height))
    where = rerun.Transform3D(translation=(0.0, 0.0, height), mat3x3=world.orientation)
    width, tall = keypoints.image_size
    lens = rerun.Pinhole(
        focal_length=world.focal,
        width=width,
        height=tall,
        camera_xyz=rerun.ViewCoordinates.RDF,
        image_plane_distance=1.0,
    )
    rerun.log("world/camera", where, static=True)
    rerun.log("world/camera/picture", lens, static=True)


def _log_figure(rerun: Any, actor: Actor, frame: int) -> None:
    points, entity = actor.positions[frame], f"world/person-{actor.number}/figure"
    bones = points[np.array(actor.skeleton.bone_indices)]
    known = np.isfinite(bones).all((1, 2))
    colours = np.array(by_bone(actor.skeleton, actor.colours))[known]
    rerun.log(f"{entity}/bones", rerun.LineStrips3D(bones[known], colors=colours, radii=0.02))
    there = np.isfinite(points).all(1)
    names = np.array(actor.skeleton.joints)[there].tolist()
    rerun.log(f"{entity}/joints", rerun.Points3D(points[there], labels=names, show_labels=False, radii=0.03))


def _log_keypoints(rerun: Any, actor: Actor, frame: int) -> None:
    keypoints = actor.keypoints
    if keypoints is None:
        return
    seen = keypoints.observed[frame]
    names = np.array(keypoints.skeleton.joints)[seen].tolist()
    colour = [actor.colours.middle] * int(seen.sum())
    entity = f"world/camera/picture/person-{actor.number}"
    points = rerun.Points2D(keypoints.xy[frame][seen], colors=colour, labels=names, show_labels=False, radii=3.0)
    rerun.log(entity, points)
