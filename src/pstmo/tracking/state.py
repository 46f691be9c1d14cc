"""People as they are followed: where the joints were last, and how fast the bodies move."""

import numpy as np

MEMORY = 0.25
"""Seconds over which the speed is averaged."""

DAMPING = 0.7
"""Seconds after which somebody who is not seen is expected to have slowed down by e."""

FORGET = 1.0
"""Seconds for which a joint that is not seen any more is taken along with the body."""


def ahead(velocity: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """(people, 2), how far bodies get that are not seen: they go on as they went, and slow down.

    velocity: (people, 2), pixels a second. seconds: (people,).
    """
    return velocity * (DAMPING * -np.expm1(-seconds / DAMPING))[:, None]


def common_step(steps: np.ndarray) -> np.ndarray:
    """(people, joints, 2) -> (people, 2): how far bodies moved, by the median joint; NaN where none is known."""
    ordered = np.sort(steps, axis=1)
    known = (~np.isnan(steps[..., 0])).sum(1)
    return ordered[np.arange(len(steps)), known // 2]


class Crowd:
    """What is known of some people, a row each. Times are seconds and rise.

    joints: (people, joints, 2), where each was last, taken along with the body. velocity: (people, 2), of the body.
    ids, first, last: (people,), who it is, and when seen first and last. frames: (people,), in how many.
    """

    def __init__(self, joints: int) -> None:
        self.joints, self.velocity = np.empty((0, joints, 2)), np.empty((0, 2))
        self.ids, self.frames = np.empty(0, int), np.empty(0, int)
        self.first, self.last, self._joints_last = np.empty(0), np.empty(0), np.empty((0, joints))

    def keep(self, rows: np.ndarray) -> None:
        """Forgets the others. rows: (people,) bool."""
        for name, values in vars(self).items():
            setattr(self, name, values[rows])

    def add(self, ids: np.ndarray, joints: np.ndarray, seconds: float) -> None:
        """People who were not known before."""
        new, now = len(ids), np.full(len(ids), seconds)
        self.ids = np.concatenate([self.ids, ids])
        self.joints = np.concatenate([self.joints, joints])
        self.velocity = np.concatenate([self.velocity, np.zeros((new, 2))])
        self.frames = np.concatenate([self.frames, np.ones(new, int)])
        self.first, self.last = np.concatenate([self.first, now]), np.concatenate([self.last, now])
        seen = np.where(np.isnan(joints[..., 0]), -np.inf, seconds)
        self._joints_last = np.concatenate([self._joints_last, seen])

    def at(self, seconds: float) -> np.ndarray:
        """(people, joints, 2), where the joints are expected."""
        return self.joints + ahead(self.velocity, seconds - self.last)[:, None]

    def observe(self, rows: np.ndarray, joints: np.ndarray, seconds: float, trust: np.ndarray) -> None:
        """Some of them were seen. trust: a value a row, 0 to 1, how much the speeds are to follow."""
        passed = seconds - self.last[rows]
        expected = self.joints[rows] + ahead(self.velocity[rows], passed)[:, None]
        share = np.maximum(passed / (seconds - self.first[rows]), -np.expm1(-passed / MEMORY))
        change = common_step(joints - self.joints[rows]) / passed[:, None] - self.velocity[rows]
        self.velocity[rows] += np.where(np.isnan(change), 0, (trust * share)[:, None] * change)
        missing = np.isnan(joints[..., 0])
        seen = self._joints_last[rows]
        seen[~missing] = seconds
        expected[seconds - seen >= FORGET] = np.nan
        self.joints[rows] = np.where(missing[..., None], expected, joints)
        self.last[rows], self._joints_last[rows] = seconds, seen
        self.frames[rows] += 1
