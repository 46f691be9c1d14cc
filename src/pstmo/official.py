"""The official P-STMO checkpoints (.pth state dicts): into our networks and back, entry by entry, bit by bit.

Each of our entries is one or several of theirs, reshaped: a 1x1 convolution is a linear layer, queries, keys and values
are one product. What the official code saves but never reads is kept beside the network, in `unread`.
"""

import pickle
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pstmo.errors import CheckpointError, PstmoError
from pstmo.files.atomic import replacing
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.presets import STRIDES, ModelConfig

Official = STMO | MaskedPoseModel | Refine

_PREFIX = "module."
_POSITIONED = 3  # blocks of the official aggregator that have a position embedding


def import_official(path: str | Path) -> Official:
    """Reads an official .pth file (stage I, stage II or refine; with or without "module.") in evaluation mode.

    No pickled code is executed. Raises CheckpointError naming the first entry that is missing, surplus or misshapen.
    """
    state = _read_pth(Path(path))
    try:
        network = _blank_network(state)
    except KeyError as error:
        raise CheckpointError(f"{path}: entry {error} is missing, which every official checkpoint has") from None
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except PstmoError as error:
        told = "'encoder.fc_1.weight', 'encoder.fc_2.bias', 'fcn.1.bias'"
        raise CheckpointError(f"{path}: entries {told} tell of a network that cannot be: {error}") from None
    check_layout(path, found=state, expected=to_official(network))
    own = network.state_dict()
    for entry in _entries(network):
        values = torch.cat([state[name].flatten() for name in entry.theirs])
        own[entry.ours] = values[: own[entry.ours].numel()].view_as(own[entry.ours])
    network.load_state_dict(own)
    for name, default in _unread(network).items():
        network.unread[name] = state[name][:, -default.shape[1] :] if default.ndim == 3 else state[name]
    return network.eval()


def export_official(network: Official, path: str | Path) -> None:
    """Writes the network as an official .pth state dict. What was imported comes back bit by bit.

    Raises CheckpointError for a network that the official code has no place for.
    """
    config = getattr(network, "config", None)
    if config is not None and (config.heads != 8 or STRIDES.get(config.frames) != config.strides):
        raise CheckpointError(f"the official code has 8 heads and strides {STRIDES}, found {config}")
    if isinstance(network, STMO) and len(network.aggregator.positions) != _positioned(network.config.strides):
        found = len(network.aggregator.positions)
        raise CheckpointError(f"the official aggregator has {_POSITIONED} position embeddings at most, found {found}")
    state = {_PREFIX + name: tensor.contiguous() for name, tensor in to_official(network).items()}
    with replacing(Path(path)) as temporary:
        torch.save(state, temporary)


def in_metres(network: STMO) -> None:
    """Turns a network that gives millimetres, as the released one for MPI-INF-3DHP does, into one that gives metres."""
    with torch.no_grad():
        for head in (network.centre_head, network.sequence_head):
            for parameter in head.layers[1].parameters():
                parameter.mul_(0.001)


