"""What a new network takes over from a trained one: stage I's encoder, or a whole lifter, also of a smaller window."""

from dataclasses import asdict
from pathlib import Path

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from pstmo import checkpoint
from pstmo.errors import CheckpointError
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.stmo import STMO
from pstmo.presets import ModelConfig
from pstmo.training.sources import Source
from pstmo.training.stage import check_joints


def take_over(network: STMO, source: Source, path: Path) -> None:
    """Starts the network from a checkpoint: of stage I, whose encoder moves in whole (paper, section 3.3), or of a
    lifter. Raises CheckpointError if its shape does not fit, or its joints are not those of the data.

    A lifter may have a smaller window: what is learned for each place in it is stretched over the larger one, and the
    aggregator's new first blocks start as copies of the old first one.
    """
    start = checkpoint.load(path)
    found = checkpoint.expect(start.network, (MaskedPoseModel, STMO), path)
    check_joints(source, start, path)
    try:
        if isinstance(found, MaskedPoseModel):
            network.encoder.load_state_dict(found.encoder.state_dict(), strict=True)
        else:
            network.load_state_dict(_stretched(found, network), strict=True)
    except RuntimeError:
        raise CheckpointError(
            f"{path}: its encoder has {_differing(found.config, network.config)}, the recipe's model "
            f"{_differing(network.config, found.config)}; expected the same"
        ) from None


def _differing(config: ModelConfig, other: ModelConfig) -> str:
    return ", ".join(f"{name} {value}" for name, value in asdict(config).items() if value != getattr(other, name))


def _stretched(old: STMO, new: STMO) -> dict[str, Tensor]:
    """The old network's weights under the new one's names."""
    more = len(new.config.strides) - len(old.config.strides)
    if more < 0 or new.config.strides[more:] != old.config.strides:
        raise CheckpointError(
            f"a lifter with strides {old.config.strides} cannot start one with {new.config.strides}; expected strides "
            "that end in the same way"
        )
    weights = old.state_dict()
    taken = {name: value for name, value in weights.items() if not name.startswith("aggregator.")}
    for name, value in new.aggregator.state_dict().items():
        part, i, *rest = name.split(".")
        source = ".".join(["aggregator", part, str(max(0, int(i) - more)), *rest])
        taken[f"aggregator.{name}"] = weights.get(source, value)
    frames = {name: len(value) for name, value in new.state_dict().items() if _is_position(name)}
    return {name: _stretch(value, frames[name]) if name in frames else value for name, value in taken.items()}


def _is_position(name: str) -> bool:
    return name == "encoder.position" or name.startswith("aggregator.positions.")


def _stretch(position: Float[Tensor, "old width"], frames: int) -> Float[Tensor, "frames width"]:
    """What belongs to places in a window, for a window of more of them."""
    if len(position) == frames:
        return position
    return F.interpolate(position.T[None], size=frames, mode="linear", align_corners=True)[0].T.contiguous()
