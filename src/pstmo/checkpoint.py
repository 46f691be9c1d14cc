"""Checkpoints describe themselves: config, skeletons, facts and weights in one safetensors file; never a pickle."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from pstmo.errors import CheckpointError, PstmoError
from pstmo.files.tensors import read_tensors, write_tensors
from pstmo.framing import FRAMINGS
from pstmo.model.filler import GapFiller
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.official import Official, check_layout, export_official, import_official
from pstmo.presets import ModelConfig
from pstmo.skeleton import Skeleton, from_facts

__all__ = ["DEFAULT", "Checkpoint", "available", "expect", "export_official", "find", "import_official", "load", "save"]

Network = Official | GapFiller
N = TypeVar("N", bound=nn.Module)

DEFAULT = "cmu-w81"
"""The weights that `pstmo.load()` takes; they come with the package."""

_FORMAT = "pstmo checkpoint 1"
_UNREAD = "unread/"
_KINDS: dict[str, Any] = {"stmo": STMO, "masked": MaskedPoseModel, "filler": GapFiller, "refine": Refine}
_WORDS = {
    STMO: "a lifter",
    MaskedPoseModel: "a stage I checkpoint",
    GapFiller: "a filler of gaps",
    Refine: "a refine module",
}


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

    def __post_init__(self) -> None:
        if isinstance(self.network, STMO):
            found = len(self.keypoints), len(self.poses)
            expected = self.network.config.joints_in, self.network.config.joints_out
            if found != expected:
                layouts = f"{self.keypoints.name!r} and {self.poses.name!r}"
                raise CheckpointError(f"{layouts} have {found} joints, the network reads and writes {expected}")
        if self.framing not in FRAMINGS:
            raise CheckpointError(f"unknown framing {self.framing!r}; known: {', '.join(FRAMINGS)}")
        if not self.rate > 0:
            raise CheckpointError(f"found a rate of {self.rate}, expected a positive number of frames per second")


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
    tensors = network.state_dict() | {_UNREAD + name: tensor for name, tensor in network.unread.items()}
    if half:
        tensors = {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    write_tensors(Path(path), tensors, {"format": _FORMAT, "pstmo": json.dumps(facts)})


def load(path: str | Path) -> Checkpoint:
    """Reads a checkpoint strictly, its network in evaluation mode and float32.

    Raises CheckpointError for a file that is missing, cut off, of another kind (official .pth files are imported), or
    whose weights do not fit its config.
    """
    facts, tensors = _read(Path(path))
    try:
        checkpoint = _described(facts)
    except (KeyError, TypeError, ValueError, PstmoError) as error:
        raise CheckpointError(f"{path}: its description cannot be understood: {error!r}") from None
    network = checkpoint.network
    weights = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    network.unread = {k.removeprefix(_UNREAD): weights.pop(k) for k in list(weights) if k.startswith(_UNREAD)}
    check_layout(path, found=weights, expected=network.state_dict())
    network.load_state_dict(weights)
    network.eval()
    return checkpoint


def expect(network: Network, kind: type[N] | tuple[type[N], ...], path: str | Path) -> N:
    """The network, if it is of that kind, or of one of these; raises CheckpointError naming the file it came from
    otherwise."""
    if not isinstance(network, kind):
        expected = " or ".join(_WORDS[one] for one in (kind if isinstance(kind, tuple) else (kind,)))
        raise CheckpointError(f"{path} is {_WORDS[type(network)]}, expected {expected}")
    return network


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
    if path.is_file():
        _check_kind(path)
    tensors, texts = read_tensors(path)
    if texts.get("format") != _FORMAT:
        raise CheckpointError(f"{path} is a safetensors file of another program: expected format {_FORMAT!r}")
    try:
        return json.loads(texts["pstmo"]), tensors
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: its description cannot be read: {error}") from None


def _check_kind(path: Path) -> None:
    """Raises CheckpointError for a PyTorch file, which is a pickle, mostly within a zip, and for other zips."""
    with path.open("rb") as file:
        begin = file.read(2)
    if begin == b"\x80\x02" or (begin == b"PK" and any(name.endswith("/data.pkl") for name in _members(path))):
        raise CheckpointError(f"{path} is a PyTorch file, not safetensors; bring it in with `pstmo import`")
    if begin == b"PK":
        raise CheckpointError(f"{path} is a zip file, as .npz files are, expected a checkpoint (.safetensors)")


def _members(path: Path) -> list[str]:
    """Names of what is in a zip file; none where it is cut off."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception:  # zipfile raises a dozen kinds
        return []


def _described(facts: dict[str, Any]) -> Checkpoint:
    """The checkpoint that the facts speak of, its network still without weights. Raises what does not make sense."""
    network = _build(facts["kind"], facts["shape"])
    keypoints, poses = from_facts(facts["keypoints"]), from_facts(facts["poses"])
    framing, rate = facts["framing"], float(facts["rate"])
    return Checkpoint(network, keypoints, poses, str(facts["name"]), framing, rate, dict(facts["facts"]))


def _build(kind: str, shape: dict[str, Any]) -> Network:
    if kind not in _KINDS:
        raise ValueError(f"kind {kind!r}, known are {', '.join(_KINDS)}")
    if kind == "refine":
        return Refine(**shape)
    return _KINDS[kind](ModelConfig(**{**shape, "strides": tuple(shape["strides"])}))
