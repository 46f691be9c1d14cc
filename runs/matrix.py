"""Wheel and sdist built and checked; the wheel installed and tested on several Pythons, with new and old libraries.

    pip install build twine uv
    python runs/matrix.py --python python3.11 python3.12 python3.13 --libraries newest oldest [--torch 2.13.0]

Each case has an environment of its own, outside the checkout: the wheel alone, whose demo lifts keypoints; with
[video], whose demo lifts a video; with [dev], the tests, from a copy of the checkout that has no src. The oldest
libraries are the lowest versions that pyproject.toml allows and the registry has wheels of for that Python; those above
their bounds are told on standard error. --torch holds PyTorch at a version throughout. Prints the table of
docs/installing.md; ends with 1 where anything failed. Where pip finds its packages is pip's own matter (PIP_FIND_LINKS;
for uv UV_FIND_LINKS).
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOOKS_AT_SRC = "tests/test_docs.py"
HEAD = """| Python | libraries | PyTorch | NumPy | MB: PyTorch | the rest | [video] | demo | tests |
| --- | --- | --- | --- | --: | --: | --: | --- | --- |"""
INSTALLED = """import json
from importlib.metadata import distributions
print(json.dumps({found.metadata["Name"].lower(): [found.version, sum(
    path.stat().st_size for file in found.files or [] if (path := found.locate_file(file)).is_file()
)] for found in distributions()}))"""
"""Run in an environment: version and bytes of each distribution."""


@dataclass(frozen=True)
class Environment:
    """An environment that holds the wheel, and pip's constraints for it."""

    folder: Path
    wheel: Path
    constraints: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin/python"

    def install(self, extra: str = "") -> None:
        self.run("-m", "pip", "install", "--quiet", f"{self.wheel}{extra}", "--constraint", self.constraints)

    def run(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        """What Python prints, in that folder."""
        return said([self.python, *arguments], cwd or self.folder)

    def sizes(self) -> dict[str, tuple[str, int]]:
        return {name: (version, size) for name, (version, size) in json.loads(self.run("-c", INSTALLED)).items()}

    def demo(self, wanted: set[str]) -> None:
        """Runs the demo outside of any checkout; raises Failed unless it leaves those files."""
        out = self.folder / "demo"
        shutil.rmtree(out, ignore_errors=True)
        said([self.folder / "bin/pstmo", "demo", "-o", out], self.folder)
        found = {path.name for path in out.iterdir()}
        if found != wanted:
            raise Failed(f"the demo left {sorted(found)}, not {sorted(wanted)}")


class Failed(Exception):  # noqa: N818
    """A step that went wrong, and the end of what it said."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--python", nargs="+", default=[sys.executable], help="interpreters")
    arguments.add_argument("--libraries", nargs="+", choices=("newest", "oldest"), default=["newest"])
    arguments.add_argument("--torch", help="version to hold PyTorch at")
    arguments.add_argument("--tests", nargs="+", default=["tests"], help="in place of all")
    options = arguments.parse_args()
    failed = False
    with TemporaryDirectory() as name:
        folder = Path(name)
        wheel = built(folder / "dist")
        copied(folder / "checkout")
        print(HEAD, flush=True)
        for python in options.python:
            for kind in options.libraries:
                try:
                    print(case(folder, wheel, python, kind, options.torch, options.tests), flush=True)
                except Failed as problem:
                    failed = True
                    print(f"| {version(python)} | {kind} | FAILED: {problem}", flush=True)
    sys.exit(failed)


def built(folder: Path) -> Path:
    """The wheel, made from the sdist; both checked, their contents too."""
    said([sys.executable, "-m", "build", "--outdir", folder, ROOT])
    said([sys.executable, "-m", "build", "--wheel", "--outdir", folder / "direct", ROOT])
    [wheel], [sdist], [direct] = folder.glob("*.whl"), folder.glob("*.tar.gz"), folder.glob("direct/*.whl")
    said([sys.executable, "-m", "twine", "check", "--strict", wheel, sdist])
    contents, again = in_wheel(wheel), in_wheel(direct)
    if contents != again:
        raise SystemExit(f"the wheel of the sdist is another: {differing(contents, again)}")
    information = f"{PROJECT['name']}-{PROJECT['version']}.dist-info"
    expected = {path.removeprefix("src/") for path in tracked() if path.startswith("src/")}
    expected |= {f"{information}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    expected |= {f"{information}/licenses/{name}" for name in PROJECT["license-files"]}
    with tarfile.open(sdist) as file:
        inside = {member.name.partition("/")[2] for member in file.getmembers()}
    for name, found, wanted in ((wheel, set(contents), expected), (sdist, inside, tracked() | {"PKG-INFO"})):
        if found != wanted:
            raise SystemExit(f"{name.name}: stray {sorted(found - wanted)}, missing {sorted(wanted - found)}")
        print(f"{name.name}: {len(found)} files, {name.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    return wheel


def in_wheel(path: Path) -> dict[str, int]:
    """Its files, with their checksums."""
    with zipfile.ZipFile(path) as file:
        return {member.filename: member.CRC for member in file.infolist()}


def differing(one: dict[str, int], other: dict[str, int]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def tracked() -> set[str]:
    return set(said(["git", "ls-files"], ROOT).splitlines())


def copied(folder: Path) -> None:
    """The checkout without src, so that what is tested can only be what is installed."""
    for name in tracked():
        if not name.startswith("src/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def case(folder: Path, wheel: Path, python: str, kind: str, torch: str | None, tests: Sequence[str]) -> str:
    """A row of the table; raises Failed."""
    constraints = folder / "constraints.txt"
    constraints.write_text(f"torch=={torch}\n" if torch else "")
    if kind == "oldest":
        constraints.write_text(lowest(python, constraints))
    environment = Environment(folder / "environment", wheel, constraints)
    said([python, "-m", "venv", "--clear", environment.folder])
    before = environment.sizes()
    environment.install()
    plain = {name: found for name, found in environment.sizes().items() if name not in before}
    environment.demo({"motion.npz", "view.html"})
    environment.install("[video]")
    filmed = {name: found for name, found in environment.sizes().items() if name not in before}
    environment.demo({"detections.jsonl", "motion-1.npz", "motion-2.npz", "view.html"})
    environment.install("[dev]")
    outcome = tested(environment, folder / "checkout", tests)
    machine = {name for name in filmed if re.match(r"(torch|triton|nvidia|cuda)\b", name)}
    sizes = [megabytes(plain, set(plain) & machine), megabytes(plain, set(plain) - machine)]
    sizes.append(megabytes(filmed, set(filmed) - set(plain)))
    shutil.rmtree(environment.folder)
    versions = f"{plain['torch'][0]} | {plain['numpy'][0]}"
    return f"| {version(python)} | {kind} | {versions} | {' | '.join(sizes)} | both | {outcome} |"


def lowest(python: str, constraints: Path) -> str:
    """Constraints that hold every library that pyproject.toml names as low as it allows; those that could not be held
    at their bounds are printed to standard error."""
    wanted = [sys.executable, "-m", "uv", "pip", "compile", ROOT / "pyproject.toml", "--extra", "dev"]
    how = ["--resolution", "lowest-direct", "--only-binary", ":all:", "--no-annotate", "--no-header", "--quiet"]
    found = said([*wanted, *how, "--python", python, "--constraint", constraints])
    versions, lines = dict(line.split("==") for line in found.splitlines()), ""
    for name, bound in sorted(bounds()):
        if name in versions:
            lines += f"{name}=={versions[name]}\n"
            if not re.fullmatch(rf"{re.escape(bound)}(\.0)*", versions[name]):
                print(f"{version(python)}: {name} {versions[name]} in place of {bound}", file=sys.stderr, flush=True)
    return lines


def bounds() -> set[tuple[str, str]]:
    """Every library that pyproject.toml names, and its lower bound."""
    named = [*PROJECT["dependencies"], *(need for needs in PROJECT["optional-dependencies"].values() for need in needs)]
    return {(match[1], match[2]) for need in named if (match := re.match(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", need))}


def tested(environment: Environment, checkout: Path, tests: Sequence[str]) -> str:
    """How many passed; raises Failed, and prints all that was said to standard error, when one did not."""
    where = environment.run("-c", "import pstmo; print(pstmo.__file__)", cwd=checkout)
    if "site-packages" not in where:
        raise Failed(f"pstmo is imported from {where}")
    ignored = ["--ignore", LOOKS_AT_SRC] if list(tests) == ["tests"] else []
    how = ["-q", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider"]
    run = [environment.python, "-m", "pytest", *how, *ignored, *tests]
    done = subprocess.run(run, cwd=checkout, capture_output=True, text=True, check=False)
    last = (done.stdout.strip() or "nothing was run").splitlines()[-1].strip("= ")
    if done.returncode:
        print(done.stdout[-20_000:], file=sys.stderr, flush=True)
        raise Failed(last)
    named = "all" if list(tests) == ["tests"] else ", ".join(Path(test).stem.removeprefix("test_") for test in tests)
    return f"{named}: {last}"


def megabytes(sizes: dict[str, tuple[str, int]], names: set[str]) -> str:
    return f"{sum(sizes[name][1] for name in names) / 1e6:.0f}"


def version(python: str) -> str:
    return said([python, "--version"]).split()[1]


def said(command: Sequence[str | Path], cwd: Path | None = None) -> str:
    """What a command prints; raises Failed with the end of what it says when it does not end well."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))[:200]}: {(done.stderr or done.stdout).strip()[-1000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
