"""FFmpeg's pictures of one stream, and what goes wrong with them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pstmo.extras import extra
from pstmo.video.opening import opened, video_of

if TYPE_CHECKING:
    import av


@dataclass
class Damage:
    """What was found wrong. lost: pictures that could not be decoded, broken: pictures that came out damaged."""

    lost: int = 0
    broken: int = 0
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ((self.lost, "lost, as they could not be decoded"), (self.broken, "damaged"))
        return "; ".join([f"pictures {what}: {count}" for count, what in counts if count] + self.notes)


class Decoder:
    """damage: found so far. latest, end: where the last picture read so far begins and ends, decoded or not; pts."""

    def __init__(self, name: str, address: str, options: dict[str, Any], threads: str):
        """name: for messages. options: of av.open. threads: PyAV's thread_type. Raises VideoError."""
        self._error = extra("av", "video").FFmpegError
        self.container = opened(name, address, options)
        self.stream = video_of(name, self.container)
        self.stream.thread_type = self.threads = threads
        self.damage = Damage()
        self.latest = self.end = -(2**63)

    def pictures(self) -> "Iterator[av.VideoFrame]":
        """From where it stands to the end; what can't be decoded is left out."""
        try:
            for packet in self.container.demux(self.stream):
                if packet.pts is not None:
                    self.latest = max(self.latest, packet.pts)
                    self.end = max(self.end, packet.pts + (packet.duration or 0))
                yield from self._decoded(packet)
        except self._error as problem:
            self.damage.notes.append(f"reading stopped: {problem.strerror}")

    def _decoded(self, packet: Any) -> "list[av.VideoFrame]":
        try:
            pictures = packet.decode()
        except self._error:
            self.damage.lost += 1
            return []
        self.damage.broken += packet.is_corrupt or any(picture.is_corrupt for picture in pictures)
        return pictures

    def seek(self, pts: int) -> bool:
        """To a place near that time, as files are searched by other times than the pictures'. False: it cannot be."""
        try:
            self.container.seek(pts, stream=self.stream)
        except self._error:
            return False
        return True
