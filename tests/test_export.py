"""A lifter as a graph gives the lifter's poses, also where there is no PyTorch."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import keypoints

import pstmo
from pstmo import export as exporting
from pstmo.errors import PstmoError
from pstmo.export import Graph, Kind, export, sample
from pstmo.files import read_keypoints, read_motion, write_keypoints
from pstmo.lift import Lifter
from pstmo.runner import Runner
from pstmo.sequence import Keypoints

onnxruntime = pytest.importorskip("onnxruntime")
MODES: dict[Kind, str] = {"centre": "exact", "sequence": "sequence"}


@pytest.fixture(scope="module")
def lifter(small_checkpoint: Path) -> Lifter:
    return pstmo.load(small_checkpoint, draws=False)  # as the runner does, which has no PyTorch


@pytest.fixture(scope="module")
def graph(lifter: Lifter, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], Path]:
    """Exported once each."""
    folder = tmp_path_factory.mktemp("graphs")

    def made(kind: Kind) -> Path:
        path = folder / f"{kind}.onnx"
        if not path.exists():
            assert export(lifter, path, kind) < 1e-5
        return path

    return made


def gappy() -> Keypoints:
    xy = keypoints(50).xy.copy()
    xy[np.random.default_rng(1).random(xy.shape[:2]) < 0.2] = np.nan
    xy[:2], xy[20:35], xy[:, 3] = np.nan, np.nan, np.nan
    return Keypoints.from_array(xy, image_size=(640, 480), fps=30, focal=700.0)


@pytest.mark.parametrize("kind", MODES)
def test_a_graph_lifts_as_the_lifter_does(lifter: Lifter, graph: Callable[[Kind], Path], kind: Kind):
    runner = Runner(graph(kind), threads=1)
    for seen in (keypoints(1), keypoints(40), gappy(), replace(gappy(), fps=100.0), replace(keypoints(9), focal=None)):
        found, wanted = runner.lift(seen), lifter.lift(seen, mode=MODES[kind])  # type: ignore[arg-type]
        np.testing.assert_allclose(found.positions, wanted.positions, atol=1e-5, rtol=0)
        assert (found.model, found.mode, found.skeleton) == (wanted.model, wanted.mode, wanted.skeleton)
        np.testing.assert_array_equal(found.observed, wanted.observed)


def test_windows_may_come_in_any_number(lifter: Lifter, graph: Callable[[Kind], Path]):
    session, whole = onnxruntime.InferenceSession(graph("centre")), Graph(lifter, "centre", mirror=True)
    for batch in (1, 2, 50):
        xy, focal = sample(whole, batch)
        found = session.run(["poses"], {"keypoints": xy.numpy(), "focal": focal.numpy()})[0]
        with torch.inference_mode():
            np.testing.assert_allclose(found, whole(xy, focal).numpy(), atol=1e-5)
        assert (found[:, lifter.checkpoint.poses.root_index] == 0).all()


def test_a_graph_describes_itself(graph: Callable[[Kind], Path]):
    session = onnxruntime.InferenceSession(graph("centre"))
    told = json.loads(session.get_modelmeta().custom_metadata_map["pstmo"])
    assert (told["name"], told["kind"], told["frames"], told["rate"]) == ("small", "centre", 9, 50.0)
    assert told["keypoints"]["name"] == "coco17"
    assert [each.name for each in session.get_inputs()] == ["keypoints", "focal"]


def test_an_exported_program_gives_the_same(lifter: Lifter, tmp_path: Path):
    path = tmp_path / "small.pt2"
    assert export(lifter, path, mirror=False) < 1e-5
    told = {"pstmo.json": ""}
    program = torch.export.load(path, extra_files=told).module()
    assert json.loads(told["pstmo.json"])["mirrored"] is False
    inputs = sample(Graph(lifter, "centre", mirror=False), 5)
    with torch.inference_mode():
        torch.testing.assert_close(program(*inputs), Graph(lifter, "centre", mirror=False)(*inputs))


def test_a_graph_that_differs_is_not_written(lifter: Lifter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "small.onnx"
    path.write_text("what was there")
    monkeypatch.setattr(exporting, "NEAR", 0.0)
    with pytest.raises(PstmoError, match="m from PyTorch's, expected at most 0 m"):
        export(lifter, path)
    assert path.read_text() == "what was there"
    assert [each.name for each in tmp_path.iterdir()] == ["small.onnx"]


def test_what_cannot_be_exported_is_named(lifter: Lifter, tmp_path: Path):
    with pytest.raises(PstmoError, match=r"ends in \.onnx or \.pt2"):
        export(lifter, tmp_path / "small.bin")
    with pytest.raises(PstmoError, match="a lifter in fp32 on the CPU"):
        export(replace(lifter, precision="bf16"), tmp_path / "small.onnx")


def test_what_is_no_graph_is_named(tmp_path: Path):
    for name, content in (("prose.onnx", b"prose"), ("empty.onnx", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PstmoError, match=f"{name} is not a graph that `pstmo export` wrote"):
            Runner(tmp_path / name)
    with pytest.raises(PstmoError, match=r"missing\.onnx is not a graph"):
        Runner(tmp_path / "missing.onnx")


def test_the_runner_needs_no_torch(lifter: Lifter, graph: Callable[[Kind], Path], tmp_path: Path):
    """In a process where nothing but NumPy and ONNX Runtime can be imported."""
    write_keypoints(tmp_path / "seen.npz", gappy())
    missing = "torch", "jaxtyping", "rich", "tyro", "safetensors", "scipy", "matplotlib"
    block = f"import sys; sys.modules.update(dict.fromkeys({missing}))"
    run = "import runpy; runpy.run_module('pstmo.runner', run_name='__main__', alter_sys=True)"
    command = [sys.executable, "-c", f"{block}; {run}", str(graph("centre")), "seen.npz", "-o", "motion.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = read_motion(tmp_path / "motion.npz").poses
    wanted = lifter.lift(read_keypoints(tmp_path / "seen.npz"), mode="exact").positions
    np.testing.assert_allclose(found.positions, wanted, atol=1e-5)
    command = [*command[:4], "none.npz", "-o", "no.npz"]
    wrong = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("pstmo.runner: error: none.npz")
    assert "Traceback" not in wrong.stderr


def test_the_command_exports(small_checkpoint: Path, tmp_path: Path, pstmo_here):
    result = pstmo_here(tmp_path, f"export {small_checkpoint} -o small.onnx --kind sequence --no-mirror")
    assert result.code == 0
    assert result.out.startswith("wrote small.onnx; its poses lie ")
    runner = Runner(tmp_path / "small.onnx")
    assert (runner.facts["kind"], runner.facts["mirrored"]) == ("sequence", False)
    result = pstmo_here(tmp_path, f"export {small_checkpoint} -o small.bin")
    assert result.code == 2
    assert "expected a file that ends in .onnx, .pt2 or .pth" in result.err
