"""What else could lift windows: PyTorch whole, in threads or compiled, ONNX Runtime, OpenVINO: docs/benchmarks.md.

    pip install openvino onnxruntime onnxscript
    python runs/backends.py [--weights p-stmo-s] [--windows 64]

All take the same tokens of the same windows to the poses of their centres, and take turns. Deviations are from PyTorch
in float32.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pstmo import checkpoint
from pstmo.benchmark.lifting import described
from pstmo.benchmark.machine import Machine
from pstmo.model.folded import folded
from pstmo.model.stmo import STMO

Way = Callable[[Tensor], np.ndarray]
TURNS, PIECE = 5, 8


class Centre(nn.Module):
    """Tokens of windows to poses of their centres."""

    def __init__(self, network: STMO):
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor) -> Tensor:
        return self.network.centre(self.network.encoder.over_time(tokens))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--weights", default="p-stmo-s")
    arguments.add_argument("--windows", type=int, default=64)
    options = arguments.parse_args()
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    network = checkpoint.expect(described(options.weights).network, STMO, options.weights)
    narrow, wide = Centre(folded(network, "bf16")), Centre(folded(network))
    tokens = torch.randn(options.windows, network.config.frames, network.config.width) / 2
    with TemporaryDirectory() as folder:
        ways = everything(wide, narrow, tokens, Path(folder))
        wanted = ways["PyTorch, fp32"](tokens)
        found = {name: [] for name in ways}
        for way in ways.values():
            way(tokens)
        for _ in range(TURNS):
            for name, way in ways.items():
                start = time.perf_counter()
                way(tokens)
                found[name].append(options.windows / (time.perf_counter() - start))
    print(f"| {options.weights}, {options.windows} windows | windows/s | mean deviation, mm |\n| --- | --: | --: |")
    for name, rates in found.items():
        off = 1000 * np.abs(ways[name](tokens) - wanted).mean()
        print(f"| {name} | {np.median(rates):.0f} | {off:.2g} |")
    print(Machine.here(torch.device("cpu")))


def everything(wide: Centre, narrow: Centre, tokens: Tensor, folder: Path) -> dict[str, Way]:
    ways: dict[str, Way] = {}
    for name, module in (("fp32", wide), ("bf16", narrow)):
        ways[f"PyTorch, {name}"] = partial(whole, module)
        ways[f"PyTorch, {name}, a thread for each part (as lifting does)"] = partial(in_threads, module)
        started = time.perf_counter()
        compiled = torch.compile(module)
        compiled(tokens)
        print(f"compiling {name}: {time.perf_counter() - started:.0f} s")
        ways[f"PyTorch, {name}, compiled"] = partial(whole, compiled)
    ways["ONNX Runtime, fp32"] = onnx(wide, tokens, folder / "centre.onnx")
    for precision in ("f32", "bf16"):
        ways[f"OpenVINO, {precision}"] = openvino(wide, tokens, precision)
    return ways


def whole(module: Callable[[Tensor], Tensor], tokens: Tensor) -> np.ndarray:
    return torch.cat([module(part) for part in tokens.split(4 * PIECE)]).numpy()


def in_threads(module: nn.Module, tokens: Tensor) -> np.ndarray:
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1)) as pool:
        found = list(pool.map(torch.inference_mode()(module), tokens.split(PIECE)))
    torch.set_num_threads(threads)
    return torch.cat(found).numpy()


def onnx(module: nn.Module, tokens: Tensor, path: Path) -> Way:
    onnxruntime: Any = import_module("onnxruntime")

    batch = torch.export.Dim("batch")
    torch.onnx.export(module, (tokens[:2],), str(path), dynamo=True, dynamic_shapes=({0: batch},), verbose=False)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), settings)
    name = session.get_inputs()[0].name
    parts = lambda x: (session.run(None, {name: part.numpy()})[0] for part in x.split(4 * PIECE))  # noqa: E731
    return lambda x: np.concatenate(list(parts(x)))


def openvino(module: nn.Module, tokens: Tensor, precision: str) -> Way:
    """In as many streams as threads, which is its quickest way here."""
    ov: Any = import_module("openvino")

    threads = torch.get_num_threads()
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": str(threads)}
    settings["INFERENCE_NUM_THREADS"] = threads
    compiled = ov.Core().compile_model(ov.convert_model(module, example_input=tokens[:2]), "CPU", settings)
    queue, found = ov.AsyncInferQueue(compiled, threads), {}
    queue.set_callback(lambda request, place: found.__setitem__(place, request.get_output_tensor(0).data.copy()))

    def run(x: Tensor) -> np.ndarray:
        for place, part in enumerate(x.split(PIECE)):
            queue.start_async({0: part.numpy()}, place)
        queue.wait_all()
        return np.concatenate([found[place] for place in sorted(found)])

    return run


if __name__ == "__main__":
    main()
