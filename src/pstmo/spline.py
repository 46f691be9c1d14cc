"""Least squares over a clip with a price on acceleration: one banded linear system, whatever the clock and the gaps.

Of all motions x(t) it finds the one with the least

    sum over frames of  x' A x - 2 b' x   +   price * integral of |acceleration|^2 .

What is not known of a frame (A may be singular) is carried by the frames around it. Motion of constant velocity costs
nothing, so it comes out as it is, up to the first and the last frame.
"""

import numpy as np
from jaxtyping import Float

Times = Float[np.ndarray, " frames"]


def smoothest(
    matrix: Float[np.ndarray, "frames axes axes"],
    vector: Float[np.ndarray, "frames axes columns"],
    times: Times,
    price: float,
) -> Float[np.ndarray, "frames axes columns"]:
    """A and b of every frame -> the motion; columns are solved side by side. times: seconds, rising."""
    frames, axes, columns = vector.shape
    eye, alone = np.eye(axes), frames % 2  # a last frame without a partner gets one that is 0
    matrix = np.concatenate([matrix, np.broadcast_to(eye, (alone, axes, axes))])
    vector = np.concatenate([vector, np.zeros((alone, axes, columns))])
    pairs = len(vector) // 2
    own, next_one, after_next = price * _bands(times)[..., None, None] * eye
    diagonal, upper = np.zeros((2, pairs, 2, axes, 2, axes))
    for half in (0, 1):
        diagonal[:, half, :, half] = matrix[half::2] + own[half::2]
        diagonal[:, half, :, 1 - half] = next_one[::2]
        upper[:, half, :, half] = after_next[half::2]
    upper[:, 1, :, 0] = next_one[1::2]
    found = _solve(
        diagonal.reshape(pairs, 2 * axes, 2 * axes),
        upper.reshape(pairs, 2 * axes, 2 * axes)[:-1],
        vector.reshape(pairs, 2 * axes, columns),
    )
    return found.reshape(-1, axes, columns)[:frames]


def _bands(times: Times) -> Float[np.ndarray, "3 padded"]:
    """The integral of squared acceleration as a matrix: its diagonal and the two above, padded to an even length."""
    bands = np.zeros((3, len(times) + len(times) % 2))
    if len(times) < 3:
        return bands
    before, after = np.diff(times)[:-1], np.diff(times)[1:]
    around = (before + after) / 2
    rows = np.stack([1 / before, -1 / before - 1 / after, 1 / after]) / np.sqrt(around)
    count = len(times) - 2
    for offset in range(3):
        for first in range(3 - offset):
            bands[offset, first : first + count] += rows[first] * rows[first + offset]
    return bands


def _solve(
    diagonal: Float[np.ndarray, "blocks size size"],
    upper: Float[np.ndarray, "pairs size size"],
    right: Float[np.ndarray, "blocks size columns"],
) -> Float[np.ndarray, "blocks size columns"]:
    """Of a symmetric positive definite matrix of blocks, three to a row, by cyclic reduction: every second block is
    solved for, all at once, which leaves as large a system of half as many blocks (Hockney, 1965)."""
    if len(diagonal) == 1:
        return np.linalg.solve(diagonal, right)
    size, ends = diagonal.shape[-1], len(upper) % 2  # whether the last block is one of those solved for
    odd = [diagonal[1::2], np.pad(upper[1::2], ((0, ends), (0, 0), (0, 0))), right[1::2]]
    before, after = upper[0::2], odd[1]  # from each even block to the odd one, from there to the next even one
    solved = np.linalg.solve(odd[0], np.concatenate([before.mT, after, odd[2]], -1))
    to_before, to_after, known = np.split(solved, [size, 2 * size], -1)
    count = len(upper) // 2  # odd blocks with an even one after them
    even, rest = diagonal[0::2].copy(), right[0::2].copy()
    even[: len(known)] -= before @ to_before
    rest[: len(known)] -= before @ known
    even[1:] -= (after.mT @ to_after)[:count]
    rest[1:] -= (after.mT @ known)[:count]
    found = np.empty_like(right)
    found[0::2] = _solve(even, -(before @ to_after)[:count], rest)
    found[1::2] = known - to_before @ found[0::2][: len(known)]
    found[1::2][:count] -= to_after[:count] @ found[2::2]
    return found
