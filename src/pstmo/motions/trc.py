"""TRC: markers as text, one person a file, as OpenSim and Pose2Sim have it: metres, y up, a regular clock.

Cells of frames in which the person was not observed are empty; there and only there markers are missing, for OpenSim as
for us. Every line ends with a tab, as OpenSim's own do: it takes a last empty cell for none.
"""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.cells import values_of
from pstmo.files.content import MOST_FRAMES, first_bytes
from pstmo.motion import Motion
from pstmo.motions.axes import Y_UP, y_up, z_up
from pstmo.motions.clock import beats, on_clock
from pstmo.motions.facts import motion_of, named, program

ENDING: str = ".trc"
SEVERAL: bool = False

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001}

MOST_CELLS = 2**27
"""Those included that short lines leave out."""

HEADER = 5
"""Lines; a sixth may be empty."""


def write(path: Path, people: Sequence[Motion]) -> None:
    (motion,) = people
    times = beats(people)
    positions, observed = on_clock(motion, times)
    count, joints = len(times), motion.skeleton.joints
    rate = f"{motion.fps:.10g}"
    lines = [
        ["PathFileType", "4", "(X/Y/Z)", f"{motion.skeleton.name}, {Y_UP}; {program()}"],
        ["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"]
        + ["OrigDataRate", "OrigDataStartFrame", "OrigNumFrames"],
        [rate, rate, str(count), str(len(joints)), "m", rate, "1", str(count), ""],
        ["Frame#", "Time"] + [cell for joint in joints for cell in (joint, "", "")] + [""],
        ["", ""] + [f"{axis}{i + 1}" for i in range(len(joints)) for axis in "XYZ"] + [""],
        [],
    ]
    values = y_up(positions).reshape(count, -1)
    values[~observed] = np.nan
    for i, (time, row) in enumerate(zip(times, values, strict=True)):
        lines.append([str(i + 1), f"{time:.6f}", *("" if np.isnan(x) else f"{x:.6f}" for x in row), ""])
    path.write_text("".join("\t".join(line) + "\n" for line in lines), "utf-8")


def read(path: Path) -> list[Motion]:
    """Also others' files, with marker names of a skeleton that is known here. y is taken to be up."""
    first_bytes(path, 1)
    rows = list(csv.reader(path.read_text("utf-8", "replace").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    if len(rows) < HEADER or rows[0][:1] != ["PathFileType"]:
        raise FormatError("found no header of a TRC file, expected PathFileType and four lines more, then numbers")
    header = dict(zip(rows[1], rows[2], strict=False))
    unit = header.get("Units", "").strip()
    if unit not in UNITS:
        raise FormatError(f"found Units {unit!r}, expected one of {', '.join(UNITS)}")
    columns = {i: name.strip() for i, name in enumerate(rows[3][2:], start=2) if name.strip()}
    body = [row for row in rows[HEADER:] if any(map(str.strip, row))]
    if len(body) > MOST_FRAMES or len(body) * len(rows[3]) > MOST_CELLS:
        raise FormatError(
            f"found {len(body):,} frames of {len(rows[3]):,} columns, expected {MOST_FRAMES:,} frames at most and "
            f"{MOST_CELLS:,} cells"
        )
    skeleton, places = named(list(columns.values()))
    starts = [list(columns)[place] for place in places]
    wanted = [1] + [start + axis for start in starts for axis in range(3)]
    values = values_of([row + [""] * (max(wanted) + 1 - len(row)) for row in body], wanted)
    positions = z_up(values[:, 1:].reshape(len(body), len(skeleton), 3) * UNITS[unit])
    return [motion_of(skeleton, positions, fps=_rate(header), times=values[:, 0])]


def _rate(header: dict[str, str]) -> float:
    rate = header.get("DataRate", "").strip()
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]*)?", rate):
        raise FormatError(f"found DataRate {rate!r}, expected frames per second")
    return float(rate)
