"""The commands. Each is a function: its parameters are the options, its docstring is the help, and it alone prints."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import Positional, arg

from pstmo.errors import PstmoError
from pstmo.presets import PRESETS, Recipe

if TYPE_CHECKING:
    from pstmo.training.sources import SeenMotion

app = tyro.extras.SubcommandApp()

Out = Annotated[Path, arg(aliases=["-o"])]
Weights = Annotated[str | None, arg(aliases=["-w"], metavar="NAME|FILE")]


def main() -> None:
    """Runs a command; a mistake in its input is one line on standard error and exit code 2."""
    try:
        app.cli(
            prog="pstmo",
            description="2D human keypoints over time in, 3D motion out (P-STMO, ECCV 2022).",
            config=(tyro.conf.OmitSubcommandPrefixes,),
        )
    except PstmoError as error:
        print(f"pstmo: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command
def lift(
    keypoints: Positional[Path],
    out: Out,
    weights: Weights = None,
    format: Literal["npz", "coco", "alphapose", "openpose", "mediapipe"] | None = None,
    skeleton: str | None = None,
    image_size: tuple[int, int] | None = None,
    fps: float | None = None,
    person: int | None = None,
    mirror: bool = True,
) -> None:
    """Lift 2D keypoints of a person to 3D motion: OUT/motion.npz and OUT/view.html.

    Args:
        keypoints: File of keypoints (npz; COCO, AlphaPose, OpenPose or MediaPipe JSON), or OpenPose's folder.
        out: Folder for the results; made if it is not there.
        weights: Weights that come with the package, by name, or a checkpoint. None = the package's default.
        format: Format of the file; without it the content decides.
        skeleton: Layout of the joints, such as coco17, where the file does not say.
        image_size: Width and height of the picture in pixels, where the file does not say.
        fps: Frames per second, where the file does not say.
        person: Track number of the person to lift; without it the one seen longest.
        mirror: Average with the mirrored input: a little more exact, half as fast.
    """
    started = time.perf_counter()
    from pstmo.files import read_keypoints, write_motion

    seen = read_keypoints(keypoints, format=format, skeleton=skeleton, image_size=image_size, fps=fps, person=person)
    from pstmo import checkpoint
    from pstmo.files.atomic import make_folder
    from pstmo.lift import load
    from pstmo.view.page import write_page

    if out.exists() and not out.is_dir():
        raise PstmoError(f"{out} is a file, expected a folder for the results")
    lifter = load(weights or checkpoint.DEFAULT)
    lifting = time.perf_counter()
    poses = lifter.lift(seen, mirror=mirror)
    lifted = time.perf_counter()
    make_folder(out)
    write_motion(out / "motion.npz", poses, seen)
    write_page(out / "view.html", seen, poses, title=keypoints.stem)
    print(f"{out / 'motion.npz'}: {poses.frames} frames of {poses.skeleton.name}, metres, camera axes")
    print(f"{out / 'view.html'}: the motion to look at, in any browser")
    unseen = poses.frames - int(poses.observed.sum())
    if unseen:
        print(f"nobody was seen in {unseen} of {poses.frames} frames; their poses rest on the frames around them")
    for joint, column in zip(seen.skeleton.joints, seen.observed.T, strict=True):
        if joint in lifter.checkpoint.keypoints.joints and not column.any():
            print(f"{joint} was never seen; what depends on it is a guess")
    if seen.fps < 0.55 * lifter.checkpoint.rate:
        print(f"{seen.fps:g} frames/s is slower than anything that {poses.model} was trained on: expect larger errors")
    speed = poses.frames / (lifted - lifting)
    print(f"lifted at {speed:.0f} frames/s with {poses.model}; {time.perf_counter() - started:.1f} s in all")


@app.command
def evaluate(
    data: Path,
    weights: Weights = None,
    split: Literal["train", "validation", "test"] = "test",
    noise: bool = True,
    mirror: bool = True,
    seed: int = 0,
) -> None:
    """Measure a lifter on motion that Human3.6M's four cameras film: a table per class of motion and over all.

    Args:
        data: Motion, as `pstmo data` writes it.
        weights: Weights that come with the package, by name, or a checkpoint. None = the package's default.
        split: Whose motion; the subjects of train, validation and test are others.
        noise: See it with an imperfect detector.
        mirror: Average with the mirrored input.
        seed: Of the detector's mistakes.
    """
    from pstmo import checkpoint
    from pstmo.datasets import mocap
    from pstmo.detector import DetectorNoise
    from pstmo.evaluate import evaluate as measure
    from pstmo.evaluate import mocap_cases
    from pstmo.lift import load

    lifter = load(weights or checkpoint.DEFAULT)
    layouts = lifter.checkpoint.keypoints, lifter.checkpoint.poses
    cases = mocap_cases(mocap.load(data).split(split), DetectorNoise() if noise else None, seed, layouts)
    print(measure(lifter, cases, mirror=mirror).markdown())


@app.command
def data(kind: Positional[Literal["mocap"]], source: Path, out: Out) -> None:
    """Bring motion capture (a folder or archive of ASF/AMC and BVH files) into one file to train on.

    Args:
        kind: What the source is: mocap = the CMU database, or files in its layouts.
        source: Folder or tar archive.
        out: The .npz file to write.
    """
    from pstmo.datasets import mocap

    print(mocap.convert(source, out))
    print(f"wrote {out}")


Recipes = Annotated[tyro.extras.subcommand_type_from_defaults(PRESETS), arg(name="")]
"""A preset by name, every field of which is an option behind it."""


@app.command
def pretrain(data: Path, out: Out, recipe: Recipes = PRESETS["cmu-w27"]) -> None:
    """Stage I: learn to draw hidden frames and joints. Goes on where a run in OUT stopped.

    Args:
        data: Motion, as `pstmo data` writes it.
        out: Folder for the checkpoint, the log and the state to go on from.
        recipe: What is trained, and how.
    """
    from pstmo.training.pretrain import pretrain as train

    print(train(*_motion(data, recipe), out, recipe.model, recipe.masking, recipe.pretrain))


@app.command
def finetune(data: Path, out: Out, pretrained: Path | None = None, recipe: Recipes = PRESETS["cmu-w27"]) -> None:
    """Stage II: learn to lift, from a stage I checkpoint or from scratch. Goes on where a run in OUT stopped.

    Args:
        data: Motion, as `pstmo data` writes it.
        out: Folder for the checkpoint, the log and the state to go on from.
        pretrained: Stage I's checkpoint, whose encoder moves in.
        recipe: What is trained, and how.
    """
    from pstmo.training.finetune import finetune as train

    print(train(*_motion(data, recipe), out, recipe.model, recipe.finetune, pretrained))


@app.command(name="import")
def import_(
    official: Positional[Path],
    out: Out,
    keypoints: str = "h36m17",
    poses: str = "h36m17",
    rate: float = 50.0,
    framing: Literal["screen", "person"] = "screen",
) -> None:
    """Bring an official P-STMO checkpoint (.pth) in: OUT is a checkpoint for --weights. No pickled code is run.

    Args:
        official: File of stage I, stage II or the refine module.
        out: The .safetensors file to write.
        keypoints: Layout of the 2D joints that it was trained on.
        poses: Layout of its 3D joints.
        rate: Frames per second of its windows: 25 for those trained on Human3.6M with TDS 2.
        framing: How keypoints are put before the network; the official code knows "screen" alone.
    """
    from pstmo import checkpoint
    from pstmo.skeleton import by_name

    layouts = by_name(keypoints), by_name(poses)
    network = checkpoint.import_official(official)
    checkpoint.save(out, checkpoint.Checkpoint(network, *layouts, official.stem, framing, rate))
    print(f"wrote {out}: {type(network).__name__}")


@app.command
def export(weights: Positional[str], out: Out) -> None:
    """Write a checkpoint in the official layout (.pth), for the official code. It holds the weights and nothing else.

    Args:
        weights: Weights that come with the package, by name, or a checkpoint.
        out: The .pth file to write.
    """
    from pstmo import checkpoint

    found = checkpoint.load(checkpoint.find(weights))
    checkpoint.export_official(found.network, out)
    print(f"wrote {out}; to bring it back, `pstmo import` needs to be told what a .pth does not say:")
    layouts = f"--keypoints {found.keypoints.name} --poses {found.poses.name}"
    print(f"  {layouts} --rate {found.rate:g} --framing {found.framing}")


def _motion(data: Path, recipe: Recipe) -> "tuple[SeenMotion, SeenMotion]":
    """Training and validation motion, seen by random cameras."""
    from pstmo.datasets import mocap
    from pstmo.training.sources import SeenMotion

    corpus = mocap.load(data)
    return SeenMotion.of(corpus.split("train"), recipe), SeenMotion.of(corpus.split("validation"), recipe)
