"""What a training leaves to look at: how each stage went, and what the network does on held-out windows."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import metadata
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from pstmo.report.bodies import views
from pstmo.report.curves import EARLY, Curve, over_epochs, over_window
from pstmo.report.document import count, filled, numbered, summary, write_document
from pstmo.report.figures import MOST_ACTIONS, bars
from pstmo.report.svg import short
from pstmo.skeleton import Skeleton
from pstmo.training.check import Check, Sample

Line = Mapping[str, float | int | None]
"""One epoch of a log: epoch, loss, validation, lr, seconds, windows_per_second; None or nan where it is not known."""

_UNKNOWN = "–"  # noqa: RUF001


class _Words(NamedTuple):
    """What a reader is told of a stage; unit and decimals of its validation error."""

    title: str
    unit: str
    digits: int
    caption: str


_VALIDATION = "The validation error is the MPJPE of the centre frames of held-out windows."
STAGES = {
    "pretrain": _Words(
        "Stage I: pre-training", "", 4,
        "The encoder learns to draw hidden joints. Both errors are the mean distance of the joints drawn from those "
        "seen, in the units in which the network sees keypoints.",
    ),
    "finetune": _Words(
        "Stage II: fine-tuning", "mm", 1,
        f"The network learns to lift. {_VALIDATION} The training loss is that of all frames plus that of the centre "
        "frame, in metres.",
    ),
    "refine": _Words(
        "Stage III: refining", "mm", 1, f"A module learns to correct the poses that were lifted. {_VALIDATION}"
    ),
}  # fmt: skip

_NOTE = "Best: the epoch with the least error on held-out windows. Windows a second: in training, without validation. "
_MEASURES = (
    "MPJPE: mean distance of a joint from its true place, relative to the root. P-MPJPE: after the rotation, "
    "translation and scale that fit best."
)


class _Stage(NamedTuple):
    """The lines of one stage's log as columns, nan where a number is not known."""

    name: str
    words: _Words
    epochs: Float[np.ndarray, " epochs"]
    loss: Float[np.ndarray, " epochs"]
    validation: Float[np.ndarray, " epochs"]
    rate: Float[np.ndarray, " epochs"]
    seconds: Float[np.ndarray, " epochs"]
    speed: Float[np.ndarray, " epochs"]

    @property
    def best(self) -> int | None:
        """Place of the epoch with the least validation error; None where none is known."""
        return int(np.nanargmin(self.validation)) if np.isfinite(self.validation).any() else None

    @property
    def told(self) -> tuple[str, str]:
        """The least validation error, and when it was reached."""
        if self.best is None:
            return _UNKNOWN, ""
        return f"{self.validation[self.best]:.{self.words.digits}f}", f", epoch {self.epochs[self.best]:g}"


def write_training_report(
    path: Path,
    title: str,
    stages: Mapping[str, Sequence[Line]],
    settings: Mapping[str, Any],
    check: Check | None,
    keypoints: Skeleton,
    poses: Skeleton,
) -> None:
    """Writes the page to `path`, whole or not at all; the same numbers give the same bytes.

    stages: the lines of each stage's log, by the names in STAGES; one without lines is left out. settings: what was
    chosen, in groups where they are mappings. check: None where nothing was lifted. keypoints, poses: the layouts of
    its samples. Raises PstmoError when the system refuses, and where matplotlib is missing.
    """
    columns = [_stage(name, lines) for name, lines in stages.items() if lines]
    facts = (
        f"{keypoints.name} ({count(len(keypoints), 'joint')}) to {poses.name} ({count(len(poses), 'joint')})",
        *(f"{stage.words.title}, {count(len(stage.epochs), 'epoch')}" for stage in columns),
        f"pstmo {metadata.version('pstmo')}",
    )
    curves = [drawn for stage in columns if (drawn := _course(stage))]
    body = filled(
        "training.html",
        summary=summary(
            escape(title),
            "How training went, stage by stage" + ", and what the network does on held-out windows" * bool(check),
            "What was trained",
            facts=facts,
            numbers=(*map(_numbers, columns), *(_totals(check) if check else ())),
            note=_NOTE + _MEASURES * (check is not None or any(stage.words.unit for stage in columns)),
        ),
        figures=numbered(curves),
        check=_checked(check, keypoints, poses, len(curves) + 1) if check else "",
        settings=_settings(settings),
    )
    write_document(path, title, body, filled("training.css"))


def _stage(name: str, lines: Sequence[Line]) -> _Stage:
    def column(key: str) -> np.ndarray:
        values = [line.get(key) for line in lines]
        numbers = np.array([nan if value is None else value for value in values], float)
        return np.where(np.isfinite(numbers), numbers, nan)

    epochs = np.where(np.isfinite(column("epoch")), column("epoch"), np.arange(1.0, len(lines) + 1))
    rest = ("loss", "validation", "lr", "seconds", "windows_per_second")
    return _Stage(name, STAGES[name], epochs, *map(column, rest))


def _numbers(stage: _Stage) -> str:
    """The main numbers of a stage."""
    timed = np.isfinite(stage.seconds) & np.isfinite(stage.speed)
    seconds = float(stage.seconds[timed].sum())
    windows = float((stage.seconds * stage.speed)[timed].sum())
    error, when = stage.told
    shown = (
        (error, stage.words.unit, f"best validation{when}"),
        (*(_rounded(windows) if seconds else (_UNKNOWN, "")), "windows seen"),
        (*(_duration(seconds) if seconds else (_UNKNOWN, "")), "of training"),
        (*(_rounded(windows / seconds) if seconds else (_UNKNOWN, "")), "windows a second"),
    )
    return _section(stage.words.title, shown)


