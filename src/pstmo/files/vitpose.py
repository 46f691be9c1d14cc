"""easy_ViTPose's JSON, https://github.com/JunkyByte/easy_ViTPose.

{keypoints: [frame, ...], skeleton: {"0": "nose", ...}}: a frame is a mapping from the track of a person to
[[y, x, score], ...], in which y comes first.
"""

from typing import Any

from pstmo.errors import FormatError
from pstmo.files.content import describe, span, triples, want
from pstmo.files.names import joint_names
from pstmo.people import Detection, People

EXPECTED: str = "easy_ViTPose {keypoints: [{track: [[y, x, score], ...]}, ...], skeleton: {number: name}}"


def recognises(content: object) -> bool:
    return isinstance(content, dict) and isinstance(content.get("keypoints"), list) and "skeleton" in content


def read(content: object) -> People:
    content = want(content, dict, "content")
    frames = want(content.get("keypoints"), list, "'keypoints'")
    skeleton = want(content.get("skeleton"), dict, "'skeleton'")
    names = joint_names(skeleton.get(str(i)) for i in range(len(skeleton)))
    found = [
        Detection(place, _joints(rows, f"person {track} of frame {place}"), track=_number(track, place))
        for place, frame in enumerate(frames)
        for track, rows in want(frame, dict, f"frame {place}").items()
    ]
    return People(found, span(range(len(frames))), {len(names): names}, named=True)


def _number(track: str, place: int) -> int:
    if not track.isdecimal() or len(track) > 18:
        raise FormatError(f"frame {place}: found the track {track[:40]!r}, expected a number")
    return int(track)


def _joints(rows: Any, what: str) -> Any:
    """(joints, 3): x, y and score."""
    for row in want(rows, list, what):
        if len(want(row, list, f"a joint of {what}")) != 3:
            raise FormatError(f"a joint of {what}: found {describe(row)}, expected y, x, score")
    return triples([value for row in rows for value in row], what)[:, [1, 0, 2]]
