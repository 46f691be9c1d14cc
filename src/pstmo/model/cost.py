"""What a network costs: multiply-accumulates, those of attention among them."""

from typing import NamedTuple

from pstmo.presets import ModelConfig


class Macs(NamedTuple):
    """tokens: of one frame by itself. The others: of one window, after its tokens."""

    tokens: int
    encoder: int
    aggregator: int
    sequence_head: int
    centre_head: int


def macs(c: ModelConfig) -> Macs:
    """Of products alone; norms, activations and sums are not counted."""
    inner, pose = 2 * c.width, c.width * 3 * c.joints_out
    tokens = 2 * c.joints_in * inner + 2 * c.spatial * inner**2 + inner * c.width
    aggregator, frames = 0, c.frames
    for stride in c.strides:
        aggregator += _block(c, frames, frames // stride, taps=3)
        frames //= stride
    return Macs(tokens, c.depth * _block(c, c.frames, c.frames), aggregator, c.frames * pose, pose)


def exact_macs(c: ModelConfig) -> int:
    """Of one pose in a window of its own, every frame's token computed for it."""
    cost = macs(c)
    return c.frames * cost.tokens + cost.encoder + cost.aggregator + cost.centre_head


def _block(c: ModelConfig, frames: int, kept: int, taps: int = 1) -> int:
    attention = frames * 4 * c.width**2 + 2 * frames**2 * c.width
    return attention + frames * c.width * c.hidden + kept * taps * c.hidden * c.width
