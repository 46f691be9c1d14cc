"""Laws of the networks and of the blocks they are made of."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pstmo.errors import PstmoError
from pstmo.model.encoder import Encoder
from pstmo.model.layers import Block, FrameConv, Norm, SelfAttention, attend
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.presets import STRIDES, ModelConfig

TINY = ModelConfig(strides=(3, 3), depth=2, width=16, hidden=32, heads=2, dropout=0.0)
modes = pytest.mark.parametrize("training", [False, True], ids=["evaluating", "training"])


@pytest.fixture(autouse=True)
def _same_chance():
    torch.manual_seed(0)


def masked(training: bool = False) -> MaskedPoseModel:
    return MaskedPoseModel(TINY).train(training)


def masks(batch: int, frames: int = 9, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Five frames and four joints a frame hidden, differently in every window."""
    chance = torch.Generator().manual_seed(seed)
    frame = torch.rand(batch, frames, generator=chance).argsort(-1) < 5
    joint = torch.rand(batch, frames, 17, generator=chance).argsort(-1) < 4
    return frame, joint


def hidden(frames: Tensor, joints: Tensor) -> Tensor:
    return frames[..., None] | joints


@pytest.mark.parametrize("window", [9, 27, 81])
def test_a_window_becomes_the_pose_of_its_centre(window):
    network = STMO(replace(TINY, strides=STRIDES[window], joints_in=25, joints_out=16))
    prediction = network(torch.randn(2, window, 25, 2))
    assert prediction.centre.shape == (2, 16, 3)
    assert prediction.sequence.shape == (2, window, 16, 3)


@pytest.mark.parametrize("window", [243, 351])
def test_long_windows_work_at_full_width(window):
    network = STMO(ModelConfig(strides=STRIDES[window])).eval()
    with torch.inference_mode():
        prediction = network(torch.randn(1, window, 17, 2))
    assert prediction.centre.shape == (1, 17, 3)
    assert prediction.centre.isfinite().all()


@pytest.mark.parametrize("strides", [(3, 3), (3, 9), (1, 5)])
def test_every_frame_and_joint_has_a_say_in_the_centre(strides):
    network = STMO(replace(TINY, strides=strides)).eval()
    window = torch.randn(1, network.config.frames, 17, 2, requires_grad=True)
    network(window).centre.square().sum().backward()
    assert window.grad is not None
    assert (window.grad != 0).all()


def test_windows_do_not_change_each_other():
    network = STMO(TINY).eval()
    x = torch.randn(3, 9, 17, 2)
    together = network(x)
    for i in range(3):
        alone = network(x[i : i + 1])
        torch.testing.assert_close(alone.centre[0], together.centre[i], atol=1e-5, rtol=0)
        torch.testing.assert_close(alone.sequence[0], together.sequence[i], atol=1e-5, rtol=0)


def test_the_order_of_the_frames_matters():
    network = STMO(TINY).eval()
    x = torch.randn(1, 9, 17, 2)
    assert (network(x).centre - network(x.flip(1)).centre).abs().max() > 1e-4


def test_dropout_is_for_training_only():
    network = STMO(replace(TINY, dropout=0.5))
    x = torch.randn(4, 9, 17, 2)
    assert not torch.equal(network(x).centre, network(x).centre)
    network.eval()
    assert torch.equal(network(x).centre, network(x).centre)


def test_gradients_are_the_same_bits_each_time():
    """Of the positions, too, which many windows share: what two threads add up in turns of their own is not."""
    encoder = Encoder(replace(TINY, strides=(3, 3, 3, 3, 3), width=64, depth=1))
    encoder.temporal = nn.Sequential()
    frames = torch.stack([torch.randperm(243)[:48] for _ in range(128)])
    tokens, weights = torch.randn(2, 128, 48, 64)

    def gradient() -> torch.Tensor:
        return torch.autograd.grad((encoder.over_time(tokens, frames) * weights).sum(), encoder.position)[0]

    torch.set_num_threads(2)
    try:
        first = gradient()
        assert all(torch.equal(gradient(), first) for _ in range(20))
    finally:
        torch.set_num_threads(1)


