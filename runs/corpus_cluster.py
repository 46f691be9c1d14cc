"""A corpus in an object store, lifted by a Ray cluster of two nodes, one of which is lost on the way.

    pip install 'moto[server]' s3fs
    python runs/corpus_cluster.py [--files 40]

Both nodes and the store (moto's, which speaks S3) run on this machine, each in processes of its own. Checks that the
index is complete, and that motion files equal those of `pstmo lift`, to 1e-5 m.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection, socket
from tempfile import TemporaryDirectory

import fsspec
import pyarrow.parquet
from corpus import apart, kill, made

SOURCE, OUT = "s3://corpus/in", "s3://corpus/out"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--files", type=int, default=40)
    options = arguments.parse_args()
    keys = {"AWS_ACCESS_KEY_ID": "some", "AWS_SECRET_ACCESS_KEY": "body", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update({**keys, "OMP_WAIT_POLICY": "PASSIVE", "RAY_USAGE_STATS_ENABLED": "0"})
    port, store = free_port(), free_port()
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{store}"
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--num-cpus=1", "--block"]
    head = [*ray, "--head", f"--port={port}", "--include-dashboard=false"]
    second = [*ray, f"--address=127.0.0.1:{port}"]
    with TemporaryDirectory() as folder, running([sys.executable, "-m", "moto.server", "-p", str(store)], store):
        paths = made(Path(folder, "in"), options.files)
        s3 = fsspec.filesystem("s3")
        s3.mkdir("corpus")
        s3.put(folder + "/in", "corpus", recursive=True)
        with running(head, port), running(second) as lost:
            lift(f"127.0.0.1:{port}", lost, options.files // 4)
        s3.get("corpus/out", folder + "/out", recursive=True)
        check(paths, Path(folder), options.files)


def lift(cluster: str, lost: "subprocess.Popen[bytes]", after: int) -> None:
    command = [sys.executable, "-m", "pstmo", "lift-corpus", SOURCE, "-o", OUT, "--ray-address", cluster]
    lines = {**os.environ, "PSTMO_PROGRESS": "lines"}
    with subprocess.Popen(command, env=lines, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        for done, _ in enumerate(run.stdout, start=1):
            if done == after:
                kill(lost)
                print(f"after {done} items one of two nodes is gone", flush=True)
    print(f"the command ended with {run.returncode}")
    assert run.returncode == 0


def check(paths: list[Path], folder: Path, files: int) -> None:
    rows = pyarrow.parquet.read_table(folder / "out/index.parquet")
    assert rows.num_rows == rows["error"].null_count == files, rows["error"].to_pylist()
    print(f"{rows.num_rows} of {files} in the index, none with an error")
    worst = 0.0
    for path in random.Random(0).sample(paths, min(5, files)):
        where = "out" / path.relative_to(folder / "in")
        command = [sys.executable, "-m", "pstmo", "lift", str(path), "-o", str(folder / "single")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        worst = max(worst, apart(*(folder / place / "motion.npz" for place in ("single", where))))
    print(f"`pstmo lift` of {min(5, files)} of them: at most {worst:.1e} m apart")
    assert worst <= 1e-5


@contextmanager
def running(command: list[str], port: int | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """Until somebody answers at the port; killed in the end, with all that it started."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 60
            while port and not answers(port):
                assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
                assert time.monotonic() < until, f"{command[0]} does not answer"
                time.sleep(0.2)
            yield process
        finally:
            kill(process)


def answers(port: int) -> bool:
    try:
        create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


if __name__ == "__main__":
    main()
