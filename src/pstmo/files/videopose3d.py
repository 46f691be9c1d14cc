"""VideoPose3D's custom data set, https://github.com/facebookresearch/VideoPose3D, of `prepare_data_2d_custom.py`.

An .npz of pickled objects: `positions_2d` {video: {"custom": [(frames, 17, 2)]}} in pixels, and `metadata`
{layout_name, num_joints, keypoints_symmetry, video_metadata: {video: {w, h}}}. Frames without anybody were filled when
it was made, so every joint counts as observed. The file must hold one video. The layout "coco" names the joints.
"""

from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import describe, image_size, want
from pstmo.files.npz import numeric
from pstmo.people import Detection, People
from pstmo.skeleton import COCO

EXPECTED: str = "VideoPose3D custom .npz: 'positions_2d' {video: {custom: [(frames, 17, 2)]}} and 'metadata'"


def recognises(content: object) -> bool:
    return isinstance(content, dict) and {"positions_2d", "metadata"} <= set(content)


def read(content: object) -> People:
    content = want(content, dict, "content")
    video, cameras = _only(content.get("positions_2d"), "'positions_2d'")
    _, views = _only(cameras, f"cameras of {video!r}")
    if not isinstance(views, list | tuple | np.ndarray) or len(views) != 1:
        raise FormatError(f"{video!r}: found {describe(views)}, expected a list of one array")
    xy = numeric({video: views[0]}, video)
    if xy.ndim != 3 or xy.shape[2] not in (2, 3):
        raise FormatError(f"{video!r}: found {describe(xy)}, expected (frames, joints, 2 or 3)")
    confidence = xy[..., 2:] if xy.shape[2] == 3 else np.ones_like(xy[..., :1])
    joints = np.concatenate([xy[..., :2], confidence], -1, dtype=np.float64)
    about = want(content.get("metadata"), dict, "'metadata'")
    size = want(about.get("video_metadata", {}), dict, "'video_metadata'").get(video)
    size = want(size, dict, f"'video_metadata' of {video!r}") if size is not None else {}
    return People(
        [Detection(place, person) for place, person in enumerate(joints)],
        range(len(joints)),
        {len(COCO): COCO.joints} if about.get("layout_name") == "coco" else {},
        image_size({"width": size.get("w"), "height": size.get("h")}),
    )


def _only(mapping: Any, what: str) -> tuple[str, Any]:
    """The one name and value in a mapping. Raises FormatError naming what there is."""
    items = list(want(mapping, dict, what).items())
    if len(items) != 1 or not isinstance(items[0][0], str):
        names = ", ".join(str(name)[:40] for name, _ in items[:10]) or "nothing"
        raise FormatError(f"{what}: found {names}; expected one by its name: make a file of each")
    return items[0]
