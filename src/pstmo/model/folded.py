"""A trained network with less to do: what its layers multiply and add one after the other is put together.

In bfloat16 the products take a fraction of the time, but keep only 8 bits of whatever they are given, and most of what
they are given is the same for everybody: the tokens lie far from 0. So here each product is given the difference from
the mean person, whom the first batch norm remembers from training, and what is true of that person is added in float32.
This takes nine tenths of the rounding error away (docs/lifting.md).
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from pstmo.model.layers import Block, Norm, PerFrame, Residual
from pstmo.model.stmo import STMO

Precision = Literal["fp32", "bf16"]
Tokens = Float[Tensor, "batch frames width"]


@torch.no_grad()
def folded(network: STMO, precision: Precision = "fp32") -> STMO:
    """A copy for lifting alone, whose poses are the same but for rounding.

    Batch norms and the gains of layer norms become part of the linear layers beside them. bf16: products and attention
    in bfloat16; what runs past them, the first layer and the heads in float32.
    """
    person = mean_person(network)
    network = deepcopy(network).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, PerFrame | Residual):
            module.layers = nn.Sequential(*_without_batch_norms(module.layers))
        if isinstance(module, nn.ReLU | nn.LeakyReLU):
            module.inplace = True
        if isinstance(module, Block):
            _fold_norms(module)
    if precision == "bf16":
        _narrow(network, person)
    return network


def mean_person(network: STMO) -> Float[Tensor, "frames joints 2"]:
    """A window in which the mean of all people that the network was trained on stands still, as it saw them.

    The first batch norm knows the mean of what the first layer made of them; from so many numbers the few coordinates
    follow.
    """
    layers: Any = network.encoder.spatial.layers
    linear, norm = layers[:2]
    made = (norm.running_mean - linear.bias).double().cpu()
    xy = torch.linalg.lstsq(linear.weight.double().cpu(), made[:, None]).solution
    return xy.to(linear.weight).view(1, -1, 2).expand(network.config.frames, -1, -1)


class Centred(nn.Module):
    """Layer norm without gains, less its value for the mean person; for the product that comes next."""

    offset: Tensor | None

    def __init__(self, width: int, mean: Tensor | None = None, dtype: torch.dtype = torch.float32):
        super().__init__()
        self.width, self.dtype = width, dtype
        self.register_buffer("offset", None if mean is None else -mean)

    def forward(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        return F.layer_norm(x, (self.width,), None, self.offset, Norm.EPS).to(self.dtype)


class Shift(nn.Module):
    """Adds what the mean person's tokens lack, in float32."""

    offset: Tensor

    def __init__(self, lacking: Tokens):
        super().__init__()
        self.register_buffer("offset", lacking.mean((0, 1)))

    def forward(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        return x + self.offset


class Cast(nn.Module):
    def __init__(self, dtype: torch.dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return x.to(self.dtype)


def _without_batch_norms(layers: Iterable[Any]) -> list[nn.Module]:
    """A batch norm goes into the linear layer before it, or else after it."""
    kept: list[Any] = []
    waiting: tuple[Tensor, Tensor] | None = None  # gain and offset of a norm with no linear layer before it
    for layer in layers:
        if isinstance(layer, nn.BatchNorm1d):
            norm: Any = layer
            gain = norm.weight * (norm.running_var + norm.eps).rsqrt()
            offset = norm.bias - gain * norm.running_mean
            if kept and isinstance(kept[-1], nn.Linear):
                kept[-1].weight.mul_(gain[:, None])
                kept[-1].bias.mul_(gain).add_(offset)
            else:
                waiting = gain, offset
        elif not isinstance(layer, nn.Dropout):
            if waiting and isinstance(layer, nn.Linear):
                _absorb(layer, *waiting)
                waiting = None
            kept.append(layer)
    return kept


def _fold_norms(block: Any) -> None:
    for norm, linear in ((block.attention_norm, block.attention.qkv), (block.mlp_norm, block.mlp[0])):
        _absorb(linear, norm.weight * norm.unbiased, norm.bias)
    block.attention_norm = block.mlp_norm = Centred(block.attention.qkv.in_features)


def _absorb(linear: nn.Linear, gain: Tensor, offset: Tensor) -> None:
    """The layer makes of x what it made of gain * x + offset."""
    linear.bias.add_(linear.weight @ offset)
    linear.weight.mul_(gain)


def _narrow(network: STMO, person: Tensor) -> None:
    """Products in bfloat16, block by block, each exact for the mean person."""
    encoder, aggregator = network.encoder, network.aggregator
    tokens = encoder.tokens(person[None])
    x = tokens + encoder.position
    _narrow_spatial(encoder.spatial)
    encoder.position.add_((tokens - encoder.tokens(person[None]))[0])
    for block in encoder.temporal:
        x = _narrow_block(block, x)
    for i, block in enumerate(aggregator.blocks):
        x = _narrow_block(block, x + aggregator.positions[i] if i < len(aggregator.positions) else x)


def _narrow_spatial(spatial: Any) -> None:
    first, *residual, last = spatial.layers
    for layer in residual:
        if isinstance(layer, Residual):
            layer.layers = nn.Sequential(Cast(torch.bfloat16), *layer.layers.bfloat16())
    spatial.layers = nn.Sequential(first, *residual, Cast(torch.bfloat16), last.bfloat16())


def _narrow_block(block: Any, x: Tokens) -> Float[Tensor, "batch kept width"]:
    """Takes and returns the mean person's tokens, before and after the block as it was."""
    attention, mlp, width = block.attention, block.mlp, block.attention.out.in_features
    made = attention(block.attention_norm(x))
    block.attention_norm = _centre(attention.qkv, block.attention_norm(x))
    attention.qkv.bias[-width:] = 0  # what the values of all frames have in common, attention passes on as it is
    attention.out.bias.zero_()
    attention.bfloat16()
    attention.dropout = Shift(made - attention(block.attention_norm(x)))
    x = x + made
    made = mlp(block.mlp_norm(x))
    common = mlp[-2](mlp[:-2](block.mlp_norm(x))).mean((0, 1))
    block.mlp_norm = _centre(mlp[0], block.mlp_norm(x))
    mlp[-2].bias.sub_(common)
    mlp.bfloat16()
    mlp[-1] = Shift(made - mlp(block.mlp_norm(x)))
    return x[:, :: block.stride] + made


def _centre(linear: nn.Linear, seen: Tokens) -> Centred:
    """The norm before a product: without the mean person, whom the product's bias knows from now on."""
    mean = seen.mean((0, 1))
    linear.bias.add_(linear.weight @ mean)
    return Centred(len(mean), mean, torch.bfloat16)