def _totals(check: Check) -> Iterator[str]:
    """The main numbers of the check."""
    total = check.total
    shown = ((f"{total.mpjpe:.1f}", "mm", "MPJPE"), (f"{total.p_mpjpe:.1f}", "mm", "P-MPJPE"))
    yield _section(f"On {count(total.windows, 'held-out window')}", shown)


def _section(title: str, shown: Sequence[tuple[str, str, str]]) -> str:
    """shown: numbers, their units, and what they are."""
    values = "".join(f"<p><strong>{value}</strong> {unit}<br>{what}</p>" for value, unit, what in shown)
    return f"<section><h2>{title}</h2>{values}</section>"


def _course(stage: _Stage) -> tuple[str, str] | None:
    """What changed from epoch to epoch; None where nothing is known of it."""
    title, unit, _, caption = stage.words
    curves = (
        Curve(f"validation error{f', {unit}' if unit else ''}", stage.validation, "bar", 130),
        Curve("training loss", stage.loss, "right", 100),
        Curve("learning rate", stage.rate, "muted", 52, whole=True),
    )
    known = [curve for curve in curves if np.isfinite(curve.values).any()]
    if not known:
        return None
    error, when = stage.told
    told = f"best: {error}{f' {unit}' if unit else ''}{when}"
    svg = over_epochs(stage.name, f"Lines: {title}, epoch by epoch", stage.epochs, known, stage.best, told)
    above = f" Of the first {EARLY:.0%} of the epochs, some values lie above the edge."
    return svg, f"{title}. {caption}{above * any(curve.cut for curve in known)}"


def _checked(check: Check, keypoints: Skeleton, poses: Skeleton, first: int) -> str:
    """Figures of its errors, numbered from `first` on, a table, and its samples."""
    samples = (_sample(number, sample, keypoints, poses) for number, sample in enumerate(check.samples, 1))
    rows = "\n".join(
        f"<tr><th scope=row>{escape(name)}<td>{score.windows}<td>{score.mpjpe:.1f}<td>{score.p_mpjpe:.1f}"
        for name, score in check.actions.items()
    )
    errors = numbered(_errors(check), first)
    legend = filled("legend.html", true="true")
    return filled("check.html", errors=errors, actions=rows, legend=legend, samples="\n".join(samples))


def _errors(check: Check) -> Iterator[tuple[str, str]]:
    """Of joints, actions, and places in the window."""
    mean = ("mean of windows", check.total.mpjpe)
    joints = {joint.replace("_", " "): error for joint, error in check.joints.items()}
    yield (
        bars("joint", "Bars: error by joint in millimetres", joints, {}, mean),
        f"Error by joint, mean of all windows.{_worst(joints)}",
    )
    mpjpe, p_mpjpe = ({name: getattr(e, field) for name, e in check.actions.items()} for field in ("mpjpe", "p_mpjpe"))
    caption = f"Error by action: MPJPE, and P-MPJPE after rigid alignment.{_worst(mpjpe)}"
    yield bars("action", "Bars: error by action in millimetres", mpjpe, p_mpjpe, mean), caption
    yield (
        over_window(check.sequence, check.total.mpjpe),
        "MPJPE in mm over the place in the window, by the head that poses all frames at once, and by the one that "
        "poses the centre alone. The second is the one in use.",
    )


def _worst(members: Mapping[str, float]) -> str:
    return f" The worst {MOST_ACTIONS} of {len(members)}." if len(members) > MOST_ACTIONS else ""


def _sample(number: int, sample: Sample, keypoints: Skeleton, poses: Skeleton) -> str:
    label = f"2D keypoints, and predicted over true pose: {short(sample.action, 60)}"
    shown = (sample.keypoints, keypoints), (sample.predicted, sample.target)
    svg = views(f"sample-{number}", label, *shown, poses)
    caption = f"<b>{sample.error:.1f} mm</b> {escape(sample.action)}"
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def _settings(settings: Mapping[str, Any]) -> str:
    """A table of what stands by itself, and one for each group."""
    if not settings:
        return ""
    single = {name: value for name, value in settings.items() if not isinstance(value, Mapping)}
    groups = {name: value for name, value in settings.items() if isinstance(value, Mapping)}
    tables = []
    for title, group in [("general", single), *groups.items()]:
        rows = "\n".join(f"<tr><th scope=row>{escape(name)}<td>{escape(value)}" for name, value in _flat(group))
        if rows:
            tables.append(f"<section><h3>{escape(title)}</h3><table><tbody>\n{rows}\n</tbody></table></section>")
    return "\n".join(('<h2>Settings</h2>\n<div class="settings" id="settings">', *tables, "</div>"))


def _flat(group: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """(name, value) of everything in a group; those in groups within it have their names before them."""
    for name, value in group.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", _text(value)


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return ", ".join(map(_text, value)) if isinstance(value, (list, tuple)) else str(value)


def _rounded(number: float) -> tuple[str, str]:
    """A number to three digits, as the log has no more, and its unit."""
    for unit, size in (("billion", 1e9), ("million", 1e6)):
        if number >= 0.9995 * size:
            return f"{number / size:.3g}", unit
    return f"{float(f'{number:.3g}'):,g}", ""


def _duration(seconds: float) -> tuple[str, str]:
    """A number and its unit."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f}", unit
    return f"{seconds:.1f}", "s"
