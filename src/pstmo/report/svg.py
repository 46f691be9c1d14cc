"""What matplotlib draws, as SVG elements that live inside a page: its font, its colours, ids of their own."""

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any
from warnings import catch_warnings, filterwarnings
from xml.etree import ElementTree

from pstmo.extras import extra

COLOURS = {
    "page": "#ffffff", "text": "#17202c", "muted": "#566273", "line": "#d3dae3", "bar": "#009e73",
    "measured": "#b4bfcc", "left": "#d55e00", "right": "#0072b2", "middle": "#4a5462",
}  # fmt: skip
"""Draw in these: each becomes the page's CSS variable of that name, so that dark pages get their own."""

_VARIABLES = {value: f"var(--{name})" for name, value in COLOURS.items()}
_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "pstmo",
    "text.parse_math": False,  # a $ in a name is a $
    "font.family": "DejaVu Sans",  # for measuring alone
    "font.size": 11,
    "text.color": COLOURS["text"],
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
}
_REFERENCE = re.compile(r"(?:url\()?#([\w-]+)")
_NUMBERS = ("d", "x", "y", "width", "height", "transform")

Figure = Any
Axes = Any
"""matplotlib's, which is installed only with pstmo[report]."""


def drawing(name: str, label: str, size: tuple[int, int], draw: Callable[[Figure], None]) -> str:
    """What draw(figure) draws, as an <svg> element of a page.

    name: unique within the page, the beginning of its ids. label: what it shows, for those who don't see it. size:
    width and height in pixels. The same drawing gives the same text. Raises PstmoError where matplotlib is missing.
    """
    matplotlib, figures = extra("matplotlib", "report"), extra("matplotlib.figure", "report")
    buffer = BytesIO()
    with matplotlib.rc_context(), catch_warnings():
        filterwarnings("ignore", "Glyph .* missing")  # the browser has other fonts
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = figures.Figure([side / 72 for side in size], dpi=72)
        draw(figure)
        figure.savefig(buffer, format="svg", transparent=True)
    return _embedded(ElementTree.fromstring(buffer.getvalue()), name, label)


def axes(figure: Figure, left: int, bottom: int, right: int, top: int) -> Axes:
    """A plot with these margins in pixels."""
    width, height = 72 * figure.get_size_inches()
    return figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height))


def short(text: str, length: int = 30) -> str:
    """Text that any font can show, on one line, with its middle left out where it is long."""
    text = "".join(char if char.isprintable() else " " for char in text)
    half = length // 2
    return text if len(text) <= length else f"{text[: length - half - 1]}…{text[-half:]}"


def _embedded(svg: ElementTree.Element, name: str, label: str) -> str:
    for parent in svg.iter():
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)  # the style would hold for the whole page
    values = [value for element in svg.iter() for value in element.attrib.values()]
    used = {found[1] for value in values if (found := _REFERENCE.match(value))}
    for element in svg.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.text = element.text if element.tag == "text" else None
        element.tail = None
        element.attrib = {
            key.rpartition("}")[2]: _own(key, value, name)
            for key, value in element.attrib.items()
            if key != "id" or value in used
        }
    svg.attrib = {"viewBox": svg.attrib["viewBox"], "role": "img", "aria-label": label}
    return ElementTree.tostring(svg, "unicode")


def _own(key: str, value: str, name: str) -> str:
    """An attribute's value: ids of this drawing alone, the page's colours, coordinates to a hundredth of a pixel."""
    if key == "id":
        return f"{name}-{value}"
    if key == "style":
        return re.sub("#[0-9a-f]{6}", lambda found: _VARIABLES.get(found[0], found[0]), value)
    if key in _NUMBERS:
        return re.sub(r"(\.\d\d)\d+", r"\1", value)
    return _REFERENCE.sub(lambda found: found[0].replace("#", f"#{name}-"), value)
