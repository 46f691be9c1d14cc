"""Keypoints in and poses out while they happen: frame by frame, with a lag that one chooses."""

from collections import deque
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pstmo import modes
from pstmo.camera import normalise_screen
from pstmo.errors import PstmoError
from pstmo.fill import held
from pstmo.lift import Lifter
from pstmo.metrics import rooted
from pstmo.sequence import Keypoints
from pstmo.skeleton import Skeleton, by_name
from pstmo.track import SAME, Track, focal_of
from pstmo.windowed import SCREEN, Windowed, WindowLifter


class Pose(NamedTuple):
    """timestamp: of its frame, seconds. positions: (joints, 3) float32, metres, camera axes, the root at 0.
    observed: False where nobody was seen, and the pose rests on the frames around it."""

    timestamp: float
    positions: np.ndarray
    observed: bool


class _Frame(NamedTuple):
    """tokens: where a frame is the same in every window, computed once."""

    timestamp: float
    filled: Float[Tensor, "joints 2"]
    observed: Bool[Tensor, " joints"]
    tokens: Float[Tensor, "both width"] | None


class Stream:
    """Lifts a person frame by frame, as `Lifter.lift(mode="live", lag=lag)` lifts the finished clip.

    A frame's pose comes as soon as a frame is there that is `lag` frames later, by the clock: lag 0 is at once, half a
    window is exact. Frames may be missing and clocks irregular: what a window needs between two frames is interpolated.
    No frame is kept for longer than a window.
    """

    def __init__(
        self,
        lifter: Lifter,
        *,
        image_size: tuple[int, int],
        fps: float | int,
        skeleton: str | Skeleton = "coco17",
        lag: int = 0,
        mirror: bool = False,
        focal: float | None = None,
    ):
        """image_size: (width, height) in pixels. fps: frames a second, more or less. lag: frames. mirror: average with
        the mirrored input's poses, for twice the time. focal: of the lens, pixels. Raises PstmoError, and SkeletonError
        for joints that the network lacks."""
        if lag < 0:
            raise PstmoError(f"found a lag of {lag} frames, expected 0 or more")
        self._checkpoint, self._lifter = lifter.checkpoint, WindowLifter(lifter.folded, lifter.checkpoint, mirror)
        facts = {"image_size": image_size, "fps": fps, "skeleton": skeleton, "focal": focal}
        self._nobody = Keypoints.from_array(np.full((1, len(by_name(skeleton)), 2), np.nan), **facts)
        self._nobody.to(lifter.checkpoint.keypoints)
        offsets, self._head = modes.lagging(lifter.network.config.frames, lifter.step(self._nobody.fps), lag)
        self._offsets = offsets.to(lifter.device)
        self._first, self._last = (int(offsets[end]) / self._nobody.fps for end in (0, -1))  # of a window, seconds
        self._ever = torch.zeros(len(lifter.checkpoint.keypoints), dtype=torch.bool, device=lifter.device)
        self._frames: deque[_Frame] = deque()
        self._waiting = self._pushed = 0  # frames without a pose yet; frames in all

    def push(
        self, xy: np.ndarray | None, confidence: np.ndarray | None = None, timestamp: float | int | None = None
    ) -> list[Pose]:
        """The poses that this frame completes: none, one, or after a gap several.

        xy: (joints, 2) pixels, NaN = not observed; None = nobody was seen. confidence: (joints,), 0 = not observed.
        timestamp: seconds; None = frames come exactly `fps` a second. Raises PstmoError for a clock that does not go
        forward, and for what `Keypoints.from_array` refuses; the stream then stands as before.
        """
        now = self._pushed / self._nobody.fps if timestamp is None else float(timestamp)
        if not np.isfinite(now) or (self._frames and now <= self._frames[-1].timestamp):
            last = f" after one at {self._frames[-1].timestamp:g} s" if self._frames else ""
            raise PstmoError(f"found a frame at {now:g} s{last}: the clock must go forward")
        keypoints = self._keypoints(xy, confidence)
        with torch.inference_mode():
            self._frames.append(self._seen(keypoints, now))
            self._pushed, self._waiting = self._pushed + 1, self._waiting + 1
            poses = self._poses(until=now - self._last + SAME / keypoints.fps)
        self._forget()
        return poses

    def finish(self) -> list[Pose]:
        """The poses of the frames that still wait: nothing comes after the last one, so it is held."""
        with torch.inference_mode():
            return self._poses(until=np.inf)

    def _keypoints(self, xy: np.ndarray | None, confidence: np.ndarray | None) -> Keypoints:
        seen = self._nobody
        if xy is not None:
            confidence = None if confidence is None else np.asarray(confidence)[None]
            facts = {"image_size": seen.image_size, "fps": seen.fps, "skeleton": seen.skeleton}
            seen = Keypoints.from_array(np.asarray(xy)[None], confidence=confidence, **facts)
        return seen.to(self._checkpoint.keypoints)

    def _seen(self, keypoints: Keypoints, now: float) -> _Frame:
        """The frame, its gaps filled from the frames before."""
        xy = normalise_screen(torch.from_numpy(keypoints.xy), *keypoints.image_size)[0].to(self._ever.device)
        observed = torch.from_numpy(keypoints.observed)[0].to(self._ever.device)
        before = self._frames[-1].filled if self._frames else xy
        filled = held(torch.stack([before, xy])[None], torch.stack([self._ever, observed])[None])[0, 1]
        self._ever = self._ever | observed
        frame = _Frame(now, filled, observed, None)
        if self._checkpoint.framing != SCREEN:
            return frame
        return frame._replace(tokens=self._lifter.tokens(filled[None, None])[:, 0])

    def _poses(self, until: float) -> list[Pose]:
        """Of the frames that wait, up to a moment."""
        first = len(self._frames) - self._waiting
        ready = [i for i in range(first, len(self._frames)) if self._frames[i].timestamp <= until]
        if not ready:
            return []
        self._waiting -= len(ready)
        windowed = self._windowed(list(self._frames))
        places = windowed.track.places(torch.tensor(ready, device=self._ever.device), self._offsets)
        poses = rooted(windowed.poses(places, self._head), self._checkpoint.poses.root_index).cpu().numpy()
        seen = [self._frames[i] for i in ready]
        return [Pose(f.timestamp, p, bool(f.observed.any())) for f, p in zip(seen, poses, strict=True)]

    def _windowed(self, frames: list[_Frame]) -> Windowed:
        """What is kept, as a clip."""
        times = np.array([frame.timestamp for frame in frames])
        filled, observed = torch.stack([f.filled for f in frames]), torch.stack([f.observed for f in frames])
        tokens = [frame.tokens for frame in frames if frame.tokens is not None]
        track = Track(filled, observed, self._nobody.fps, focal_of(self._nobody), times)
        shared = torch.stack(tokens, 1) if tokens else None
        return Windowed(track, self._lifter, shared)

    def _forget(self) -> None:
        """All frames but one before the next window."""
        start = self._frames[-max(self._waiting, 1)].timestamp + self._first
        while len(self._frames) > 1 and self._frames[1].timestamp <= start:
            self._frames.popleft()
