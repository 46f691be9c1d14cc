"""`pstmo lift`: a video, or keypoints of people, to 3D motion."""

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
) -> None:
    """Lift a video, or 2D keypoints, to 3D motion: OUT/motion.npz and OUT/view.html.

    Args:
        source: A video, a folder of pictures (with --fps), an address, "-" for a video on standard input; or a file of
            keypoints of any usual detector (docs/formats.md lists them), or OpenPose's folder.
        out: Folder for the results; made if it is not there. A run on a video that was stopped goes on from what is
            in OUT/detections.jsonl.
        also: Formats in which to write the motion besides: bvh, glb, trc, c3d, csv, parquet, json, coco. With --all
            several people are in one file where the format holds them.
    """
    if out.exists() and not out.is_dir():
        raise PstmoError(f"{out} is a file, expected a folder for the results")
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
        for motion in motions:
            path = out / (f"motion-{motion.person}.npz" if options.choosing.all else "motion.npz")
            write_motion(path, motion)
            told.append(f"{path}: {_described(motion)}")
        assert motions[0].keypoints is not None
        write_page(out / "view.html", motions[0].keypoints, motions[0].poses, title=Path(source).stem)
        for name in formats:
            told += map(str, write_motions(out / f"motion{FORMATS[name].ENDING}", motions))
    print(*told, f"{out / 'view.html'}: the motion to look at, in any browser", clock, sep="\n")


def _described(motion: "Motion") -> str:
    poses = motion.poses
    space = "camera axes" + ("" if motion.world is None else " and a world")
    made = f"{poses.model}, {poses.mode}" + (f", smoothed at {poses.smoothing:g} Hz" if poses.smoothing else "")
    return f"{poses.frames} frames of {poses.skeleton.name}, metres, {space}; {made}"