@modes
@pytest.mark.parametrize("rubbish", [float("nan"), 1e4], ids=str)
def test_hidden_frames_and_joints_are_not_read(training, rubbish):
    network, x, (frames, joints) = masked(training), torch.randn(4, 9, 17, 2), masks(4)
    clean = network(x, frames, joints)
    dirty = torch.where(hidden(frames, joints)[..., None], rubbish, x)
    assert torch.equal(network(dirty, frames, joints), clean)
    seen = torch.where(hidden(frames, joints)[..., None], x, x + 1)
    assert not torch.equal(network(seen, frames, joints), clean)


def test_what_is_hidden_leaves_no_trace_in_the_statistics():
    """Batch norm's running mean would carry it from training into evaluation."""
    x, (frames, joints) = torch.randn(4, 9, 17, 2), masks(4)
    after = []
    for values in (x, torch.where(hidden(frames, joints)[..., None], 100.0, x)):
        torch.manual_seed(0)
        network = masked(training=True)
        network(values, frames, joints)
        after.append(network.state_dict())
    for name, tensor in after[0].items():
        assert torch.equal(tensor, after[1][name]), name


@modes
@pytest.mark.parametrize("joint", range(17))
def test_each_joint_can_be_hidden(joint, training):
    network = masked(training)
    frames, joints = torch.zeros(9, dtype=torch.bool), torch.zeros(9, 17, dtype=torch.bool)
    joints[:, joint] = True
    x = torch.randn(3, 9, 17, 2)
    other = x.clone()
    other[:, :, joint] += 1
    assert torch.equal(network(other, frames, joints), network(x, frames, joints))
    joints[:, joint] = False
    assert not torch.equal(network(other, frames, joints), network(x, frames, joints))


def test_one_mask_for_all_is_the_same_mask_for_each():
    network, x, (frames, joints) = masked(), torch.randn(3, 9, 17, 2), masks(1)
    each = network(x, frames.expand(3, -1), joints.expand(3, -1, -1))
    assert torch.equal(network(x, frames[0], joints[0]), each)


def test_windows_with_masks_of_their_own_are_drawn_as_if_alone():
    network, x, (frames, joints) = masked(), torch.randn(3, 9, 17, 2), masks(3)
    assert not torch.equal(frames[0], frames[1])
    together = network(x, frames, joints)
    for i in range(3):
        alone = network(x[i : i + 1], frames[i], joints[i])
        torch.testing.assert_close(alone[0], together[i], atol=1e-5, rtol=0)


def test_changing_what_one_window_hides_changes_no_window():
    network, x, (frames, joints) = masked(), torch.randn(3, 9, 17, 2), masks(3)
    other = x.clone()
    other[1][hidden(frames, joints)[1]] += 1
    assert torch.equal(network(other, frames, joints), network(x, frames, joints))
    other = x.clone()
    other[0][hidden(frames, joints)[1] & ~hidden(frames, joints)[0]] += 1  # hidden in another window, seen in this one
    changed = (network(other, frames, joints) != network(x, frames, joints)).flatten(1).any(1)
    assert changed.tolist() == [True, False, False]


def test_every_frame_is_drawn_wherever_the_hidden_ones_are():
    network, x = masked(), torch.randn(2, 9, 17, 2)
    for frame in range(9):
        frames = torch.arange(9) != frame
        drawn = network(x, frames, torch.zeros(9, 17, dtype=torch.bool))
        assert drawn.shape == x.shape
        assert drawn.isfinite().all()


def test_windows_must_hide_as_many_frames_as_each_other():
    x, joints = torch.randn(2, 9, 17, 2), torch.zeros(2, 9, 17, dtype=torch.bool)
    frames = torch.zeros(2, 9, dtype=torch.bool)
    frames[0, 0] = True
    with pytest.raises(PstmoError, match="between 8 and 9"):
        masked()(x, frames, joints)
    with pytest.raises(PstmoError, match="at least 1; found between 0 and 0"):
        masked()(x, torch.ones(2, 9, dtype=torch.bool), joints)


def test_the_pretrained_encoder_moves_over_whole():
    pretrained, network = masked(), STMO(TINY)
    network.encoder.load_state_dict(pretrained.encoder.state_dict(), strict=True)
    x = torch.randn(2, 9, 17, 2)
    assert torch.equal(network.eval().encoder(x), pretrained.encoder(x))


