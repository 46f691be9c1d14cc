"""`pstmo convert`: files of motion to another format."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pstmo.cli.app import app
from pstmo.errors import PstmoError


@app.command
def convert(files: Positional[Annotated[tuple[Path, ...], arg(metavar="SOURCE... TARGET")]]) -> None:
    """Write motion in another format: .npz .bvh .glb .trc .c3d .csv .parquet .json .coco.json, by the file's ending.

    Args:
        files: Files of motion, and as the last one the file to write; several sources are several people. Where its
            format holds one person, they become name-1, name-2, ...
    """
    from pstmo.motions import format_of, numbered, paths_for, read_motions, write_motions

    if len(files) < 2:
        raise PstmoError(f"found {len(files)} file, expected one source or more, and a target")
    *sources, target = files
    format_of(target)
    people = numbered([motion for source in sources for motion in read_motions(source)])
    kept = {source.resolve() for source in sources}
    for path in paths_for(target, people):
        if path.resolve() in kept:
            raise PstmoError(f"{path} is a source, expected another file to write")
    for path in write_motions(target, people):
        print(path)
