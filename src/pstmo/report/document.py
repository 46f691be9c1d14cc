"""What every report is made of: one HTML file, numbered figures. No network, no script, opens from disk, prints.

The looks are in document.html, what stands where in a template of each report.
"""

from collections.abc import Iterable
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from pstmo.files.atomic import replacing


def write_document(path: Path, title: str, body: str, style: str = "") -> None:
    """Writes a page to `path`, whole or not at all; the same parts give the same bytes.

    title: text. body: HTML. style: CSS of this page alone. Raises PstmoError when the system refuses.
    """
    page = filled("document.html", title=escape(title), style=style, body=body)
    with replacing(path) as temporary:
        temporary.write_text(page, "utf-8", "replace")


def filled(template: str, **parts: str) -> str:
    """The file of that name with HTML put in its places."""
    return Template(resources.files("pstmo.report").joinpath(template).read_text("utf-8")).substitute(parts)


def summary(heading: str, subtitle: str, label: str, *, facts: Iterable[str], numbers: Iterable[str], note: str) -> str:
    """What a report begins with: its header, the main numbers, and a note on them.

    label: what the facts are, for those who hear the page. facts: text; all else: HTML.
    """
    items = "\n".join(f"<li>{escape(fact)}</li>" for fact in facts)
    parts = {"heading": heading, "subtitle": subtitle, "label": label, "facts": items, "note": note}
    return filled("summary.html", **parts, numbers="\n".join(numbers))


def numbered(drawn: Iterable[tuple[str, str]], first: int = 1) -> str:
    """Figures, each an SVG and its caption."""
    return "\n".join(
        f"<figure>{svg}<figcaption><b>Figure {number}.</b> {caption}</figcaption></figure>"
        for number, (svg, caption) in enumerate(drawn, first)
    )


def count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
