"""`pstmo lift-corpus`: many videos or keypoint files, on one machine or several."""

import os
from typing import Annotated

from tyro.conf import Positional, arg

from pstmo.cli.app import app
from pstmo.options import Options
from pstmo.progress import progress

OPTIONS = Options()


@app.command(name="lift-corpus")
def lift_corpus(
    source: Positional[str],
    out: Annotated[str, arg(aliases=["-o"])],
    options: Annotated[Options, arg(name="")] = OPTIONS,
    ray_address: str | None = None,
    retry_failed: bool = False,
) -> None:
    """Lift many videos or keypoint files: OUT/NAME/motion.npz of each, and OUT/index.parquet of all.

    What fails is recorded and stops nothing else. The same command once more does only what is missing, or has changed:
    source, weights or options.

    Args:
        source: A folder, whose videos and keypoint files are lifted; a list (.txt) with a path or an address a line; or
            an address such as s3://bucket/folder.
        out: Folder or address for the results; made if it is not there.
        ray_address: Of a Ray cluster to work on, such as ray://head:10001 or auto; without it all cores of this machine
            work.
        retry_failed: Try again what failed before.
    """
    from pstmo.corpus import INDEX, Corpus
    from pstmo.corpus.pools import on_ray

    corpus = Corpus.of(source, out, options, retry_failed)
    there, failed = len(corpus.items) - len(corpus.left), []
    lines = os.environ.get("PSTMO_PROGRESS") == "lines"
    records = corpus.lift(lambda items, order: on_ray(items, order, ray_address))
    for record in progress(records, "lifting", len(corpus.left)):
        if lines:
            print(record.line, flush=True)
        if record.error:
            failed.append(record)
    if lines:
        return
    for record in failed[:10]:
        print(f"{record.item}: {record.error}")
    if len(failed) > 10:
        print(f"... and {len(failed) - 10} more that failed; the index has them all")
    print(f"{len(corpus.left) - len(failed)} lifted, {len(failed)} failed, {there} done before")
    print(f"{corpus.target.folder.below(INDEX).address}: what became of each")
