"""An evaluation as tables: Markdown to read, CSV and JSON to count with, LaTeX to print."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from csv import writer
from importlib import metadata
from io import StringIO
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from pstmo.evaluate import Evaluation
from pstmo.files.atomic import make_folder, replacing
from pstmo.metrics import AUC_THRESHOLDS
from pstmo.tally import Errors

HUMAN36M_ACTIONS = {
    "Directions": "Dir.", "Discussion": "Disc.", "Eating": "Eat", "Greeting": "Greet", "Phoning": "Phone",
    "Photo": "Photo", "Posing": "Pose", "Purchases": "Purch.", "Sitting": "Sit", "SittingDown": "SitD.",
    "Smoking": "Smoke", "Waiting": "Wait", "WalkDog": "WalkD.", "Walking": "Walk", "WalkTogether": "WalkT.",
}  # fmt: skip
"""In the order of the papers' tables, and how these shorten them."""

BY_ACTION, BY_FRAME = "mean of actions", "mean of frames"
SENTENCES = {
    "mean": f"The {BY_ACTION} counts every action the same, as papers on Human3.6M do; the {BY_FRAME}, every frame.",
    "action": "What the person does.",
    "joint": "Each joint by itself; PCK and AUC only of the joints that they count.",
    "subject": "Who is seen.",
    "camera": "Where it is seen from.",
    "activity": "What the person does, frame by frame; frames without an activity count in no row.",
    "recording": "One camera's view of one take.",
}
"""What each of an evaluation's groups holds, in the order of the tables."""


class Column(NamedTuple):
    """One measure: its field in Errors, its name, unit and decimals to read, its key in files."""

    field: str
    name: str
    unit: str
    digits: int
    key: str

    def text(self, errors: Errors, unknown: str) -> str:
        value = getattr(errors, self.field)
        return f"{value:.{self.digits}f}" if isfinite(value) else unknown


COLUMNS = (
    Column("mpjpe", "MPJPE", "mm", 1, "mpjpe_mm"),
    Column("p_mpjpe", "P-MPJPE", "mm", 1, "p_mpjpe_mm"),
    Column("n_mpjpe", "N-MPJPE", "mm", 1, "n_mpjpe_mm"),
    Column("mpjve", "MPJVE", "mm/frame", 2, "mpjve_mm_per_frame"),
    Column("pck", "PCK@150", "%", 1, "pck150_percent"),
    Column("auc", "AUC", "%", 1, "auc_percent"),
)
_COLUMN = {column.field: column for column in COLUMNS}


def groups(evaluation: Evaluation) -> dict[str, dict[str, Errors]]:
    """The errors of every member of every group that has any, in the order of SENTENCES and of the papers."""
    actions = evaluation.by("action")
    known = [name for name in HUMAN36M_ACTIONS if name in actions]
    means = {BY_ACTION: evaluation.by_action} if actions else {}
    found = {name: evaluation.by(name) for name in ("subject", "camera", "activity", "recording")} | {
        "mean": means | {BY_FRAME: evaluation.by_frame},
        "action": {name: actions[name] for name in known} if len(known) == len(actions) else actions,
        "joint": evaluation.by_joint,
    }
    return {name: found[name] for name in SENTENCES if found[name]}


def markdown(evaluation: Evaluation) -> str:
    """One row an action, then both means: for the terminal and for model cards."""
    found = groups(evaluation)
    table = _markdown_table("action", found.get("action", {}), found["mean"])
    return f"{_heading(evaluation)}\n\n{table}"


def full_markdown(evaluation: Evaluation) -> str:
    """One table a group, each with a sentence on what it shows."""
    parts = [_heading(evaluation)]
    for group, members in groups(evaluation).items():
        title = "#### Means" if group == "mean" else f"#### By {group}"
        parts += [title, SENTENCES[group], _markdown_table(group, members)]
    return "\n\n".join(parts)


def csv(evaluation: Evaluation) -> str:
    """One row a member of a group, to six digits; empty where there is no number."""
    text = StringIO()
    rows = writer(text, lineterminator="\n")
    rows.writerow(["group", "name", "frames", *(column.key for column in COLUMNS)])
    for group, members in groups(evaluation).items():
        for name, errors in members.items():
            values = [getattr(errors, column.field) for column in COLUMNS]
            rows.writerow([group, name, errors.frames, *(f"{v:.6g}" if isfinite(v) else "" for v in values)])
    return text.getvalue()