def test_the_gradient_of_lifting_reaches_every_parameter():
    network = STMO(replace(TINY, strides=(3, 3, 3)))
    prediction = network(torch.randn(4, 27, 17, 2))
    (prediction.sequence - 1).norm(dim=-1).mean().add((prediction.centre - 1).norm(dim=-1).mean()).backward()
    assert_gradients(network)


def test_the_gradient_of_drawing_reaches_every_parameter():
    network, (frames, joints) = masked(training=True), masks(8)
    assert (~frames).any(0).all()  # so that each position is seen in some window
    x = torch.randn(8, 9, 17, 2)
    (network(x, frames, joints) - x).norm(dim=-1).mean().backward()
    assert_gradients(network)


def assert_gradients(network: nn.Module) -> None:
    """Biases apart: before a norm and in keys they have no gradient but rounding."""
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        if not name.endswith("bias"):
            rows = parameter.grad.flatten(1) if parameter.ndim > 1 else parameter.grad[:, None]
            assert (rows.norm(dim=1) > 0).float().mean() > (0.99 if "position" in name else 0.5), name


def heads(*shape: int) -> Tensor:
    return torch.randn(shape, requires_grad=True)


@pytest.mark.parametrize("frames", [1, 7])
def test_attention_is_scaled_dot_product_attention_in_value_and_gradient(frames):
    q, k, v = (heads(2, 4, frames, 8) for _ in range(3))
    weight = torch.randn(2, 4, frames, 8)
    found, expected = attend(q, k, v, dropout=0.0), F.scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(attend(q, k, v, dropout=0.0), expected, atol=1e-6, rtol=1e-5)
    ours = torch.autograd.grad((found * weight).sum(), (q, k, v))
    theirs = torch.autograd.grad((expected * weight).sum(), (q, k, v))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def test_dropout_of_attention_keeps_the_mean():
    q, k = heads(1, 2, 5, 4), heads(1, 2, 5, 4)
    v = torch.ones(1, 2, 5, 4)  # whatever is attended to, the mean is 1
    drawn = torch.stack([attend(q, k, v, dropout=0.3) for _ in range(2000)])
    assert drawn.std() > 0.1
    torch.testing.assert_close(drawn.mean(0), v, atol=0.1, rtol=0)


def test_attention_in_half_precision_is_near_that_in_full():
    attention = SelfAttention(16, 2, dropout=0.0)
    x = torch.randn(2, 9, 16)
    full = attention(x)
    with torch.autocast("cpu", torch.bfloat16):
        half = attention(x)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), full, atol=0.03, rtol=0)


@pytest.mark.parametrize("stride", [1, 3, 9, 13])
@pytest.mark.parametrize("times", [1, 4])
def test_frame_convolution_is_a_convolution(stride, times):
    ours, theirs = FrameConv(6, 5, stride), nn.Conv1d(6, 5, 3, stride, padding=1)
    with torch.no_grad():
        ours.weight.copy_(theirs.weight)
        ours.bias.copy_(theirs.bias)
    x = torch.randn(2, stride * times, 6)
    expected = theirs(x.mT).mT
    assert expected.shape == (2, times, 5)
    torch.testing.assert_close(ours(x), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("stride", [None, 1, 3])
def test_a_block_that_adds_nothing_keeps_every_frame_or_one_a_stride(stride):
    block = Block(16, 32, 2, dropout=0.0, stride=stride)
    for layer in (block.attention.out, block.mlp[3]):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    x = torch.randn(2, 9, 16)
    assert torch.equal(block(x), x[:, :: stride or 1])


@pytest.mark.parametrize("size", [0.1, 1.0, 100.0])
def test_norm_is_the_official_formula(size):
    norm = Norm(32)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = size * torch.randn(2, 9, 32) + 1
    official = norm.weight * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) + norm.bias
    torch.testing.assert_close(norm(x), official, atol=1e-5 if size >= 1 else 1e-4, rtol=0)
    biased = norm.weight * (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True, correction=0) + norm.bias
    assert (norm(x) - biased).abs().max() > 1e-3


