"""Items through two pools of actors by Ray Data, on this machine or on a cluster: one sees, the other lifts.

A worker that dies takes nothing along: Ray starts another one, and what has no record afterwards is tried again, by
itself, ATTEMPTS times in all.
"""

import logging
import os
import pickle
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pstmo.corpus.items import Item
from pstmo.corpus.places import place
from pstmo.corpus.records import Record, Target
from pstmo.corpus.work import Order, Raiser, Seer
from pstmo.errors import PstmoError
from pstmo.extras import extra
from pstmo.logged import hushed
from pstmo.source import is_video

ATTEMPTS = 3

STORE = 512 << 20
"""Bytes of memory for what one pool has seen and the other not yet lifted, where Ray runs on this machine alone."""

SHARE = 8
"""Lifters a GPU, at most."""

TOGETHER = 16
"""Items whose windows a GPU works on in common batches."""

BLOCKS = 4000
"""Parts that Ray is given to do, at most; each is some thousandths of a second of its own work."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@dataclass(frozen=True)
class Pool:
    """size: actors. cpus, gpus: of each. batch: items that each works on together."""

    size: int
    cpus: float
    gpus: float = 0.0
    batch: int = 1


def pools(videos: bool, cpus: int, gpus: int) -> tuple[Pool, Pool]:
    """Who sees, who lifts. Without GPUs there is one of each a core where there are videos, and whoever has work
    computes; keypoints are read in a hundredth of the time in which they are lifted. A GPU is shared: the world and
    the files of what it lifts in a thousandth of a second cost a core thirty."""
    if gpus:
        lifters = max(1, min(SHARE, cpus // (2 * gpus)))
        rest = max(1, cpus - gpus * lifters)
        each = 1000 * cpus // (rest + gpus * lifters) / 1000
        return Pool(rest, each), Pool(gpus * lifters, each, 1 / lifters, batch=TOGETHER)
    if videos:
        return Pool(cpus, 0.5), Pool(cpus, 0.5)
    return Pool(-(-cpus // 16), 0.1), Pool(cpus, 0.9)


def on_ray(items: Sequence[Item], order: Order, cluster: str | None = None) -> Iterator[Record]:
    """What became of each, in the order in which they end. cluster: address of one; None = this machine. Raises
    PstmoError when Ray cannot be had, or has no GPU where the order wants one."""
    if any("memory" in place(address).system.protocol for address in (order.out, *(item.address for item in items))):
        raise PstmoError("found memory://, which is in one process only; expected files or an object store")
    left = {item.name: item for item in items}
    with _ray(cluster) as ray:
        for attempt in range(ATTEMPTS):
            for record in _once(ray, list(left.values()), order, alone=attempt > 0):
                left.pop(record.item, None)
                yield record
            if not left:
                return
    target = Target(place(order.out))
    for item in left.values():
        record = Record(item.name, item.address, item.size, item.stamp, order.settings)
        target.clear(item.name)
        yield target.put(replace(record, error=f"{item.name}: a worker died of it, {ATTEMPTS} times"), {})


def _once(ray: Any, items: list[Item], order: Order, alone: bool) -> Iterator[Record]:
    """Of those that could be done. alone: an actor has nothing else to lose."""
    see, lift = _pools(ray, items, order.options.lifting.device)
    blocks = len(items) if alone else min(len(items), BLOCKS)
    data = ray.data.from_items([{"it": pickle.dumps(item)} for item in items], override_num_blocks=blocks)
    for stage, pool in ((_See, see), (_Lift, lift)):
        size, ahead = min(pool.size, len(items)), 1 if alone else 2
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray would like to try again for ever what kills its workers
            data = data.map_batches(
                stage,
                fn_constructor_args=(order,),
                compute=ray.data.ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=ahead),
                batch_size=1 if alone else pool.batch,
                num_cpus=pool.cpus,
                num_gpus=pool.gpus,
                ray_remote_args_fn=_restarted,
            )
    for row in data.iter_rows():
        yield pickle.loads(row["it"])


def _pools(ray: Any, items: Sequence[Item], device: str) -> tuple[Pool, Pool]:
    """Raises PstmoError when there is no GPU, but one is asked for."""
    there, videos = ray.cluster_resources(), any(is_video(item.address) for item in items)
    gpus = int(there.get("GPU", 0)) if device.startswith("cuda") else 0
    if device.startswith("cuda") and not gpus:
        raise PstmoError(f"found no GPU that Ray knows of, expected one for --device {device}")
    return pools(videos, int(there["CPU"]), gpus)


def _restarted() -> dict[str, int]:
    return {"max_restarts": -1, "max_task_retries": 0}


class _See:
    def __init__(self, order: Order):
        torch.set_num_threads(1)
        self._see = Seer(order)

    def __call__(self, batch: dict[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
        for item in batch["it"]:
            yield _column([self._see(pickle.loads(item))])


class _Lift:
    def __init__(self, order: Order):
        torch.set_num_threads(1)
        self._lift = Raiser(order)

    def __call__(self, batch: dict[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
        for record in self._lift([pickle.loads(seen) for seen in batch["it"]]):
            yield _column([record])


def _column(things: Iterable[object]) -> dict[str, np.ndarray]:
    """As Ray Data passes things on from one of our own processes to another."""
    return {"it": np.array([pickle.dumps(thing) for thing in things], object)}


@contextmanager
def _ray(cluster: str | None) -> Iterator[Any]:
    """Ray, quiet, and gone afterwards."""
    if cluster:
        _knock(cluster)
        _show_token()
    os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
    folder = _folder()
    alone = {"include_dashboard": False, "object_store_memory": STORE, "_temp_dir": str(folder)}
    try:
        with hushed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray = extra("ray", "corpus")
            extra("ray.data", "corpus")
            logging.getLogger("ray.data").setLevel(logging.CRITICAL)
            ray.init(cluster or "local", **({} if cluster else alone), log_to_driver=False, logging_level=logging.ERROR)
        warnings.filterwarnings("ignore", module=r"ray\.")  # such as of workers without work
        ray._private.worker._worker_logs_enabled = False  # of dead workers: records tell of them, and stdout is ours
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        context.max_errored_blocks = -1  # what they held is tried again
        yield ray
    except (ConnectionError, ValueError) as error:
        raise PstmoError(f"cannot use Ray at {cluster or 'this machine'}: {str(error).splitlines()[0]}") from None
    finally:
        if "ray" in sys.modules:
            sys.modules["ray"].shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _knock(cluster: str) -> None:
    """Ray would wait for minutes for somebody who isn't there. Raises PstmoError."""
    host, _, port = cluster.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return  # a name, such as auto
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise PstmoError(f"cannot use Ray at {cluster}: {error}") from None


def _show_token() -> None:
    """Where there is one: clusters begun by `ray start` expect it, others do not mind."""
    known = "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ
    if known or Path("~/.ray/auth_token").expanduser().exists():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _folder() -> Path:
    """For Ray's own files and sockets, whose paths must be short. What killed runs have left of theirs goes."""
    every = Path(tempfile.gettempdir())
    for old in every.glob(f"pstmo-ray-{os.getuid()}-*"):
        if not Path("/proc", old.name.rpartition("-")[2]).exists():
            shutil.rmtree(old, ignore_errors=True)
    return every / f"pstmo-ray-{os.getuid()}-{os.getpid()}"
