"""What every stage asks of its sources, and how its networks are described."""

from collections.abc import Callable, Sequence
from pathlib import Path

from torch import nn

from pstmo.chance import Chance
from pstmo.checkpoint import Checkpoint, Network
from pstmo.errors import CheckpointError, PstmoError
from pstmo.model.masked import MaskedPoseModel
from pstmo.presets import ModelConfig
from pstmo.training.engine import Engine
from pstmo.training.sources import Batch, Source

STAGES = ("pretrain", "finetune", "refine")
"""Folders of a training, one a stage."""


def described(network: Network, source: Source, folder: Path) -> Checkpoint:
    """The network as a checkpoint that says how its windows were made, named after the folder of the run, or, where
    that is named after a stage, after the one above."""
    folder = folder.resolve()
    name = folder.parent.name if folder.name in STAGES else folder.name
    return Checkpoint(network, source.keypoints, source.poses, name, source.framing, source.rate)


def drawing_error(
    network: nn.Module, held_out: Sequence[Batch], engine: Engine, measure: Callable[[Batch, Chance], tuple[float, int]]
) -> float:
    """Mean of what is measured of a network that draws, and its weight, batch by batch; chance hides the same at every
    epoch."""
    network.eval()
    mine = engine.mine(list(enumerate(held_out)))
    return engine.mean([measure(batch, engine.chance("validation", i)) for i, batch in mine])


def check_fit(source: Source, validation: Source, model: ModelConfig) -> None:
    """Raises PstmoError when a model cannot be trained on a source, or when there is nothing to validate on."""
    found, expected = (len(source.keypoints), len(source.poses)), (model.joints_in, model.joints_out)
    if found != expected:
        raise PstmoError(f"the data has {found} joints in and out, the model has {expected}")
    if len(source) == 0 or len(validation) == 0:
        raise PstmoError(f"found {len(source)} frames to train on and {len(validation)} to validate on, expected both")


def check_joints(source: Source, start: Checkpoint, path: Path) -> None:
    """Raises CheckpointError when a network to start from has other joints than the data; stage I's knows 2D alone."""
    pairs = [("2D", start.keypoints, source.keypoints), ("3D", start.poses, source.poses)]
    for what, found, expected in pairs[:1] if isinstance(start.network, MaskedPoseModel) else pairs:
        if found.joints != expected.joints:
            raise CheckpointError(
                f"{path} was trained on {what} joints of {found.name}, the data has {expected.name}; expected the same "
                "joints in the same order"
            )
