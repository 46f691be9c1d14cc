"""`pstmo view`: motion as a film, a picture, a page, or in rerun's viewer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from pstmo.cli.app import app
from pstmo.errors import PstmoError
from pstmo.options import Rendering, not_of

if TYPE_CHECKING:
    from pstmo.motion import Motion

RENDERING = Rendering()

ENDINGS = (".mp4", ".gif", ".png", ".html")
EXPECTED = "-o with a name that ends with .mp4 or .gif (films), .png (a contact sheet) or .html (a page); or --rerun"


@app.command
def view(
    sources: Positional[tuple[Path, ...]],
    out: Annotated[Path | None, arg(aliases=["-o"])] = None,
    video: str | None = None,
    rerun: bool = False,
    rendering: Annotated[Rendering, arg(name="")] = RENDERING,
) -> None:
    """Show motion: as a film, a contact sheet, a page, or in rerun's viewer.

    Args:
        sources: Motion files of one recording, of any format (docs/motion-files.md); or the folder that `pstmo lift`
            wrote.
        out: What to write; its ending decides what it is: .mp4, .gif, .png (a contact sheet) or .html (a page).
        video: The video that the motion was lifted from, to be shown beside it; without it the keypoints are.
        rerun: Log it all for developers into rerun's viewer, or with -o into a file that ends with .rrd.
    """
    people = _people(sources)
    if rerun:
        not_of("rerun", "a viewer", rendering)
        from pstmo.render.recording import log_to_rerun

        log_to_rerun(people, out)
        print("logged to rerun's viewer" if out is None else f"{out}: for rerun's viewer")
        return
    if out is None or out.suffix.lower() not in ENDINGS:
        raise PstmoError(f"found {'no -o' if out is None else out}, expected {EXPECTED}")
    if any(
        Path(read).exists() and out.exists() and out.samefile(read) for read in (*sources, *([video] if video else []))
    ):
        raise PstmoError(f"{out} is what the motion or its video is read from, expected another name")
    if out.suffix.lower() == ".html":
        _write_page(out, people, video, rendering)
    else:
        from pstmo.render import render

        render(out, people, video, rendering)
    print(f"{out}: {len(people)} {'person' if len(people) == 1 else 'people'}")


def _people(sources: tuple[Path, ...]) -> "list[Motion]":
    from pstmo.motions import numbered, read_motions

    if not sources:
        raise PstmoError("found no motion to show, expected files such as motion.npz, or the folder of `pstmo lift`")
    return numbered([motion for source in sources for path in _files(source) for motion in read_motions(path)])


def _files(source: Path) -> list[Path]:
    """The motions of a folder, by the numbers of their people; or the one file."""
    if not source.is_dir():
        return [source]
    found = sorted(source.glob("motion*.npz"), key=lambda path: (len(path.name), path.name))
    if not found:
        raise PstmoError(f"{source}: found no motion.npz and no motion-1.npz, expected a folder of `pstmo lift`")
    if found[0].name == "motion.npz" and len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise PstmoError(f"{source}: found {names}, of several runs; expected those of one: name the files to show")
    return found


def _write_page(out: Path, people: "list[Motion]", video: str | None, rendering: Rendering) -> None:
    from pstmo.view.page import write_page

    not_of(str(out), "a page", rendering)
    write_page(out, people, title=out.stem, video=video)
