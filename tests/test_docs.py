"""What README.md and docs/ say exists: commands and their options, scripts, targets, extras, files, headings, pages."""

import argparse
import io
import re
import runpy
import sys
import tomllib
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from functools import cache, wraps
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from doc_pages import PAGES, PROGRAMS, ROOT, Command, anchors, blocks, calls, commands, lines, links, spans

from pstmo.cli import main
from pstmo.cli.app import app
from pstmo.cli.settings import recipe
from pstmo.cli.train import Training

NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
CALLS = [call for page in PAGES for call in commands(page)]
OTHERS = {"--index-url", "--no-deps", "--save-predictions", "--write_json", "--save-json"}
"""Options of other programs that the text names."""

TEXTS = (
    "src/pstmo/",
    "keypoint file",
    "errors  logged",
    "index = pyarrow",
    "keypoints.json: ",
    "frame,",
    '{"joints"',
    "mydata/",
    "pretrain/ ",
)
"""Beginnings of indented blocks that are no commands."""


class Parsed(Exception):  # noqa: N818
    """The command line was understood; nothing further was done."""


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def understands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Says what is wrong with a call of pstmo, None if nothing is: parses it as pstmo does, without running it."""
    for command in app._subcommands.values():
        monkeypatch.setattr(command, "target", only_parsed(command.target))

    def understood(words: Sequence[str]) -> str | None:
        monkeypatch.setattr(sys, "argv", list(words))
        try:
            main()
        except Parsed:
            return None
        except SystemExit:
            return "".join(capsys.readouterr())
        return "it did not end"

    return understood


def only_parsed(job: Callable[..., None]) -> Callable[..., None]:
    """With the same parameters, from which a job's recipe is made, and nothing else."""

    @wraps(job)
    def parsed(*values: object, **named: object) -> None:
        for value in (*values, *named.values()):
            if isinstance(value, Training):
                recipe(value.preset, value.set)
        raise Parsed

    return parsed


@cache
def options_of(*words: str) -> frozenset[str]:
    """Options that `pstmo WORDS --help` tells of."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), suppress(SystemExit):
        patch.setenv("COLUMNS", "200")
        patch.setattr(sys, "argv", ["pstmo", *words, "--help"])
        main()
    return frozenset(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", said.getvalue()))


def test_the_pages_are_taken_apart():
    page = ROOT / "docs/howto/live.md"
    assert [block.language for block in blocks(page)] == [*["indented"] * 3, "python", "indented", "python"]
    assert lines(blocks(page)[0]) == ["pstmo live 0", "pstmo live video.mp4 > poses.jsonl"]
    assert lines(blocks(page)[1]) == []
    [made, lifted] = calls("", "python tracker.py | OMP=1 pstmo live --fps 30 > poses.jsonl")
    assert (made.words, lifted.words) == (("python", "tracker.py"), ("pstmo", "live", "--fps", "30"))
    assert calls("", "torchrun --n 8 -m pstmo train --data x")[0].words == ("pstmo", "train", "--data", "x")
    assert calls("", "sbatch --nodes 2 runs/slurm.sh train --data x")[0].words == ("pstmo", "train", "--data", "x")
    assert len([call for call in CALLS if call.words[0] == "pstmo"]) > 80


def test_every_line_of_a_block_of_commands_calls_a_program_that_is_known():
    assert [call for call in CALLS if call.words[0] not in PROGRAMS] == []


def test_indented_blocks_are_commands_or_known_not_to_be():
    """A mistyped program's name would otherwise make a block one of text."""
    texts = [
        block.text for page in PAGES for block in blocks(page) if block.language == "indented" and not lines(block)
    ]
    assert [text for text in texts if not text.startswith(TEXTS)] == []


def test_pstmo_understands_every_command(understands):
    wrong = {call: understands(call.words) for call in CALLS if call.words[0] == "pstmo"}
    assert {call.line: problem for call, problem in wrong.items() if problem} == {}


@pytest.mark.parametrize(
    "words", ["pstmo lift x", "pstmo lift x -o y --pretrained z", "pstmo fly", "pstmo train --data x -o y --set a=1"]
)
def test_what_is_no_command_is_not_understood(words: str, understands):
    assert understands(words.split())


def test_scripts_and_modules_understand_every_call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    parse = argparse.ArgumentParser.parse_args

    def parsed(self: argparse.ArgumentParser, *given: Any) -> None:
        parse(self, *given)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parsed)
    monkeypatch.syspath_prepend(ROOT / "runs")
    for call in CALLS:
        if call.words[0] == "python" and call.words[1] != "tracker.py":
            assert problem_of(call, monkeypatch, capsys) is None


