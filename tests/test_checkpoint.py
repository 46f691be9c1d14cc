"""Laws of checkpoint files: what goes in comes out, and what is no checkpoint is refused with its name."""

import json
import pickle
import random
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from parity import weights
from safetensors.torch import load_file, save_file
from torch import Tensor

import pstmo
from pstmo import checkpoint
from pstmo.checkpoint import Checkpoint
from pstmo.errors import CheckpointError, PstmoError
from pstmo.model.masked import MaskedPoseModel
from pstmo.model.refine import Refine
from pstmo.model.stmo import STMO
from pstmo.official import Official, export_official, import_official, to_official
from pstmo.presets import ModelConfig
from pstmo.skeleton import BODY25, COCO, HUMAN36M, Skeleton

PARITY = Path(__file__).parent / "parity"
TINY = ModelConfig(strides=(3, 3), depth=2, width=16, hidden=32, heads=2, dropout=0.0, positioned=1)
OFFICIAL = ModelConfig(strides=(3, 3, 3), depth=2, width=16, hidden=32, heads=8)
LEFT_OUT = object()
FORMAT = "pstmo checkpoint 1"
NETWORKS = {"stmo": lambda: STMO(TINY), "masked": lambda: MaskedPoseModel(TINY), "refine": lambda: Refine(width=16)}


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def stirred(network: Official) -> Official:
    """Values everywhere, also where a fresh network has zeros and ones."""
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.copy_(torch.rand(tensor.shape) + 0.01 if tensor.is_floating_point() else torch.tensor(7))
    return network.eval()


def saved(path: Path, network: Official | None = None, half: bool = False) -> Path:
    checkpoint.save(path, Checkpoint(network or stirred(STMO(TINY)), COCO, HUMAN36M, "tiny"), half)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return saved(tmp_path / "tiny.safetensors")


def rewritten(path: Path, facts: dict | None = None, **entries: Tensor | None) -> Path:
    """The file with some of its entries or its description exchanged; None = left out."""
    found = load_file(path) | entries
    description = description_of(path) if facts is None else facts
    keep = {name: tensor for name, tensor in found.items() if tensor is not None}
    save_file(keep, path, {"format": FORMAT, "pstmo": json.dumps(description)})
    return path


def description_of(path: Path) -> dict:
    size = int.from_bytes(path.read_bytes()[:8], "little")
    return json.loads(json.loads(path.read_bytes()[8 : 8 + size])["__metadata__"]["pstmo"])


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) and a[name].dtype == b[name].dtype for name in a)


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_is_saved_comes_back(kind, tmp_path):
    network = stirred(NETWORKS[kind]())
    network.unread = {"norm.a_2": torch.rand(4), "rest": torch.rand(1, 6, 16)[:, -3:]}
    own = Skeleton("own", HUMAN36M.joints[::-1], (("hip", "spine"), ("thorax", "neck_nose")), root="spine")
    written = Checkpoint(network, COCO, own, "a name", "person", 29.97, {"data": "CMU", "error": {"mm": [40.5, 1]}})
    checkpoint.save(tmp_path / "x.safetensors", written)
    read = checkpoint.load(tmp_path / "x.safetensors")
    assert type(read.network) is type(network)
    assert same(read.network.state_dict(), network.state_dict())
    assert same(read.network.unread, network.unread)
    assert not read.network.training
    if not isinstance(network, Refine):
        assert read.network.config == network.config
    for fact in ("keypoints", "poses", "name", "framing", "rate", "facts"):
        assert getattr(read, fact) == getattr(written, fact), fact


def test_what_is_loaded_gives_the_same_poses(path, tmp_path):
    network = stirred(STMO(TINY))
    x = torch.randn(2, 9, 17, 2)
    read = checkpoint.load(saved(tmp_path / "x.safetensors", network)).network
    assert torch.equal(read(x).centre, network(x).centre)


