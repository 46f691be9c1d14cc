"""The blocks that the networks are made of. Sequences are (batch, frames, channels)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Heads = Float[Tensor, "batch heads frames depth"]


class PerFrame(nn.Module):
    """Layers that see one frame at a time; batch norm averages over batch and frames."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Float[Tensor, "batch frames c_in"]) -> Float[Tensor, "batch frames *c_out"]:
        return self.layers(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Residual(nn.Module):
    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Float[Tensor, "n c"]) -> Float[Tensor, "n c"]:
        return x + self.layers(x)


class Norm(nn.LayerNorm):
    """Layer norm that divides by the unbiased standard deviation, as the official networks do."""

    EPS = 1e-12

    def __init__(self, width: int):
        super().__init__(width, eps=self.EPS)
        self.unbiased = (1 - 1 / width) ** 0.5

    def forward(self, input: Float[Tensor, "... width"]) -> Float[Tensor, "... width"]:
        return F.layer_norm(input, self.normalized_shape, self.weight * self.unbiased, self.bias, self.eps)


def spatial_encoder(joints: int, width: int, dropout: float, blocks: int = 1) -> PerFrame:
    """Mixes the joints of one skeleton into one token (the paper's SEM)."""

    def dense(c_in: int, c_out: int) -> list[nn.Module]:
        return [nn.Linear(c_in, c_out), nn.BatchNorm1d(c_out), nn.LeakyReLU(0.2), nn.Dropout(dropout)]

    hidden = 2 * width
    return PerFrame(
        *dense(2 * joints, hidden),
        *(Residual(*dense(hidden, hidden), *dense(hidden, hidden)) for _ in range(blocks)),
        nn.Linear(hidden, width),
    )


def pose_head(width: int, joints: int, axes: int) -> PerFrame:
    """Reads the coordinates of every joint out of a token."""
    return PerFrame(nn.BatchNorm1d(width), nn.Linear(width, joints * axes), nn.Unflatten(1, (joints, axes)))


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "batch frames width"]) -> Float[Tensor, "batch frames width"]:
        qkv = self.qkv(x).unflatten(-1, (3, self.heads, -1))  # (batch, frames, 3, heads, depth)
        q, k, v = qkv.transpose(1, 3).unbind(2)  # each (batch, heads, frames, depth)
        x = attend(q, k, v, dropout=self.dropout.p if self.training else 0.0)
        return self.dropout(self.out(x.transpose(1, 2).flatten(2)))


def attend(q: Heads, k: Heads, v: Heads, dropout: float) -> Heads:
    """Scaled dot-product attention, by whichever way is the quick one.

    The backward pass of PyTorch's fused kernel is the slow one on a CPU: in bfloat16 it takes more time than all the
    rest of a training step (`pstmo benchmark train --compare`). There the three plain products are used.
    """
    if q.device.type != "cpu" or not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
    heads = q.shape[:2]
    q, k, v = (x.flatten(0, 1) for x in (q * q.shape[-1] ** -0.5, k, v))
    weights = F.dropout(torch.bmm(q, k.mT).softmax(-1), dropout)
    return torch.bmm(weights.to(v.dtype), v).unflatten(0, heads)


class FrameConv(nn.Module):
    """Folds each frame's neighbours in and keeps every `stride`-th frame: a convolution, computed as one product."""

    def __init__(self, c_in: int, c_out: int, stride: int):
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.empty(c_out, c_in, 3))
        self.bias = nn.Parameter(torch.empty(c_out))

    def forward(self, x: Float[Tensor, "batch frames c_in"]) -> Float[Tensor, "batch kept c_out"]:
        neighbours = F.pad(x, (0, 0, 1, 1)).unfold(1, 3, self.stride)  # (batch, kept, c_in, 3)
        return F.linear(neighbours.flatten(2), self.weight.flatten(1), self.bias)


def feed_forward(width: int, hidden: int, dropout: float, stride: int | None = None) -> nn.Sequential:
    contract = nn.Linear(hidden, width) if stride is None else FrameConv(hidden, width, stride)
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), contract, nn.Dropout(dropout))


class Block(nn.Module):
    """Pre-norm transformer block; with a stride it keeps every `stride`-th frame."""

    def __init__(self, width: int, hidden: int, heads: int, dropout: float, stride: int | None = None):
        super().__init__()
        self.attention_norm = Norm(width)
        self.attention = SelfAttention(width, heads, dropout)
        self.mlp_norm = Norm(width)
        self.mlp = feed_forward(width, hidden, dropout, stride)
        self.stride = stride or 1

    def forward(self, x: Float[Tensor, "batch frames width"]) -> Float[Tensor, "batch kept width"]:
        x = x + self.attention(self.attention_norm(x))
        return x[:, :: self.stride] + self.mlp(self.mlp_norm(x))


def embedding(*shape: int) -> nn.Parameter:
    """A learned token or position, small at first beside the tokens that it is added to."""
    return nn.Parameter(torch.randn(*shape) * 0.02)


def initialise(network: nn.Module) -> None:
    """Xavier weights and zero biases for every product."""
    for module in network.modules():
        if isinstance(module, nn.Linear | FrameConv):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
