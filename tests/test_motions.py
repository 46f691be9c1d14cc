"""Motion files: written, read back by us and by others' libraries."""

import sys
from dataclasses import replace
from pathlib import Path

import ezc3d
import numpy as np
import pybvh
import pygltflib
import pytest
from moving_people import moving, places
from pyarrow import csv as arrow_csv
from pyarrow import parquet as arrow_parquet
from scipy.spatial.transform import Rotation

from pstmo.errors import PstmoError
from pstmo.files import read_keypoints
from pstmo.motion import WORLD_AXES, Motion
from pstmo.motions import FORMATS, read_motions, write_motions
from pstmo.sequence import Poses
from pstmo.skeleton import BODY25, HALPE26, HUMAN36M, MOCAP, MPI_INF_3DHP

SAYS_WHO = ("npz", "glb", "c3d", "csv", "parquet", "json", "coco")
KEEPS_CLOCK = ("npz", "glb", "trc", "csv", "parquet", "json", "coco")
KEEPS_OBSERVED = tuple(set(FORMATS) - {"bvh"})
ROOTED = (HUMAN36M, MPI_INF_3DHP, BODY25, HALPE26, MOCAP)
UNEVEN = np.cumsum(np.random.default_rng(0).uniform(0.03, 0.05, 30))


def there_and_back(folder: Path, format: str, people: list[Motion]) -> list[Motion]:
    paths = write_motions(folder / f"motion{FORMATS[format].ENDING}", people)
    assert sorted(paths) == sorted(folder.iterdir())
    return [motion for path in paths for motion in read_motions(path)]


def assert_near(found: Motion, motion: Motion, mm: float = 0.05) -> None:
    """Where the person was observed."""
    off = np.linalg.norm(found.positions - motion.positions, axis=-1)[motion.observed]
    assert off.max() < mm / 1000


@pytest.mark.parametrize("format", FORMATS)
def test_two_people_go_there_and_back(tmp_path, format):
    people = [moving(person=2), moving(person=5, unseen=())]
    again = there_and_back(tmp_path, format, people)
    assert len(again) == 2
    for found, motion in zip(again, people, strict=True):
        assert_near(found, motion)
        assert (found.skeleton, found.fps, found.frames) == (HUMAN36M, 25, 30)
        if format in SAYS_WHO:
            assert found.person == motion.person
        if format in KEEPS_OBSERVED:
            np.testing.assert_array_equal(found.observed, motion.observed)
        np.testing.assert_allclose(found.times, motion.times, atol=1e-6)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("skeleton", ROOTED, ids=lambda skeleton: skeleton.name)
def test_every_skeleton_with_a_root(tmp_path, format, skeleton):
    motion = moving(skeleton)
    [found] = there_and_back(tmp_path, format, [motion])
    assert found.skeleton == skeleton
    assert_near(found, motion)


@pytest.mark.parametrize("format", KEEPS_CLOCK)
def test_timestamps_stay(tmp_path, format):
    regular = format == "trc"
    motion = moving(timestamps=None if regular else UNEVEN)
    [found] = there_and_back(tmp_path, format, [motion])
    start = motion.times[0] if format == "glb" else 0  # the first frame's time is 0 there
    np.testing.assert_allclose(found.times, motion.times - start, atol=1e-6)


@pytest.mark.parametrize("format", ["bvh", "trc", "c3d"])
def test_an_irregular_clock_is_made_regular(tmp_path, format):
    """A person who glides: straight lines between frames are exact."""
    still = places(frames=1)[0]
    glide = still + UNEVEN[:, None, None] * [0.5, 0.2, 0.1]
    world = replace(moving(timestamps=UNEVEN, unseen=()).world, positions=glide.astype(np.float32))
    motion = replace(moving(timestamps=UNEVEN, unseen=()), world=world)
    [found] = there_and_back(tmp_path, format, [motion])
    assert found.frames == int((UNEVEN[-1] - UNEVEN[0]) * 25) + 1
    times = UNEVEN[0] + np.arange(found.frames) / 25
    expected = still + times[:, None, None] * [0.5, 0.2, 0.1]
    np.testing.assert_allclose(found.positions, expected, atol=1e-4)