def test_half_precision_rounds_and_takes_half_the_room(tmp_path):
    network = stirred(STMO(ModelConfig(strides=(3, 3), width=64, hidden=128)))
    network.unread = {"rest": torch.rand(5)}
    small, large = (saved(tmp_path / f"{half}.safetensors", network, half) for half in (True, False))
    assert small.stat().st_size < 0.6 * large.stat().st_size
    read = checkpoint.load(small).network
    exact = network.state_dict() | network.unread
    for name, tensor in (read.state_dict() | read.unread).items():
        assert tensor.dtype == exact[name].dtype, name
        torch.testing.assert_close(tensor, exact[name], rtol=2**-11, atol=2**-25, msg=name)
    assert not same(read.state_dict(), network.state_dict())


def other_safetensors(path: Path) -> None:
    save_file({"x": torch.zeros(3)}, path, {"format": "pt"})


BROKEN = {
    "empty": lambda path: path.write_bytes(b""),
    "one byte": lambda path: path.write_bytes(b"x"),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "a byte short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "a byte too long": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "random": lambda path: path.write_bytes(random.Random(0).randbytes(5000)),
    "zeros": lambda path: path.write_bytes(bytes(5000)),
    "text": lambda path: path.write_text("a checkpoint, I promise"),
    "another program's": other_safetensors,
    "without metadata": lambda path: save_file({"x": torch.zeros(3)}, path),
    "without description": lambda path: save_file({"x": torch.zeros(3)}, path, {"format": FORMAT}),
    "description cut off": lambda path: save_file({}, path, {"format": FORMAT, "pstmo": '{"kind": "stm'}),
    "PyTorch's": lambda path: torch.save({"x": torch.zeros(3)}, path),
    "old PyTorch's": lambda path: torch.save({}, path, _use_new_zipfile_serialization=False),
    "a pickle": lambda path: path.write_bytes(pickle.dumps(Touch(path.with_name("made")))),
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("read", [checkpoint.load, pstmo.load])
def test_what_is_no_checkpoint_is_refused_by_name(how, read, path):
    BROKEN[how](path)
    with pytest.raises(CheckpointError) as raised:
        read(path)
    assert str(path) in str(raised.value)
    assert not path.with_name("made").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pytorch_file_is_told_how_to_be_brought_in(zipped, path):
    torch.save({"x": torch.zeros(3)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"PyTorch file.*pstmo import"):
        checkpoint.load(path)


def test_a_later_format_is_not_guessed_at(path):
    save_file(load_file(path), path, {"format": "pstmo checkpoint 2", "pstmo": json.dumps(description_of(path))})
    with pytest.raises(CheckpointError, match=f"expected format '{FORMAT}'"):
        checkpoint.load(path)


@pytest.mark.parametrize(
    ("entry", "change", "said"),
    [
        ("encoder.position", None, "missing"),
        ("centre_head.layers.0.running_var", None, "missing"),
        ("encoder.positional", torch.zeros(3), "surplus"),
        ("encoder.position", torch.zeros(9, 17), r"shape \(9, 17\), expected \(9, 16\)"),
        ("encoder.spatial.layers.0.bias", torch.zeros(1), r"shape \(1,\), expected \(32,\)"),
    ],
)
def test_an_entry_that_does_not_fit_is_named(entry, change, said, path):
    rewritten(path, **{entry: change})
    with pytest.raises(CheckpointError, match=said) as raised:
        checkpoint.load(path)
    assert str(path) in str(raised.value)
    assert repr(entry) in str(raised.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        *((key, LEFT_OUT, key) for key in ("kind", "shape", "name", "keypoints", "poses", "framing", "rate")),
        ("facts", LEFT_OUT, "facts"),
        ("facts", 3, "description"),
        ("kind", "transformer", "transformer.*stmo, masked, filler, refine"),
        ("shape", {}, "strides"),
        ("shape", asdict(TINY) | {"width": -16}, "width must be at least 1, found -16"),
        ("shape", asdict(TINY) | {"width": "16"}, "description"),
        ("shape", asdict(TINY) | {"colour": "red"}, "colour"),
        ("keypoints", {"name": "coco17"}, "bones"),
        ("poses", 17, "description"),
        ("framing", "postcard", "postcard.*screen, person, facing"),
        ("rate", "fast", "fast"),
        ("rate", 0, "rate of 0"),
        ("rate", float("nan"), "rate of nan"),
        ("keypoints", asdict(BODY25), "body25"),
        ("poses", asdict(BODY25), "body25"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused_by_name(key, value, said, path):
    facts = description_of(path) | {key: value}
    rewritten(path, {name: fact for name, fact in facts.items() if fact is not LEFT_OUT})
    with pytest.raises(CheckpointError, match=said) as raised:
        checkpoint.load(path)
    assert str(path) in str(raised.value)


def test_stage_one_checkpoints_do_not_lift(tmp_path):
    path = saved(tmp_path / "stage1.safetensors", MaskedPoseModel(TINY))
    with pytest.raises(CheckpointError, match="stage I checkpoint, expected a lifter") as raised:
        pstmo.load(path)
    assert str(path) in str(raised.value)


def test_unknown_weights_are_answered_with_the_known_ones():
    with pytest.raises(CheckpointError, match="no-such-weights") as raised:
        pstmo.load("no-such-weights")
    for name in checkpoint.available() or ("available: none",):
        assert name in str(raised.value)


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(error, path, monkeypatch):
    before = path.read_bytes()

    def half_written(path, data):
        with path.open("wb") as file:
            file.write(data[:100])
        raise error

    monkeypatch.setattr(Path, "write_bytes", half_written)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else PstmoError):
        saved(path, STMO(TINY))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_facts_that_json_cannot_hold_leave_the_old_file(path):
    before = path.read_bytes()
    with pytest.raises(TypeError):
        checkpoint.save(path, Checkpoint(STMO(TINY), COCO, HUMAN36M, "tiny", facts={"loss": torch.zeros(1)}))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(PstmoError, match="nowhere"):
        saved(tmp_path / "nowhere" / "x.safetensors")


# The official files


@pytest.fixture(scope="module")
def official() -> dict[str, Tensor]:
    """A whole official state dict of stage II, of a network that is quick to write."""
    shapes = {f"module.{name}": list(tensor.shape) for name, tensor in to_official(STMO(OFFICIAL)).items()}
    return {name: torch.from_numpy(weights.fill(name, shape)) for name, shape in shapes.items()}


def pth(folder: Path, state: object, **how: bool) -> Path:
    torch.save(state, folder / "official.pth", **how)
    return folder / "official.pth"


@pytest.mark.parametrize("kind", ["stmo_f27_l3", "mpm_f27_l3", "refine"])
def test_an_official_file_goes_through_ours_and_back_bit_by_bit(kind, tmp_path):
    state = {k: torch.from_numpy(v) for k, v in weights.state_dict(str(PARITY / f"{kind}.json")).items()}
    ours = saved(tmp_path / "x.safetensors", import_official(pth(tmp_path, state)))
    export_official(checkpoint.load(ours).network, tmp_path / "back.pth")
    assert same(torch.load(tmp_path / "back.pth", weights_only=True), state)


@pytest.mark.parametrize(
    "entry",
    [
        "encoder.fc_1.weight",
        "encoder.fc_2.weight",
        "encoder.bn_1.running_mean",
        "Transformer.pos_embedding",
        "Transformer.model.norm.a_2",
        "Transformer.model.layers.0.feed_forward.w_1.weight",
        "Transformer.model.layers.1.self_attn.linears.1.bias",
        "Transformer_reduce.model.pos_embedding_3",
        "Transformer_reduce.model.layers.2.feed_forward.w_2.weight",
        "fcn.1.weight",
        "fcn_1.0.num_batches_tracked",
    ],
)
def test_a_missing_official_entry_is_named(entry, official, tmp_path):
    path = pth(tmp_path, {name: tensor for name, tensor in official.items() if name != f"module.{entry}"})
    with pytest.raises(CheckpointError) as raised:
        import_official(path)
    assert str(path) in str(raised.value)
    assert repr(entry) in str(raised.value)


def test_a_surplus_official_entry_is_named(official, tmp_path):
    path = pth(tmp_path, official | {"module.extra.weight": torch.zeros(2)})
    with pytest.raises(CheckpointError, match=r"'extra\.weight' is surplus") as raised:
        import_official(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("entry", "change"),
    [
        ("encoder.fc_1.bias", torch.zeros(33)),
        ("Transformer_reduce.model.pos_embedding_2", torch.zeros(1, 26, 16)),
        ("fcn.0.num_batches_tracked", torch.zeros(2)),
        ("encoder.layers.0.w1.weight", torch.zeros(32, 32)),
        ("encoder.fc_2.weight", torch.zeros(17, 32, 1)),
        ("Transformer.pos_embedding", torch.zeros(1, 28, 16)),
        ("Transformer.pos_embedding", torch.zeros(27)),
        ("fcn.1.weight", torch.zeros(1, 51, 16)),
        ("fcn.1.bias", torch.zeros(52)),
        ("encoder.fc_2.bias", torch.tensor(0.0)),
        ("encoder.fc_2.bias", torch.zeros(17)),
        ("fcn.1.bias", torch.zeros(1)),
    ],
)
def test_a_misshapen_official_entry_is_named(entry, change, official, tmp_path):
    path = pth(tmp_path, official | {f"module.{entry}": change})
    with pytest.raises(CheckpointError) as raised:
        import_official(path)
    assert str(path) in str(raised.value)
    assert repr(entry) in str(raised.value)


def test_a_misshapen_refine_module_is_named(tmp_path):
    state = {name: torch.from_numpy(v) for name, v in weights.state_dict(str(PARITY / "refine.json")).items()}
    path = pth(tmp_path, state | {"module.post_refine.0.weight": torch.zeros(1024)})
    with pytest.raises(CheckpointError, match=r"post_refine\.0\.weight"):
        import_official(path)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"model": state, "epoch": 3},
        lambda state: [state],
        lambda state: list(state.values()),
        lambda state: next(iter(state.values())),
        lambda state: {},
        lambda state: {"epoch": torch.tensor(3)},
        lambda state: None,
    ],
    ids=["nested", "list", "tensors", "tensor", "empty", "of another program", "nothing"],
)
def test_what_is_no_official_state_dict_is_refused_by_name(wrap, official, tmp_path):
    path = pth(tmp_path, wrap(official))
    with pytest.raises(CheckpointError) as raised:
        import_official(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_no_code_in_an_official_file_is_run(zipped, official, tmp_path):
    made = tmp_path / "made"
    path = pth(tmp_path, official | {"module.x": Touch(made)}, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="never executed") as raised:
        import_official(path)
    assert str(path) in str(raised.value)
    assert not made.exists()
    torch.load(path, weights_only=False)
    assert made.exists(), "this file does run code where it may"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda whole, old: b"", id="empty"),
        pytest.param(lambda whole, old: b"PK" + bytes(300), id="no archive"),
        pytest.param(lambda whole, old: whole[: len(whole) // 2], id="half"),
        pytest.param(lambda whole, old: whole[:-1], id="a byte short"),
        pytest.param(lambda whole, old: old[: len(old) // 2], id="half, old format"),
        pytest.param(lambda whole, old: b"\x80\x02" + random.Random(0).randbytes(500), id="random pickle"),
        pytest.param(lambda whole, old: b"<!DOCTYPE html><html></html>", id="web page"),
        pytest.param(lambda whole, old: b"text", id="text"),
        pytest.param(lambda whole, old: old[: old.index(b"module.") - 2], id="cut in a name"),
    ],
)
def test_a_broken_official_file_is_refused_by_name(content, official, tmp_path):
    old = pth(tmp_path, official, _use_new_zipfile_serialization=False).read_bytes()
    path = pth(tmp_path, official)
    path.write_bytes(content(path.read_bytes(), old))
    with pytest.raises(CheckpointError) as raised:
        import_official(path)
    assert str(path) in str(raised.value)


def test_a_missing_official_file_is_refused_by_name(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere\.pth: no such file"):
        import_official(tmp_path / "nowhere.pth")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (ModelConfig(strides=(3, 3), depth=1, width=16, hidden=32, heads=2), "8 heads"),
        (ModelConfig(strides=(9, 3), depth=1, width=16, hidden=32), "strides"),
        (ModelConfig(strides=(3, 3, 3, 3), depth=1, width=16, hidden=32), "position"),
    ],
)
def test_what_the_official_code_has_no_place_for_is_not_exported(config, said, tmp_path):
    with pytest.raises(CheckpointError, match=said):
        export_official(STMO(config), tmp_path / "x.pth")
    assert list(tmp_path.iterdir()) == []
