"""From a name to the one stream in it that holds the pictures, and what the file tells of that."""

from typing import TYPE_CHECKING, Any

from pstmo.errors import VideoError
from pstmo.extras import extra

if TYPE_CHECKING:
    import av

LIMIT = 2**26
"""Pixels of a picture; 8K video has half as many."""

EXPECTED = "a video such as MP4, MOV, MKV, WebM, AVI or GIF"

TEXTS = ("ansi", "bintext", "idf", "xbin")
"""What FFmpeg takes text files for: pictures of a terminal."""

LISTS = {"applehttp", "concat", "dash", "hls", "imf", "rtsp", "sdp"}
"""What FFmpeg calls files that name other files and addresses."""

USUAL, FASTEST = 30.0, 1000.0
"""Pictures a second: where the file tells nothing, and what it may tell."""


def opened(name: str, address: str, options: dict[str, Any]) -> Any:
    """PyAV's container. options: of av.open. Raises VideoError."""
    av = extra("av", "video")
    if int(av.__version__.partition(".")[0]) < 19:  # later versions bear with text that is no UTF-8 by themselves
        options = {"metadata_errors": "replace", **options}
    try:
        return av.open(address, **options)
    except (av.FFmpegError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VideoError(f"{name}: found nothing that FFmpeg can read ({reason}), expected {EXPECTED}") from None


def alone() -> dict[str, str]:
    """FFmpeg's options for a file that may come from a stranger: it leads to nothing but itself."""
    known = extra("av", "video").formats_available
    return {"format_whitelist": ",".join(sorted(known - LISTS))}


def video_of(name: str, container: Any) -> "av.VideoStream":
    """The first stream of moving pictures. Raises VideoError when there is none that can be decoded."""
    for stream in container.streams.video:
        if _is_cover(stream):
            continue
        if stream.codec_context is None:
            raise VideoError(
                f"{name}: found video in a codec that this FFmpeg does not have, expected one such as H.264"
            )
        if stream.codec_context.name not in TEXTS:
            stream.codec_context.options = {"max_pixels": str(LIMIT)}
            return stream
    found = ", ".join(map(described, container.streams)) or "nothing"
    raise VideoError(f"{name}: found {found} in {container.format.long_name}, expected {EXPECTED}")


def described(stream: Any) -> str:
    """Such as: audio (aac)."""
    codec = stream.codec_context.name if stream.codec_context else "unknown codec"
    kind = "text" if codec in TEXTS else "cover picture" if _is_cover(stream) else stream.type
    return f"{kind} ({codec})"


def _is_cover(stream: Any) -> bool:
    """Whether it is a picture that goes with a song."""
    return stream.type == "video" and extra("av.stream", "video").Disposition.attached_pic in stream.disposition


def rate_of(stream: "av.VideoStream", timed: bool) -> float:
    """Pictures a second. timed: whether pictures have times, from which FFmpeg then takes the average."""
    rates = (stream.average_rate, stream.guessed_rate) if timed else (stream.guessed_rate, stream.average_rate)
    return next((float(rate) for rate in rates if rate and 0 < rate <= FASTEST), USUAL)


def duration_of(stream: "av.VideoStream", container: Any) -> float | None:
    """Seconds: of the pictures, or of all that is in the file. None = unknown, as with cameras."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None