def to_official(network: Official, tensors: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """The network's entries (or others by the same names, such as gradients) under official names, in their shapes."""
    tensors = network.state_dict() if tensors is None else tensors
    official = {}
    for entry in _entries(network):
        if entry.ours in tensors:
            official.update(entry.cut(tensors[entry.ours]))
    for name, rest in (_unread(network) | network.unread).items():
        official[name] = torch.cat([official[name], rest], 1) if name in official else rest
    return official


@dataclass(frozen=True)
class Entry:
    """One entry of ours and the official ones that it is cut into, which have axes of length 1 in front or behind."""

    ours: str
    theirs: tuple[str, ...]
    front: int = 0
    behind: int = 0

    def cut(self, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
        parts = tensor.chunk(len(self.theirs)) if len(self.theirs) > 1 else (tensor,)
        for name, part in zip(self.theirs, parts, strict=True):
            yield name, part.reshape((1,) * self.front + tuple(part.shape) + (1,) * self.behind)


def _entries(network: Official) -> Iterator[Entry]:
    """Every entry of the network's state dict."""
    if isinstance(network, Refine):
        yield from _layer("weigh.0", "post_refine.0")
        yield from _layer("weigh.3", "post_refine.3")
        return
    yield from _encoder(network.config)
    if isinstance(network, STMO):
        for i in range(len(network.aggregator.positions)):
            yield Entry(f"aggregator.positions.{i}", (f"Transformer_reduce.model.pos_embedding_{i + 1}",), front=1)
        for i in range(len(network.config.strides)):
            yield from _block(f"aggregator.blocks.{i}", f"Transformer_reduce.model.layers.{i}", strided=True)
        yield from _head("centre_head", "fcn")
        yield from _head("sequence_head", "fcn_1")
    else:
        yield Entry("joint_token", ("spatial_mask_token",), front=2)
        yield Entry("frame_token", ("mask_token",), front=2)
        yield Entry("position", ("dec_pos_embedding",), front=1)
        yield from _norm("to_decoder.0", "encoder_LN")
        yield Entry("to_decoder.1.weight", ("encoder_to_decoder.weight",))
        for i in range(network.config.depth - 1):
            yield from _block(f"decoder.{i}", f"Transformer_dec.model.layers.{i}")
        yield from _head("head", "fcn_dec")


def _encoder(c: ModelConfig) -> Iterator[Entry]:
    spatial = "encoder.spatial.layers"
    yield from _layer(f"{spatial}.0", "encoder.fc_1", behind=1)
    yield from _batch_norm(f"{spatial}.1", "encoder.bn_1")
    for ours, theirs in ((0, 1), (4, 2)):
        yield from _layer(f"{spatial}.4.layers.{ours}", f"encoder.layers.0.w{theirs}", behind=1)
        yield from _batch_norm(f"{spatial}.4.layers.{ours + 1}", f"encoder.layers.0.batch_norm{theirs}")
    yield from _layer(f"{spatial}.5", "encoder.fc_2", behind=1)
    yield Entry("encoder.position", ("Transformer.pos_embedding",), front=1)
    for i in range(c.depth):
        yield from _block(f"encoder.temporal.{i}", f"Transformer.model.layers.{i}")


def _block(ours: str, theirs: str, strided: bool = False) -> Iterator[Entry]:
    for kind in ("weight", "bias"):
        qkv = tuple(f"{theirs}.self_attn.linears.{i}.{kind}" for i in range(3))
        yield Entry(f"{ours}.attention.qkv.{kind}", qkv)
    yield from _layer(f"{ours}.attention.out", f"{theirs}.self_attn.linears.3")
    yield from _layer(f"{ours}.mlp.0", f"{theirs}.feed_forward.w_1", behind=int(strided))
    yield from _layer(f"{ours}.mlp.3", f"{theirs}.feed_forward.w_2")
    yield from _norm(f"{ours}.attention_norm", f"{theirs}.sublayer.0.norm")
    yield from _norm(f"{ours}.mlp_norm", f"{theirs}.sublayer.1.norm")


def _layer(ours: str, theirs: str, behind: int = 0) -> Iterator[Entry]:
    yield Entry(f"{ours}.weight", (f"{theirs}.weight",), behind=behind)
    yield Entry(f"{ours}.bias", (f"{theirs}.bias",))


def _norm(ours: str, theirs: str) -> Iterator[Entry]:
    yield Entry(f"{ours}.weight", (f"{theirs}.a_2",))
    yield Entry(f"{ours}.bias", (f"{theirs}.b_2",))


def _batch_norm(ours: str, theirs: str) -> Iterator[Entry]:
    for kind in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
        yield Entry(f"{ours}.{kind}", (f"{theirs}.{kind}",))


def _head(ours: str, theirs: str) -> Iterator[Entry]:
    yield from _batch_norm(f"{ours}.layers.0", f"{theirs}.0")
    yield from _layer(f"{ours}.layers.1", f"{theirs}.1", behind=1)


def _unread(network: Official) -> dict[str, Tensor]:
    """What the official code saves without reading: norms behind each transformer, embeddings' rows past the window."""
    if isinstance(network, Refine):
        return {}
    c = network.config
    second = ("Transformer_reduce", c.width) if isinstance(network, STMO) else ("Transformer_dec", c.width // 2)
    unread = {}
    for part, width in (("Transformer", c.width), second):
        unread[f"{part}.model.norm.a_2"] = torch.ones(width)
        unread[f"{part}.model.norm.b_2"] = torch.zeros(width)
    if isinstance(network, STMO):
        for i, position in enumerate(network.aggregator.positions):
            if len(position) < c.frames:
                rest = torch.zeros(1, c.frames - len(position), c.width)
                unread[f"Transformer_reduce.model.pos_embedding_{i + 1}"] = rest
    return unread


def _positioned(strides: tuple[int, ...]) -> int:
    return min(_POSITIONED, len(strides))


def _read_pth(path: Path) -> dict[str, Tensor]:
    """A flat state dict of tensors, without "module."."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        with warnings.catch_warnings(action="ignore"):
            state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} holds pickled objects, which are never executed; expected tensors only"
        ) from None
    except Exception as error:  # whatever the reader trips over in a file that is no such file
        raise CheckpointError(f"{path} is not a PyTorch file, or is cut off: {error}") from None
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise CheckpointError(f"{path} holds a {type(state).__name__}, expected a state dict: names to tensors")
    return {str(name).removeprefix(_PREFIX): tensor for name, tensor in state.items()}


def _blank_network(state: Mapping[str, Tensor]) -> Official:
    """A network of the shape that the entries tell of; KeyError or CheckpointError name an entry that does not."""
    if "post_refine.0.weight" in state:
        return Refine(_length(state, "post_refine.3.bias") // 2, _length(state, "post_refine.0.bias"))
    masked = "mask_token" in state
    frames = _length(state, "Transformer.pos_embedding", axis=1, axes=3)
    if frames not in STRIDES:
        known = ", ".join(map(str, STRIDES))
        raise CheckpointError(f"entry 'Transformer.pos_embedding' is for {frames} frames, the official are {known}")
    joints_in = _length(state, "encoder.fc_1.weight", axis=1, axes=3) // 2
    config = ModelConfig(
        joints_in=joints_in,
        joints_out=joints_in if masked else _length(state, "fcn.1.bias") // 3,
        strides=STRIDES[frames],
        depth=len({name.split(".")[3] for name in state if name.startswith("Transformer.model.layers.")}),
        width=_length(state, "encoder.fc_2.bias"),
        hidden=_length(state, "Transformer.model.layers.0.feed_forward.w_1.bias"),
        positioned=_positioned(STRIDES[frames]),
    )
    return MaskedPoseModel(config) if masked else STMO(config)


def _length(state: Mapping[str, Tensor], name: str, axis: int = 0, axes: int = 1) -> int:
    shape = tuple(state[name].shape)
    if len(shape) != axes:
        raise CheckpointError(f"entry {name!r} has shape {shape}, expected {axes} axes")
    return shape[axis]


def check_layout(path: str | Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raises CheckpointError naming the first entry that is missing, surplus or misshapen."""
    for name in expected:
        if name not in found:
            raise CheckpointError(f"{path}: entry {name!r} is missing; found {len(found)}, expected {len(expected)}")
    for name, tensor in found.items():
        if name not in expected:
            raise CheckpointError(f"{path}: entry {name!r} is surplus; found {len(found)}, expected {len(expected)}")
        if tensor.shape != expected[name].shape:
            shapes = f"{tuple(tensor.shape)}, expected {tuple(expected[name].shape)}"
            raise CheckpointError(f"{path}: entry {name!r} has shape {shapes}")
