"""`pstmo lift`: a video, or keypoints of people, to 3D motion."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from pstmo.cli.app import Out, app, logged
from pstmo.errors import PstmoError
from pstmo.options import Options

if TYPE_CHECKING:
    from pstmo.motion import Motion


OPTIONS = Options()


@app.command
def lift(
    source: Positional[str],
    out: Out,
    also: Annotated[str, arg(aliases=["-f"], metavar="FORMAT,...")] = "",
    options: Annotated[Options, arg(name="")] = OPTIONS,
    embed_video: bool = False,
) -> None:
    """Lift a video, or 2D keypoints, to 3D motion: OUT/motion.npz and OUT/view.html.

    Args:
        source: A video, a folder of pictures (with --fps), an address, "-" for a video on standard input; or a file of
            keypoints of any usual detector (docs/formats.md lists them), or OpenPose's folder.
        out: Folder for the results; made if it is not there. A run on a video that was stopped goes on from what is
            in OUT/detections.jsonl.
        also: Formats in which to write the motion besides: bvh, glb, trc, c3d, csv, parquet, json, coco. With --all
            several people are in one file where the format holds them.
        embed_video: Put the video into view.html, small, with the joints drawn over it. The file grows by about a fifth
            of a megabyte a second, and shows whoever it is passed on to what the camera saw.
    """
    if out.exists() and not out.is_dir():
        raise PstmoError(f"{out} is a file, expected a folder for the results")
    _can_embed(source, embed_video)
    from pstmo.motions import FORMATS, checked, write_motions

    formats = [checked(name.strip()) for name in also.split(",") if name.strip()]
    with logged("pstmo.files", "pstmo.pipeline") as told:
        from pstmo import pipeline

        clock = pipeline.Clock()
        people = pipeline.keypoints_in(source, out, options, clock)
        with clock("loading"):
            lifter = pipeline.lifter(options.lifting)
        motions = pipeline.motions(people, lifter, options, clock)
    with clock("writing"):
        from pstmo.files import write_motion
        from pstmo.files.atomic import make_folder
        from pstmo.view.page import write_page

        make_folder(out)
        written = {out / pipeline.file_of(motion, options): motion for motion in motions}
        for path, motion in written.items():
            write_motion(path, motion)
            told.append(f"{path}: {_described(motion)}")
        write_page(out / "view.html", motions, title=Path(source).stem, video=source if embed_video else None)
        for path in _earlier(out) - written.keys():
            path.unlink()
        for name in formats:
            told += map(str, write_motions(out / f"motion{FORMATS[name].ENDING}", motions))
    print(*told, f"{out / 'view.html'}: the motion to look at, in any browser", clock, sep="\n")


def _earlier(out: Path) -> set[Path]:
    """The motion files that are there, of this run and of earlier ones."""
    return {path for path in out.glob("motion*.npz") if re.fullmatch(r"motion(-\d+)?\.npz", path.name)}


def _can_embed(source: str, wanted: bool) -> None:
    """Raises PstmoError before any work is done."""
    from pstmo.source import is_video

    if wanted and (source == "-" or source.isdecimal() or not is_video(source)):
        raise PstmoError(f"{source}: --embed-video looks at a video a second time, expected a file, folder or address")


def _described(motion: "Motion") -> str:
    poses = motion.poses
    space = "camera axes" + ("" if motion.world is None else " and a world")
    made = f"{poses.model}, {poses.mode}" + (f", smoothed at {poses.smoothing:g} Hz" if poses.smoothing else "")
    return f"{poses.frames} frames of {poses.skeleton.name}, metres, {space}; {made}"
