"""Laws of what fills gaps: it draws what is hidden, from what is seen, and touches nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cmu_files import walker as walking_person
from conftest import SMALL, keypoints
from test_training import PEOPLE, QUICK, sources, write_motion
from torch import Tensor

from pstmo import checkpoint
from pstmo.chance import Chance
from pstmo.checkpoint import Checkpoint
from pstmo.gaps import Filler
from pstmo.model.filler import GapFiller
from pstmo.presets import Masking
from pstmo.sequence import Keypoints
from pstmo.skeleton import COCO, HUMAN36M
from pstmo.track import Track
from pstmo.training.filling import filling_loss, hidden_joints, learn_to_fill, off, seen_at_all
from pstmo.training.sources import Batch

GAPS = Masking(0.0, 0, gaps=0.3)


@pytest.fixture(scope="module")
def network() -> GapFiller:
    torch.manual_seed(0)
    return GapFiller(SMALL).eval()


@pytest.fixture(scope="module")
def filler(network: GapFiller, tmp_path_factory: pytest.TempPathFactory) -> Filler:
    path = tmp_path_factory.mktemp("filler") / "fill.safetensors"
    checkpoint.save(path, Checkpoint(network, COCO, HUMAN36M, "fill", rate=25.0))
    return Filler.load(path)


def windows() -> tuple[Tensor, Tensor]:
    """Some windows, and what is observed in them."""
    torch.manual_seed(1)
    xy = torch.rand(8, SMALL.frames, 17, 2)
    hidden = hidden_joints(GAPS, Batch(xy, torch.zeros(8, SMALL.frames, 17, 3)), Chance.of(3))
    assert hidden.any()
    return xy, ~hidden


def clip(frames: int = 60) -> Keypoints:
    seen = keypoints(frames)
    xy = seen.xy.copy()
    xy[10:20, 9] = torch.nan
    xy[30:35] = torch.nan
    xy[:, 4] = torch.nan
    return Keypoints.from_array(xy, image_size=seen.image_size, fps=seen.fps)


def test_what_was_observed_stays_and_is_certain(network: GapFiller):
    xy, observed = windows()
    drawn = network(xy, observed)
    assert (drawn.xy[observed] == xy[observed]).all()
    assert (drawn.error[observed] == 0).all()
    assert (drawn.error[~observed] > 0).all()
    assert (drawn.xy[~observed] != xy[~observed]).any()


def test_hidden_values_are_not_read(network: GapFiller):
    xy, observed = windows()
    somebody = observed.any(2).any(1)
    others = torch.where(observed[..., None], xy, 1e3)
    torch.testing.assert_close(network(others, observed).xy[somebody], network(xy, observed).xy[somebody])


def test_it_does_not_matter_where_and_how_large_somebody_is(network: GapFiller):
    xy, observed = windows()
    drawn, elsewhere = network(xy, observed), network(3 * xy + 5, observed)
    torch.testing.assert_close(elsewhere.xy, 3 * drawn.xy + 5, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(elsewhere.error, 3 * drawn.error, atol=1e-4, rtol=1e-3)


def test_a_clip_is_filled_and_its_mirror_image_as_the_mirror_image(filler: Filler):
    track = Track.of(clip(), torch.device("cpu"))
    xy, error = filler.draw(track)
    assert torch.isfinite(xy).all()
    assert torch.isfinite(error).all()
    assert (xy[track.observed] == track.filled[track.observed]).all()
    assert ((error > 0) == ~track.observed).all()
    order = list(COCO.mirrored)
    flipped = track.filled[:, order] * torch.tensor([-1, 1])
    other = replace(track, filled=flipped, observed=track.observed[:, order])
    torch.testing.assert_close(filler.draw(other)[0], xy[:, order] * torch.tensor([-1, 1]), atol=1e-5, rtol=0)


def test_where_nobody_is_seen_for_long_there_is_but_a_line(filler: Filler):
    seen = keypoints(100)
    xy = seen.xy.copy()
    xy[20:80] = torch.nan
    track = Track.of(Keypoints.from_array(xy, image_size=seen.image_size, fps=seen.fps), torch.device("cpu"))
    drawn, error = filler.draw(track)
    assert (drawn[50] == track.filled[50]).all()
    assert torch.isinf(error[50]).all()
    assert torch.isfinite(error[20]).all()


def test_it_learns_to_draw(network: GapFiller):
    """A joint that always lies between two others, which a line in time cannot know."""
    torch.manual_seed(0)
    xy = torch.rand(64, SMALL.frames, 17, 2)
    xy[:, :, 8] = (xy[:, :, 7] + xy[:, :, 9]) / 2
    observed = torch.ones(64, SMALL.frames, 17, dtype=torch.bool)
    observed[:, 2:7, 8] = False
    learner = GapFiller(SMALL).train()
    optimizer = torch.optim.Adam(learner.parameters(), lr=3e-3)
    first = off(learner(xy, observed), xy)[~observed].mean()
    for _ in range(60):
        optimizer.zero_grad()
        drawn = learner(xy, observed)
        off(drawn, xy)[~observed].mean().backward()
        optimizer.step()
    assert off(learner(xy, observed), xy)[~observed].mean() < 0.5 * first


def test_the_loss_is_least_where_the_expected_error_is_the_mean_one():
    class Fixed(GapFiller):
        error = 1.0

        def forward(self, keypoints: Tensor, observed: Tensor):  # type: ignore[override]
            drawn = super().forward(keypoints, observed)
            found = keypoints + 0.2 * (~observed)[..., None] * torch.tensor([0.6, 0.8])
            return drawn._replace(xy=found, error=torch.full_like(drawn.error, self.error), size=torch.ones(8))

    xy, _ = windows()
    batch, network, losses = Batch(xy, torch.zeros(8, SMALL.frames, 17, 3)), Fixed(SMALL), {}
    for network.error in (0.1, 0.2, 0.4):
        losses[network.error] = filling_loss(GAPS)(network, batch, Chance.of(3)).item()
    assert min(losses, key=losses.__getitem__) == 0.2


def test_windows_in_which_nobody_is_seen_do_not_count():
    hidden = torch.ones(2, 9, 17, dtype=torch.bool)
    hidden[1, 0, 0] = False
    assert not seen_at_all(hidden)[0].any()
    assert seen_at_all(hidden)[1].sum() == 9 * 17 - 1


def test_another_kind_of_checkpoint_is_refused(small_checkpoint: Path):
    with pytest.raises(checkpoint.CheckpointError, match="is a lifter, expected a filler of gaps"):
        Filler.load(small_checkpoint)


def test_what_learned_to_fill_is_a_filler(tmp_path: Path):
    """Its error falls; the file that it leaves fills gaps."""
    people = write_motion(tmp_path / "motion.npz", walking_person(tmp_path, 49, 60.0).positions, PEOPLE)
    path = learn_to_fill(*sources(people), tmp_path / "out", SMALL, GAPS, replace(QUICK, epochs=2, epoch_windows=64))
    log = [json.loads(line) for line in (tmp_path / "out/log.jsonl").read_text().splitlines()]
    assert log[-1]["validation"] < log[0]["validation"]
    assert path == tmp_path / "out/filler.safetensors"
    track = Track.of(clip(), torch.device("cpu"))
    drawn, error = Filler.load(path).draw(track)
    assert (drawn[track.observed] == track.filled[track.observed]).all()
    assert torch.isfinite(drawn).all()
    assert ((error > 0) == ~track.observed).all()
