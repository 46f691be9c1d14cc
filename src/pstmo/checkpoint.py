"""Checkpoints describe themselves: config, skeletons, facts and weights in one safetensors file; never a pickle."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pstmo.errors import CheckpointError, PstmoError
from pstmo.files.atomic import replacing
from pstmo.framing import FRAMINGS
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.official import Network, check_layout, export_official, import_official
from pstmo.presets import ModelConfig
from pstmo.skeleton import Skeleton

__all__ = ["DEFAULT", "Checkpoint", "available", "export_official", "find", "import_official", "load", "save"]

DEFAULT = "cmu-coco17-w27"
"""The weights that `pstmo.load()` takes; they come with the package."""

_FORMAT = "pstmo checkpoint 1"
_KINDS: dict[str, type[nn.Module]] = {"stmo": STMO, "masked": MaskedPoseModel, "refine": Refine}


@dataclass(frozen=True)
class Checkpoint:
    """A network and what one must know to use it: the layouts it reads and writes, and where it comes from."""

    network: Network
    keypoints: Skeleton
    poses: Skeleton
    name: str
    framing: str = "screen"  # how keypoints are put before the network, one of framing.FRAMINGS
    rate: float = 50.0  # frames a second of the windows it was trained on
    facts: Mapping[str, Any] = field(default_factory=dict)  # of its training: data, licence, errors


def save(path: str | Path, checkpoint: Checkpoint, half: bool = False) -> None:
    """Writes a checkpoint, whole or not at all; `half` stores the weights as float16."""
    network = checkpoint.network
    shape = (
        {"joints": network.joints, "width": network.width} if isinstance(network, Refine) else asdict(network.config)
    )
    facts = {
        "kind": next(name for name, kind in _KINDS.items() if isinstance(network, kind)),
        "shape": shape,
        "name": checkpoint.name,
        "keypoints": asdict(checkpoint.keypoints),
        "poses": asdict(checkpoint.poses),
        "framing": checkpoint.framing,
        "rate": checkpoint.rate,
        "facts": dict(checkpoint.facts),
    }
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    tensors |= {f"unread/{name}": tensor.contiguous() for name, tensor in network.unread.items()}
    if half:
        tensors = {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    with replacing(Path(path)) as temporary:
        save_file(tensors, temporary, {"format": _FORMAT, "pstmo": json.dumps(facts)})


def load(path: str | Path) -> Checkpoint:
    """Reads a checkpoint strictly, its network in evaluation mode and float32.

    Raises CheckpointError for a file that is missing, cut off, of another kind (official .pth files are imported), or
    whose weights do not fit its config.
    """
    facts, tensors = _read(Path(path))
    try:
        network = _build(facts["kind"], facts["shape"])
        keypoints, poses = (_skeleton(facts[key]) for key in ("keypoints", "poses"))
        name, framing, rate = str(facts["name"]), facts["framing"], float(facts["rate"])
        if framing not in FRAMINGS:
            raise CheckpointError(f"unknown framing {framing!r}; known: {', '.join(FRAMINGS)}")
    except (KeyError, TypeError, ValueError, PstmoError) as error:
        raise CheckpointError(f"{path}: its description cannot be understood: {error!r}") from None
    weights = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    network.unread = {k.removeprefix("unread/"): weights.pop(k) for k in list(weights) if k.startswith("unread/")}
    check_layout(path, found=weights, expected=network.state_dict())
    network.load_state_dict(weights)
    return Checkpoint(network.eval(), keypoints, poses, name, framing, rate, dict(facts["facts"]))


def find(name_or_path: str | Path) -> Path:
    """The file of weights that come with the package, by name, or a file of one's own, by path.

    Raises CheckpointError naming the weights there are.
    """
    if name_or_path in available():
        return _shipped() / f"{name_or_path}.safetensors"
    if not Path(name_or_path).is_file():
        names = ", ".join(available()) or "none"
        raise CheckpointError(f"{name_or_path}: no such file, and no weights of that name; available: {names}")
    return Path(name_or_path)


def available() -> tuple[str, ...]:
    """Names of the weights that come with the package."""
    return tuple(sorted(path.stem for path in _shipped().glob("*.safetensors")))


def _shipped() -> Path:
    return Path(str(resources.files("pstmo"))) / "weights"


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    with path.open("rb") as file:
        start = file.read(2)
    if start in (b"PK", b"\x80\x02"):
        raise CheckpointError(f"{path} is a PyTorch file, expected safetensors; bring it in with: pstmo import {path}")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file: {error}") from None
    if metadata.get("format") != _FORMAT:
        raise CheckpointError(f"{path} is a safetensors file of another program: expected format {_FORMAT!r}")
    try:
        return json.loads(metadata["pstmo"]), tensors
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: its description cannot be read: {error}") from None


def _build(kind: str, shape: dict[str, Any]) -> Network:
    if kind == "refine":
        return Refine(**shape)
    config = ModelConfig(**{**shape, "strides": tuple(shape["strides"])})
    return STMO(config) if kind == "stmo" else MaskedPoseModel(config)


def _skeleton(facts: dict[str, Any]) -> Skeleton:
    bones = tuple((str(start), str(end)) for start, end in facts["bones"])
    return Skeleton(str(facts["name"]), tuple(facts["joints"]), bones, facts["root"])
