"""Stage II: the pre-trained encoder moves into STMO and learns to lift (paper, section 3.3)."""

import zlib
from dataclasses import asdict
from pathlib import Path

import torch

from pstmo import checkpoint
from pstmo.errors import CheckpointError
from pstmo.metrics import mpjpe
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.stmo import STMO, Prediction
from pstmo.presets import ModelConfig, Optimisation
from pstmo.training.loop import Run
from pstmo.training.losses import sequence_and_centre_loss
from pstmo.training.sources import Batch, Source, check_fit, described, validation_batches


def finetune(
    source: Source,
    validation: Source,
    folder: Path,
    model: ModelConfig,
    optimisation: Optimisation,
    pretrained: Path | None = None,
) -> Path:
    """Trains an STMO from a stage I checkpoint or from scratch; its best becomes `folder/model.safetensors`.

    A folder with a run's state goes on from there; raises CheckpointError if that run had other settings, or if the
    stage I encoder does not fit.
    """
    check_fit(source, validation, model)
    torch.manual_seed(optimisation.seed)
    network = STMO(model)
    if pretrained is not None:
        take_encoder(network, pretrained)
    held_out = validation_batches(validation, model.frames)
    path = folder / "model.safetensors"

    def loss(batch: Batch, generator: torch.Generator) -> torch.Tensor:
        prediction = network(batch.keypoints)
        return sequence_and_centre_loss(Prediction(*(part.float() for part in prediction)), batch.poses)

    @torch.inference_mode()
    def validate() -> float:
        """MPJPE of the centre frames, millimetres."""
        network.eval()
        errors = [mpjpe(network(batch.keypoints).centre, batch.poses[:, model.frames // 2]) for batch in held_out]
        return 1000 * torch.cat(errors).mean().item()

    def keep() -> None:
        checkpoint.save(path, described(network, source, folder.resolve().name))

    facts = {"stage": "finetune", "model": asdict(model)} | source.facts
    facts["pretrained"] = None if pretrained is None else zlib.crc32(pretrained.read_bytes())
    Run(network, source, model.frames, loss, validate, keep, optimisation, facts, folder).train()
    return path


def take_encoder(network: STMO, pretrained: Path) -> None:
    """Moves the encoder of a stage I checkpoint into the network, whole; raises CheckpointError if it does not fit."""
    found = checkpoint.expect(checkpoint.load(pretrained).network, MaskedPoseModel, pretrained)
    try:
        network.encoder.load_state_dict(found.encoder.state_dict(), strict=True)
    except RuntimeError:
        raise CheckpointError(
            f"{pretrained}: its encoder has the shape of {found.config}, expected that of {network.config}"
        ) from None
