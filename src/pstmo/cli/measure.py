"""`pstmo evaluate` and `pstmo reproduce`: how good a lifter is, and whether the published ones are."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from pstmo.cli.app import app
from pstmo.options import Way, Weights

if TYPE_CHECKING:
    from pstmo.datasets.paired import PairedDataset
    from pstmo.evaluate import Evaluation, Predict

Results = Annotated[Path | None, arg(aliases=["-o"])]


@app.command
def evaluate(
    data: Path,
    weights: Weights = None,
    predictions: Path | None = None,
    keypoints: str | None = None,
    split: Literal["train", "validation", "test"] = "test",
    subjects: tuple[str, ...] = (),
    actions: tuple[str, ...] = (),
    cameras: tuple[str, ...] = (),
    mode: Way = "exact",
    mirror: bool = True,
    step: int | None = None,
    refine: Path | None = None,
    precision: Literal["fp32", "bf16"] = "fp32",
    device: str = "cpu",
    out: Results = None,
    save_predictions: bool = False,
) -> None:
    """Measure a lifter, or another one's predictions: a table, and with -o tables in four formats and a report.

    Args:
        data: Folder that `pstmo data` wrote.
        weights: Weights that come with the package, by name, or a checkpoint. None = the package's default.
        predictions: Measure these instead: an .npz with one array (frames, joints, 3), metres, a recording, named
            SUBJECT/TAKE/CAMERA as in the data's index.
        keypoints: Kind of 2D to lift, where the data has several.
        split: Whose recordings.
        subjects: Of these alone.
        actions: Of these alone.
        cameras: Of these alone.
        mode: How to lift; `pstmo lift --help` says what each does.
        mirror: Average with the mirrored input.
        step: Recorded frames between two frames of a window. None = what the frame rates ask for.
        refine: A refine module's checkpoint; it is given the root's measured depth, as in the paper.
        precision: bf16 = products in bfloat16.
        device: Where to compute, such as cuda.
        out: Folder for results.json, results.csv, tables.md, tables.tex and report.html.
        save_predictions: Write OUT/predictions.npz as well, as --predictions reads it.
    """
    from pstmo import checkpoint
    from pstmo.datasets import paired
    from pstmo.errors import PstmoError
    from pstmo.evaluate import lifting, stored
    from pstmo.files.predictions import Predictions
    from pstmo.lift import load
    from pstmo.model.refine import Refine

    if save_predictions and out is None:
        raise PstmoError("--save-predictions needs a folder to write to: -o OUT")
    if predictions is not None and (weights is not None or refine is not None or save_predictions):
        raise PstmoError("--predictions stand by themselves, without --weights, --refine and --save-predictions")
    found = paired.load(data).split(split).only(subjects, actions, cameras)
    if predictions is not None:
        kind, predict = found.kind(keypoints or next(iter(found.keypoints))), stored(Predictions(predictions))
    else:
        lifter = load(weights or checkpoint.DEFAULT, device, precision)
        kind = found.kind(keypoints, lifter.checkpoint.keypoints)
        module = None if refine is None else checkpoint.expect(checkpoint.load(refine).network, Refine, refine)
        predict = lifting(lifter, kind, mode=mode, mirror=mirror, step=step, refine=module)
    _report(found, kind, predict, out, save_predictions)


@app.command
def reproduce(
    name: Positional[Literal["p-stmo-s", "p-stmo", "p-stmo-refined", "p-stmo-s-gt", "p-stmo-s-coco", "p-stmo-s-3dhp"]],
    data: Path,
    checkpoints: Path,
    device: str = "cpu",
    out: Results = None,
) -> None:
    """Run a released model of the paper on its test set and compare with the published numbers.

    Says which files it needs and where they come from when they are not there. Exit code 1 = a number disagrees.

    Args:
        name: Which one.
        data: Folder that `pstmo data human36m` or `pstmo data mpi-inf-3dhp` wrote.
        checkpoints: Folder with the released .pth files.
        device: Where to compute, such as cuda.
        out: Folder for tables and report.
    """
    from pstmo import reproduce as published
    from pstmo.datasets import paired

    release = published.RELEASES[name]
    missing = published.needed(release, data, checkpoints)
    if missing:
        print(f"{name} needs:", *missing, sep="\n  ", file=sys.stderr)
        sys.exit(2)
    found = published.check_data(release, paired.load(data))
    evaluation = _report(found, release.keypoints, published.predictor(release, checkpoints, device), out, False)
    compared = list(published.compare(release, evaluation))
    for measure, value, expected, agrees in compared:
        verdict = "agrees" if agrees else f"differs by more than {release.tolerance}"
        print(f"{name}: {measure} ({release.average.replace('_', ' ')}) {value:.2f}, published {expected}: {verdict}")
    sys.exit(0 if all(line.agrees for line in compared) else 1)


def _report(data: "PairedDataset", kind: str, predict: "Predict", out: Path | None, keep: bool) -> "Evaluation":
    """Measures, prints the table and writes what is asked for."""
    from contextlib import ExitStack

    from pstmo.evaluate import evaluate as measure
    from pstmo.evaluate import keeping
    from pstmo.extras import extra
    from pstmo.files.atomic import make_folder
    from pstmo.files.predictions import writing
    from pstmo.progress import progress
    from pstmo.report.page import write_report
    from pstmo.tables import markdown, write_tables

    if out is not None:
        extra("matplotlib", "report")  # better now than after an hour of lifting
        make_folder(out)
    with ExitStack() as stack:
        if out is not None and keep:
            predict = keeping(predict, stack.enter_context(writing(out / "predictions.npz")))
        recordings = progress(data.recordings([kind]), "evaluating", len(data.entries))
        evaluation = measure(predict, recordings, data=data.name, keypoints=kind, activities=data.activities)
    print(markdown(evaluation))
    if out is not None:
        write_tables(out, evaluation)
        write_report(out / "report.html", evaluation)
        print(f"wrote {out}: report.html, tables.md, tables.tex, results.json, results.csv")
    return evaluation
