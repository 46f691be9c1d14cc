"""Frames of a motion one after another, from its people and a video of them."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pstmo.errors import PstmoError
from pstmo.extras import extra
from pstmo.motion import Motion
from pstmo.render.eye import Eye, eye
from pstmo.render.layout import Layout, layout_of
from pstmo.render.painter import Painter
from pstmo.render.pictures import nearest, opened
from pstmo.render.scene import Scene, scene_of
from pstmo.video.ahead import ahead

AHEAD = 2
"""Frames that wait to be written, at most, and as many pictures that wait to be painted on."""


class Painted(NamedTuple):
    """seconds: of the motion's clock. pixels: (height, width, 3) uint8."""

    seconds: float
    pixels: np.ndarray


@dataclass(frozen=True, eq=False)
class Shoot:
    """video: where the pictures come from, None = there are none. step: from frame to frame of the motion, seconds."""

    scene: Scene
    layout: Layout
    eye: Eye
    video: str | Path | None
    step: float

    @classmethod
    def of(
        cls, people: Sequence[Motion], video: str | Path | None, part: tuple[float | None, float | None], **how: Any
    ) -> "Shoot":
        """part: start and end, seconds. how: size, usual, view; as in `layout_of` and `eye`. Raises PstmoError."""
        scene = scene_of(people, *part)
        if video is not None and scene.image_size is None:
            raise PstmoError(
                f"found no keypoints to lay over {video}: these motions were not made from any; leave the video out"
            )
        layout = layout_of(scene.image_size, how["size"], how["usual"])
        return cls(scene, layout, eye(scene, how["view"], layout.figures), video, 1 / people[0].fps)

    def only(self, frames: np.ndarray) -> "Shoot":
        """The same, of some of the frames."""
        scene = replace(self.scene, times=self.scene.times[frames], pick=self.scene.pick[frames])
        return replace(self, scene=scene, eye=self.eye.only(frames))

    def frames(self) -> Iterator[Painted]:
        """Pictures are read, scaled and painted on in threads of their own. Raises VideoError."""
        return ahead(self._frames(), AHEAD)

    def _frames(self) -> Generator[Painted, None, None]:
        painter = Painter(self.scene, self.layout, self.eye)
        with closing(self.pictures()) as pictures:
            for number, (seconds, picture) in enumerate(zip(self.scene.times.tolist(), pictures, strict=True)):
                yield Painted(seconds, painter(number, picture))

    def pictures(self) -> Generator[Any, None, None]:
        """Pillow's, in the layout's size; None where there is no video."""
        times = self.scene.times
        if self.video is None:
            yield from [None] * len(times)
            return
        video = opened(self.video, times, self.step, self.scene.image_size)
        scaled = ahead(_scaled(nearest(video, times, self.step, self.video), self.layout.picture), AHEAD)
        with closing(scaled) as pictures:  # type: ignore[type-var]
            yield from pictures


def _scaled(frames: Iterator[Any], size: tuple[int, int]) -> Generator[Any, None, None]:
    pillow = extra("PIL.Image", "render")
    with closing(frames):  # type: ignore[type-var]
        for frame in frames:
            picture = pillow.fromarray(frame.image)
            yield picture if picture.size == size else picture.resize(size, pillow.Resampling.BILINEAR, reducing_gap=2)
