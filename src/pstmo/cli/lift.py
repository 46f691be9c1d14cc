"""`pstmo lift`: keypoints of a person to 3D motion."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from pstmo.cli.app import Format, Out, Way, Weights, app, logged
from pstmo.errors import PstmoError

if TYPE_CHECKING:
    from pstmo.sequence import Keypoints


@app.command
def lift(
    keypoints: Positional[Path],
    out: Out,
    weights: Weights = None,
    format: Format | None = None,
    skeleton: str | None = None,
    image_size: tuple[int, int] | None = None,
    fps: float | None = None,
    fov: float | None = None,
    person: int | None = None,
    mode: Way = "auto",
    mirror: bool = True,
    every: int | None = None,
    overlap: float = 0.5,
    lag: int = 0,
    precision: Literal["fp32", "bf16"] = "fp32",
    device: str = "cpu",
) -> None:
    """Lift 2D keypoints of a person to 3D motion: OUT/motion.npz and OUT/view.html.

    Args:
        keypoints: File of keypoints of any usual detector (docs/formats.md lists them), or OpenPose's folder.
        out: Folder for the results; made if it is not there.
        weights: Weights that come with the package, by name, or a checkpoint. None = the package's default.
        format: Format of the file; without it the content decides.
        skeleton: Layout of the joints, such as coco17, where the file does not say.
        image_size: Width and height of the picture in pixels, where the file does not say.
        fps: Frames per second, where the file does not say.
        fov: How much the picture shows from its left to its right edge, in degrees; without it a usual lens is assumed.
        person: Track number of the person to lift; without it the main one: seen for long, large, in the middle.
        mode: exact = every frame from a window around it; fast = some exactly, a curve through them; sequence = whole
            windows at once; live = as a stream; auto = the first of these that takes half a minute or less.
        mirror: Average with the mirrored input: a little more exact, half as fast.
        every: Of fast: frames from one exact pose to the next. None = 10 poses a second.
        overlap: Of sequence: the share of a window that the next one sees again.
        lag: Of live: frames that are seen after each.
        precision: bf16 = products in bfloat16: quicker where processor or GPU can, about a millimetre off.
        device: Where to compute, such as cuda.
    """
    started = time.perf_counter()
    from pstmo.files import write_motion

    seen, told = _read(keypoints, format=format, skeleton=skeleton, image_size=image_size, fps=fps, person=person)
    if fov is not None:
        seen = seen.with_view(fov)
    from pstmo import checkpoint
    from pstmo.files.atomic import make_folder
    from pstmo.lift import load
    from pstmo.view.page import write_page

    if out.exists() and not out.is_dir():
        raise PstmoError(f"{out} is a file, expected a folder for the results")
    lifter = load(weights or checkpoint.DEFAULT, device, precision)
    lifting = time.perf_counter()
    poses = lifter.lift(seen, mode=mode, mirror=mirror, every=every, overlap=overlap, lag=lag)
    lifted = time.perf_counter()
    make_folder(out)
    write_motion(out / "motion.npz", poses, seen)
    write_page(out / "view.html", seen, poses, title=keypoints.stem)
    print(
        *told,
        f"{out / 'motion.npz'}: {poses.frames} frames of {poses.skeleton.name}, metres, camera axes",
        f"{out / 'view.html'}: the motion to look at, in any browser",
        sep="\n",
    )
    unseen = poses.frames - int(poses.observed.sum())
    if unseen:
        print(f"nobody was seen in {unseen} of {poses.frames} frames; their poses rest on the frames around them")
    for joint, column in zip(seen.skeleton.joints, seen.observed.T, strict=True):
        if joint in lifter.checkpoint.keypoints.joints and not column.any():
            print(f"{joint} was never seen; what depends on it is a guess")
    if seen.fps < 0.55 * lifter.checkpoint.rate:
        print(f"{seen.fps:g} frames/s is slower than anything that {poses.model} was trained on: expect larger errors")
    speed = poses.frames / (lifted - lifting)
    print(
        f"lifted at {speed:.0f} frames/s with {poses.model}, {poses.mode}; {time.perf_counter() - started:.1f} s in all"
    )


def _read(path: Path, **facts: Any) -> "tuple[Keypoints, list[str]]":
    """The file's keypoints, and what to say of it."""
    from pstmo.files import read_keypoints

    with logged("pstmo.files") as told:
        return read_keypoints(path, **facts), told
