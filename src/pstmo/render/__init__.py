"""Films and pictures of motion, to show and to send: MP4, GIF, PNG."""

from collections.abc import Sequence
from pathlib import Path

from pstmo.errors import PstmoError
from pstmo.motion import Motion
from pstmo.options import Rendering
from pstmo.render.film import write_gif, write_mp4
from pstmo.render.sheet import write_sheet
from pstmo.render.shoot import Shoot

__all__ = ["ENDINGS", "render"]

ENDINGS = (".mp4", ".gif", ".png")

USUAL = Rendering()


def render(path: Path, people: Sequence[Motion], video: str | Path | None = None, how: Rendering = USUAL) -> None:
    """Draws people, to the left as they were seen, to the right in 3D: a film (.mp4, .gif) or a contact sheet (.png).

    people: on one clock, in one world. video: the one they were lifted from; None = keypoints on plain ground. The file
    is written whole or not at all. Raises PstmoError for another ending, for people who do not belong together, and for
    a video that is shorter than the motion or another one.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise PstmoError(f"found {path}, expected a name that ends with {', '.join(ENDINGS)}")
    usual = (1280, 720) if ending == ".mp4" else (640, 360)
    view = how.view or ("front" if ending == ".png" else "turning")
    shoot = Shoot.of(people, video, (how.start, how.end), size=how.size, usual=usual, view=view)
    if ending == ".png":
        write_sheet(path, shoot, how.moments)
    else:
        (write_gif if ending == ".gif" else write_mp4)(path, shoot)