def to_json(evaluation: Evaluation) -> str:
    """Everything but the curves of recordings; null where there is no number."""
    curve = evaluation.total.pck_curve(evaluation.skeleton)
    return json.dumps(
        {
            "model": evaluation.model,
            "data": evaluation.data,
            "keypoints": evaluation.keypoints,
            "skeleton": evaluation.skeleton.name,
            "pstmo": metadata.version("pstmo"),
            "units": {"frames": "count"} | {column.key: column.unit for column in COLUMNS},
            **{
                group: {name: _values(errors) for name, errors in members.items()}
                for group, members in groups(evaluation).items()
            },
            "pck_curve": {
                "threshold_mm": [round(1000 * metres) for metres in AUC_THRESHOLDS],
                "percent": [_number(share) for share in curve.tolist()],
            },
        },
        indent=1,
        allow_nan=False,
    )


def latex(evaluation: Evaluation) -> str:
    """Tables as papers print them: a column an action; where the data has activities, a second one of these."""
    found = groups(evaluation)
    actions = [(HUMAN36M_ACTIONS.get(name, name), errors) for name, errors in found.get("action", {}).items()]
    means = [(f"Avg. ({name.removeprefix('mean of ')})", errors) for name, errors in found["mean"].items()]
    of = f"{evaluation.model} on {evaluation.data}, keypoints {evaluation.keypoints}"
    tables = [
        "% \\usepackage{adjustbox, booktabs}",
        _latex_table(f"Errors by action, {of}", ("mpjpe", "p_mpjpe"), actions + means),
    ]
    if "activity" in found:
        activities = [*found["activity"].items(), ("All frames", evaluation.by_frame)]
        tables.append(_latex_table(f"Errors by activity, {of}", ("pck", "auc", "mpjpe"), activities))
    return "\n\n".join(tables)


def write_tables(folder: Path, evaluation: Evaluation) -> None:
    """results.json, results.csv, tables.md and tables.tex, each whole or not at all; makes the folder if need be.

    Raises PstmoError when the system refuses.
    """
    kinds: dict[str, Callable[[Evaluation], str]] = {
        "results.json": to_json,
        "results.csv": csv,
        "tables.md": full_markdown,
        "tables.tex": latex,
    }
    make_folder(folder)
    for name, table in kinds.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(table(evaluation).strip() + "\n", "utf-8", "replace")


def _heading(evaluation: Evaluation) -> str:
    model, data, keypoints = map(_plain, (evaluation.model, evaluation.data, evaluation.keypoints))
    return f"### {model} on {data}, keypoints {keypoints}"


def _markdown_table(group: str, members: Mapping[str, Errors], means: Mapping[str, Errors] | None = None) -> str:
    named = [(_plain(name), errors) for name, errors in members.items()]
    named += [(f"**{name}**", errors) for name, errors in (means or {}).items()]
    rows = [[group, "frames", *(f"{column.name} {column.unit}" for column in COLUMNS)]]
    rows += [[name, str(errors.frames), *(c.text(errors, "-") for c in COLUMNS)] for name, errors in named]
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table in Markdown, padded, so that it also reads well where nothing renders it.

    words: columns from the left that hold no numbers.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [[*map(str.ljust, row[:words], widths), *map(str.rjust, row[words:], widths[words:])] for row in rows]
    rules = [*("-" * width for width in widths[:words]), *("-" * (width - 1) + ":" for width in widths[words:])]
    lines.insert(1, rules)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """On one line, and no mark-up."""
    return re.sub(r"([\\|`*<\[])", r"\\\1", " ".join(text.split()))


def _values(errors: Errors) -> dict[str, float | int | None]:
    return {"frames": errors.frames} | {column.key: _number(getattr(errors, column.field)) for column in COLUMNS}


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def _latex_table(caption: str, fields: Iterable[str], columns: list[tuple[str, Errors]]) -> str:
    """A row a measure, a column a member."""
    heads = ["", *(_tex(name) for name, _ in columns)]
    rows = [
        [_tex(f"{column.name} ({column.unit})"), *(column.text(errors, "--") for _, errors in columns)]
        for column in (_COLUMN[field] for field in fields)
    ]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_tex(caption)}}}",
            r"\begin{adjustbox}{max width=\textwidth}",
            rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
            r"\toprule",
            f"{' & '.join(heads)} \\\\",
            r"\midrule",
            *(f"{' & '.join(row)} \\\\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{adjustbox}",
            r"\end{table}",
        ]
    )


_TEX = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip


def _tex(text: str) -> str:
    """On one line, every character meaning itself."""
    return " ".join(text.split()).translate(str.maketrans(_TEX))
