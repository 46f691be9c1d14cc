"""The wheel, installed and tested on several Pythons, with the newest libraries and with the oldest that it allows.

    python runs/matrix.py --python python3.11 python3.12 python3.13 [--tests tests/test_lift.py ...] [--oldest]

Each case has a fresh environment; --oldest holds every library that pyproject.toml names at its lower bound. What the
registry does not offer for a Python is said, not hidden.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
EXTRAS = "dev"
TESTS = (
    "tests/test_lift.py",
    "tests/test_files.py",
    "tests/test_motions.py",
    "tests/test_cli_video.py",
    "tests/test_live.py",
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--python", nargs="+", default=[sys.executable])
    arguments.add_argument("--tests", nargs="+", default=TESTS)
    arguments.add_argument("--oldest", action="store_true")
    options = arguments.parse_args()
    with TemporaryDirectory() as folder:
        wheel = built(Path(folder))
        print("| Python | libraries | torch | NumPy | size, MB | tests |\n| --- | --- | --- | --- | --: | --- |")
        for python in options.python:
            for oldest in (False, True) if options.oldest else (False,):
                print(row(python, wheel, Path(folder) / "environment", oldest, options.tests), flush=True)


def built(folder: Path) -> Path:
    """Wheel and sdist, checked."""
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, capture_output=True)
    subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *folder.iterdir()], check=True, capture_output=True
    )
    return next(folder.glob("*.whl"))


def row(python: str, wheel: Path, environment: Path, oldest: bool, tests: list[str]) -> str:
    name = f"| {version(python)} | {'oldest' if oldest else 'newest'} |"
    subprocess.run([python, "-m", "venv", "--clear", environment], check=True)
    pip = [environment / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pins = bounds() if oldest else []
    plain = subprocess.run([*pip, wheel], capture_output=True, text=True, check=False)
    size = sum(path.stat().st_size for path in environment.rglob("*") if path.is_file()) / 1e6
    whole = subprocess.run([*pip, f"{wheel}[{EXTRAS}]", *pins], capture_output=True, text=True, check=False)
    if plain.returncode or whole.returncode:
        return f"{name} | | | not to be installed: {(plain.stderr + whole.stderr).strip().splitlines()[-1][:200]} |"
    told = 'import numpy, torch; print(torch.__version__, "|", numpy.__version__)'
    libraries = subprocess.run([environment / "bin/python", "-c", told], capture_output=True, text=True, check=True)
    run = [environment / "bin/python", "-m", "pytest", "-q", *tests]
    outcome = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip().splitlines()[-1]
    return f"{name} {libraries.stdout.strip()} | {size:.0f} | {outcome} |"


def version(python: str) -> str:
    return subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def bounds() -> list[str]:
    """Every library that pyproject.toml names with a lower bound, at that bound."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"], *(need for needs in project["optional-dependencies"].values() for need in needs)]
    found = (re.fullmatch(r"([A-Za-z0-9_-]+)>=([0-9.]+)", need) for need in named)
    return sorted({f"{match[1]}=={match[2]}.*" for match in found if match})


if __name__ == "__main__":
    main()