def test_json_says_all_that_is_known_but_the_keypoints(tmp_path):
    motion = moving()
    [found] = there_and_back(tmp_path, "json", [motion])
    for name in ("orientation", "camera_height", "focal", "scale", "error", "origins"):
        np.testing.assert_array_equal(getattr(found.world, name), getattr(motion.world, name))
    np.testing.assert_allclose(found.poses.positions, motion.poses.positions, atol=1e-5)
    assert (found.poses.model, found.poses.mode, found.poses.smoothing) == ("m", "fast", 5.0)


def test_coco_holds_the_keypoints(tmp_path):
    motion = moving(timestamps=UNEVEN)
    [found] = there_and_back(tmp_path, "coco", [motion])
    seen = motion.keypoints.observed
    np.testing.assert_allclose(found.keypoints.xy[seen], motion.keypoints.xy[seen], atol=1e-3)
    np.testing.assert_array_equal(found.keypoints.observed, seen)
    two = read_keypoints(tmp_path / "motion.coco.json", fps=25)
    np.testing.assert_allclose(two.confidence, motion.keypoints.confidence, atol=1e-3)
    assert (two.skeleton, two.image_size, two.frames) == (motion.keypoints.skeleton, (640, 480), 30)


def test_bvh_for_others(tmp_path):
    """pybvh puts the joints where we do, and says that the figure at rest stands in a T and faces z."""
    motion = moving()
    [path] = write_motions(tmp_path / "motion.bvh", [motion])
    other = pybvh.read_bvh_file(path, world_up="+y")
    assert (other.rest_up, other.rest_forward, round(other.fps)) == ("+y", "+z", 25)
    assert set(other.euler_orders) == {"ZXY"}
    x, y, z = (other.node_positions()[:, [other.node_index[joint] for joint in HUMAN36M.joints], i] for i in range(3))
    np.testing.assert_allclose(np.stack([x, -z, y], -1), motion.positions, atol=5e-5)
    rest = dict(zip(other.node_index, other.rest_pose_positions(), strict=True))
    assert rest["left_wrist"][0] > rest["left_elbow"][0] > rest["left_shoulder"][0] > 0
    assert rest["left_wrist"][1] == pytest.approx(rest["right_wrist"][1]) == pytest.approx(rest["thorax"][1])
    assert rest["head_top"][1] > rest["thorax"][1] > 0 > rest["left_knee"][1] > rest["left_ankle"][1]


def accessor(file: pygltflib.GLTF2, index: int) -> np.ndarray:
    facts = file.accessors[index]
    dtype = {5126: np.float32, 5121: np.uint8}[facts.componentType]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[facts.type]
    start = file.bufferViews[facts.bufferView].byteOffset
    return np.frombuffer(file.binary_blob(), dtype, facts.count * width, start).reshape(facts.count, width)


def globals_at(file: pygltflib.GLTF2, frame: int) -> list[np.ndarray]:
    """(4, 4) of each node at a frame, as the specification of glTF has it."""
    local = []
    for node in file.nodes:
        matrix = np.eye(4)
        matrix[:3, 3] = node.translation or 0
        local.append(matrix)
    for channel in file.animations[0].channels:
        value = accessor(file, file.animations[0].samplers[channel.sampler].output)[frame]
        if channel.target.path == "rotation":
            local[channel.target.node][:3, :3] = Rotation.from_quat(value).as_matrix()
        else:
            local[channel.target.node][:3, 3] = value
    above = {child: i for i, node in enumerate(file.nodes) for child in node.children or []}

    def placed(node: int) -> np.ndarray:
        return placed(above[node]) @ local[node] if node in above else local[node]

    return [placed(node) for node in range(len(file.nodes))]


