"""Keypoints over the picture that they were seen in."""

from typing import Any

import numpy as np

from pstmo.render.canvas import Canvas, Paint, capsules, discs
from pstmo.render.colours import WHITE, by_bone, by_joint
from pstmo.render.scene import Actor, Scene
from pstmo.render.tags import Tag, letters, tagged

THICK = 0.011
"""Radius of a bone, as a part of somebody's height in the picture."""

SHORT = 0.16
"""Radius of a short bone, as a part of its length."""

DISC = 1.5
"""Radius of a joint, as a part of that of its thinnest bone."""

LEAST = 1.1
"""Pixels: the radius of usual bones, where people are small."""

HEAD = 0.09
"""What is above the highest keypoint, as a part of somebody's height in the picture."""

SMALL = 1.3
"""Pixels: the radius of joints that are not drawn, such as those of a small face."""


class Overlay:
    """scale: pixels of the picture shown for one pixel of the keypoints' picture."""

    def __init__(self, scene: Scene, scale: float):
        self._scene = scene
        self._layers = [_Layer(actor, scene.pick, scale) for actor in scene.actors if actor.keypoints is not None]

    def __call__(self, image: Any, frame: int) -> np.ndarray:
        """(height, width, 3) uint8: Pillow's image with everybody's keypoints of a frame of the scene."""
        canvas = Canvas(image)
        for layer in self._layers:
            layer.draw(canvas, frame)
        tags = [layer.tag(frame) for layer in self._layers] if len(self._scene.actors) > 1 else []
        return tagged(canvas, tags, letters(image.size))


class _Layer:
    """One person's."""

    def __init__(self, actor: Actor, pick: np.ndarray, scale: float):
        keypoints = actor.keypoints
        assert keypoints is not None
        self._actor, skeleton = actor, keypoints.skeleton
        self._seen = keypoints.observed[pick]
        xy = keypoints.xy.copy()
        if keypoints.drawn is not None:
            xy[~keypoints.observed] = keypoints.drawn.xy[~keypoints.observed]
        self._xy = scale * xy[pick].astype(np.float64)
        self._xy[~self._seen.any(1)] = np.nan  # where nobody was seen, there is nothing to lie over
        self._bones = np.array(skeleton.bone_indices)
        self._colours = by_bone(skeleton, actor.colours), by_joint(skeleton, actor.colours)
        self._radii = self._sizes()

    def _sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """(bones,) and (joints,) pixels: in proportion to the person, and thin where bones are short."""
        shown = self._xy[self._seen.any(1)]
        tall = (np.nanmax(shown, 1) - np.nanmin(shown, 1)).max(1) if len(shown) else np.zeros(1)
        usual = max(LEAST, THICK * float(np.median(tall)))
        lengths = np.linalg.norm(shown[:, self._bones[:, 0]] - shown[:, self._bones[:, 1]], axis=-1)
        some = np.isfinite(lengths).any(0)
        bones = np.full(len(self._bones), usual)
        bones[some] = np.clip(SHORT * np.nanmedian(lengths[:, some], 0), 0.5 * LEAST, usual)
        joints = np.full(shown.shape[1], usual)
        np.minimum.at(joints, self._bones.ravel(), bones.repeat(2))
        return bones, DISC * joints

    def draw(self, canvas: Canvas, frame: int) -> None:
        xy, seen, (bones, joints) = self._xy[frame], self._seen[frame], self._radii
        ends, sure = xy[self._bones], seen[self._bones].all(1).tolist()
        radii = np.where(sure, bones, 0.6 * bones)
        halos = [Paint(WHITE, 130)] * len(radii)
        paints = [Paint(colour, 255 if ok else 150) for colour, ok in zip(self._colours[0], sure, strict=True)]
        thick = np.concatenate([radii + np.minimum(1.2, 0.5 * radii), radii])
        canvas.shapes(capsules(np.concatenate([ends, ends]), np.stack([thick, thick], 1)), halos + paints)
        rings = np.stack([joints + 0.8, joints, 0.55 * joints], 1)
        rings[joints < SMALL] = np.nan
        rings[seen, 2] = np.nan  # who was not seen is hollow
        paints = [paint for colour in self._colours[1] for paint in (Paint(WHITE, 220), Paint(colour), Paint(WHITE))]
        canvas.shapes(discs(xy.repeat(3, 0), rings.ravel()), paints)

    def tag(self, frame: int) -> Tag:
        """Over the head."""
        points = self._xy[frame][self._seen[frame]]
        if not len(points):
            return Tag(self._actor, np.nan, np.nan)
        top = float(points[:, 1].min() - max(5.0, HEAD * np.ptp(points[:, 1])))
        return Tag(self._actor, float(np.median(points[:, 0])), top)
