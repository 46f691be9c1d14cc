"""Every table says what was measured, in forms that other programs read."""

import csv
import json
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from evaluations import EVIL, evaluation
from hypothesis import given, settings
from hypothesis import strategies as st

from pstmo import tables
from pstmo.errors import PstmoError
from pstmo.evaluate import Evaluation
from pstmo.skeleton import MPI_INF_3DHP
from pstmo.tables import COLUMNS, HUMAN36M_ACTIONS

KEYS = [column.key for column in COLUMNS]


@cache
def found() -> Evaluation:
    return evaluation(activities=("stand", "sit"))


def cells(line: str) -> list[str]:
    """Of a Markdown row: what stands between pipes that are not escaped."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def rows(text: str) -> dict[str, list[str]]:
    lines = [cells(line) for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    return {name: values for name, *values in lines[2:]}


def test_markdown_names_what_was_measured_and_both_means():
    table = tables.markdown(found())
    assert table.splitlines()[0] == "### net on net, keypoints gt"
    assert cells(table.splitlines()[2])[1:] == [
        "frames", "MPJPE mm", "P-MPJPE mm", "N-MPJPE mm", "MPJVE mm/frame", "PCK@150 %", "AUC %"
    ]  # fmt: skip
    expected = found().by("action") | {
        "**mean of actions**": found().by_action,
        "**mean of frames**": found().by_frame,
    }
    assert rows(table).keys() == expected.keys()
    for name, e in expected.items():
        one = [f"{value:.1f}" for value in (e.mpjpe, e.p_mpjpe, e.n_mpjpe)]
        assert rows(table)[name] == [str(e.frames), *one, f"{e.mpjve:.2f}", f"{e.pck:.1f}", f"{e.auc:.1f}"]
    assert rows(table)["**mean of actions**"] != rows(table)["**mean of frames**"]


def test_actions_stand_as_in_the_papers_where_all_are_known():
    def order(*actions: str) -> list[str]:
        return [name for name in rows(tables.markdown(evaluation(actions, frames=2, gap=slice(0)))) if "*" not in name]

    known = list(HUMAN36M_ACTIONS)
    assert len(known) == 15
    assert known != sorted(known)
    assert order(*sorted(known)) == known
    assert order("WalkDog", "Walking", "Directions") == ["Directions", "WalkDog", "Walking"]
    assert order("Walking", "WalkDog", "Jumping") == ["Jumping", "WalkDog", "Walking"]


def test_full_markdown_has_every_group():
    parts = re.split(r"^#### (?:By )?", tables.full_markdown(found()), flags=re.M)[1:]
    names = {part.partition("\n")[0]: list(rows(part)) for part in parts}
    groups = ("action", "joint", "subject", "camera", "activity", "recording")
    assert list(names) == ["Means", *groups]
    for group in groups:
        members = found().by_joint if group == "joint" else found().by(group)
        assert sorted(names[group]) == sorted(members)
    assert all(re.search(r"^[A-Z].*\.$", part, re.M) for part in parts)
    assert "activity" not in tables.full_markdown(evaluation())


@pytest.mark.parametrize("read", ["csv", "json"])
def test_files_hold_the_numbers(read: str):
    if read == "csv":
        lines = list(csv.DictReader(tables.csv(found()).splitlines()))
        assert list(lines[0]) == ["group", "name", "frames", *KEYS]
        numbers = {
            (line["group"], line["name"]): [float(line[key] or "nan") for key in ("frames", *KEYS)] for line in lines
        }
    else:
        stored = json.loads(tables.to_json(found()), parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
        assert stored["units"].keys() == {"frames", *KEYS}
        assert (stored["skeleton"], stored["keypoints"], stored["model"]) == ("h36m17", "gt", "net")
        numbers = {
            (group, name): [np.nan if values[key] is None else values[key] for key in ("frames", *KEYS)]
            for group, members in stored.items()
            if group in tables.SENTENCES
            for name, values in members.items()
        }
    expected = {("mean", "mean of actions"): found().by_action, ("mean", "mean of frames"): found().by_frame}
    expected |= {("joint", name): errors for name, errors in found().by_joint.items()}
    for group in ("action", "subject", "camera", "activity", "recording"):
        expected |= {(group, name): errors for name, errors in found().by(group).items()}
    assert numbers.keys() == expected.keys()
    for key, errors in expected.items():
        assert numbers[key] == pytest.approx(list(errors), rel=1e-5, nan_ok=True)
    assert np.isnan(numbers["joint", "hip"][-1])  # the root counts in no PCK


def test_json_has_the_curve():
    curve = json.loads(tables.to_json(found()))["pck_curve"]
    assert curve["threshold_mm"] == list(range(0, 151, 5))
    assert curve["percent"] == pytest.approx(found().total.pck_curve(found().skeleton).tolist())
    assert curve["percent"][-1] == pytest.approx(found().by_frame.pck)


def environments(text: str) -> None:
    """Fails where a \\begin has no \\end of its own."""
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []


def test_latex_has_a_column_an_action():
    text = tables.latex(evaluation(tuple(HUMAN36M_ACTIONS), frames=2, gap=slice(0)))
    environments(text)
    [head, mpjpe, p_mpjpe] = [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if " & " in line]
    assert head[1:] == [*HUMAN36M_ACTIONS.values(), "Avg. (actions)", "Avg. (frames)"]
    assert [mpjpe[0], p_mpjpe[0]] == ["MPJPE (mm)", "P-MPJPE (mm)"]
    assert len(mpjpe) == len(p_mpjpe) == len(head) == 18
    assert "{lrrrrrrrrrrrrrrrrr}" in text


def test_latex_has_a_second_table_of_activities():
    text = tables.latex(found())
    environments(text)
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 2
    lines = [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if " & " in line]
    errors = [*found().by("activity").values(), found().by_frame]
    assert lines[3:] == [
        ["", "sit", "stand", "All frames"],
        [r"PCK@150 (\%)", *(f"{e.pck:.1f}" for e in errors)],
        [r"AUC (\%)", *(f"{e.auc:.1f}" for e in errors)],
        ["MPJPE (mm)", *(f"{e.mpjpe:.1f}" for e in errors)],
    ]


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1).map(lambda text: f"a{text}z"))
def test_latex_text_means_itself(name: str):
    """Whatever is special in LaTeX is escaped, and nothing else is changed."""
    words = {"textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textless": "<",
             "textgreater": ">", "textbar": "|"}  # fmt: skip
    text = tables.latex(replace(_small(), model=name, data="")).splitlines()
    [caption] = [line for line in text if line.startswith(r"\caption")]
    shown = caption.removeprefix(r"\caption{Errors by action, ").removesuffix(" on , keypoints gt}")
    assert not re.search(r"(?<!\\)[%$#_&~^<>|]", shown)
    back = re.sub(r"\\(text\w+)\{\}|\\(.)", lambda match: words[match[1]] if match[1] else match[2], shown)
    assert back == " ".join(name.split())


@cache
def _small() -> Evaluation:
    return evaluation(("a",), frames=2, gap=slice(0))


def test_names_from_outside_stay_in_their_cell():
    evil = evaluation((EVIL, "two\nlines"), name=EVIL, activities=(EVIL, "other"))
    table = rows(tables.markdown(evil))
    assert len(table) == 4
    assert "two lines" in table
    assert r"\</script>\<img src=x" in tables.markdown(evil)
    assert [line["name"] for line in csv.DictReader(tables.csv(evil).splitlines(keepends=True))].count(EVIL) == 3
    assert EVIL in json.loads(tables.to_json(evil))["action"]
    environments(tables.latex(evil))
    columns = {len(re.split(r"(?<!\\)&", line)) for line in tables.latex(evil).splitlines() if line.endswith(r"\\")}
    assert columns == {5, 4}


def test_what_is_not_there_is_said(tmp_path: Path):
    """No actions: one mean. Joints that PCK does not count: no number, in no file."""
    nameless = evaluation(("",), MPI_INF_3DHP)
    assert list(rows(tables.markdown(nameless))) == ["**mean of frames**"]
    tables.write_tables(tmp_path, nameless)
    assert not any(re.search(r"\bnan\b", path.read_text("utf-8"), re.I) for path in tmp_path.iterdir())
    pelvis = rows(tables.full_markdown(nameless).partition("By joint")[2].partition("####")[0])["pelvis"]
    assert pelvis[-2:] == ["-", "-"]


def test_four_files_whole_or_not_at_all(tmp_path: Path):
    folder = tmp_path / "new" / "results"
    tables.write_tables(folder, found())
    texts = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert texts.keys() == {"results.json", "results.csv", "tables.md", "tables.tex"}
    assert texts["results.csv"] == tables.csv(found())
    assert json.loads(texts["results.json"]) == json.loads(tables.to_json(found()))
    with pytest.raises(PstmoError, match=r"results\.csv"):
        tables.write_tables(folder / "results.csv", found())


def test_columns_line_up_where_nothing_renders_them():
    lines = [line for line in tables.markdown(found()).splitlines() if line.startswith("|")]
    assert all(a.index("|", 1) == b.index("|", 1) and len(a) == len(b) for a, b in pairwise(lines))
