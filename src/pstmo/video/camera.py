"""A camera of this machine, for whoever looks while it happens."""

from collections.abc import Iterator
from threading import Condition, Thread
from time import monotonic
from typing import Any

import numpy as np

from pstmo.errors import VideoError
from pstmo.extras import extra
from pstmo.frame import Frame
from pstmo.video.opening import FASTEST, USUAL


class Camera:
    """By OpenCV, as FFmpeg's packages are built without cameras. Each picture is the newest there is: who looks slowly
    misses some, and never falls behind. Pictures end when the camera does.

    image_size: (width, height) in pixels. fps: pictures a second, as the camera tells, or a usual number.
    """

    def __init__(self, number: int):
        """Raises VideoError for a camera that gives no picture, PstmoError where OpenCV is not installed."""
        cv2 = extra("cv2", "camera")
        cv2.setLogLevel(0)  # it tells of every way in which it looked for the camera
        self._capture: Any = cv2.VideoCapture(number)
        there, image = self._capture.read()
        if not there:
            raise VideoError(f"camera {number}: found none that gives a picture, expected the number of one, from 0 on")
        self.image_size = image.shape[1], image.shape[0]
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0 < fps <= FASTEST else USUAL
        self._newest: tuple[float, np.ndarray] | None = None
        self._there, self._open = Condition(), True

    def __iter__(self) -> Iterator[Frame]:
        """Closing it ends the camera."""
        reader = Thread(target=self._read, name="camera", daemon=True)
        reader.start()
        number, begun = 0, monotonic()
        try:
            while (found := self._next()) is not None:
                seconds, image = found
                yield Frame(number, seconds - begun, np.ascontiguousarray(image[..., ::-1]))  # OpenCV's are BGR
                number += 1
        finally:
            self._open = False
            reader.join()
            self._capture.release()

    def _read(self) -> None:
        while self._open:
            found = self._picture()
            with self._there:
                self._open = self._open and found is not None
                self._newest = found or self._newest
                self._there.notify()

    def _picture(self) -> tuple[float, np.ndarray] | None:
        """The next one; None = the camera has ended, or fails."""
        try:
            there, image = self._capture.read()
        except Exception:  # of OpenCV's
            return None
        return (monotonic(), image) if there else None

    def _next(self) -> tuple[float, np.ndarray] | None:
        """The newest picture that was not taken yet; None = there are no more."""
        with self._there:
            self._there.wait_for(lambda: self._newest is not None or not self._open)
            found, self._newest = self._newest, None
            return found
