"""Settings as values: the shape of the networks, how a stage is trained, and the paper's choices of both.

Nothing here needs torch, so that the command line can show every field without loading it.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from pstmo.errors import PstmoError

STRIDES = {9: (3, 3), 27: (3, 3, 3), 81: (3, 3, 3, 3), 243: (3, 3, 3, 3, 3), 351: (3, 9, 13)}
"""The aggregator's strides for each window that the official code knows."""


def _at_least(least: int, settings: object, *names: str) -> None:
    """Raises PstmoError naming the first of some fields that is known and smaller, or no number."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and not value >= least:
            raise PstmoError(f"{name} must be at least {least}, found {value}")


@dataclass(frozen=True)
class ModelConfig:
    """Shape of the networks; saved in every checkpoint, so that a file alone rebuilds its model."""

    joints_in: int = 17  # 2D joints of a frame; in training the data decides
    joints_out: int = 17  # 3D joints of a pose; likewise
    strides: tuple[int, ...] = (3, 3, 3, 3, 3)  # of the aggregator's blocks; their product is the window
    depth: int = 3  # blocks of the temporal encoder
    width: int = 256  # channels of a token
    hidden: int = 512  # channels inside a block's feed-forward part
    spatial: int = 1  # residual blocks of the spatial encoder
    heads: int = 8  # of every attention layer
    dropout: float = 0.1
    positioned: int | None = None  # aggregator blocks with a position embedding; None = all (official: the first 3)

    def __post_init__(self) -> None:
        _at_least(1, self, "joints_in", "joints_out", "depth", "width", "hidden", "heads")
        _at_least(0, self, "spatial")
        if not self.strides or min(self.strides) < 1 or self.frames % 2 == 0:
            found = f"{','.join(map(str, self.strides)) or 'none'}, a window of {self.frames} frames"
            raise PstmoError(f"strides must be odd, for a window that has a centre; found {found}")
        if self.width % (2 * self.heads):
            raise PstmoError(f"width must be a multiple of twice the heads ({self.heads}), found {self.width}")
        if self.positioned is not None and not 0 <= self.positioned <= len(self.strides):
            raise PstmoError(f"positioned must be 0 to {len(self.strides)} aggregator blocks, found {self.positioned}")
        if not 0 <= self.dropout < 1:
            raise PstmoError(f"dropout must lie in [0, 1), found {self.dropout}")

    @property
    def frames(self) -> int:
        """The window: frames that one prediction sees."""
        return prod(self.strides)


@dataclass(frozen=True)
class Masking:
    """What stage I hides (paper, sections 3.2 and 4.3)."""

    frames: float = 0.8  # share of the frames of a window
    joints: int = 2  # joints of every frame that stays
    per_sample: bool = True  # another mask for every window; False = one for the batch, as the official code
    gaps: float = 0.0  # chance that a joint is also hidden for a run of frames, as are several at once and the body

    def __post_init__(self) -> None:
        if not 0 <= self.frames < 1:
            raise PstmoError(f"frames, the share that is hidden, must lie in [0, 1), found {self.frames}")
        _at_least(0, self, "joints")
        if not 0 <= self.gaps < 1:
            raise PstmoError(f"gaps, the chance of one, must lie in [0, 1), found {self.gaps}")


@dataclass(frozen=True)
class Optimisation:
    """How a stage is trained; as given here, in the paper's way (section 4.2)."""

    epochs: int = 80
    epoch_windows: int | None = None  # windows of one epoch; None = every window of the data once
    batch: int = 160  # windows of one step, over all processes
    accumulate: int = 1  # parts that a process goes through one by one, where its share of a batch is too large at once
    optimizer: Literal["adam", "adamw", "muon"] = "adam"  # adam: with amsgrad
    lr: float = 1e-3
    schedule: Literal["decay", "cosine"] = "decay"  # cosine: to 0 at the last epoch
    decay: float = 0.97  # of the learning rate, after each epoch
    warmup: int = 0  # batches over which the learning rate rises linearly
    weight_decay: float = 0.01  # not of adam
    clip: float | None = None  # gradient norm is cut to this
    precision: Literal["fp32", "bf16"] = "fp32"  # bf16: products in bfloat16, weights and losses in float32
    compile: bool = False  # torch.compile
    keep: Literal["best", "last"] = "best"  # the epoch that becomes the checkpoint; best = by validation error
    every: int | None = None  # also keep each so many-th epoch
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least(1, self, "epochs", "accumulate", "every")
        _at_least(2, self, "batch", "epoch_windows")
        _at_least(0, self, "warmup", "weight_decay")
        for name in ("lr", "decay", "clip"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise PstmoError(f"{name} must be above 0, found {value}")


@dataclass(frozen=True)
class Recipe:
    """The stages of one model, and how its windows are made."""

    model: ModelConfig
    masking: Masking
    pretrain: Optimisation
    finetune: Optimisation
    refine: Optimisation = Optimisation(lr=1e-5)  # of lifter and module alike; the official code's `lr_refine`
    tds: int = 1  # temporal downsampling: recorded frames (of 50 a second) between two frames of a window
    rates: tuple[float, float] | None = None  # frames a second of windows, drawn between these; None = as tds says
    framing: Literal["screen", "person", "facing"] = (
        "screen"  # how keypoints are put before the network; see framing.py
    )

    def __post_init__(self) -> None:
        _at_least(1, self, "tds")
        if self.rates is not None and not 0 < self.rates[0] <= self.rates[1]:
            raise PstmoError(f"rates must be the least and the most, both above 0, found {self.rates}")


_S243 = ModelConfig(strides=STRIDES[243], depth=3, dropout=0.1)
_PAPER = Optimisation(lr=1e-4)
_QUICK = Optimisation(
    epochs=10,
    epoch_windows=25_600,
    batch=256,
    optimizer="muon",
    lr=2e-3,
    schedule="cosine",
    warmup=100,
    clip=1.0,
    precision="bf16",
)
_LIVE = Recipe(
    ModelConfig(strides=STRIDES[27], dropout=0.0),
    Masking(0.8, 2),
    _QUICK,
    replace(_QUICK, epochs=50),
    rates=(20.0, 60.0),
    framing="facing",
)

PRESETS = {
    "cmu-w27": _LIVE,
    "cmu-w81": replace(_LIVE, model=replace(_LIVE.model, strides=STRIDES[81])),
    "cmu-w243": replace(_LIVE, model=replace(_LIVE.model, strides=STRIDES[243])),
    "p-stmo-s": Recipe(_S243, Masking(0.8, 2), _PAPER, replace(_PAPER, lr=7e-4), tds=2),
    "p-stmo-s-gt": Recipe(_S243, Masking(0.8, 7), _PAPER, replace(_PAPER, lr=1e-3), tds=2),
    "p-stmo": Recipe(replace(_S243, depth=4), Masking(0.6, 3), _PAPER, replace(_PAPER, lr=1e-3), tds=2),
    "p-stmo-s-3dhp": Recipe(
        replace(_S243, strides=STRIDES[81]), Masking(0.7, 2), _PAPER, replace(_PAPER, lr=7e-4), tds=1
    ),
}
"""Recipes of the weights that come with the package, and the paper's (section 4.2 and supplement)."""
