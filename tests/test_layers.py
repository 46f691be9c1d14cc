"""Imports go one way: from what is later in the flow of the data to what is earlier."""

import ast
from pathlib import Path

import pstmo

ORDER = (
    "errors", "logged", "progress", "extras", "options", "skeleton", "presets", "camera", "sequence", "frame", "people",
    "tracking", "motion", "persons", "files", "runner", "video", "detect", "watch", "source", "datasets", "spline",
    "smooth", "sides", "fill", "framing", "track", "windows", "chance", "synthesis", "imperfect", "cmu4", "model",
    "official", "checkpoint", "threads", "gaps", "metrics", "training", "windowed", "modes", "lift", "stream",
    "world", "limits", "contact", "fit", "motions", "pipeline", "corpus", "export", "tally", "evaluate", "tables",
    "report", "train", "reproduce", "view", "render", "benchmark", "serve", "samples", "licences", "cli",
    "__init__", "__main__",
)  # fmt: skip
"""The flow: a module may import only what stands before it (and siblings in its own package)."""

PACKAGE = Path(pstmo.__file__).parent


def imported(path: Path) -> set[str]:
    """The modules and packages of pstmo that a file names in its imports, outside of functions or within."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "pstmo":
            parts = node.module.split(".")[1:]
            names |= {parts[0]} if parts else {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("pstmo.")}
    return names


def test_every_module_has_its_place():
    found = {path.stem for path in PACKAGE.glob("*.py")}
    found |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert found == set(ORDER)


def test_imports_go_downwards_only():
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imported(path) - {place}:
            assert ORDER.index(name) < ORDER.index(place), f"{path.relative_to(PACKAGE)} imports {name}"


def test_only_the_command_line_prints():
    for path in PACKAGE.rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        printing = any(isinstance(call, ast.Name) and call.id == "print" for call in calls)
        assert not printing or path.parent.name == "cli" or path.name == "runner.py", path
