"""Batch norm over the windows of all processes, on any device: PyTorch's own does not run on CPUs."""

from typing import Any

import torch
from torch import Tensor, distributed, nn


class SynchronisedBatchNorm(nn.BatchNorm1d):
    """As BatchNorm1d on the whole batch, of which every process holds some rows: (n, channels) -> (n, channels)."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        out, mean, variance, count = _Normalise.apply(input, self.weight, self.bias, self.eps)
        self._remember(mean, variance * (count / (count - 1)))
        return out

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        batches, means, variances, share = self.num_batches_tracked, self.running_mean, self.running_var, self.momentum
        assert batches is not None
        assert means is not None
        assert variances is not None
        assert share is not None
        batches += 1
        means.lerp_(mean, share)
        variances.lerp_(variance, share)


class _Normalise(torch.autograd.Function):
    """Statistics are shared once forward, the sums of their gradients once backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, ...]:
        mean, variance, count = _statistics(x.float())
        scale = (variance + eps).rsqrt()
        normal = (x.float() - mean) * scale
        ctx.save_for_backward(normal, weight, scale, count)
        out = (normal * weight + bias).to(x.dtype)
        ctx.mark_non_differentiable(mean, variance, count)
        return out, mean, variance, count

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        normal, weight, scale, count = ctx.saved_tensors
        wide = gradients[0].float()
        of_bias, of_weight = wide.sum(0), (wide * normal).sum(0)
        sums = torch.stack([of_bias, of_weight])
        distributed.all_reduce(sums)
        means = sums / count
        of_input = weight * scale * (wide - means[0] - normal * means[1])
        return of_input.to(gradients[0].dtype), of_weight, of_bias, None


def _statistics(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and (biased) variance of the rows of all processes, and their number.

    The squares are summed about a mean of each process and put together afterwards, so that nothing is lost where the
    mean is large.
    """
    variance, mean = torch.var_mean(x, 0, correction=0)
    mine = torch.stack([torch.full_like(mean, len(x)), mean, variance])
    of_all = [torch.empty_like(mine) for _ in range(distributed.get_world_size())]
    distributed.all_gather(of_all, mine)
    counts, means, variances = torch.stack(of_all, 1)  # each (processes, channels)
    count = counts.sum(0)
    mean = (counts * means).sum(0) / count
    variance = (counts * (variances + (means - mean) ** 2)).sum(0) / count
    return mean, variance, count[:1]


def synchronised(network: nn.Module) -> None:
    """Every batch norm of the network becomes one over all processes; weights and their names stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm1d:
            module.__class__ = SynchronisedBatchNorm
