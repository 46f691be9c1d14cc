"""Every command and example of README.md and docs/, run as a reader runs them, slow ones too; small files stand in.

    python runs/docs_commands.py
    python runs/docs_commands.py docs/howto/export.md docs/serve.md

Prints a line for each, and ends with 1 where one failed. What is not run, and why, is printed as well.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import doc_stand_ins
from doc_pages import PAGES, ROOT, blocks, lines

OUT = ROOT / "out/docs_commands"
FIRST = (
    *("docs/own-data.md", "README.md", "docs/cmu4.md", "docs/training.md"),
    *("docs/tutorial.md", "docs/howto/evaluate.md"),
)
"""What these leave behind others use."""

NOT_RUN = {
    r"pip ": "installs",
    r"make ": "runs everything",
    r"pstmo live 0": "needs a camera",
    r".*--detector rtmpose": "needs networks that are loaded from elsewhere",
    r"pstmo reproduce": "needs the released files",
    r"pstmo data mpi-inf-3dhp": "needs the data set, whose lengths it checks",
    r"(\w+=\w+ )?python runs/": "makes published numbers, for minutes to hours",
}
TINY = "model.width=32 model.hidden=64 model.heads=4 model.depth=1"
BRIEF = " ".join(f"{s}.epochs=1 {s}.batch=8 {s}.epoch_windows=16" for s in ("pretrain", "finetune", "refine"))
INSTEAD = [
    (r"data human36m --from FOLDER", "data human36m --from human36m"),
    (r"data own --from FOLDER", "data own --from mydata"),
    (r"lift FILE", "lift keypoints.json"),
    (r"(lift keypoints.json (?!.*--image-size).*)", r"\1 --image-size 1768 994 --fps 30"),
    (r"another_lifter.npz", "results/predictions.npz"),
    (r"(evaluate (?!.*--predictions).*-o results)$", r"\1 --save-predictions"),
    (r"--processes 4", "--processes 2"),
    (r"--nproc-per-node 8", "--nproc-per-node 2"),
    (r"(pstmo benchmark train.*)", rf"\1 --seconds 0.1 --set {TINY} finetune.batch=4 pretrain.batch=4"),
    (r"(benchmark lift .*--seconds) \d", r"\1 0.1"),
    (r"^((?:pstmo serve|tensorboard).*)", r"timeout --preserve-status -s INT 8 \1"),
    (r"(pstmo finetune .*start\.safetensors .*)", rf"\1 {BRIEF}"),
    (r"(pstmo (?:train|pretrain|finetune|refine) (?!.*start\.safetensors).*?--set .*?)(;|$)", rf"\1 {TINY} {BRIEF}\2"),
    (r"(pstmo (?:train|pretrain|finetune|refine) (?!.*--set).*?)(;|$)", rf"\1 --set {TINY} {BRIEF}\2"),
]
"""Small in place of large: data that stand in, little networks, a few steps, servers that end."""

GIVEN = """
from pathlib import Path
from pstmo.files import read_motion, read_people
motion, people = read_motion("given/motion.npz"), read_people("given/detections.jsonl")
poses, keypoints, seconds = motion.poses, motion.keypoints, 0.0
detections = [found for found in people.detections if found.frame == 5]
seen = keypoints.to("coco17")
xy, score = seen.xy, seen.confidence
frames = list(zip(seen.times, xy, strict=True))
"""
"""What pages take for granted in their examples."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("pages", nargs="*", help="of these alone, on what a whole run left behind")
    wanted = arguments.parse_args().pages
    if not wanted:
        prepare()
    pages = {str(page.relative_to(ROOT)): page for page in PAGES}
    failed = 0
    for name in dict.fromkeys((*FIRST, *pages)):
        if not wanted or name in wanted:
            failed += sum(told(name, title, line) for title, line in steps(pages[name]))
    print(f"{failed} failed")
    sys.exit(failed > 0)


def prepare() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    doc_stand_ins.make(OUT)
    problem = run("pstmo lift video.mp4 -o given")
    if problem:
        sys.exit(problem)


def steps(page: Path) -> Iterator[tuple[str, str]]:
    """What to do, block by block: what to call it, and the line of a shell. A page's examples share their names."""
    script, name = OUT / f"{page.stem}.py", f"{sys.executable}"
    script.write_text(GIVEN)
    for number, block in enumerate(blocks(page)):
        if block.language == "python":
            script.write_text(f"{script.read_text()}\n{block.text}")
            if named := re.match(r"# (\w+\.py)\n", block.text):
                (OUT / named[1]).write_text(block.text)
            yield f"example {number}", f"{name} {script.name}"
        yield from ((line, line) for line in lines(block))


def told(page: str, title: str, line: str) -> bool:
    """Whether it failed; prints how it went."""
    why = next((why for pattern, why in NOT_RUN.items() if re.match(pattern, line)), None)
    began, problem = time.perf_counter(), "" if why else run(line)
    took = "not run" if why else f"{time.perf_counter() - began:.1f} s"
    print(f"{page:26} {took:>8}  {title}  {why or problem}".rstrip(), flush=True)
    return problem != ""


def run(line: str) -> str:
    """The end of what it says if it fails; nothing if it doesn't."""
    for pattern, small in INSTEAD:
        line = re.sub(pattern, small, line)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    here = os.environ | {"PATH": path, "PYTHONPATH": f"{ROOT / 'src'}", "OMP_WAIT_POLICY": "PASSIVE"}
    shell = ["bash", "-c", f"set -o pipefail; {line}"]
    done = subprocess.run(shell, cwd=OUT, env=here, capture_output=True, text=True, timeout=900, check=False)
    ended = done.returncode == 0 or ("timeout" in line and done.returncode in (130, 143))
    return "" if ended else f"FAILED with {done.returncode}: {(done.stderr or done.stdout)[-600:]}"


if __name__ == "__main__":
    main()