def problem_of(call: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str | None:
    """With a call of a script or module, as its own parser sees it."""
    module = call.words[1] == "-m"
    name, arguments = call.words[1 + module], call.words[2 + module :]
    source = ROOT / (f"src/{name.replace('.', '/')}.py" if module else name)
    if not source.is_file():
        return f"{call.line}: there is no {name}"
    if "ArgumentParser(" not in source.read_text():
        return f"{call.line}: it takes no arguments" if arguments else None
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    try:
        runpy.run_path(str(source), run_name="__main__")
    except Parsed:
        return None
    except SystemExit:
        return f"{call.line}: {capsys.readouterr().err}"
    return f"{call.line}: it did not parse its arguments"


def test_targets_and_extras_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    spoken = [span for page in PAGES for span in spans(page)]
    for call in CALLS + [call for span in spoken for call in calls("", span)]:
        if call.words[0] == "make":
            assert set(call.words[1:]) <= targets, call
        if call.words[0] == "pip":
            assert set(re.findall(r"\w+", "".join(re.findall(r"\[(.+?)\]", call.line)))) <= extras, call


@pytest.mark.parametrize("name", NAMES)
def test_commands_and_options_in_the_text_exist(name: str):
    page = ROOT / name
    every = frozenset().union(*(options_of(command) for command in app._subcommands)) | OTHERS
    scripts = "".join(path.read_text() for path in [*(ROOT / "runs").glob("*.py"), ROOT / "src/pstmo/runner.py"])
    every |= (
        options_of("benchmark", "train") | options_of("benchmark", "lift") | set(re.findall(r'"(--[a-z-]+)"', scripts))
    )
    for span in spans(page):
        first, *words = span.split()
        if first.startswith("--"):
            assert first in every, span
        if first == "pstmo" and words and words[0].islower():
            command = words[: 2 if words[0] == "benchmark" else 1]
            assert {word for word in words if re.match(r"--?[a-z]", word)} <= options_of(*command), span


@pytest.mark.parametrize("name", NAMES)
def test_links_and_paths_lead_somewhere(name: str):
    page = ROOT / name
    for path, anchor in links(page):
        assert path.is_file(), f"{path} in {name}"
        assert not anchor or anchor in anchors(path), f"#{anchor} of {path.name} in {name}"
    for span in spans(page):
        if re.fullmatch(r"(src|runs|tests|docs|samples|viewer)/[\w/.-]+", span) and not span.startswith("runs/out"):
            assert (ROOT / span).exists(), f"{span} in {name}"
        if re.fullmatch(r"pstmo(\.\w+)+", span):
            assert there(span), f"{span} in {name}"


def there(name: str) -> bool:
    """Whether that is a module, or something in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        if find_spec(parts[0]) and importable(".".join(parts[:end])):
            found: Any = import_module(".".join(parts[:end]))
            for part in parts[end:]:
                found = getattr(found, part, None)
            return found is not None
    return False


def importable(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_pages_that_the_code_names_exist():
    for source in [*(ROOT / "src").rglob("*.py"), *(ROOT / "runs").glob("*.py")]:
        for page in re.findall(r"(?<![\w/])docs/[a-z0-9/-]+\.(?:md|png)", source.read_text()):
            assert (ROOT / page).is_file(), f"{page} in {source.relative_to(ROOT)}"


def test_the_site_has_every_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(ROOT / "runs")
    site = import_module("docs_site")
    monkeypatch.setattr(site, "STAGED", tmp_path / "docs")
    site.stage()
    named = set(site.pages(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]))
    made = {str(path.relative_to(tmp_path / "docs")) for path in (tmp_path / "docs").rglob("*.md")}
    assert named == made
    for name in named:
        module = re.fullmatch(r"reference/(pstmo.*)\.md", name)
        assert not module or there(module[1]), name
    home = (tmp_path / "docs/index.md").read_text("utf-8")
    assert "software to rely on" in home
    assert "<!--" not in home
    assert all(path.is_file() for path, _ in links(tmp_path / "docs/index.md"))
    reference = (tmp_path / "docs/reference/commands.md").read_text("utf-8")
    for command in app._subcommands:
        assert f"\n## pstmo {command}\n" in reference
    assert reference.count("usage: pstmo") == 1 + len(app._subcommands)
