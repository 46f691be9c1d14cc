"""The last stage: a refine module is trained on top of a lifter, and the lifter with it (paper, section 4.2)."""

import zlib
from dataclasses import asdict
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pstmo import checkpoint
from pstmo.camera import Intrinsics, back_project_pose
from pstmo.chance import Chance
from pstmo.checkpoint import Checkpoint
from pstmo.errors import PstmoError
from pstmo.metrics import mpjpe
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.presets import Optimisation
from pstmo.training.engine import Engine
from pstmo.training.loop import Run
from pstmo.training.rows import checksum
from pstmo.training.sources import Batch, PairedWindows, Source, validation_batches
from pstmo.training.stage import check_fit, check_joints, described

FILE, MODULE = "model.safetensors", "refine.safetensors"


class Refined(nn.Module):
    """A lifter and the refine module that goes over its poses, as one network. root: number of the root joint."""

    def __init__(self, lifter: STMO, refine: Refine, root: int):
        super().__init__()
        self.lifter, self.refine, self.root = lifter, refine, root

    def forward(
        self, keypoints: Float[Tensor, "batch frames joints 2"], sight: Float[Tensor, "batch joints 3"]
    ) -> Float[Tensor, "batch joints 3"]:
        """The refined pose of the centre frame, metres, the root joint near 0. sight: see `sources.Batch`."""
        lifted = self.lifter(keypoints).centre.float()
        rays, root_depth = sight[..., :2], sight[:, self.root, 2]
        one, none = sight.new_ones(2), sight.new_zeros(3)
        screen = Intrinsics(one, none[:2], none, none[:2])  # of a camera on whose screen rays are what they are
        return self.refine(lifted, back_project_pose(rays, lifted[..., 2], root_depth, self.root, screen))


def refine(
    source: Source,
    validation: Source,
    folder: Path,
    optimisation: Optimisation,
    lifter: Path,
    engine: Engine | None = None,
) -> Path:
    """Trains a new refine module and a lifter; the best of both become `folder/refine.safetensors` and
    `folder/model.safetensors`, whose path is given back.

    Only the centre frame counts: the lifter's head for all frames keeps its weights. lifter: stage II's checkpoint. A
    folder with a run's state goes on from there. Of the two files the lifter is written last, and the state after both:
    what a kill leaves of different epochs, the run that goes on writes again.

    Raises as `Run.train` does; PstmoError where the data is not recorded, its cameras or roots are not known, 2D and 3D
    do not have the same joints, or the framing is not "screen"; CheckpointError where the lifter is none.
    """
    start = checkpoint.load(lifter)
    network = checkpoint.expect(start.network, STMO, lifter)
    check_fit(source, validation, network.config)
    cameras, _ = (_cameras(windows, start) for windows in (source, validation))
    check_joints(source, start, lifter)
    engine = engine or Engine()
    torch.manual_seed(optimisation.seed)
    module, frames = Refine(len(start.poses)), network.config.frames
    module.check_fit(start.keypoints, start.poses)
    network.sequence_head.requires_grad_(False)  # several processes would wait for its gradients
    both = Refined(network, module, start.poses.root_index)
    held_out = validation_batches(validation, frames, device=engine.device)

    def loss(network: nn.Module, batch: Batch, chance: Chance) -> Tensor:
        return mpjpe(network(batch.keypoints, batch.sight), batch.poses[:, frames // 2]).mean()

    @torch.inference_mode()
    def validate() -> float:
        """MPJPE of the refined poses, millimetres."""
        both.eval()
        chance = engine.chance()  # for nothing
        return engine.mean([(1000 * loss(both, b, chance).item(), len(b.poses)) for b in engine.mine(held_out)])

    def keep(path: Path) -> None:
        beside = MODULE if path.name == FILE else f"refine-{path.name}"
        checkpoint.save(path.with_name(beside), described(module, source, folder))
        checkpoint.save(path, described(network, source, folder))

    start_facts = {"cameras": cameras, "lifter": zlib.crc32(lifter.read_bytes())}
    facts = {"stage": "refine", "model": asdict(network.config)} | source.facts | start_facts
    Run(both, source, frames, loss, validate, keep, optimisation, facts, folder, FILE, engine).train()
    return folder / FILE


def _cameras(windows: Source, lifter: Checkpoint) -> int:
    """A checksum of lenses and roots. Raises PstmoError where they are not known, or windows not as the lifter's."""
    if not isinstance(windows, PairedWindows):
        raise PstmoError("refining needs recorded 2D and 3D of known cameras, found motion for virtual cameras to film")
    for what, framing in (("the data", windows.framing), ("the lifter", lifter.framing)):
        if framing != "screen":
            raise PstmoError(f"refining needs framing 'screen', {what} has {framing!r}")
    if windows.lenses is None or windows.roots is None:
        lacking = "lens of every camera" if windows.lenses is None else "root's place in every measured frame"
        raise PstmoError(f"refining needs the {lacking}, which the data does not have")
    return checksum(windows.roots, windows.lenses.focal, windows.lenses.centre)
