"""What goes wrong when the input is wrong: one base class, so that a caller catches one thing."""


class PstmoError(Exception):
    """A mistake in what the user gave. The message says what was found, what was expected and what is available."""


class FormatError(PstmoError):
    """A file that is not what it should be."""


class SkeletonError(PstmoError):
    """Joints that do not fit the skeleton asked for."""


class Stopped(PstmoError):  # noqa: N818
    """Work that a signal ended and that can go on later. number: of the signal."""

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.number = number


class Lost(PstmoError):  # noqa: N818
    """Work of several processes of which one is gone; it can go on later."""


class CheckpointError(PstmoError):
    """A checkpoint that cannot be read, or does not fit the network."""


class VideoError(PstmoError):
    """Something that is no video, or a part of one without pictures."""
