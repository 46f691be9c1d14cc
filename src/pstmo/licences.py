"""What is installed because of pstmo, under which licences, and what pstmo itself ships."""

import re
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import NamedTuple

UNKNOWN = "unknown"

RUNTIME = "GPL-3.0-or-later WITH GCC-exception-3.1"
WITHIN = {
    "x264": "GPL-2.0-or-later",
    "x265": "GPL-2.0-or-later",
    "avcodec": "LGPL-2.1-or-later",
    "quadmath": "LGPL-2.1-or-later",
    "gfortran": RUNTIME,
    "gomp": RUNTIME,
}
"""Libraries under copyleft that wheels carry without saying so in their metadata, by the names of their files."""

_REQUIREMENT = re.compile(r"([\w.-]+)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_CARRIED = re.compile(rf"(?:^|/)lib({'|'.join(WITHIN)})\b[^/,]*,", re.M)
_STRICT = re.compile(r"\bA?GPL|Affero|(?<!Lesser )General Public|non-?commercial|\bNC\b|research|proprietary", re.I)


class Shipped(NamedTuple):
    """Something in pstmo's own wheel. text: where its licence can be read there."""

    what: str
    licence: str
    text: str


class Part(NamedTuple):
    """An installed distribution. licence: "unknown" where its metadata name none. carries: libraries under copyleft in
    it, and their licences. extras: those of pstmo that need it; none if pstmo always does."""

    name: str
    version: str
    licence: str
    carries: dict[str, str]
    extras: tuple[str, ...]

    @property
    def strict(self) -> bool:
        """Whether passing it on asks for more than to name its makers: to give source code (GPL, AGPL), to earn nothing
        with it, to agree with a company's own terms."""
        return any(map(is_strict, (self.licence, *self.carries.values())))


SHIPPED = (
    Shipped("code and page", "MIT", "LICENSE"),
    Shipped("weights cmu-w81, cmu-w27, cmu-fill", "MIT", "LICENSE"),
    Shipped("networks of the detector (MediaPipe)", "Apache-2.0", "pstmo/detect/models/LICENSE"),
    Shipped("three.js, in the page", "MIT", "pstmo/view/viewer.js"),
    Shipped("sample video and keypoints (Sports2D)", "BSD-3-Clause", "pstmo/samples/LICENSE-Sports2D.txt"),
)


def parts() -> list[Part]:
    """What pstmo needs, itself or through others, and what is installed of it: what it always needs first.

    A requirement under a condition, such as a system's name, counts where it is installed.
    """
    always = _needed("pstmo", ())
    by_extra = {extra: _needed("pstmo", (extra,)) for extra in extras()}
    every = always | {name: found for needed in by_extra.values() for name, found in needed.items()}
    found = []
    for name, there in every.items():
        needed_for = () if name in always else tuple(extra for extra, needed in by_extra.items() if name in needed)
        facts = there.metadata
        found.append(Part(facts["Name"], facts["Version"], licence_of(there), _carried(there), needed_for))
    return sorted(found, key=lambda part: (bool(part.extras), part.name.lower()))


def extras() -> list[str]:
    return distribution("pstmo").metadata.get_all("Provides-Extra") or []


def absent() -> list[str]:
    """Extras of which something is not installed: `parts` cannot tell all of them."""
    own = distribution("pstmo")
    return [extra for extra in extras() if any(_installed(name) is None for name, _ in _requirements(own, (extra,)))]


def licence_of(there: Distribution) -> str:
    """As its metadata say: by an expression, else by classifiers, else by a text's first line, in them or in a file."""
    named = there.metadata.get_all
    classified = [line.split(" :: ")[-1] for line in named("Classifier") or () if line.startswith("License ::")]
    files = (there.read_text(where + name) or "" for name in named("License-File") or () for where in ("licenses/", ""))
    texts = [text.strip().partition("\n")[0][:60] for text in (*(named("License") or ()), *files)]
    found = (*(named("License-Expression") or ()), " AND ".join(classified), *texts)
    return next((licence for licence in found if licence and licence.upper() != "UNKNOWN"), UNKNOWN)


def is_strict(licence: str) -> bool:
    """Whether one of its terms is as `Part.strict` tells, in all its alternatives. Exceptions (WITH) are a way out."""
    terms = (term.split(" OR ") for term in licence.split(" AND "))
    return any(all(_STRICT.search(way) and " WITH " not in way for way in term) for term in terms)


def _needed(name: str, wanted: tuple[str, ...]) -> dict[str, Distribution]:
    """Everything installed that a distribution with those extras needs, by normal name."""
    found: dict[str, Distribution] = {}
    seen, waiting = set(), list(_requirements(distribution(name), wanted))
    while waiting:
        name, wanted = waiting.pop()
        there = _installed(name)
        if there is not None and (name, wanted) not in seen:
            seen.add((name, wanted))
            found[name] = there
            waiting.extend(_requirements(there, wanted))
    return found


@cache
def _requirements(there: Distribution, wanted: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Names and extras of what it needs with those extras."""
    found = []
    for line in there.requires or ():
        match, only_for = _REQUIREMENT.match(line), _EXTRA.findall(line)
        if match and (not only_for or set(only_for) & set(wanted)):
            found.append((_normal(match[1]), tuple(part.strip() for part in (match[2] or "").split(",") if part)))
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _carried(there: Distribution) -> dict[str, str]:
    return {name: WITHIN[name] for name in sorted(set(_CARRIED.findall(there.read_text("RECORD") or "")))}
