"""Keypoints over the picture that they were seen in."""

from typing import Any

import numpy as np

from pstmo.render.canvas import Canvas, Paint, capsules
from pstmo.render.colours import WHITE, by_bone, by_joint
from pstmo.render.scene import Actor, Scene
from pstmo.render.tags import Tag, letters, tagged

THICK = 0.011
"""Radius of a bone, as a part of somebody's height in the picture."""

DISC = 1.5
"""Radius of a joint, as a part of its bones'."""

LEAST = 1.1
"""Pixels: the radius of usual bones, where people are small."""

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
        xy = (
            keypoints.xy
            if keypoints.drawn is None
            else np.where(keypoints.observed[..., None], keypoints.xy, keypoints.drawn.xy)
        )
        self._xy = scale * xy[pick].astype(np.float64)
        self._xy[~self._seen.any(1)] = np.nan  # where nobody was seen, there is nothing to lie over
        self._bones = np.array(skeleton.bone_indices)
        self._colours = by_bone(skeleton, actor.colours), by_joint(skeleton, actor.colours)
        self._radii = self._sizes()

    def _sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """(frames, bones) and (frames, joints) pixels: in proportion to the person, and thin where bones are short."""
        known = np.isfinite(self._xy).all(-1)
        tall = [
            float(np.ptp(xy[ok], axis=0).max()) if ok.any() else np.nan for xy, ok in zip(self._xy, known, strict=True)
        ]
        usual = THICK * (float(np.nanmedian(tall)) if known.any() else 1.0)
        lengths = np.linalg.norm(self._xy[:, self._bones[:, 0]] - self._xy[:, self._bones[:, 1]], axis=-1)
        some = np.isfinite(lengths).any(0)
        median = np.full(len(self._bones), np.inf)
        median[some] = np.nanmedian(lengths[:, some], axis=0)
        bones = np.clip(0.16 * median, 0.5 * LEAST, max(usual, LEAST))
        joints = np.full(known.shape[1], DISC * max(usual, LEAST))
        np.minimum.at(joints, self._bones.ravel(), DISC * bones.repeat(2))
        return bones, joints

    def draw(self, canvas: Canvas, frame: int) -> None:
        xy, seen, (bones, joints) = self._xy[frame], self._seen[frame], self._radii
        ends, sure = xy[self._bones], seen[self._bones].all(1)
        radii = np.where(sure, bones, 0.6 * bones)
        limbs = np.concatenate([radii + np.minimum(1.2, 0.5 * radii), radii])
        halo = [Paint(WHITE, 130)] * len(radii)
        paints = [Paint(colour, 255 if ok else 150) for colour, ok in zip(self._colours[0], sure, strict=True)]
        canvas.shapes(capsules(*np.tile(ends, (2, 1, 1)).swapaxes(0, 1), np.stack([limbs, limbs], 1)), halo + paints)
        discs = np.stack([joints + 0.8, joints, 0.55 * joints], 1)
        discs[discs[:, 1] < SMALL] = np.nan
        discs[seen, 2] = np.nan  # who was not seen is a ring
        places = xy.repeat(3, 0)
        rings = [paint for colour in self._colours[1] for paint in (Paint(WHITE, 220), Paint(colour), Paint(WHITE))]
        canvas.shapes(capsules(places, places, np.stack([discs.ravel()] * 2, 1)), rings)

    def tag(self, frame: int) -> Tag:
        """Over the head."""
        points = self._xy[frame][self._seen[frame]]
        if not len(points):
            return Tag(self._actor, np.nan, np.nan)
        return Tag(
            self._actor, float(np.median(points[:, 0])), float(points[:, 1].min() - max(5, 3 * self._radii[1].max()))
        )
