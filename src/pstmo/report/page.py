"""One HTML file with what was measured: numbers, figures, tables."""

from collections.abc import Mapping
from html import escape
from importlib import metadata
from math import isfinite
from pathlib import Path

from pstmo.evaluate import Evaluation, Moment
from pstmo.report.bodies import by_joint, moment, stands
from pstmo.report.document import count, filled, numbered, summary, write_document
from pstmo.report.figures import MOST_ACTIONS, SMOOTHED, by_action, distribution, over_time, pck_curve
from pstmo.tables import COLUMNS, SENTENCES, groups
from pstmo.tally import Errors

_MAIN = ("mpjpe", "p_mpjpe", "pck", "auc")


def write_report(path: Path, evaluation: Evaluation) -> None:
    """Writes the page to `path`, whole or not at all; the same evaluation gives the same bytes.

    Raises PstmoError when the system refuses, and where matplotlib is missing.
    """
    found = groups(evaluation)
    model = evaluation.model or "model without a name"
    body = filled(
        "page.html",
        summary=summary(
            escape(model),
            f"3D pose errors on {escape(evaluation.data)}, lifted from 2D keypoints: {escape(evaluation.keypoints)}",
            "What was measured",
            facts=_facts(evaluation, found["mean"]),
            numbers=_numbers(found["mean"]),
            note=escape(SENTENCES["mean"]),
        ),
        figures=numbered(_figures(evaluation, found)),
        legend=filled("legend.html", true="measured"),
        worst="\n".join(_worst(i, m, evaluation) for i, m in enumerate(evaluation.worst, 1)),
        tables="\n".join(_table(group, members) for group, members in found.items()),
    )
    write_document(path, f"{model} on {evaluation.data}", body)


def _facts(evaluation: Evaluation, means: Mapping[str, Errors]) -> tuple[str, ...]:
    """What a reader has to know to read the numbers right."""
    *_, mean = means.values()
    skeleton = evaluation.skeleton
    root = (skeleton.root or "root").replace("_", " ")
    return (
        count(mean.frames, "frame"),
        count(len(evaluation.curves), "recording"),
        f"skeleton {skeleton.name}, {len(skeleton)} joints, relative to the {root}",
        f"pstmo {metadata.version('pstmo')}",
    )


def _numbers(means: Mapping[str, Errors]) -> list[str]:
    """The main numbers, each by both means."""
    cells = []
    for column in COLUMNS:
        if column.field not in _MAIN:
            continue
        values = "".join(
            f"<p><strong>{column.text(errors, '–')}</strong> {column.unit}<br>{name}</p>"  # noqa: RUF001
            for name, errors in means.items()
        )
        cells.append(f"<section><h2>{column.name}</h2>{values}</section>")
    return cells


def _figures(evaluation: Evaluation, found: Mapping[str, Mapping[str, Errors]]) -> list[tuple[str, str]]:
    """Each with what it shows in words."""
    skeleton, actions, total = evaluation.skeleton, found.get("action", {}), evaluation.by_frame
    pose = "Their left is on the right: the person faces us." if stands(skeleton) else "The pose is a measured one."
    caption = f"MPJPE of each joint in mm, mean of frames. {pose}"
    drawn = [(by_joint(skeleton, found["joint"], evaluation.worst), caption)]
    if actions:
        many = f" The worst {MOST_ACTIONS} of {len(actions)}." if len(actions) > MOST_ACTIONS else ""
        caption = f"Error by action: MPJPE, and P-MPJPE after rigid alignment.{many}"
        drawn.append((by_action(actions, found["mean"]), caption))
    caption = "How often which error is met: MPJPE of single frames. Up to 0.5 % of them lie beyond the right edge."
    drawn.append((distribution(evaluation.curves.values()), caption))
    if isfinite(total.pck):
        caption = "PCK: joints nearer than a threshold, mean of frames. AUC is the mean of the curve."
        drawn.append((pck_curve(evaluation.total.pck_curve(skeleton), total), caption))
    caption = (
        "MPJPE in mm along the recordings with the least, the median and the largest mean: thin each frame, thick the "
        f"mean of 1/{SMOOTHED} of the recording, or 3 frames, around it. Where the lines break, no pose was measured."
    )
    drawn.append((f"<div class=row>{''.join(over_time(evaluation.curves))}</div>", caption))
    return drawn


def _worst(number: int, shown: Moment, evaluation: Evaluation) -> str:
    caption = f"<b>{shown.error:.1f} mm</b> {escape(shown.recording)}, frame {shown.frame}"
    return f"<figure>{moment(number, shown, evaluation.skeleton)}<figcaption>{caption}</figcaption></figure>"


def _table(group: str, members: Mapping[str, Errors]) -> str:
    """A row a member; recordings, which may be many, are folded away."""
    heads = "".join(f"<th scope=col>{column.name}<small>{column.unit}</small>" for column in COLUMNS)
    rows = "\n".join(
        f"<tr><th scope=row>{escape(name.replace('_', ' ') if group == 'joint' else name)}<td>{errors.frames}"
        + "".join(f"<td>{column.text(errors, '–')}" for column in COLUMNS)  # noqa: RUF001
        for name, errors in members.items()
    )
    title = "Means" if group == "mean" else f"By {group}"
    table = (
        f"<div class=scroll tabindex=0 role=region aria-label='{title}'><table><thead><tr><th scope=col>{group}"
        f"<th scope=col>frames{heads}</thead><tbody>\n{rows}\n</tbody></table></div>"
    )
    if group == "recording":
        table = f"<details><summary>{count(len(members), group)}</summary>{table}</details>"
    return f"<section id='by-{group}'><h3>{title}</h3><p>{SENTENCES[group]}</p>{table}</section>"