def test_glb_for_others(tmp_path):
    """The specification's own arithmetic puts the joints where they are, and a body around them."""
    people = [moving(person=1), moving(MPI_INF_3DHP, person=2)]
    [path] = write_motions(tmp_path / "motion.glb", people)
    file = pygltflib.GLTF2().load(str(path))
    nodes = globals_at(file, 7)
    skins = [node for node in file.nodes if node.skin is not None]
    assert len(skins) == len(people) == len(file.meshes)
    for motion, body in zip(people, skins, strict=True):
        skin = file.skins[body.skin]
        names = {file.nodes[joint].name: joint for joint in skin.joints}
        x, y, z = np.stack([nodes[names[joint]][:3, 3] for joint in motion.skeleton.joints]).T
        np.testing.assert_allclose(np.stack([x, -z, y], -1), motion.positions[7], atol=5e-5)
        attributes = file.meshes[body.mesh].primitives[0].attributes
        corners, follows = accessor(file, attributes.POSITION), accessor(file, attributes.JOINTS_0)[:, 0]
        unposed = accessor(file, skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
        shown = [(nodes[skin.joints[j]] @ unposed[j] @ [*c, 1])[:3] for c, j in zip(corners, follows, strict=True)]
        joints = np.stack([x, y, z], -1)
        for tip in joints[1:]:  # every bone ends in corners
            assert np.linalg.norm(shown - tip, axis=-1).min() < 1e-4
        assert np.ptp(shown, axis=0) == pytest.approx(np.ptp(joints, axis=0), abs=0.1)


def test_c3d_for_others(tmp_path):
    people = [moving(person=1), moving(MPI_INF_3DHP, person=2)]
    [path] = write_motions(tmp_path / "motion.c3d", people)
    other = ezc3d.c3d(str(path))
    point = {name: value["value"] for name, value in other["parameters"]["POINT"].items() if name[0] != "_"}
    assert (point["UNITS"], point["RATE"], point["FRAMES"]) == (["mm"], [25], [30])
    assert point["LABELS"][:2] == ["person1:hip", "person1:right_hip"]
    assert other["parameters"]["SUBJECTS"]["LABEL_PREFIXES"]["value"] == ["person1:", "person2:"]
    found = other["data"]["points"][:3].transpose(2, 1, 0) / 1000
    for motion, at in zip(people, (found[:, :17], found[:, 17:]), strict=True):
        np.testing.assert_allclose(at[motion.observed], motion.positions[motion.observed], atol=1e-5)
        assert np.isnan(at[~motion.observed]).all()


def test_c3d_holds_more_frames_than_its_header_can_say(tmp_path):
    motion = moving(frames=70_000, unseen=(69_998,))
    [found] = there_and_back(tmp_path, "c3d", [motion])
    assert_near(found, motion)
    other = ezc3d.c3d(str(tmp_path / "motion.c3d"))["data"]["points"]
    assert other.shape[2] == 70_000
    np.testing.assert_allclose(other[:3, :, -1].T / 1000, motion.positions[-1], atol=1e-5)


def test_trc_for_others(tmp_path):
    """As OpenSim's reader wants it: its eight keys, and every line with as many cells as there are columns."""
    [path] = write_motions(tmp_path / "motion.trc", [moving()])
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert rows[0][:3] == ["PathFileType", "4", "(X/Y/Z)"]
    assert dict(zip(rows[1], rows[2], strict=False)) == {
        "DataRate": "25", "CameraRate": "25", "NumFrames": "30", "NumMarkers": "17", "Units": "m",
        "OrigDataRate": "25", "OrigDataStartFrame": "1", "OrigNumFrames": "30",
    }  # fmt: skip
    assert rows[3][2::3] == [*HUMAN36M.joints, ""]
    assert {len(row) for row in rows[6:]} == {2 + 3 * 17 + 1}
    x, y, z = map(float, rows[6][2:5])
    np.testing.assert_allclose((x, -z, y), moving().positions[0, 0], atol=1e-5)
    assert set(rows[6 + 4][2:]) == {""}


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_tables_for_others(tmp_path, format):
    people = [moving(person=1), moving(MPI_INF_3DHP, person=2)]
    [path] = write_motions(tmp_path / f"motion.{format}", people)
    table = (arrow_csv.read_csv if format == "csv" else arrow_parquet.read_table)(path)
    assert table.column_names[:5] == ["person", "frame", "time", "observed", "hip_x"]
    rows = {name: np.array(table[name].to_pylist()) for name in table.column_names}
    assert set(rows["axes"]) == {WORLD_AXES}
    second = rows["person"] == 2
    assert set(rows["skeleton"][second]) == {"3dhp17"}
    np.testing.assert_allclose(rows["head_top_z"][second].astype(float), people[1].positions[:, 0, 2], atol=1e-5)
    assert rows["observed"][second].tolist() == people[1].observed.tolist()


def test_a_gap_is_bridged_where_a_format_has_none(tmp_path):
    motion = moving(unseen=())
    positions = motion.positions.copy()
    positions[10:13] = np.nan
    holed = replace(motion, world=replace(motion.world, positions=positions))
    for format in ("bvh", "glb"):
        [found] = read_motions(write_motions(tmp_path / f"motion.{format}", [holed])[0])
        assert_near(found, motion, mm=100)
    [found] = read_motions(write_motions(tmp_path / "motion.trc", [holed])[0])
    assert np.isnan(found.positions[10:13]).all()


def test_names_of_several(tmp_path):
    people = [moving(person=3), moving(person=7)]
    assert [path.name for path in write_motions(tmp_path / "a.b.BVH", people)] == ["a.b-3.BVH", "a.b-7.BVH"]
    assert [path.name for path in write_motions(tmp_path / "take", people, "trc")] == ["take-3", "take-7"]
    assert [path.name for path in write_motions(tmp_path / "a.trc", people[:1])] == ["a.trc"]


def test_others_names_of_joints_are_known(tmp_path):
    [path] = write_motions(tmp_path / "motion.trc", [moving(BODY25)])
    text = path.read_text().replace("right_", "R").replace("left_", "L").replace("\thip\t", "\tCHip\t", 0)
    path.write_text(text.replace("\tm\t", "\tmm\t"))
    [found] = read_motions(path)
    assert found.skeleton == BODY25
    assert_near(replace(found, world=replace(found.world, positions=found.positions * 1000)), moving(BODY25))


def test_without_a_world_it_is_as_a_level_camera_would_have_seen_it(tmp_path):
    motion = Motion(Poses.from_array(places(), fps=25))
    for format in set(FORMATS) - {"coco"}:
        [found] = read_motions(write_motions(tmp_path / f"motion{FORMATS[format].ENDING}", [motion])[0])
        assert_near(found, motion)


@pytest.mark.parametrize(
    ("name", "people", "message"),
    [
        (
            "motion.fbx",
            [moving()],
            r"motion\.fbx: found the ending '.fbx', expected one of \.npz, \.bvh, .*coco\.json",
        ),
        ("motion.bvh", [], r"found people with the numbers \[\], expected one at least"),
        ("motion.csv", [moving(), moving()], r"numbers \[1, 1\], expected one at least, each with its own"),
        ("motion.c3d", [moving(person=i) for i in range(16)], "found 272 joints of 16 people, expected 255 at most"),
        ("motion.coco.json", [Motion(Poses.from_array(places(), fps=25))], "person 1 has no 2D keypoints"),
        ("motion.coco.json", [moving(), moving(person=2, timestamps=UNEVEN)], "person 2 was in another video"),
        ("nowhere/motion.trc", [moving()], "there is no folder"),
        ("motion.bvh", [moving(timestamps=np.arange(30) * 1e6)], "frames/s, expected 2,000,000 frames at most"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path, name, people, message):
    with pytest.raises(PstmoError, match=message):
        write_motions(tmp_path / name, people)
    assert not list(tmp_path.iterdir())


def test_a_joint_that_is_nowhere_has_no_bone(tmp_path):
    positions = places()
    positions[:, 3] = np.nan
    motion = Motion(Poses.from_array(positions, fps=25))
    with pytest.raises(PstmoError, match=r"motion\.bvh: found a joint without a position in any frame"):
        write_motions(tmp_path / "motion.bvh", [motion])


def test_unknown_formats_and_missing_libraries_are_named(tmp_path, monkeypatch):
    with pytest.raises(PstmoError, match=r"unknown format 'fbx'; available: npz, bvh"):
        write_motions(tmp_path / "motion.bvh", [moving()], "fbx")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(PstmoError, match=r"this needs pyarrow: pip install 'pstmo\[parquet\]'"):
        write_motions(tmp_path / "motion.parquet", [moving()])
