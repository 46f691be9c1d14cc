"""Training of what fills gaps: runs of frames are hidden as a detector misses them, and drawn again."""

from dataclasses import asdict
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pstmo import checkpoint
from pstmo.chance import Chance
from pstmo.model.filler import Drawn, GapFiller
from pstmo.presets import Masking, ModelConfig, Optimisation
from pstmo.training.engine import Engine
from pstmo.training.loop import Loss, Run
from pstmo.training.masks import random_masks
from pstmo.training.sources import Batch, Source, validation_batches
from pstmo.training.stage import check_fit, described, drawing_error

FILE = "filler.safetensors"


def learn_to_fill(
    source: Source,
    validation: Source,
    folder: Path,
    model: ModelConfig,
    masking: Masking,
    optimisation: Optimisation,
    engine: Engine | None = None,
) -> Path:
    """Trains a GapFiller; gives the path of its best checkpoint. masking: its joints and gaps count, frames are never
    hidden whole but by gaps. A folder with a run's state goes on from there; raises as `Run.train` does."""
    check_fit(source, validation, model)
    engine = engine or Engine()
    torch.manual_seed(optimisation.seed)
    network = GapFiller(model)
    held_out = validation_batches(validation, model.frames, device=engine.device)
    loss = filling_loss(masking)

    def measured(batch: Batch, chance: Chance) -> tuple[float, int]:
        hidden = hidden_joints(masking, batch, chance)
        counted = seen_at_all(hidden)
        distance = off(network(batch.keypoints, ~hidden), batch.keypoints)[counted]
        return distance.mean().item(), len(distance)

    @torch.inference_mode()
    def validate() -> float:
        """Mean distance of the hidden joints from where they were, in units of the person's size."""
        return drawing_error(network, held_out, engine, measured)

    def keep(path: Path) -> None:
        checkpoint.save(path, described(network, source, folder))

    facts = {"model": asdict(model), "masking": asdict(masking), "stage": "fill"} | source.facts
    Run(network, source, model.frames, loss, validate, keep, optimisation, facts, folder, FILE, engine).train()
    return folder / FILE


def filling_loss(masking: Masking) -> Loss:
    """How much the distances of the hidden joints surprise somebody who expected such errors; half of the windows run
    backwards.

    It is least where each expected error is the mean of the distances. A distance counts by its share of it: the middle
    of a long gap, of which nobody can know much, does not drown a short one.
    """

    def loss(network: nn.Module, batch: Batch, chance: Chance) -> Tensor:
        hidden = hidden_joints(masking, batch, chance)
        backwards = (chance.uniform(len(hidden)) < 0.5)[:, None, None, None]
        keypoints = torch.where(backwards, batch.keypoints.flip(1), batch.keypoints)
        drawn = network(keypoints, ~hidden)
        counted = seen_at_all(hidden).float()
        distance = off(drawn, keypoints)
        expected = torch.where(counted > 0, drawn.error / drawn.size[:, None, None], 1).clamp_min(1e-3)
        return ((distance / expected + expected.log()) * counted).sum() / counted.sum().clamp_min(1)

    return loss


def hidden_joints(masking: Masking, batch: Batch, chance: Chance) -> Bool[Tensor, "batch frames joints"]:
    windows, frames, joints, _ = batch.keypoints.shape
    return random_masks(masking, windows, frames, joints, chance).joints.expand(windows, -1, -1)


def seen_at_all(hidden: Bool[Tensor, "batch frames joints"]) -> Bool[Tensor, "batch frames joints"]:
    """Hidden joints of windows in which somebody is seen: of the others nobody could say anything."""
    return hidden & ~hidden.all(2).all(1)[:, None, None]


def off(drawn: Drawn, true: Float[Tensor, "batch frames joints 2"]) -> Float[Tensor, "batch frames joints"]:
    """Distances in units of the person's size."""
    return (drawn.xy - true).norm(dim=-1) / drawn.size[:, None, None]
