"""One person as they are followed: where the joints were last, and how fast the body moves."""

from math import exp

import numpy as np
from jaxtyping import Float

MEMORY = 0.25
"""Seconds over which the speed is averaged."""

DAMPING = 0.7
"""Seconds after which somebody who is not seen is expected to have slowed down by e."""

FORGET = 1.0
"""Seconds for which a joint that is not seen any more is taken along with the body."""

Person = Float[np.ndarray, "joints 2"]


class State:
    """What is known of one person. Times are seconds and rise."""

    def __init__(self, joints: Person, seconds: float):
        self.joints, self.seconds, self.since = joints, seconds, seconds
        self.velocity = np.zeros(2)
        self.seen = 1
        self._joints_seen = np.where(np.isnan(joints[:, 0]), -np.inf, seconds)

    def at(self, seconds: float) -> Person:
        """Where the joints are expected: the body goes on as it went, and slows down."""
        return self.joints + self.velocity * (DAMPING * (1 - exp((self.seconds - seconds) / DAMPING)))

    def observe(self, joints: Person, seconds: float, trust: float) -> None:
        """trust: 0 to 1, how much the speed is to follow."""
        step, passed = np.sort(joints - self.joints, axis=0), seconds - self.seconds
        both = len(step) - int(np.isnan(step[:, 0]).sum())
        if both:
            share = max(passed / (seconds - self.since), 1 - exp(-passed / MEMORY))
            self.velocity = self.velocity + trust * share * (step[both // 2] / passed - self.velocity)
        missing = np.isnan(joints[:, 0])
        self._joints_seen[~missing] = seconds
        kept = np.where((seconds - self._joints_seen < FORGET)[:, None], self.at(seconds), np.nan)
        self.joints, self.seconds = np.where(missing[:, None], kept, joints), seconds
        self.seen += 1
