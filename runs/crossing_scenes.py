"""What a detector sees of people whose paths cross in the picture: real walks before a virtual camera."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pstmo.camera import Camera, Intrinsics
from pstmo.chance import Chance
from pstmo.datasets import motions
from pstmo.imperfect import DetectorNoise, detect
from pstmo.people import Detection, People
from pstmo.skeleton import COCO, MOCAP

FPS, SHORTEST, LONGEST, SIZE = 25.0, 50, 100, (1280, 720)
KINDS = {"towards each other": 30, "overtaking": 20, "with turns": 15, "turning back": 15, "three people": 20}
Screen = np.ndarray  # (people, frames, joints, 2), pixels


class Scene(NamedTuple):
    """What a detector saw. who: the person of each detection; None for nobody and for a second one."""

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
    for i, whole in enumerate(chosen):
        start = chance.integers(len(whole) - frames + 1)
        walk = whole[start : start + frames] * chance.normal(1, 0.04)
        if kind == "turning back" and i == 1:
            walk = np.concatenate([walk[: frames - frames // 2], walk[: frames // 2][::-1]])
        way = walk[frames // 2, 0] - walk[0, 0]
        wanted = chance.normal(0, 0.35) + (0 if kind == "overtaking" else np.pi * i)
        turn = chance.uniform(-np.pi, np.pi) if kind == "with turns" else wanted - np.arctan2(way[1], way[0])
        turned = walk @ np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        middle = turned[int(frames * chance.uniform(0.4, 0.6)), 0] * [1, 1, 0]
        people.append(turned - middle + np.array([chance.normal(0, 0.15), depths[i], 0]))
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
    around, meetings = boxes(screen), 0
    for i in range(len(screen)):
        for j in range(i):
            both, first, second = shared(around[i], around[j])
            if both[[0, 5, -6, -1]].any():
                return False
            order = np.sign(around[i] - around[j])[:, 0]
            passed = kind == "with turns" or (order[0] != order[-1]) == (kind != "turning back")
            meetings += bool(passed and (both / (first + second - both)).max() > 0.4)
    return meetings >= len(screen) - 1


def seen(kind: str, screen: Screen, depths: np.ndarray, chance: np.random.Generator) -> Scene:
    """What the detector makes of it."""
    xy, observed, covered = noisy(screen, depths, chance)
    lapses = np.repeat(chance.random((len(screen), screen.shape[1] // 4 + 1)), 4, axis=1)[:, : screen.shape[1]]
    missed = (lapses < np.clip(2.5 * covered - 0.3, 0, 0.97)) | (chance.random(covered.shape) < 0.02)
    found: list[tuple[Detection, int | None]] = []
    for frame in range(screen.shape[1]):
        for person in np.flatnonzero(~missed[:, frame] & (observed[:, frame].sum(-1) > 3)).tolist():
            sure = np.where(observed[person, frame], chance.uniform(0.5, 0.95, len(COCO)), 0)
            joints = np.column_stack([xy[person, frame], sure])
            score = chance.uniform(0.6, 0.95) * (1 - 0.4 * covered[person, frame])
            found.append((Detection(frame, joints, score), person))
            if chance.random() < 0.02:
                twice = joints + np.column_stack([chance.normal(0, 3, (len(COCO), 2)), np.zeros(len(COCO))])
                found.append((Detection(frame, twice, 0.6 * score), None))
        if chance.random() < 0.03:
            found.append((nobody(frame, screen, chance), None))
    mixed = [found[i] for i in chance.permutation(len(found))]
    people = People([one for one, _ in mixed], range(screen.shape[1]), {17: COCO.joints}, SIZE, FPS)
    return Scene(kind, people, [who for _, who in mixed])


def noisy(screen: Screen, depths: np.ndarray, chance: np.random.Generator) -> tuple[Screen, np.ndarray, np.ndarray]:
    """Joints, whether they are observed, and which share of a person is hidden. Of the hidden joints half are missed,
    the others tremble, and many are taken from the person in front."""
    draws = Chance.of("crossings", int(chance.integers(2**31)))
    made = detect(torch.from_numpy(screen).float(), DetectorNoise(cut_off=0.0), draws)
    xy, behind = made.xy.numpy().astype(float), hidden(screen, depths)
    size = np.ptp(boxes(screen)[..., [1, 3]], axis=-1).mean(1)
    covered = np.logical_or.reduce(behind)
    xy = xy + covered[..., None] * chance.normal(0, 0.06, xy.shape) * size[:, None, None, None]
    for near, far in np.argwhere(behind.any((-1, -2))).tolist():
        taken = (behind[near, far] & (chance.random(xy.shape[1:-1]) < 0.4))[..., None]
        xy[far] = np.where(taken, screen[near] + chance.normal(0, 0.02, xy[far].shape) * size[far], xy[far])
    missed = covered & (chance.random(xy.shape[:-1]) < 0.5)
    return xy, made.observed.numpy() & ~missed, covered.mean(-1)


def hidden(screen: Screen, depths: np.ndarray) -> np.ndarray:
    """(people, people, frames, joints): whether the first hides a joint of the second; boxes are a little narrower."""
    around = boxes(screen)
    around = (around + 0.15 * (around[..., 2] - around[..., 0])[..., None] * np.array([1, 0, -1, 0]))[:, None, :, None]
    inside = ((screen > around[..., :2]) & (screen < around[..., 2:])).all(-1)
    return inside & (depths.reshape(-1, 1, 1, 1) < depths.reshape(-1, 1, 1))


def nobody(frame: int, screen: Screen, chance: np.random.Generator) -> Detection:
    """A pose where nobody is."""
    pose = screen[chance.integers(len(screen)), chance.integers(screen.shape[1])]
    at = chance.uniform((0, 0), SIZE)
    pose = (pose - pose.mean(0)) * chance.uniform(0.3, 1) + at + chance.normal(0, 10, pose.shape)
    score = chance.uniform(0.15, 0.4)
    return Detection(frame, np.column_stack([pose, np.full(len(pose), score)]), score)
