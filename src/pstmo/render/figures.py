"""People as figures of round limbs, the far ones first."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pstmo.render.canvas import Canvas, Paint, capsules
from pstmo.render.colours import BLACK, WHITE, by_bone, mixed
from pstmo.render.eye import Eye
from pstmo.render.ground import cast_shadows, draw_grid, sky
from pstmo.render.scene import Actor, Scene
from pstmo.render.tags import Tag, letters, tagged
from pstmo.skeleton import Skeleton

RADII = {
    "hip": (0.062, 0.062), "knee": (0.062, 0.048), "ankle": (0.046, 0.03), "spine": (0.068, 0.062),
    "thorax": (0.062, 0.066), "neck": (0.062, 0.05), "neck_nose": (0.05, 0.04), "head": (0.045, 0.06),
    "head_top": (0.066, 0.074), "shoulder": (0.05, 0.05), "elbow": (0.046, 0.037), "wrist": (0.036, 0.026),
}  # fmt: skip
"""Metres, where a bone begins and where it ends, by the joint of either side that it leads to; SLIM for all others."""

SLIM = (0.024, 0.024)

EDGE = 0.07
"""How wide a limb's edge is, as a part of its radius, over half a pixel."""

LIGHT, SHINE = np.array((-0.3, -0.38)), 0.42
"""Where the light on a limb lies and how wide it is, as parts of its radius."""


@dataclass(frozen=True, eq=False)
class Figures:
    """Everybody's limbs, as one camera sees them frame by frame."""

    scene: Scene
    eye: Eye

    def __call__(self, frame: int) -> np.ndarray:
        """(height, width, 3) uint8, of a frame of the scene."""
        ends = np.concatenate([limbs[frame] for limbs in self._ends])
        shown = np.isfinite(ends).all((1, 2))
        image = sky(self.eye.size).copy()
        if shown.any():
            sure = shown & self._sure[frame]
            cast_shadows(image, self.eye, frame, (ends[sure], self._radii[sure].mean(1)), self.scene.floor)
        canvas = Canvas(image)
        draw_grid(canvas, self.eye, frame, self.scene.floor, self._reach)
        self._draw_limbs(canvas, frame, ends)
        tags = self._tags(frame) if len(self.scene.actors) > 1 else []
        return tagged(canvas, tags, letters(self.eye.size))

    @cached_property
    def _ends(self) -> list[np.ndarray]:
        """Of each actor (frames, bones, 2, 3) metres."""
        actors, pick = self.scene.actors, self.scene.pick
        return [actor.positions[pick][:, np.array(actor.skeleton.bone_indices)] for actor in actors]

    @cached_property
    def _sure(self) -> np.ndarray:
        """(frames, bones) bool, of everybody's; both ends are."""
        pick = self.scene.pick
        return np.concatenate(
            [actor.sure[pick][:, np.array(actor.skeleton.bone_indices)].all(2) for actor in self.scene.actors], 1
        )

    @cached_property
    def _radii(self) -> np.ndarray:
        """(bones, 2) metres."""
        return np.concatenate([_radii(actor.skeleton) for actor in self.scene.actors])

    @cached_property
    def _reach(self) -> float:
        """Metres of floor around what the camera looks at."""
        away = np.linalg.norm(self.eye.place - self.eye.target, axis=1)
        return float(np.clip(0.75 * away.max(), 2.0, 12.0))

    def _draw_limbs(self, canvas: Canvas, frame: int, ends: np.ndarray) -> None:
        xy, depth = self.eye.see(ends.reshape(-1, 3), frame)
        xy, depth = xy.reshape(-1, 2, 2), depth.reshape(-1, 2)
        order = np.argsort(-depth.mean(1))
        xy, radii = xy[order], np.maximum(self._radii * self.eye.focal / depth, 1.0)[order]
        light = xy + radii[..., None] * LIGHT
        places = np.stack([xy, xy, light], 1).reshape(-1, 2, 2)
        sizes = np.stack([radii + 0.5 + EDGE * radii, radii, SHINE * radii], 1).reshape(-1, 2)
        paints = [paint for limb in order.tolist() for paint in self._paints[limb][int(self._sure[frame, limb])]]
        canvas.shapes(capsules(places, sizes), paints)

    @cached_property
    def _paints(self) -> list[tuple[tuple[Paint, ...], tuple[Paint, ...]]]:
        """Of each limb's edge, body and light: of one that is guessed, which is hollow, and of one that was seen."""
        colours = [colour for actor in self.scene.actors for colour in by_bone(actor.skeleton, actor.colours)]
        return [
            (
                (Paint(colour, 150), Paint(WHITE, 190), Paint(WHITE, 0)),
                (Paint(mixed(colour, BLACK, 0.38)), Paint(colour), Paint(mixed(colour, WHITE, 0.6), 120)),
            )
            for colour in colours
        ]

    def _tags(self, frame: int) -> list[Tag]:
        tops = np.array([_above(actor, int(self.scene.pick[frame])) for actor in self.scene.actors])
        xy, _ = self.eye.see(tops, frame)
        return [Tag(actor, *place) for actor, place in zip(self.scene.actors, xy.tolist(), strict=True)]


def _above(actor: Actor, frame: int) -> np.ndarray:
    """(3,) metres, over somebody's head."""
    points = actor.positions[frame]
    points = points[np.isfinite(points).all(1)]
    if not len(points):
        return np.full(3, np.nan)
    return np.array([*points.mean(0)[:2], points[:, 2].max() + 0.12])


def _radii(skeleton: Skeleton) -> np.ndarray:
    """(bones, 2) metres."""
    ends = [end.removeprefix("left_").removeprefix("right_") for _, end in skeleton.bones]
    return np.array([RADII.get(end, SLIM) for end in ends])
