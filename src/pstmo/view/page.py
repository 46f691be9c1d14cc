"""One HTML file to look at motion with: no network, no server, opens from disk.

The looks are in page.html and page.css; the script viewer.js is built from viewer/ at the root of the repository.
"""

import base64
import json
from collections.abc import Sequence
from html import escape
from importlib import metadata, resources
from pathlib import Path
from string import Template

import numpy as np

from pstmo.errors import PstmoError
from pstmo.files.atomic import replacing
from pstmo.motion import Motion
from pstmo.view.clip import clip
from pstmo.view.film import film
from pstmo.view.pack import Pack


def write_page(path: str | Path, people: Sequence[Motion], title: str = "", video: str | Path | None = None) -> None:
    """Writes the page to `path`, whole or not at all.

    people: who moves, in the same frames; the first is in focus when the page opens. video: the source that they were
    lifted from, which is made small and put into the page: about a fifth of a megabyte a second.
    Raises PstmoError where the people do not go together or the video cannot be read.
    """
    _check(people)
    pack, first = Pack(), people[0]
    told = json.dumps(clip(people, pack), separators=(",", ":")).replace("<", "\\u003c")
    pictures = b"" if video is None else film(video, first.times, first.fps)
    files = resources.files("pstmo.view")
    page = Template(files.joinpath("page.html").read_text("utf-8")).substitute(
        title=escape(title or "Lifted motion"),
        facts="\n".join(f"<li>{escape(fact)}</li>" for fact in _facts(people)),
        style=files.joinpath("page.css").read_text("utf-8"),
        clip=told,
        arrays=pack.text(),
        video=base64.b64encode(pictures).decode(),
        script=files.joinpath("viewer.js").read_text("utf-8"),
    )
    with replacing(Path(path)) as temporary:
        temporary.write_text(page, "utf-8", errors="replace")  # a title may be a file's name that is no text


def _check(people: Sequence[Motion]) -> None:
    if not people:
        raise PstmoError("found nobody to show, expected the motion of at least one person")
    numbers, times = [motion.person for motion in people], people[0].times
    if len(set(numbers)) < len(numbers):
        raise PstmoError(f"found people with the numbers {numbers}, expected each to have another")
    for motion in people:
        if motion.frames != len(times):
            raise PstmoError(
                f"found {len(times)} frames of person {numbers[0]} and {motion.frames} of person {motion.person}, "
                "expected as many"
            )
        if not np.allclose(motion.times, times, rtol=0, atol=0.5 / motion.fps):
            raise PstmoError(f"persons {numbers[0]} and {motion.person}: found frames at other times")


def _facts(people: Sequence[Motion]) -> list[str]:
    """What a reader has to know to read the numbers right."""
    poses, keypoints, world = people[0].poses, people[0].keypoints, people[0].world
    made = f"Model: {poses.model}" if poses.model else "Measured poses"
    smooth = f", smoothed at {poses.smoothing:g} Hz" if poses.smoothing else ""
    facts = [made + smooth, f"pstmo {metadata.version('pstmo')}", f"{poses.fps:g} frames/s"]
    if keypoints is not None:
        facts.append("2D: {}, pixels in {} × {}".format(keypoints.skeleton.name, *keypoints.image_size))  # noqa: RUF001
    facts.append(f"3D: {poses.skeleton.name}, metres, z up, x right and y away as the camera sees it")
    if world is None:
        root = (poses.skeleton.root or "root").replace("_", " ")
        facts.append(f"No place in a room is known: the {root} stays where it is, the camera counts as level")
    else:
        origins = world.origins
        facts.append(f"Focal length {origins.focal}, up from the {origins.up}, size from the {origins.scale}")
    for motion in people[1:]:
        if (motion.world is None) != (world is None):
            known = "not known" if motion.world is None else "known"
            facts.append(f"Person {motion.person}: the place in the room is {known}")
    return facts
