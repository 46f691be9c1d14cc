"""Licences of what pstmo needs and ships are known, listed, and none that binds others goes unseen."""

import json
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pstmo import licences
from pstmo.licences import SHIPPED, UNKNOWN, Part, is_strict, licence_of, parts

PACKAGE = Path(licences.__file__).parent
FREE = st.sampled_from(["MIT", "BSD-3-Clause", "Apache-2.0", "LGPL-2.1-or-later", "GNU Lesser General Public License"])
STRICT = st.sampled_from(
    ["GPL-3.0-only", "AGPL-3.0", "GNU General Public License (GPL)", "CC-BY-NC-4.0", "research only", "Proprietary"]
)


@pytest.fixture(scope="module")
def found() -> dict[str, Part]:
    return {part.name.lower(): part for part in parts()}


class Told(Distribution):
    """A distribution with those metadata, and nothing else."""

    def __init__(self, *lines: str, text: str | None = None):
        self.lines, self.text = "\n".join(("Name: told", *lines)), text

    def read_text(self, filename: str) -> str | None:
        return {"METADATA": self.lines, "licenses/COPYING": self.text}.get(filename)

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


def test_every_library_that_is_needed_has_a_licence_that_is_known(found: dict[str, Part]):
    assert {name for name, part in found.items() if part.licence == UNKNOWN} <= {"cuda-toolkit"}  # names others only


def test_what_binds_those_who_pass_it_on_is_known(found: dict[str, Part]):
    """PyAV carries encoders under the GPL, which its metadata do not tell, and PyTorch's CUDA build needs NVIDIA's
    libraries: docs/installing.md says so."""
    assert {name for name, part in found.items() if part.strict and not name.startswith("nvidia-")} <= {"av"}
    assert not is_strict(found["av"].licence)


def test_all_that_pyproject_names_is_listed(found: dict[str, Part]):
    for name in ("torch", "numpy", "rich", "tyro", "jaxtyping", "safetensors", "mpmath"):  # mpmath: needed by others
        assert found[name].extras == ()
    assert {"dev", "render", "video"} <= set(found["av"].extras)
    assert "dev" in found["pytest"].extras
    assert "pstmo" not in found


@given(FREE, FREE, STRICT)
def test_only_what_leaves_no_way_around_is_strict(free: str, other: str, strict: str):
    assert not is_strict(free)
    assert not is_strict(f"{free} AND {other}")
    assert not is_strict(f"{strict} OR {free}")
    assert not is_strict(f"{free} AND GPL-3.0-or-later WITH GCC-exception-3.1")
    assert is_strict(strict)
    assert is_strict(f"{free} AND {strict}")
    assert is_strict(f"{free} OR {other} AND {strict}")


def test_metadata_are_read_in_their_order():
    expression, classifier, text = (
        "License-Expression: ISC",
        "Classifier: License :: OSI Approved :: Zlib",
        "License: X11",
    )
    assert licence_of(Told(text, classifier, expression)) == "ISC"
    assert licence_of(Told(text, classifier, "Classifier: License :: Two")) == "Zlib AND Two"
    assert licence_of(Told(text, "Classifier: Topic :: Text")) == "X11"
    assert (
        licence_of(Told("License-File: COPYING", "License: UNKNOWN", text="\nMIT License\n\nCopyright"))
        == "MIT License"
    )
    assert (
        licence_of(Told("License: UNKNOWN")) == licence_of(Told("License-File: LOST")) == licence_of(Told()) == UNKNOWN
    )


def test_what_pstmo_ships_is_under_the_licences_it_names():
    pyproject = PACKAGE.parents[1] / "pyproject.toml"
    named = set((distribution("pstmo").metadata["License-Expression"] or "").split(" AND "))
    if pyproject.is_file():
        named = set(tomllib.loads(pyproject.read_text())["project"]["license"].split(" AND "))
    assert {part.licence for part in SHIPPED} == named
    for part in SHIPPED:
        if part.text.startswith("pstmo/"):
            text = (PACKAGE.parent / part.text).read_text("utf-8")[:2000]
            assert {"MIT": "MIT License", "BSD-3-Clause": "BSD 3-Clause", "Apache-2.0": "Apache License"}[
                part.licence
            ] in text


def test_the_command_lists_them_for_people_and_machines(tmp_path: Path, pstmo_here, found: dict[str, Part]):
    code, out, err = pstmo_here(tmp_path, "licences")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert (
        any(line.startswith("! av ") and "carries x264, GPL-2.0-or-later" in line for line in lines)
        == found["av"].strict
    )
    assert any(line.startswith("  numpy ") for line in lines)
    facts = json.loads(pstmo_here(tmp_path, "licences --json").out)
    assert facts.keys() == {"shipped", "libraries", "absent"}
    assert {part["name"].lower() for part in facts["libraries"]} == found.keys()
    assert all(isinstance(part["strict"], bool) for part in facts["libraries"])
