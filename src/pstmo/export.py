"""A lifter as one graph for other programs: ONNX, or PyTorch's own exported program (.pt2).

The graph takes windows of normalised screen coordinates, gaps filled, and gives poses in camera axes with the root at
0: framing, mirror image and the turn back to the camera are inside. Its metadata say everything else that one needs;
`pstmo.runner` lifts whole files with it, without PyTorch.
"""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pstmo.errors import PstmoError
from pstmo.extras import extra
from pstmo.files.atomic import replacing
from pstmo.framing import FOCAL
from pstmo.lift import Lifter
from pstmo.metrics import rooted
from pstmo.runner import FORMAT
from pstmo.windowed import Head, WindowLifter, of_centre, of_every_frame

OPSET = 20
NEAR = 1e-4
"""Metres that a graph's poses may lie from PyTorch's."""

Kind = Literal["centre", "sequence"]
HEADS: dict[Kind, Head] = {"centre": of_centre, "sequence": of_every_frame}
BATCHES = (1, 3, 16)
"""Numbers of windows with which a graph is tried before it is written."""


class Graph(nn.Module):
    """keypoints (batch, frames, joints, 2), focal (batch,) over half the picture's width -> poses in metres."""

    def __init__(self, lifter: Lifter, kind: Kind, mirror: bool):
        super().__init__()
        self.lifter, self.head = WindowLifter(lifter.folded, lifter.checkpoint, mirror), HEADS[kind]
        self.root = lifter.checkpoint.poses.root_index

    def forward(
        self, keypoints: Float[Tensor, "batch frames joints 2"], focal: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch *each out_joints 3"]:
        return rooted(self.lifter(keypoints, focal, self.head), self.root)


def export(lifter: Lifter, path: Path, kind: Kind = "centre", mirror: bool = True) -> float:
    """Writes the graph as `path` ends, .onnx (opset 20) or .pt2, once it gives PyTorch's poses for several batches.

    kind: "centre", the pose of a window's centre, or "sequence", those of all its frames. Gives the largest distance
    from PyTorch's poses, metres. Raises PstmoError for another ending, a library that is not installed, a lifter that
    is not float32 on the CPU, and for poses that differ by more than NEAR: then nothing is written.
    """
    if path.suffix not in (".onnx", ".pt2"):
        raise PstmoError(f"found {path}, expected a file that ends in .onnx or .pt2")
    if lifter.precision != "fp32" or lifter.device.type != "cpu":
        raise PstmoError("a graph is made of a lifter in fp32 on the CPU; whoever runs it chooses the rest")
    graph = Graph(lifter, kind, mirror).eval()
    with replacing(path) as temporary, torch.no_grad():
        apart = (_onnx if path.suffix == ".onnx" else _pt2)(graph, temporary, facts(lifter, kind, mirror))
        if not apart <= NEAR:
            raise PstmoError(f"the graph's poses lie {apart:.2g} m from PyTorch's, expected at most {NEAR:g} m")
    return apart


def facts(lifter: Lifter, kind: Kind, mirror: bool) -> dict[str, Any]:
    """What one must know to use the graph."""
    found = lifter.checkpoint
    return {
        "format": FORMAT,
        "name": found.name,
        "kind": kind,
        "mirrored": mirror,
        "frames": lifter.network.config.frames,
        "rate": found.rate,
        "focal": FOCAL,
        "keypoints": asdict(found.keypoints),
        "poses": asdict(found.poses),
        "version": version("pstmo"),
    }


def sample(graph: Graph, batch: int) -> tuple[Tensor, Tensor]:
    """Windows of nobody in particular."""
    config, chance = graph.lifter.network.config, torch.Generator().manual_seed(batch)
    keypoints = 0.3 * torch.randn(batch, config.frames, config.joints_in, 2, generator=chance)
    return keypoints, 1 + 2 * torch.rand(batch, generator=chance)


def _onnx(graph: Graph, path: Path, told: dict[str, Any]) -> float:
    for module in ("onnxscript", "onnxruntime"):
        extra(module, "export")
    with _quiet():
        program: Any = torch.onnx.export(
            graph,
            sample(graph, 2),
            dynamo=True,
            input_names=["keypoints", "focal"],
            output_names=["poses"],
            dynamic_shapes={"keypoints": {0: "batch"}, "focal": {0: "batch"}},
            opset_version=OPSET,
            verbose=False,
        )
    program.model.metadata_props["pstmo"] = json.dumps(told)
    program.save(path)
    runtime = extra("onnxruntime", "export")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(keypoints: Tensor, focal: Tensor) -> np.ndarray:
        return session.run(["poses"], {"keypoints": keypoints.numpy(), "focal": focal.numpy()})[0]

    return _apart(graph, run)


def _pt2(graph: Graph, path: Path, told: dict[str, Any]) -> float:
    batch = torch.export.Dim("batch")
    shapes = {"keypoints": {0: batch}, "focal": {0: batch}}
    with _quiet():
        program = torch.export.export(graph, sample(graph, 2), dynamic_shapes=shapes)
        torch.export.save(program, path, extra_files={"pstmo.json": json.dumps(told)})
        read = torch.export.load(path).module()
    return _apart(graph, lambda *inputs: read(*inputs).numpy())


def _apart(graph: Graph, run: Any) -> float:
    """The largest distance of a joint, over several batches."""
    distances = []
    for batch in BATCHES:
        inputs = sample(graph, batch)
        distances.append(np.linalg.norm(run(*inputs) - graph(*inputs).numpy(), axis=-1).max())
    return float(max(distances))


@contextmanager
def _quiet() -> Iterator[None]:
    """PyTorch's exporter talks of itself: of libraries that nobody asked for, and of its own deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
