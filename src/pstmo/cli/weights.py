"""`pstmo import` and `pstmo export`: official checkpoints in and out."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from pstmo.cli.app import Out, app


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
def export(weights: Positional[str], out: Out) -> None:
    """Write a checkpoint in the official layout (.pth), for the official code. It holds the weights and nothing else.

    Args:
        weights: Weights that come with the package, by name, or a checkpoint.
        out: The .pth file to write.
    """
    from pstmo import checkpoint

    found = checkpoint.load(checkpoint.find(weights))
    checkpoint.export_official(found.network, out)
    print(f"wrote {out}; to bring it back, `pstmo import` needs to be told what a .pth does not say:")
    layouts = f"--keypoints {found.keypoints.name} --poses {found.poses.name}"
    print(f"  {layouts} --rate {found.rate:g} --framing {found.framing}")
