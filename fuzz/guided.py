"""Fuzzing guided by coverage, of one reader: needs atheris (pip install atheris).

python fuzz/guided.py "keypoints person.json" [libFuzzer's options, such as -max_total_time=600]
"""

import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris

with atheris.instrument_imports(include=["pstmo"]):
    from targets import targets
    from trying import tried

FOLDER = Path(mkdtemp())
TARGET = targets(FOLDER)[sys.argv.pop(1)]
SCRATCH = FOLDER / "tried"


def one(data: bytes) -> None:
    found = tried(TARGET, data, SCRATCH)
    if found not in ("read", "refused"):
        raise RuntimeError(found)


if __name__ == "__main__":
    SCRATCH.mkdir()
    corpus = FOLDER / "corpus"
    corpus.mkdir()
    (corpus / TARGET.name).write_bytes(TARGET.seed)
    atheris.Setup([*sys.argv, str(corpus)], one)
    atheris.Fuzz()
