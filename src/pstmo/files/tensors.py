"""Tensors and a few texts in one safetensors file: what checkpoints and the states of training runs are made of."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pstmo.errors import CheckpointError
from pstmo.files.atomic import replacing


def write_tensors(path: Path, tensors: Mapping[str, Tensor], texts: dict[str, str]) -> None:
    """Writes the file whole or not at all. Raises PstmoError when the system refuses."""
    with replacing(path) as temporary:
        temporary.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}, texts))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and texts of a file. Raises CheckpointError for one that is missing, cut off or of another kind."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a whole safetensors file: {error}") from None
