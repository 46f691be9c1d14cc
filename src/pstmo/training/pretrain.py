"""Stage I: the encoder learns to draw hidden frames and joints (paper, section 3.2)."""

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from pstmo import checkpoint
from pstmo.chance import Chance
from pstmo.model.masked import MaskedPoseModel
from pstmo.presets import Masking, ModelConfig, Optimisation
from pstmo.training.engine import Engine
from pstmo.training.loop import Loss, Run
from pstmo.training.losses import reconstruction_loss
from pstmo.training.masks import random_masks
from pstmo.training.sources import Batch, Source, validation_batches
from pstmo.training.stage import check_fit, described, drawing_error

FILE = "pretrained.safetensors"


def pretrain(
    source: Source,
    validation: Source,
    folder: Path,
    model: ModelConfig,
    masking: Masking,
    optimisation: Optimisation,
    engine: Engine | None = None,
) -> Path:
    """Trains a MaskedPoseModel; gives the path of its best checkpoint, `folder/pretrained.safetensors`.

    A folder with a run's state goes on from there; raises as `Run.train` does.
    """
    check_fit(source, validation, model)
    random_masks(masking, 1, model.frames, model.joints_in, Chance.of(0))  # what cannot be hidden is told at once
    engine = engine or Engine()
    torch.manual_seed(optimisation.seed)
    network = MaskedPoseModel(model)
    held_out = validation_batches(validation, model.frames, device=engine.device)

    loss = drawing_loss(masking)

    @torch.inference_mode()
    def validate() -> float:
        """Mean distance over the held-out windows, in the units of their framing."""
        return drawing_error(
            network, held_out, engine, lambda batch, chance: (loss(network, batch, chance).item(), len(batch.poses))
        )

    def keep(path: Path) -> None:
        checkpoint.save(path, described(network, source, folder))

    facts = {"model": asdict(model), "masking": asdict(masking), "stage": "pretrain"} | source.facts
    Run(network, source, model.frames, loss, validate, keep, optimisation, facts, folder, FILE, engine).train()
    return folder / FILE


def drawing_loss(masking: Masking) -> Loss:
    """Of windows of which the masking hides something, the mean; products in bfloat16 end here."""

    def loss(network: nn.Module, batch: Batch, chance: Chance) -> Tensor:
        windows, frames, joints, _ = batch.keypoints.shape
        masks = random_masks(masking, windows, frames, joints, chance)
        return reconstruction_loss(network(batch.keypoints, *masks).float(), batch.keypoints)

    return loss
