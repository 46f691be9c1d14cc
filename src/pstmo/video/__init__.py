"""Videos, folders of pictures, addresses and cameras in, upright pictures with true times out."""

from pstmo.video.camera import Camera
from pstmo.video.reading import Video, open_video

__all__ = ["Camera", "Video", "open_video"]
