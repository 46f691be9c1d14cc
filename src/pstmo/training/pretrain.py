"""Stage I: the encoder learns to draw hidden frames and joints (paper, section 3.2)."""

from dataclasses import asdict
from pathlib import Path

import torch

from pstmo import checkpoint
from pstmo.model.masked import MaskedPoseModel
from pstmo.presets import Masking, ModelConfig, Optimisation
from pstmo.training.loop import Run
from pstmo.training.losses import reconstruction_loss
from pstmo.training.masks import random_masks
from pstmo.training.sources import Batch, Source, check_fit, described, validation_batches


def pretrain(
    source: Source,
    validation: Source,
    folder: Path,
    model: ModelConfig,
    masking: Masking,
    optimisation: Optimisation,
) -> Path:
    """Trains a MaskedPoseModel; gives the path of its best checkpoint, `folder/pretrained.safetensors`.

    A folder with a run's state goes on from there; raises CheckpointError if that run had other settings.
    """
    check_fit(source, validation, model)
    torch.manual_seed(optimisation.seed)
    network = MaskedPoseModel(model)
    held_out = validation_batches(validation, model.frames)
    path = folder / "pretrained.safetensors"

    def loss(batch: Batch, generator: torch.Generator) -> torch.Tensor:
        masks = random_masks(masking, len(batch.keypoints), model.frames, model.joints_in, generator)
        return reconstruction_loss(network(batch.keypoints, *masks).float(), batch.keypoints)

    @torch.inference_mode()
    def validate() -> float:
        network.eval()
        generator = torch.Generator().manual_seed(0)
        return sum(loss(batch, generator).item() for batch in held_out) / len(held_out)

    def keep() -> None:
        checkpoint.save(path, described(network, source, folder.resolve().name))

    facts = {"model": asdict(model), "masking": asdict(masking), "stage": "pretrain"} | source.facts
    Run(network, source, model.frames, loss, validate, keep, optimisation, facts, folder).train()
    return path
