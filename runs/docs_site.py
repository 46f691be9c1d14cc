"""The documentation's site: docs/, parts of the README and the reference, from docs/ and the code into out/site.

    python runs/docs_site.py

Pages lie in out/docs before zensical builds them: README.md's parts where index.md names them, every command's own
help, and a page a module, which mkdocstrings fills from docstrings. What is built asks no other machine for anything.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

from pstmo.cli import main as pstmo
from pstmo.cli.app import app

CONFIG, DOCS, STAGED, SITE = Path("zensical.toml"), Path("docs"), Path("out/docs"), Path("out/site")
FETCHED = re.compile(r"""<(?:script|link|img|iframe|video|source)\b[^>]*?(?:src|href)=["']?((?:https?:)?//[^"' >]+)""")
PART = re.compile(r"<!-- README\.md: (.+?) -->")
SHIM = "https://unpkg.com/iframe-worker/shim"
"""What zensical's pages load so that the search works from disk; ours is docs/search-from-disk.js."""


def main() -> None:
    stage()
    subprocess.run([Path(sys.executable).with_name("zensical"), "build", "--strict", "--clean"], check=True)
    for page in SITE.rglob("*.html"):
        up = "../" * (len(page.relative_to(SITE).parts) - 1)
        text = page.read_text("utf-8").replace(SHIM, f"{up}search-from-disk.js")
        page.write_text(text, "utf-8")
        for foreign in FETCHED.findall(text):
            sys.exit(f"{page} would load {foreign} from another machine")
    files = [path for path in SITE.rglob("*") if path.is_file()]
    print(f"{SITE}: {len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB")


def stage() -> None:
    """Puts every page that the navigation names into out/docs."""
    shutil.rmtree(STAGED, ignore_errors=True)
    shutil.copytree(DOCS, STAGED)
    home = STAGED / "index.md"
    home.write_text(PART.sub(lambda found: readme(found[1]), home.read_text("utf-8")), "utf-8")
    shutil.copy("CHANGELOG.md", STAGED / "changes.md")
    (STAGED / "reference").mkdir()
    for name in pages(tomllib.loads(CONFIG.read_text("utf-8"))["project"]["nav"]):
        module = re.fullmatch(r"reference/(pstmo.*)\.md", name)
        if module:
            (STAGED / name).write_text(f"# {module[1]}\n\n::: {module[1]}\n", "utf-8")
    (STAGED / "reference/commands.md").write_text(commands(), "utf-8")


def pages(navigation: list[dict[str, Any]]) -> Iterator[str]:
    """Files that it names, in their order."""
    for entry in navigation:
        for target in entry.values():
            yield from [target] if isinstance(target, str) else pages(target)


def readme(heading: str) -> str:
    """README.md's text below that heading, up to the next one, with links as they are from within docs/."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", Path("README.md").read_text("utf-8"), re.M | re.S)
    if found is None:
        sys.exit(f"README.md has no part {heading!r}, which docs/index.md names")
    return found[1].strip().replace("](docs/", "](")


def commands() -> str:
    """A page with the help of every command, as the terminal shows it."""
    os.environ["COLUMNS"] = "90"
    text = "# Commands\n\nWhat `pstmo COMMAND --help` says.\n"
    for name in ("", *app._subcommands):
        sys.argv, said = ["pstmo", *name.split(), "--help"], io.StringIO()
        with redirect_stdout(said), suppress(SystemExit):
            pstmo()
        text += f"\n## pstmo {name}".rstrip() + f"\n\n```text\n{said.getvalue().strip()}\n```\n"
    return text


if __name__ == "__main__":
    main()
