"""Stage II: the pre-trained encoder moves into STMO and learns to lift (paper, section 3.3)."""

import zlib
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from pstmo import checkpoint
from pstmo.chance import Chance
from pstmo.metrics import mpjpe, rooted
from pstmo.model.stmo import STMO, Prediction
from pstmo.presets import ModelConfig, Optimisation
from pstmo.training.engine import Engine
from pstmo.training.loop import Run
from pstmo.training.losses import sequence_and_centre_loss
from pstmo.training.sources import Batch, Source, validation_batches
from pstmo.training.stage import check_fit, described
from pstmo.training.transfer import take_over

FILE = "model.safetensors"


def finetune(
    source: Source,
    validation: Source,
    folder: Path,
    model: ModelConfig,
    optimisation: Optimisation,
    start: Path | None = None,
    engine: Engine | None = None,
) -> Path:
    """Trains an STMO; its best becomes `folder/model.safetensors`.

    start: stage I's checkpoint, or a lifter, see `take_over`; None = from scratch. A folder with a run's state goes on
    from there; raises as `Run.train` does, and CheckpointError if the start does not fit.
    """
    check_fit(source, validation, model)
    engine = engine or Engine()
    torch.manual_seed(optimisation.seed)
    network = STMO(model)
    if start is not None:
        take_over(network, source, start)
    held_out = validation_batches(validation, model.frames, device=engine.device)

    @torch.inference_mode()
    def validate() -> float:
        """MPJPE of the centre frames, millimetres."""
        network.eval()
        errors = []
        for batch in engine.mine(held_out):
            centres = rooted(network(batch.keypoints).centre, validation.poses.root_index)
            metres = mpjpe(centres, batch.poses[:, model.frames // 2]).mean().item()
            errors.append((1000 * metres, len(batch.poses)))
        return engine.mean(errors)

    def keep(path: Path) -> None:
        checkpoint.save(path, described(network, source, folder))

    facts = {"stage": "finetune", "model": asdict(model)} | source.facts
    facts["start"] = None if start is None else zlib.crc32(start.read_bytes())
    Run(network, source, model.frames, lifting_loss, validate, keep, optimisation, facts, folder, FILE, engine).train()
    return folder / FILE


def lifting_loss(network: nn.Module, batch: Batch, chance: Chance | None = None) -> Tensor:
    """Of both heads, the mean over the windows; products in bfloat16 end here."""
    prediction = network(batch.keypoints)
    return sequence_and_centre_loss(Prediction(*(part.float() for part in prediction)), batch.poses)
