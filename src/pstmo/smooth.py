"""Smoothing of motion over a true clock: keypoints before they are lifted, or poses after.

Which is best, at which setting: docs/smoothing.md.
"""

import numpy as np
from jaxtyping import Float

from pstmo.errors import PstmoError
from pstmo.spline import Times, smoothest

Motion = Float[np.ndarray, "frames joints axes"]
Frame = Float[np.ndarray, "joints axes"]

CUTOFF = 5.0
"""Hz, of `zero_phase`."""

REST, BETA = 1.0, 5.0
"""Of `OneEuro`: Hz; Hz for each metre a second."""


def zero_phase(motion: Motion, times: Times, cutoff: float | int = CUTOFF) -> Motion:
    """Without delay, from what comes before and after each frame; NaN stays NaN.

    A smoothing spline, whose response to a frequency f is 1 / (1 + (f / cutoff)^4): that of a Butterworth filter of
    second order which runs forwards and backwards, but on any clock, over gaps, and without transients at the ends.
    times: seconds, rising. cutoff: Hz, where half is left of a motion. Raises PstmoError.
    """
    _check(motion, times, cutoff=cutoff)
    if len(motion) < 3:
        return motion.copy()
    price, step = (2 * np.pi * cutoff) ** -4, (times[-1] - times[0]) / (len(times) - 1)
    observed = np.asarray(np.isfinite(motion).all(-1))
    smoothed = np.full_like(motion, np.nan)
    for joint, seen in enumerate(observed.T):
        if seen.any():
            known = step * motion[seen, joint, None].astype(np.float64)
            weight = np.full((len(known), 1, 1), step)
            smoothed[seen, joint] = smoothest(weight, known, times[seen], float(price))[:, 0]
    return smoothed


class OneEuro:
    """Smooths frame by frame with little delay: the faster a joint moves, the less.

    Casiez, Roussel and Vogel, "1 Euro Filter", CHI 2012; here each joint has one speed, not one for every axis, so
    that it does not matter how the axes lie.
    """

    def __init__(self, cutoff: float | int = REST, beta: float | int = BETA, derivative: float | int = 1.0):
        """cutoff: Hz, of a joint at rest. beta: Hz by which it rises for each unit of length a second. derivative: Hz,
        the cutoff of the speed. Raises PstmoError."""
        if not (cutoff > 0 and beta >= 0 and derivative > 0):
            raise PstmoError(
                f"found cutoff {cutoff:g}, beta {beta:g} and derivative {derivative:g}, expected positive numbers"
            )
        self._cutoff, self._beta, self._derivative = cutoff, beta, derivative
        self._value = self._velocity = self._seen_at = np.empty(0)
        self._now = -np.inf

    def push(self, values: Frame, timestamp: float | int) -> Frame:
        """The frame, smoothed. NaN = not observed, and stays so. timestamp: seconds, later than the last; else, and
        where the number of joints changes, PstmoError."""
        if not len(self._value):
            self._value, self._velocity = values.copy(), np.zeros(values.shape)
            self._seen_at = np.full((len(values), 1), -np.inf)
        if values.shape != self._value.shape:
            raise PstmoError(f"found a frame of shape {values.shape} after one of {self._value.shape}")
        if not self._now < timestamp < np.inf:
            raise PstmoError(f"found a frame at {timestamp:g} s after one at {self._now:g} s, expected a later one")
        self._now = timestamp
        seen = np.asarray(np.isfinite(values).all(-1))
        first = np.isinf(self._seen_at[:, 0]) & seen
        self._value[first] = values[first]
        step = timestamp - self._seen_at[seen]
        change = values[seen] - self._value[seen]
        self._velocity[seen] += _share(self._derivative, step) * (change / step - self._velocity[seen])
        speed = np.linalg.norm(self._velocity[seen], axis=-1, keepdims=True)
        self._value[seen] += _share(self._cutoff + self._beta * speed, step) * change
        self._seen_at[seen] = timestamp
        return np.where(seen[:, None], self._value, np.nan).astype(values.dtype)


def one_euro(motion: Motion, times: Times, cutoff: float | int = REST, beta: float | int = BETA) -> Motion:
    """A clip through `OneEuro`."""
    _check(motion, times, cutoff=cutoff)
    smoother = OneEuro(cutoff, beta)
    return np.stack([smoother.push(frame, time) for frame, time in zip(motion, times.tolist(), strict=True)])


def _share(cutoff: float | int | np.ndarray, step: np.ndarray) -> np.ndarray:
    """Of a new value in the mean, by a low-pass filter of first order. cutoff: Hz, step: seconds."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))


def _check(motion: Motion, times: Times, cutoff: float | int) -> None:
    if len(motion) == 0 or times.shape != motion.shape[:1] or not (np.diff(times) > 0).all():
        raise PstmoError(f"expected {len(motion)} timestamps, each after the last, and 1 or more; found {times}")
    if not 0 < cutoff < np.inf:
        raise PstmoError(f"found a cutoff of {cutoff:g} Hz, expected a positive number")
