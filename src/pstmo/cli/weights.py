"""`pstmo import` and `pstmo export`: official checkpoints in and out, and graphs for other programs."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from pstmo.cli.app import Out, app
from pstmo.errors import PstmoError


@app.command(name="import")
def import_(
    official: Positional[Path],
    out: Out,
    keypoints: str = "h36m17",
    poses: str = "h36m17",
    rate: float = 50.0,
    framing: Literal["screen", "person", "facing"] = "screen",
    unit: Literal["m", "mm"] = "m",
) -> None:
    """Bring an official P-STMO checkpoint (.pth) in: OUT is a checkpoint for --weights. No pickled code is run.

    Args:
        official: File of stage I, stage II or the refine module.
        out: The .safetensors file to write.
        keypoints: Layout of the 2D joints that it was trained on.
        poses: Layout of its 3D joints.
        rate: Frames per second of its windows: 25 for those trained on Human3.6M with TDS 2.
        framing: How keypoints are put before the network; the official code knows "screen" alone.
        unit: What the poses of an STMO are in; the one released for MPI-INF-3DHP gives mm. Ours give metres.
    """
    from pstmo import checkpoint
    from pstmo.model.stmo import STMO
    from pstmo.official import in_metres
    from pstmo.skeleton import by_name

    layouts = by_name(keypoints), by_name(poses)
    network = checkpoint.import_official(official)
    if unit == "mm" and isinstance(network, STMO):
        in_metres(network)
    checkpoint.save(out, checkpoint.Checkpoint(network, *layouts, official.stem, framing, rate))
    print(f"wrote {out}: {type(network).__name__}")


@app.command
def export(
    weights: Positional[str], out: Out, kind: Literal["centre", "sequence"] = "centre", mirror: bool = True
) -> None:
    """Write weights for other programs, as OUT ends: .onnx, .pt2 (torch.export), or .pth for the official code.

    An .onnx or .pt2 is a whole lifter, window by window; it is compared with PyTorch before it is written. `python -m
    pstmo.runner` lifts files with an .onnx, without PyTorch. A .pth holds the weights and nothing else.

    Args:
        weights: Weights that come with the package, by name, or a checkpoint.
        out: The file to write.
        kind: Of an .onnx or .pt2: centre = the pose of a window's centre, sequence = of all its frames.
        mirror: Of an .onnx or .pt2: average with the mirrored input, within the graph.
    """
    if out.suffix != ".pth":
        _graph(weights, out, kind, mirror)
        return
    from typing import get_args

    from pstmo import checkpoint
    from pstmo.official import Official

    found = checkpoint.load(checkpoint.find(weights))
    checkpoint.export_official(checkpoint.expect(found.network, get_args(Official), weights), out)
    print(f"wrote {out}; to bring it back, `pstmo import` needs to be told what a .pth does not say:")
    layouts = f"--keypoints {found.keypoints.name} --poses {found.poses.name}"
    print(f"  {layouts} --rate {found.rate:g} --framing {found.framing}")


def _graph(weights: str, out: Path, kind: Literal["centre", "sequence"], mirror: bool) -> None:
    if out.suffix not in (".onnx", ".pt2"):
        raise PstmoError(f"found {out}, expected a file that ends in .onnx, .pt2 or .pth")
    from pstmo.export import export
    from pstmo.lift import load

    apart = export(load(weights), out, kind, mirror)
    print(f"wrote {out}; its poses lie {1000 * apart:.2g} mm from PyTorch's at most")
