"""Evaluations of made-up poses, for the tests of what is made of them."""

from collections.abc import Sequence

import numpy as np

from pstmo.datasets.recording import Recording
from pstmo.evaluate import Evaluation, evaluate
from pstmo.sequence import Keypoints, Poses
from pstmo.skeleton import HUMAN36M, Skeleton

EVIL = "</script><img src=x onerror=alert(1)> | $x$ & 'q' \"d\" \\ #id url(#id) 走 50%_{a}~^"
STAR = Skeleton(
    "star", ("core", "a", "b", "left_c", "d"), tuple(("core", end) for end in ("a", "b", "left_c", "d")), "core"
)


def evaluation(
    actions: Sequence[str] = ("Walking", "Sitting", "Eating"),
    skeleton: Skeleton = HUMAN36M,
    frames: int = 30,
    activities: tuple[str, ...] = (),
    name: str = "net",
    gap: slice = slice(4, 7),
) -> Evaluation:
    """One recording an action, longer from one to the next; errors grow from joint to joint. gap: frames that were not
    measured. name: of the model, the data and the subject."""
    chance = np.random.default_rng(0)
    recordings, predictions = [], {}
    for number, action in enumerate(actions):
        length = frames + 5 * number
        positions = chance.normal(0, 0.3, (1, len(skeleton), 3)) + chance.normal(0, 0.02, (length, len(skeleton), 3))
        error = chance.normal(0, 0.02 * (number + 1), positions.shape) * np.linspace(0.5, 3, len(skeleton))[:, None]
        observed = np.ones(length, bool)
        observed[gap] = False
        measured = np.where(observed[:, None, None], positions, np.nan)
        xy = chance.uniform(0, 400, (length, len(skeleton), 2))
        xy[0, 0] = np.nan
        recording = Recording(
            subject=name,
            take=f"{action} 1",
            action=action,
            camera="left",
            split="test",
            keypoints={"gt": Keypoints.from_array(xy, image_size=(640, 480), fps=50, skeleton=skeleton)},
            poses=Poses.from_array(measured, fps=50, skeleton=skeleton, observed=observed),
            activity=(np.arange(length) % len(activities)).astype(np.uint8) if activities else None,
        )
        recordings.append(recording)
        predictions[recording.name] = Poses.from_array(positions + error, fps=50, skeleton=skeleton, model=name)
    return evaluate(
        lambda recording: predictions[recording.name], recordings, data=name, keypoints="gt", activities=activities
    )
