"""Small changes to the modules that everything stands on: do the tests notice each of them?

    python runs/mutants.py [--only camera]

The changes are mutmut's, which leaves out properties and constants, half of these modules; so they are made here, each
in a copy of the package, and the module's own tests run in a process that has PyTorch loaded already. What no test
notices is named; docs/reliability.md says why it may stay, and where it does not the exit status is 1.
"""

import argparse
import gc
import os
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from resource import RLIMIT_CPU, setrlimit
from tempfile import TemporaryDirectory
from typing import NamedTuple

import libcst
import pytest
import torch
from hypothesis import Phase, settings
from mutmut.mutation.mutators import mutation_operators

PACKAGE, EXPLAINED = Path("src/pstmo"), Path("docs/reliability.md")
TESTS = {
    "metrics": "tests/test_metrics.py",
    "camera": "tests/test_projection.py",
    "windows": "tests/test_windows.py",
    "skeleton": "tests/test_skeleton.py",
}
HEAVY = ("beartype", "hypothesis.strategies", "jaxtyping", "rich.console", "safetensors.torch", "torch", "tyro")
OPTIONS = ["-x", "-q", "--noconftest", "--disable-plugin-autoload", "-p", "jaxtyping", "-p", "no:cacheprovider"]
OPTIONS += ["-p", "no:logging", "-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is loaded already
LIMIT_S = 60  # of processor time, so that a loaded machine kills no mutant


class Mutant(NamedTuple):
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"`{self.before}` → `{self.after}`"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", choices=TESTS, help="this module")
    only = arguments.parse_args().only
    torch.set_num_threads(1)
    for module in HEAVY:
        import_module(module)
    settings.register_profile("first failure", derandomize=True, phases=[Phase.explicit, Phase.generate])
    settings.load_profile("first failure")
    gc.freeze()
    explained, unexplained, table = EXPLAINED.read_text("utf-8"), 0, ["| module | mutants | killed | survived |"]
    table.append("| --- | --: | --: | --: |")
    for module in [only] if only else TESTS:
        every, survivors = tried(module)
        table.append(f"| {module} | {every} | {every - len(survivors)} | {len(survivors)} |")
        unexplained += sum(str(mutant) not in explained for mutant in survivors)
    print("\n".join(table), f"\n{unexplained} of the survivors are not explained in {EXPLAINED}.", sep="\n")
    return int(unexplained > 0)


def tried(module: str) -> tuple[int, list[Mutant]]:
    """How many mutants there are, and those that the tests let pass. Before and after, the module itself passes."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "pstmo"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        source, survivors = (PACKAGE / f"{module}.py").read_text("utf-8"), []
        must_pass(module, folder)
        for compiled in (copy / "__pycache__").glob(f"{module}.*"):
            compiled.unlink()
        every = list(mutants(source))
        for number, mutant in enumerate(every, 1):
            (copy / f"{module}.py").write_text(mutant.source, "utf-8")
            if passes(module, folder, fresh=True):
                survivors.append(mutant)
                print(f"{module} {number}/{len(every)}: {mutant}", flush=True)
        (copy / f"{module}.py").write_text(source, "utf-8")
        must_pass(module, folder)
        return len(every), survivors


def must_pass(module: str, folder: str) -> None:
    if not passes(module, folder):
        raise SystemExit(f"{module}: its tests fail as it is\n{(Path(folder) / 'output.txt').read_text()}")


def mutants(source: str) -> Iterator[Mutant]:
    """Each change at each place that can make a difference when the module runs."""
    module, seen = libcst.parse_module(source), {source}
    for node in nodes(module):
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                for other in list(operator(node))[: 1 if isinstance(node, libcst.SimpleString) else None]:
                    changed = libcst.ensure_type(module.deep_replace(node, other), libcst.Module).code
                    if changed not in seen:
                        seen.add(changed)
                        yield Mutant(*difference(source, changed), changed)


def nodes(node: libcst.CSTNode) -> Iterator[libcst.CSTNode]:
    """All but types and imports."""
    if not isinstance(node, libcst.Annotation | libcst.Import | libcst.ImportFrom):
        yield node
        for child in node.children:
            yield from nodes(child)


def difference(source: str, changed: str) -> tuple[str, str]:
    """The lines that are not the same, without what surrounds them."""
    before, after = source.splitlines(), changed.splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    return " ".join(map(str.strip, before)), " ".join(map(str.strip, after))


def passes(module: str, folder: str, fresh: bool = False) -> bool:
    """Whether the tests pass with the package in that folder; `fresh` keeps no compiled files of it."""
    process = get_context("fork").Process(target=run, args=(module, folder, fresh))
    process.start()
    process.join()
    return process.exitcode == 0


def run(module: str, folder: str, fresh: bool) -> None:
    """In a process of its own; it ends with pytest's status."""
    output = os.open(Path(folder) / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    setrlimit(RLIMIT_CPU, (LIMIT_S, LIMIT_S))
    sys.dont_write_bytecode = fresh  # its date would not tell one mutant from another
    sys.path.insert(0, folder)
    sys.exit(pytest.main([*OPTIONS, TESTS[module]], [CheapFirst()]))


class CheapFirst:
    """A plugin: tests of single cases before those of many, so that most mutants are found out soon."""

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        items.sort(key=lambda item: getattr(item.function, "is_hypothesis_test", False))


if __name__ == "__main__":
    sys.exit(main())
