"""What goes wrong when the input is wrong: one base class, so that a caller catches one thing."""


class PstmoError(Exception):
    """A mistake in what the user gave. The message says what was found, what was expected and what is available."""


class FormatError(PstmoError):
    """A file that is not what it should be."""


class SkeletonError(PstmoError):
    """Joints that do not fit the skeleton asked for."""


class CheckpointError(PstmoError):
    """A checkpoint that cannot be read, or does not fit the network."""
