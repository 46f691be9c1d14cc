"""The network as it lifts gives the poses of the network as it was trained."""

from dataclasses import replace

import pytest
import torch
from conftest import SMALL
from torch import nn

import pstmo
from pstmo.files import read_keypoints
from pstmo.framing import FRAMINGS
from pstmo.model.folded import folded, mean_person
from pstmo.model.stmo import STMO
from pstmo.presets import ModelConfig
from pstmo.samples import KEYPOINTS
from pstmo.skeleton import COCO
from pstmo.track import Track

SHAPES = {
    "small": SMALL,
    "no residual": replace(SMALL, spatial=0),
    "deep": replace(SMALL, spatial=2, depth=3, strides=(3, 3, 3)),
    "official": replace(SMALL, strides=(3, 3, 3, 3), positioned=3),
    "dropout": replace(SMALL, dropout=0.3),
}


def trained(config: ModelConfig) -> STMO:
    """Norms as training leaves them: with means and gains of their own."""
    torch.manual_seed(0)
    network = STMO(config).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
        if isinstance(module, nn.BatchNorm1d | nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    return network


@pytest.mark.parametrize("config", SHAPES.values(), ids=list(SHAPES))
def test_folding_changes_no_pose(config: ModelConfig):
    network, keypoints = trained(config), torch.randn(4, config.frames, 17, 2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.inference_mode():
        found, wanted = folded(network)(keypoints), network(keypoints)
    torch.testing.assert_close(found.centre, wanted.centre, atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(found.sequence, wanted.sequence, atol=2e-5, rtol=1e-5)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_nothing_is_left_to_fold():
    for precision in ("fp32", "bf16"):
        kinds = {type(module) for module in folded(trained(SMALL), precision).modules()}
        assert not kinds & {nn.BatchNorm1d, nn.LayerNorm}


def test_the_mean_person_is_the_mean_of_the_training():
    torch.manual_seed(0)
    network = STMO(SMALL).train()
    people = 0.3 * torch.randn(500, 17, 2) + torch.randn(17, 2)
    network.encoder.spatial.layers[1].momentum = None  # averages over all that it sees
    network(people[:, None].expand(-1, SMALL.frames, -1, -1))
    person = mean_person(network)
    torch.testing.assert_close(person, people.mean(0).expand(SMALL.frames, -1, -1), atol=1e-4, rtol=0)


def test_bfloat16_knows_the_mean_person_exactly():
    """All of a frame that is not special about a person comes from float32."""
    network = trained(replace(SMALL, strides=(3, 3, 3)))
    person = mean_person(network)[None]
    with torch.inference_mode():
        wanted = network(person).sequence.mean(1)
        with torch.autocast("cpu", torch.bfloat16):
            plain = network(person).sequence.float().mean(1)
        found = folded(network, "bf16")(person).sequence.mean(1)
    assert (found - wanted).abs().max() < 0.2 * (plain - wanted).abs().max()


def test_bfloat16_of_shipped_weights_is_close_on_real_keypoints():
    """A millimetre or so; products in bfloat16 as they come err three times as much."""
    lifter, seen = pstmo.load("cmu-w27"), read_keypoints(KEYPOINTS)
    track = Track.of(seen.to(COCO), torch.device("cpu"))
    places = track.places(torch.arange(0, len(track), 5), torch.arange(27) - 13)
    windows = track.windows(places)
    seen = FRAMINGS["facing"](windows, windows.new_full((len(windows),), track.focal)).keypoints
    with torch.inference_mode():
        wanted = lifter.network(seen).centre
        with torch.autocast("cpu", torch.bfloat16):
            plain = (lifter.network(seen).centre.float() - wanted).norm(dim=-1).mean()
        close = (folded(lifter.network, "bf16")(seen).centre - wanted).norm(dim=-1).mean()
    assert close < 2e-3
    assert close < 0.6 * plain
