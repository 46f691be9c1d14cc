"""AlphaPose's JSON, https://github.com/MVIG-SJTU/AlphaPose/blob/master/docs/output.md, in its default form.

[{image_id: "12.jpg", keypoints: [x, y, confidence] * n, score, idx}]: n is 17 (COCO), 26 or 136 (Halpe, whose first 26
are the body, https://github.com/Fang-Haoshu/Halpe-FullBody) or 133 (COCO-WholeBody, whose first 17 are COCO's). `idx`
is the track, a number, or nested lists of those that were merged, of which the first counts. Frames without people are
not in the file: the number in the image's name says which frame it is. Plain numbers ("12.jpg") are what AlphaPose
calls a video's frames, so they count from 0, or from 1 where the smallest is 1; other names ("000012.jpg") are images
of a folder and count from the first one here.

Its forms "open" and "cmu" are OpenPose's, and read by `openpose`.
"""

from typing import Any

from pstmo.files.coco import detections, image_ids, is_results
from pstmo.files.content import number, numbered, plain, span, want
from pstmo.people import People
from pstmo.skeleton import COCO, HALPE26

EXPECTED: str = 'AlphaPose [{image_id: "12.jpg", keypoints: [x, y, confidence] * 17, 26, 133 or 136, score, idx}]'

LAYOUTS = {17: COCO.joints, 26: HALPE26.joints, 133: COCO.joints, 136: HALPE26.joints}


def recognises(content: object) -> bool:
    return is_results(content, str)


def read(content: object) -> People:
    entries = want(content, list, "content")
    numbers = numbered(image_ids(entries))
    return People(detections(entries, numbers, _track), span(numbers.values(), counted=plain(numbers)), LAYOUTS)


def _track(entry: dict[str, Any]) -> int | None:
    track = entry.get("idx")
    while isinstance(track, list):
        track = track[0] if track else None
    return None if track is None else int(number(track, "'idx'"))
