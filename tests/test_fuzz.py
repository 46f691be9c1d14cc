"""A slice of `runs/fuzz.py`, and every input that once went wrong (tests/data/once_failed)."""

import random
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "fuzz"))
from mutations import mutated
from targets import Target, targets
from trying import tried

FINE = ("read", "refused")
ONCE_FAILED = sorted((Path(__file__).parent / "data/once_failed").glob("*/*"))
INPUTS = {"video": 1}


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    return targets(tmp_path_factory.mktemp("seeds"))


def test_seeds_are_read(every: dict[str, Target], tmp_path: Path):
    assert {name: tried(target, target.seed, tmp_path) for name, target in every.items()} == dict.fromkeys(
        every, "read"
    )


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_read_or_refused(every: dict[str, Target], tmp_path: Path):
    for name, target in every.items():
        chance = random.Random(name)
        for number in range(INPUTS.get(name, 40)):
            assert tried(target, mutated(target.seed, chance), tmp_path) in FINE, (name, number)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", ONCE_FAILED, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_what_once_failed_does_no_more(every: dict[str, Target], tmp_path: Path, path: Path):
    assert tried(every[path.parent.name], path.read_bytes(), tmp_path) in FINE


def test_what_goes_wrong_is_told(tmp_path: Path):
    def read(path: Path) -> None:
        content = path.read_bytes()
        if content == b"long":
            while True:
                pass
        raise KeyError(content)

    target = Target("file.txt", b"", read)
    assert tried(target, b"odd", tmp_path).startswith("KeyError in test_fuzz.py:")
    assert tried(target, b"long", tmp_path) == "hang"
