"""`pstmo demo`: the way from a video to 3D, on a video that comes with the package."""

from pathlib import Path

from pstmo.cli.app import Out, app
from pstmo.cli.lift import lift
from pstmo.errors import PstmoError
from pstmo.extras import extra
from pstmo.options import Choosing, Options

OUT = Path("out/demo")


@app.command
def demo(out: Out = OUT) -> None:
    """Lift the people of a real video that comes with the package: OUT/motion-1.npz, OUT/motion-2.npz, OUT/view.html.

    Without the libraries that read videos, the keypoints that another detector found in it are lifted in its place.

    Args:
        out: Folder for the results; made if it is not there.
    """
    from pstmo.samples import KEYPOINTS, VIDEO

    try:
        extra("av", "video")
        extra("ai_edge_litert.interpreter", "video")
    except PstmoError as error:
        print(f"the sample's keypoints are lifted, not its video: {error}")
        lift(str(KEYPOINTS), out)
    else:
        lift(str(VIDEO), out, options=Options(choosing=Choosing(all=True)), embed_video=True)
