"""What moves the weights, and how far in each step."""

from math import cos, pi

import torch
from torch import nn
from torch.optim import Optimizer

from pstmo.presets import Optimisation


def optimizers(network: nn.Module, settings: Optimisation) -> list[Optimizer]:
    """One, or for "muon" two: Muon for the matrices within the blocks, AdamW for everything else."""
    if settings.optimizer == "adam":
        return [torch.optim.Adam(network.parameters(), settings.lr, amsgrad=True, fused=True)]
    decay = settings.weight_decay
    if settings.optimizer == "adamw":
        return [torch.optim.AdamW(network.parameters(), settings.lr, weight_decay=decay, fused=True)]
    matrices = [weight for name, weight in network.named_parameters() if _is_hidden_matrix(name, weight)]
    of_matrices = {id(weight) for weight in matrices}
    others = [weight for weight in network.parameters() if id(weight) not in of_matrices]
    return [
        torch.optim.Muon(matrices, settings.lr, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, settings.lr, weight_decay=decay, fused=True),
    ]


def _is_hidden_matrix(name: str, weight: nn.Parameter) -> bool:
    """A product within the network: neither an embedding nor what reads the poses out."""
    return weight.ndim == 2 and not any(part in name for part in ("position", "token", "head"))


def rate(settings: Optimisation, step: int, steps: int) -> float:
    """The learning rate of a step, counted from the run's first; steps: of one epoch."""
    warmth = min(1.0, (step + 1) / max(1, settings.warmup))
    if settings.schedule == "cosine":
        return settings.lr * warmth * (1 + cos(pi * step / (steps * settings.epochs))) / 2
    return settings.lr * warmth * settings.decay ** (step // steps)
