"""README.md and docs/, taken apart: blocks of code, command lines in them, code within the text, links, headings."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = {"pstmo", "python", "make", "pip", "torchrun", "tensorboard", "ln", "do", "done", "sleep", "until"}

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_INDENTED = re.compile(r"(?:(?<=\n\n)|(?<=^))(?: {4}.*\n(?:\n(?= {4}))?)+", re.M)
_OPERATORS = re.compile(r"\s(?:&&|\|)\s|;\s")


class Block(NamedTuple):
    """language: "" where a fence names none, "indented" without a fence."""

    language: str
    text: str


class Command(NamedTuple):
    """words: of one program's call, without variables before it and without what leads its output elsewhere. line: all
    of it, as the page has it, without the comment."""

    page: str
    line: str
    words: tuple[str, ...]


def blocks(page: Path) -> list[Block]:
    """In their order."""
    text = page.read_text("utf-8")
    fenced = {found.start(): Block(*found.groups()) for found in _FENCE.finditer(text)}
    rest = _FENCE.sub(lambda found: re.sub(r"[^\n]", "`", found[0]), text)
    plain = {
        found.start(): Block("indented", re.sub(r"^ {4}", "", found[0], flags=re.M))
        for found in _INDENTED.finditer(rest)
    }
    return [block for _, block in sorted((fenced | plain).items())]


def lines(block: Block) -> list[str]:
    """Of a block of commands, without comments; of another one none. A block whose first word is a program's name is
    one of commands."""
    found = [re.sub(r"\s+#.*", "", line).strip() for line in block.text.splitlines()]
    found = [line for line in found if line and not line.startswith("#")]
    if block.language in ("bash", "sh"):
        return found
    first = calls("", found[0])[0].words[0] if block.language == "indented" and found else ""
    return found if first in PROGRAMS else []


def calls(page: str, line: str) -> list[Command]:
    """The programs' calls in a line of a shell."""
    found = []
    for part in _OPERATORS.split(line):
        try:
            words = shlex.split(re.sub(r">\s*\S+", "", part))
        except ValueError:
            words = part.split()
        while words and (re.fullmatch(r"[A-Z_]+=\S*", words[0]) or words[0] in ("until", "do")):
            words = words[1:]
        script = next((place for place, word in enumerate(words) if re.fullmatch(r"runs/\w+\.sh", word)), None)
        if script is not None:  # what stands behind it is pstmo's
            words = ["pstmo", *words[script + 1 :]]
        if words[:1] == ["torchrun"]:
            words = ["python", *words[words.index("-m") :]]
        if words[:3] == ["python", "-m", "pstmo"]:
            words = ["pstmo", *words[3:]]
        found.append(Command(page, line, tuple(words or [""])))
    return found


def commands(page: Path) -> list[Command]:
    name = str(page.relative_to(ROOT))
    return [call for block in blocks(page) for line in lines(block) for call in calls(name, line)]


def prose(page: Path) -> str:
    """The text without its blocks of code."""
    return _INDENTED.sub("\n", _FENCE.sub("\n", page.read_text("utf-8")))


def spans(page: Path) -> list[str]:
    """What stands between backticks in the text, each on one line."""
    return [re.sub(r"\s+", " ", found) for found in re.findall(r"`([^`]+)`", prose(page))]


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Files of this repository that a page leads to or shows, and the anchor in them."""
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]+`", "", prose(page))):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """Of its headings, as the site and code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}
