"""`pstmo data`: what others publish, once into files that training and evaluation read."""

import logging
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from pstmo.cli.app import Out, app

From = Annotated[Path, arg(name="from")]


@app.command
def data(kind: Positional[Literal["mocap", "human36m", "mpi-inf-3dhp", "own", "cmu4"]], source: From, out: Out) -> None:
    """Convert a data set once, and say what is in it. A second run with the same source does nothing.

    Args:
        kind: mocap = motion capture (ASF/AMC, BVH), to one .npz of motions that virtual cameras film in training.
            human36m = the field's npz files, or D3_Positions folders. mpi-inf-3dhp = the original folders, or the
            field's npz files. own = a folder of one's own, see docs/own-data.md. cmu4 = builds the open benchmark
            from what mocap reads, or from the .npz that it wrote; see docs/cmu4.md.
        source: Folder, archive or file to read.
        out: The folder (mocap: the .npz file) to write.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    say = logging.getLogger("pstmo").info
    if kind == "mocap":
        from pstmo.datasets import mocap

        known = mocap.made(source, out)
        if known is None:
            say("reading %s", source)
        print(known or mocap.convert(source, out))
        print(f"{out}: made from {source} already, left as it is" if known else f"wrote {out}")
        return
    from pstmo import cmu4
    from pstmo.datasets import human36m, mpi_inf_3dhp, own
    from pstmo.datasets.inventory import inventory

    converters = {
        "human36m": human36m.convert,
        "mpi-inf-3dhp": mpi_inf_3dhp.convert,
        "own": own.convert,
        "cmu4": cmu4.convert,
    }
    say("reading %s", source)
    print(inventory(converters[kind](source, out)))
    print(f"{out}: ready for --data")