def test_norm_of_equal_values_is_its_bias():
    norm = Norm(32)
    nn.init.normal_(norm.bias)
    assert torch.equal(norm(torch.ones(1, 1, 32)), norm.bias[None, None])


def queries_keys_values(network: nn.Module) -> list[tuple[Tensor, ...]]:
    return [module.qkv.weight.chunk(3) for module in network.modules() if isinstance(module, SelfAttention)]


def test_queries_keys_and_values_start_different():
    for q, k, v in queries_keys_values(STMO(TINY)):
        for a, b in ((q, k), (q, v), (k, v)):
            assert (a - b).abs().mean() > 0.1


def test_fresh_networks_differ_unless_the_seed_is_the_same():
    first, second = STMO(TINY), STMO(TINY)
    torch.manual_seed(0)
    again = STMO(TINY)
    assert torch.equal(first.encoder.position, again.encoder.position)
    assert not torch.equal(first.encoder.position, second.encoder.position)


def test_refined_joints_lie_between_their_two_guesses_and_keep_their_depth():
    lifted, back = torch.randn(3, 17, 3), torch.randn(3, 17, 3)
    refined = Refine(width=32).eval()(lifted, back)
    assert torch.equal(refined[..., 2], lifted[..., 2])
    low, high = torch.minimum(lifted, back)[..., :2], torch.maximum(lifted, back)[..., :2]
    assert ((low <= refined[..., :2]) & (refined[..., :2] <= high)).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"strides": ()}, "strides must be odd, .*found none"),
        ({"strides": (3, 0)}, "strides must be odd, .*found 3,0"),
        ({"strides": (-3, -3)}, "strides must be odd, .*found -3,-3"),
        ({"strides": (3, 2)}, "strides must be odd, .*centre; found 3,2, a window of 6 frames$"),
        ({"depth": 0}, "^depth must be at least 1, found 0$"),
        ({"spatial": -1}, "^spatial must be at least 0, found -1$"),
        ({"heads": 0}, "^heads must be at least 1, found 0$"),
        ({"hidden": 0}, "^hidden must be at least 1, found 0$"),
        ({"joints_in": 0}, "^joints_in must be at least 1, found 0$"),
        ({"joints_out": -1}, "^joints_out must be at least 1, found -1$"),
        ({"width": 0}, "^width must be at least 1, found 0$"),
        ({"width": 250}, r"width .*heads \(8\), found 250$"),
        ({"width": 8}, r"width .*heads \(8\), found 8$"),
        ({"positioned": 6}, "^positioned must be 0 to 5 aggregator blocks, found 6$"),
        ({"dropout": 1.0}, "dropout.*1.0"),
        ({"dropout": -0.1}, "dropout.*-0.1"),
        ({"dropout": float("nan")}, "dropout.*nan"),
    ],
)
def test_each_mistake_in_a_config_is_said(change, said):
    with pytest.raises(PstmoError, match=said):
        ModelConfig(**change)


def test_the_window_is_the_product_of_the_strides():
    assert ModelConfig(strides=(3, 9, 13)).frames == 351
    assert all(ModelConfig(strides=strides).frames == window for window, strides in STRIDES.items())


@pytest.mark.parametrize(("positioned", "count"), [(None, 3), (2, 2), (0, 0)])
def test_as_many_blocks_have_a_position_as_the_config_says(positioned, count):
    network = STMO(replace(TINY, strides=(3, 3, 3), positioned=positioned)).eval()
    assert [len(position) for position in network.aggregator.positions] == [27, 9, 3][:count]
    assert network(torch.randn(1, 27, 17, 2)).centre.shape == (1, 17, 3)


@pytest.mark.parametrize("shape", [(2, 9, 17, 3), (9, 17, 2), (2, 9, 34)])
def test_a_wrong_shape_is_named(shape):
    with pytest.raises(TypeError, match="keypoints"):
        STMO(TINY)(torch.randn(shape))


def test_masks_of_a_wrong_shape_are_named():
    with pytest.raises(TypeError, match="hidden_joints"):
        masked()(torch.randn(2, 9, 17, 2), torch.zeros(9, dtype=torch.bool), torch.zeros(9, 16, dtype=torch.bool))
