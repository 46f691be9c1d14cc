"""People whose paths cross in the picture, and who is who afterwards: docs/tracking.md.

    pstmo data mocap --from cmu.tar.xz -o data/mocap.npz
    python runs/crossings.py [--motions data/mocap.npz] [--seed 1] [--split test validation]

Real walks are placed in front of a virtual camera so that they cross: towards each other, one overtaking another, as
they come (with turns), and three at once. A detector then makes its mistakes, the more of them the more a person is
hidden behind another; it misses who is hidden most, finds people where there are none, and some of them twice.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pstmo import detector
from pstmo.benchmark.machine import Machine
from pstmo.camera import Camera, Intrinsics
from pstmo.chance import Chance
from pstmo.datasets import motions
from pstmo.people import Detection, People
from pstmo.skeleton import COCO, MOCAP
from pstmo.tracking import Tracker, tracked
from pstmo.tracking.assignment import pairs

PAGE = Path("docs/tracking.md")
FPS, SHORTEST, LONGEST, SIZE = 25.0, 50, 100, (1280, 720)
KINDS = {"towards each other": 30, "overtaking": 20, "with turns": 15, "turning back": 15, "three people": 20}
Screen = np.ndarray  # (people, frames, joints, 2), pixels


class Scene(NamedTuple):
    """What a detector saw. who: of each detection, the person, or -1 - person for a second one, or None for nobody."""

    kind: str
    people: People
    who: list[int | None]


def walks(path: Path, splits: list[str]) -> list[np.ndarray]:
    """(frames, joints, 3), metres, 25 a second, on COCO's joints."""
    corpus = motions.load(path).split(*splits)
    chosen = (corpus.motion(i) for i in range(corpus.clips) if motions.motion_class(str(corpus.actions[i])) == "walk")
    found = [motion.positions[:: round(corpus.fps / FPS)] for motion in chosen]
    return [walk for walk in found if len(walk) >= SHORTEST]


def scenes(all_walks: list[np.ndarray], seed: int) -> Iterator[Scene]:
    chance = np.random.default_rng(seed)
    for kind, wanted in KINDS.items():
        made = 0
        while made < wanted:
            world, depths = placed(all_walks, kind, chance)
            screen = filmed(world, chance)
            if crosses(kind, screen):
                yield seen(kind, screen, depths, chance)
                made += 1


