"""What only the whole clip can tell: who came back, and who was taken for another where two met."""

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from math import log
from typing import NamedTuple

import numpy as np

from pstmo.tracking.likeness import boxes, intersection_over_union
from pstmo.tracking.pieces import Clip, Path, continues

ABSENCE = 4.0
"""Seconds after which somebody who comes back is somebody else."""

JOINED = 0.05
"""Likeness from which two paths are one."""

TOUCH = 0.1
"""Overlap of boxes from which two people meet."""

EVIDENCE = 2.0
"""How much likelier, as a logarithm, it must be that two were taken for each other than that they were not."""

APART = 3
"""Frames in which each of both must be seen before they met and after, for that to be judged."""


def joined(paths: list[Path], clip: Clip) -> list[Path]:
    """Paths of which one goes on as another become one, those first that fit best."""
    end, start = cache(lambda i: clip.end(paths[i])), cache(lambda i: clip.start(paths[i]))
    ends, starts = (clip.seconds[[path[place] for path in paths]] for place in (-1, 0))
    gaps = starts - ends[:, None]
    candidates = np.argwhere((gaps > 0) & (gaps <= ABSENCE)).tolist()
    after: dict[int, int] = {}
    for fit, i, j in sorted(((continues(end(i), start(j)), i, j) for i, j in candidates), reverse=True):
        if fit > JOINED and i not in after and j not in after.values():
            after[i] = j
    firsts = set(range(len(paths))) - set(after.values())
    return [np.concatenate([paths[i] for i in _chain(first, after)]) for first in sorted(firsts)]


def _chain(first: int, after: dict[int, int]) -> Iterator[int]:
    place: int | None = first
    while place is not None:
        yield place
        place = after.get(place)


class Meeting(NamedTuple):
    """Of two paths, from one time to another."""

    end: float
    start: float
    paths: tuple[int, int]

    def renamed(self, names: dict[int, int]) -> "Meeting":
        first, second = self.paths
        return self._replace(paths=(names.get(first, first), names.get(second, second)))


def exchanged(paths: list[Path], clip: Clip) -> list[Path]:
    """After a meeting, two paths change places where both go on much more like the other one."""
    paths = list(paths)
    meetings = [meeting for pair in combinations(range(len(paths)), 2) for meeting in _meetings(pair, paths, clip)]
    meetings.sort(reverse=True)
    while meetings:
        meeting = meetings.pop()
        if _mistaken(meeting, paths, clip):
            i, j = meeting.paths
            paths[i], paths[j] = _crossed(meeting, paths, clip)
            meetings = [later.renamed({i: j, j: i}) for later in meetings]
    return paths


def _meetings(pair: tuple[int, int], paths: list[Path], clip: Clip) -> Iterator[Meeting]:
    times = [clip.seconds[paths[i]] for i in pair]
    clock = np.unique(np.concatenate(times))
    clock = clock[(clock >= max(times[0][0], times[1][0])) & (clock <= min(times[0][-1], times[1][-1]))]
    around = (boxes(clip.joints[paths[i]]) for i in pair)
    first, second = (
        np.stack([np.interp(clock, when, side) for side in box.T], -1) for when, box in zip(times, around, strict=True)
    )
    meet = intersection_over_union(first, second) > TOUCH
    edges = np.flatnonzero(np.diff(meet, prepend=False, append=False))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield Meeting(float(clock[end - 1]), float(clock[start]), pair)


def _mistaken(meeting: Meeting, paths: list[Path], clip: Clip) -> bool:
    both = [paths[i] for i in meeting.paths]
    before = [path[clip.seconds[path] < meeting.start] for path in both]
    after = [path[clip.seconds[path] > meeting.end] for path in both]
    if min(map(len, before + after)) < APART:
        return False
    ends, starts = [clip.end(path) for path in before], [clip.start(path) for path in after]
    fit = [[log(max(continues(end, start), 1e-3)) for start in starts] for end in ends]
    return fit[0][1] + fit[1][0] > fit[0][0] + fit[1][1] + EVIDENCE


def _crossed(meeting: Meeting, paths: list[Path], clip: Clip) -> tuple[Path, Path]:
    """Both with their later parts exchanged, at the longest gap of either in the meeting."""
    first, second = (paths[i] for i in meeting.paths)
    gaps = []
    for path in (first, second):
        times = clip.seconds[path]
        near = times[np.searchsorted(times, meeting.start) - 1 : np.searchsorted(times, meeting.end, "right") + 1]
        longest = int(np.diff(near).argmax())
        gaps.append((near[longest + 1] - near[longest], near[longest]))
    moment = max(gaps)[1]
    i, j = (int(np.searchsorted(clip.seconds[path], moment, "right")) for path in (first, second))
    return np.concatenate([first[:i], second[j:]]), np.concatenate([second[:j], first[i:]])
