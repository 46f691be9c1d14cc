"""rtmlib's own classes, run with small networks of the same inputs and outputs: no download, no trained weights."""

from pathlib import Path
from urllib.error import URLError

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pstmo.detect import detector
from pstmo.detect.rtmpose import RTMPose
from pstmo.errors import FormatError, PstmoError
from pstmo.frame import Frame
from pstmo.skeleton import COCO

rtmlib = pytest.importorskip("rtmlib")

WIDTH, HEIGHT, LOOK = 192, 256, 416
BOXES = ((40, 30, 140, 230), (200, 30, 300, 230), (210, 40, 310, 240))


def written(path: Path, size: tuple[int, int], nodes: list, outputs: dict[str, list], **constants: np.ndarray) -> Path:
    """A network from `picture` (1, 3, *size) to those outputs."""
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["batch", 3, *size])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def pose_network(path: Path, joints: int = 17) -> Path:
    """All joints where the third channel, red if the picture is BGR, is strongest; maxima above 1."""
    node = helper.make_node
    nodes = [
        node("Gather", ["picture", "red"], ["channel"], axis=1),
        node("ReduceMax", ["channel"], ["columns"], axes=[1, 2], keepdims=0),
        node("ReduceMax", ["channel"], ["rows"], axes=[1, 3], keepdims=0),
        node("MatMul", ["columns", "twice_wide"], ["wide"]),
        node("MatMul", ["rows", "twice_high"], ["high"]),
        node("Unsqueeze", ["wide", "one"], ["wide_one"]),
        node("Unsqueeze", ["high", "one"], ["high_one"]),
        node("Tile", ["wide_one", "joints"], ["simcc_x"]),
        node("Tile", ["high_one", "joints"], ["simcc_y"]),
    ]
    outputs = {"simcc_x": ["batch", joints, 2 * WIDTH], "simcc_y": ["batch", joints, 2 * HEIGHT]}
    return written(
        path,
        (HEIGHT, WIDTH),
        nodes,
        outputs,
        red=np.array([2]),
        one=np.array([1]),
        joints=np.array([1, joints, 1]),
        twice_wide=np.eye(WIDTH, dtype=np.float32).repeat(2, 1),
        twice_high=np.eye(HEIGHT, dtype=np.float32).repeat(2, 1),
    )


def person_network(path: Path, values: int = 5) -> Path:
    """The same boxes in every picture, as sure as the picture is bright."""
    node = helper.make_node
    nodes = [
        node("ReduceMax", ["picture"], ["brightest"], axes=[1, 2, 3], keepdims=0),
        node("Sub", ["brightest", "grey"], ["light"]),
        node("Mul", ["columns", "light"], ["sure"]),
        node("Add", ["boxes", "sure"], ["found"]),
    ]
    boxes = np.zeros((1, len(BOXES), values), np.float32)
    boxes[0, :, :4] = BOXES
    columns = np.zeros(values, np.float32)
    columns[4] = 0.01
    outputs = {"found": [1, len(BOXES), values]}
    return written(path, (LOOK, LOOK), nodes, outputs, boxes=boxes, columns=columns, grey=np.float32([114]))


@pytest.fixture
def networks(tmp_path: Path) -> tuple[Path, Path]:
    return pose_network(tmp_path / "pose.onnx"), person_network(tmp_path / "person.onnx")


def picture() -> np.ndarray:
    """(416, 416, 3): a red spot in each of the boxes, a blue one that is nobody."""
    image = np.zeros((LOOK, LOOK, 3), np.uint8)
    image[98:103, 78:83] = 255, 0, 0
    image[148:153, 258:263] = 255, 0, 0
    image[60:65, 110:115] = 0, 0, 255
    image[60:65, 220:225] = 0, 0, 255
    return image


def test_joints_are_where_the_network_sees_them(networks: tuple[Path, Path]):
    (people,) = detector("rtmpose", *networks)([Frame(7, 0.0, picture())])
    assert [person.frame for person in people] == [7, 7, 7]
    for person, spot in zip(people, [(80, 100), (260, 150), (260, 150)], strict=True):
        assert person.joints.shape == (len(COCO), 3)
        np.testing.assert_allclose(person.joints[:, :2], np.tile(spot, (17, 1)), atol=4)
        assert (person.joints[:, 2] == 1).all()  # its maxima are above 1


def test_nobody_is_in_a_picture_without_boxes(networks: tuple[Path, Path]):
    black = np.zeros((LOOK, LOOK, 3), np.uint8)
    assert list(RTMPose(*networks)([Frame(0, 0.0, black), Frame(1, 0.1, black)])) == [[], []]


def test_no_more_people_than_asked_for(networks: tuple[Path, Path]):
    (people,) = RTMPose(*networks, people=2)([Frame(0, 0.0, picture())])
    assert len(people) == 2


def test_it_keeps_quiet(networks: tuple[Path, Path], capfd: pytest.CaptureFixture[str]):
    list(RTMPose(*networks)([Frame(0, 0.0, picture())]))
    assert capfd.readouterr().out == ""


def test_pictures_are_taken_one_at_a_time(networks: tuple[Path, Path]):
    frames = iter([Frame(i, i / 30, picture()) for i in range(3)])
    next(RTMPose(*networks)(frames))
    assert next(frames).number == 1


def test_other_files_are_no_networks(networks: tuple[Path, Path], tmp_path: Path):
    pose, person = networks
    other = tmp_path / "other.onnx"
    with pytest.raises(FormatError, match=r"other\.onnx: found no such file"):
        RTMPose(other, person)
    other.write_bytes(b"something else")
    with pytest.raises(FormatError, match=r"other\.onnx: found no network that ONNX Runtime reads"):
        RTMPose(other, person)
    with pytest.raises(FormatError, match=r"found outputs .*26.* expected RTMPose's .*17"):
        RTMPose(pose_network(other, joints=26), person)
    with pytest.raises(FormatError, match="found 85 values a box, expected 5 or 6"):
        RTMPose(pose, person_network(other, values=85))
    with pytest.raises(FormatError, match="found outputs"):
        RTMPose(person, person)


def test_offline_it_says_what_else_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def nowhere(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("rtmlib.tools.file.urlopen", nowhere)
    with pytest.raises(PstmoError, match=r"no way to download .* --detector blazepose.* --detector-weights"):
        RTMPose()
