"""People as they are followed: where the joints were last, and how fast the bodies move."""

import numpy as np
from jaxtyping import Bool, Float, Int

MEMORY = 0.25
"""Seconds over which the speed is averaged."""

DAMPING = 0.7
"""Seconds after which somebody who is not seen is expected to have slowed down by e."""

FORGET = 1.0
"""Seconds for which a joint that is not seen any more is taken along with the body."""

Joints = Float[np.ndarray, "people joints 2"]


def ahead(
    velocity: Float[np.ndarray, "people 2"], seconds: Float[np.ndarray, " people"]
) -> Float[np.ndarray, "people 2"]:
    """How far bodies get that are not seen: they go on as they went, and slow down."""
    return velocity * (DAMPING * -np.expm1(-seconds / DAMPING))[:, None]


def common_step(steps: Float[np.ndarray, "people joints 2"]) -> Float[np.ndarray, "people 2"]:
    """How far bodies moved, by the median of the joints; NaN where none is known."""
    ordered = np.sort(steps, axis=1)
    known = (~np.isnan(steps[..., 0])).sum(1)
    return ordered[np.arange(len(steps)), known // 2]


class Crowd:
    """What is known of some people, a row each. Times are seconds and rise."""

    def __init__(self, joints: int) -> None:
        self.joints, self.velocity = np.empty((0, joints, 2)), np.empty((0, 2))
        self.ids, self.frames = np.empty(0, int), np.empty(0, int)
        self.first, self.last, self._joints_last = np.empty(0), np.empty(0), np.empty((0, joints))

    def keep(self, rows: Bool[np.ndarray, " people"]) -> None:
        """Forgets the others."""
        for name, values in vars(self).items():
            setattr(self, name, values[rows])

    def add(self, ids: Int[np.ndarray, " new"], joints: Float[np.ndarray, "new joints 2"], seconds: float) -> None:
        new, now = len(ids), np.full(len(ids), seconds)
        self.ids = np.concatenate([self.ids, ids])
        self.joints = np.concatenate([self.joints, joints])
        self.velocity = np.concatenate([self.velocity, np.zeros((new, 2))])
        self.frames = np.concatenate([self.frames, np.ones(new, int)])
        self.first, self.last = np.concatenate([self.first, now]), np.concatenate([self.last, now])
        seen = np.where(np.isnan(joints[..., 0]), -np.inf, seconds)
        self._joints_last = np.concatenate([self._joints_last, seen])

    def at(self, seconds: float) -> Joints:
        """Where the joints are expected."""
        return self.joints + ahead(self.velocity, seconds - self.last)[:, None]

    def observe(
        self,
        rows: Int[np.ndarray, " seen"],
        joints: Float[np.ndarray, "seen joints 2"],
        seconds: float,
        trust: Float[np.ndarray, " seen"],
    ) -> None:
        """trust: 0 to 1, how much the speeds are to follow."""
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
