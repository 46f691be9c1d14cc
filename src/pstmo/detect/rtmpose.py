"""RTMPose (Jiang et al., 2023, arXiv 2303.07399) by way of rtmlib: boxes of people from YOLOX, then COCO's 17 joints in
each. rtmlib downloads the networks the first time, unless they are given as files.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from pstmo.detect.picture import checked
from pstmo.errors import FormatError, PstmoError
from pstmo.extras import extra
from pstmo.frame import Frame
from pstmo.people import Detection
from pstmo.skeleton import COCO

SIZE = "balanced"
"""The networks that rtmlib fetches: YOLOX-m, RTMPose-m."""


class RTMPose:
    """weights: a network for 17 joints (.onnx). person_weights: YOLOX for people alone (.onnx). None = rtmlib's own.

    people: at most, in a picture. Raises FormatError for another kind of file, PstmoError where rtmlib is not installed
    or cannot download.
    """

    name = "rtmpose"
    every = 1
    skeleton = COCO

    def __init__(self, weights: Path | None = None, person_weights: Path | None = None, people: int = 4):
        if people < 1:
            raise PstmoError(f"found {people} people at most, expected 1 or more")
        rtmlib = extra("rtmlib", "rtmlib")
        known = rtmlib.Body.MODE[SIZE]
        self._find = _opened(rtmlib.YOLOX, person_weights or known["det"])
        self._joints = _opened(rtmlib.RTMPose, weights or known["pose"])
        self._people = people
        self.settings = f"{weights} {person_weights} {people}"
        _set_sizes(self._find, self._joints)

    def __call__(self, frames: Iterable[Frame], known: Sequence[Detection] = ()) -> Iterator[list[Detection]]:
        """The people in each picture, in the order of the pictures, each taken when it is needed; whoever is known, it
        is looked at anew."""
        for frame in frames:
            image = np.ascontiguousarray(checked(frame)[..., ::-1])  # rtmlib expects BGR
            boxes = self._find(image)[: self._people]
            if len(boxes) == 0:  # without boxes, rtmlib would look for a person as large as the picture
                yield []
                continue
            xy, likely = self._joints(image, bboxes=boxes)
            joints = np.concatenate([xy, likely.clip(0, 1)[..., None]], axis=-1)
            yield [Detection(frame.number, person) for person in joints]


def _opened(kind: Any, source: Path | str) -> Any:
    """rtmlib's class for that network, from a file or an address; without what it prints. Raises PstmoError."""
    local = isinstance(source, Path)
    if local and not source.is_file():
        raise FormatError(f"{source}: found no such file, expected a network (.onnx)")
    try:
        with redirect_stdout(io.StringIO()):
            return kind(str(source))
    except OSError as error:
        raise PstmoError(
            f"rtmlib found no way to download {source} ({error}); use --detector blazepose, which needs no download, "
            "or give the networks as files with --detector-weights"
        ) from None
    except Exception as error:  # ONNX Runtime's errors have no base class of their own
        if not local:
            raise
        raise FormatError(f"{source}: found no network that ONNX Runtime reads, expected .onnx ({error})") from None


def _set_sizes(find: Any, joints: Any) -> None:
    """Tells rtmlib how large a picture each network takes. Raises FormatError for other networks."""
    height, width = _picture_size(find)
    values = find.session.get_outputs()[0].shape[-1]
    if isinstance(values, int) and values not in (5, 6):
        raise FormatError(f"{find.onnx_model}: found {values} values a box, expected 5 or 6: a YOLOX for people alone")
    find.model_input_size = (height, width)
    height, width = _picture_size(joints)
    outputs = [output.shape for output in joints.session.get_outputs()]
    wanted = [["batch", len(COCO), 2 * width], ["batch", len(COCO), 2 * height]]
    if [shape[1:] for shape in outputs] != [shape[1:] for shape in wanted]:
        raise FormatError(f"{joints.onnx_model}: found outputs {outputs}, expected RTMPose's {wanted}")
    joints.model_input_size = (width, height)


def _picture_size(network: Any) -> tuple[int, int]:
    """Height and width."""
    shape = network.session.get_inputs()[0].shape
    if len(shape) != 4 or not all(isinstance(side, int) for side in shape[2:]):
        raise FormatError(f"{network.onnx_model}: found input {shape}, expected pictures (batch, 3, height, width)")
    return shape[2], shape[3]