def placed(all_walks: list[np.ndarray], kind: str, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Walks that are in the middle of the picture at about the same time, and how far each is from the camera."""
    count = 3 if kind == "three people" else 2
    chosen = [all_walks[i] for i in chance.integers(len(all_walks), size=count)]
    frames = min(LONGEST, *map(len, chosen))
    depths = chance.uniform(3.5, 6) + np.cumsum(chance.uniform(0.5, 2.0, count)) - 0.5
    people = []
    for i, walk in enumerate(chosen):
        start = chance.integers(len(walk) - frames + 1)
        walk = walk[start : start + frames] * chance.normal(1, 0.04)
        if kind == "turning back" and i == 1:
            walk = np.concatenate([walk[: frames - frames // 2], walk[: frames // 2][::-1]])
        root = walk[:, 0, :2]
        heading = np.arctan2(*(root[frames // 2] - root[0])[::-1])
        wanted = chance.normal(0, 0.35) + (np.pi * i if kind not in ("overtaking",) else 0)
        turn = chance.uniform(-np.pi, np.pi) if kind == "with turns" else wanted - heading
        cos, sin = np.cos(turn), np.sin(turn)
        walk = walk @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        middle = int(frames * chance.uniform(0.4, 0.6))
        at = np.array([chance.normal(0, 0.15), depths[i], 0])
        people.append(walk - walk[middle, 0] * [1, 1, 0] + at)
    return np.stack(people), depths


def filmed(world: np.ndarray, chance: np.random.Generator) -> Screen:
    """By a level camera at the origin that looks along y."""
    lens = Intrinsics(torch.full((2,), 1.8), torch.zeros(2), torch.zeros(3), torch.zeros(2))
    axes = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    camera = Camera("", SIZE, axes, torch.tensor([0.0, 0.0, chance.uniform(0.8, 2.0)]), lens)
    pixels, _ = camera.see(torch.from_numpy(world).float())
    return pixels[:, :, list(MOCAP.select(COCO))].numpy().astype(float)


def boxes(screen: Screen) -> np.ndarray:
    return np.concatenate([screen.min(-2), screen.max(-2)], -1)


def shared(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of boxes: the area in common, and both areas."""
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    areas = [np.prod(box[..., 2:] - box[..., :2], -1) for box in (a, b)]
    return np.prod(np.maximum(sides, 0), -1), areas[0], areas[1]


def crosses(kind: str, screen: Screen) -> bool:
    """Everybody is apart from the others at first and at last, and two cover each other much in between."""
    around = boxes(screen)
    strong = 0
    for i in range(len(screen)):
        for j in range(i):
            both, first, second = shared(around[i], around[j])
            ends = both[[0, 5, -6, -1]].max()
            if ends > 0:
                return False
            over = (around[i] - around[j])[:, 0]
            changed = over[0] * over[-1] < 0
            strong += bool((both / (first + second - both)).max() > 0.4) and (
                changed == (kind != "turning back") or kind == "with turns"
            )
    return strong >= len(screen) - 1


def seen(kind: str, screen: Screen, depths: np.ndarray, chance: np.random.Generator) -> Scene:
    """What the detector makes of it."""
    shape = detector.DetectorNoise(cut_off=0.0)
    draws = Chance.of("crossings", int(chance.integers(2**31)))
    noisy = detector.detect(torch.from_numpy(screen).float(), shape, draws)
    xy, observed = noisy.xy.numpy().astype(float), noisy.observed.numpy()
    covered = hidden(screen, depths)
    joints_hidden = covered > 0
    share = joints_hidden.mean(-1)
    size = np.ptp(boxes(screen)[..., [1, 3]], axis=-1).mean(1)[:, None, None, None]
    xy = xy + joints_hidden[..., None] * chance.normal(0, 0.06, xy.shape) * size
    for far in range(len(screen)):
        for near in np.flatnonzero(depths < depths[far]):
            taken = (joints_hidden[far] & (chance.random(observed[far].shape) < 0.4))[..., None]
            xy[far] = np.where(taken, screen[near] + chance.normal(0, 0.02, xy[far].shape) * size[far], xy[far])
    observed = observed & ~(joints_hidden & (chance.random(observed.shape) < 0.5))
    lapse = np.repeat(chance.random((len(screen), screen.shape[1] // 4 + 1)), 4, axis=1)[:, : screen.shape[1]]
    missed = (lapse < np.clip(2.5 * share - 0.3, 0, 0.97)) | (chance.random(share.shape) < 0.02)
    found: list[tuple[Detection, int | None]] = []
    for frame in range(screen.shape[1]):
        for person in np.flatnonzero(~missed[:, frame] & (observed[:, frame].sum(-1) > 3)):
            sure = np.where(observed[person, frame], chance.uniform(0.5, 0.95, len(COCO)), 0)
            joints = np.column_stack([xy[person, frame], sure])
            score = chance.uniform(0.6, 0.95) * (1 - 0.4 * share[person, frame])
            found.append((Detection(frame, joints, score), int(person)))
            if chance.random() < 0.02:
                twice = joints + np.column_stack([chance.normal(0, 3, (len(COCO), 2)), np.zeros(len(COCO))])
                found.append((Detection(frame, twice, 0.6 * score), -1 - int(person)))
        if chance.random() < 0.03:
            found.append((nobody(frame, screen, chance), None))
    order = chance.permutation(len(found))
    people = People([found[i][0] for i in order], range(screen.shape[1]), {17: COCO.joints}, SIZE, FPS)
    return Scene(kind, people, [found[i][1] for i in order])


def hidden(screen: Screen, depths: np.ndarray) -> np.ndarray:
    """(people, frames, joints): how many nearer people a joint is behind, whose boxes are taken a little narrower."""
    around = boxes(screen)
    inset = 0.15 * (around[..., 2] - around[..., 0])[..., None] * np.array([1, 0, -1, 0])
    around = around + inset
    behind = np.zeros(screen.shape[:-1])
    for far in range(len(screen)):
        for near in np.flatnonzero(depths < depths[far]):
            box = around[near][:, None]
            behind[far] += ((screen[far] > box[..., :2]) & (screen[far] < box[..., 2:])).all(-1)
    return behind


def nobody(frame: int, screen: Screen, chance: np.random.Generator) -> Detection:
    """A pose where nobody is."""
    pose = screen[chance.integers(len(screen)), chance.integers(screen.shape[1])]
    at = chance.uniform((0, 0), SIZE)
    pose = (pose - pose.mean(0)) * chance.uniform(0.3, 1) + at + chance.normal(0, 10, pose.shape)
    score = chance.uniform(0.15, 0.4)
    return Detection(frame, np.column_stack([pose, np.full(len(pose), score)]), score)


def nearest(people: People) -> list[int | None]:
    """Each detection goes to the last box that is nearest, the surest first; no prediction."""
    return followed(people, greedy)


def intersecting(people: People) -> list[int | None]:
    """The best assignment by intersection over union with the last boxes; no prediction."""
    return followed(people, hungarian)


Choice = Callable[[np.ndarray, np.ndarray], list[tuple[int, int]]]


def followed(people: People, choose: Choice) -> list[int | None]:
    """A track lives for a second after it was seen last."""
    last: dict[int, tuple[np.ndarray, int]] = {}
    ids: list[int | None] = [None] * len(people.detections)
    count = 0
    for frame in people.frames:
        here = [i for i, detection in enumerate(people.detections) if detection.frame == frame]
        here.sort(key=lambda i: -people.detections[i].sureness)
        last = {track: (box, since) for track, (box, since) in last.items() if frame - since <= FPS}
        new = np.array([people.detections[i].box for i in here]).reshape(-1, 4)
        old, known = np.array([box for box, _ in last.values()]).reshape(-1, 4), list(last)
        for row, column in choose(old, new):
            ids[here[column]] = known[row]
        for i in here:
            if ids[i] is None:
                count += 1
                ids[i] = count
            last[ids[i]] = (people.detections[i].box, frame)
    return ids


def greedy(old: np.ndarray, new: np.ndarray) -> list[tuple[int, int]]:
    chosen: list[tuple[int, int]] = []
    for column, box in enumerate(new):
        free = [row for row in range(len(old)) if row not in dict(chosen)]
        if free:
            far = np.abs(old[free] - box).sum(-1)
            if far.min() < np.abs(np.diff(box.reshape(2, 2), axis=0)).sum():
                chosen.append((free[int(far.argmin())], column))
    return chosen


def hungarian(old: np.ndarray, new: np.ndarray) -> list[tuple[int, int]]:
    both, first, second = shared(old[:, None], new[None])
    return pairs((both / np.maximum(first + second - both, 1e-9) - 0.1).tolist()) if len(new) else []


def live(people: People) -> list[int | None]:
    tracker, ids = Tracker(), [None] * len(people.detections)
    for frame in people.frames:
        here = [i for i, detection in enumerate(people.detections) if detection.frame == frame]
        for i, track in zip(here, tracker.update([people.detections[i] for i in here], frame / FPS), strict=True):
            ids[i] = track
    return ids


def afterwards(people: People) -> list[int | None]:
    found = {id(detection.joints): detection.track for detection in tracked(people).detections}
    return [found.get(id(detection.joints)) for detection in people.detections]


WAYS = {"nearest box": nearest, "intersection over union": intersecting, "live": live, "tracked": afterwards}


class Numbers(NamedTuple):
    """Of a scene. kept: everybody has one id before and after, and nobody the same. switches: changes of a person's id
    from one detection to the next. more: ids beyond one a person. right: share of the detections of people that have
    the person's id, in the best one-to-one naming. tracks: ids in all."""

    kept: bool
    switches: int
    more: int
    right: float
    ids: int


def judged(scene: Scene, ids: list[int | None]) -> Numbers:
    of: dict[int, list[tuple[int, int | None]]] = {}
    for detection, person, track in zip(scene.people.detections, scene.who, ids, strict=True):
        if person is not None and person >= 0:
            of.setdefault(person, []).append((detection.frame, track))
    paths = [[track for _, track in sorted(path, key=lambda step: step[0])] for _, path in sorted(of.items())]
    named = [[track for track in path if track is not None] for path in paths]
    ends = [(Counter(path[:12]).most_common(1)[0][0], Counter(path[-12:]).most_common(1)[0][0]) for path in named]
    kept = all(first == last for first, last in ends) and len(set(ends)) == len(ends)
    switches = sum(a != b for path in named for a, b in pairwise(path))
    tracks = sorted({track for path in named for track in path})
    table = [[float(path.count(track)) for track in tracks] for path in named]
    right = sum(table[i][j] for i, j in pairs(table)) / sum(map(len, paths))
    return Numbers(kept, switches, sum(len(set(path)) - 1 for path in named), right, len(set(ids) - {None}))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--motions", type=Path, default=Path("data/mocap.npz"))
    arguments.add_argument("--split", nargs="+", default=["test", "validation"])
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    found = list(scenes(walks(options.motions, options.split), options.seed))
    for name, way in WAYS.items():
        results = [judged(scene, way(scene.people)) for scene in found]
        kinds = {
            kind: sum(r.kept for r, scene in zip(results, found, strict=True) if scene.kind == kind) for kind in KINDS
        }
        print(
            name,
            kinds,
            sum(r.kept for r in results),
            sum(r.switches for r in results),
            sum(r.more for r in results),
            np.mean([r.right for r in results]),
        )


if __name__ == "__main__":
    main()
