"""Laws of the detectors, on real pictures of two people and on pictures of nobody."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pstmo.detect import DETECTORS, detector
from pstmo.detect.blazepose import EVERY, BlazePose
from pstmo.errors import FormatError, PstmoError
from pstmo.frame import Frame
from pstmo.people import Detection
from pstmo.samples import KEYPOINTS, VIDEO
from pstmo.skeleton import MEDIAPIPE33
from pstmo.video import open_video
from pstmo.watch import watch

PICTURES = sorted((Path(__file__).parent / "data" / "people").glob("*.jpg"))
NEAR = 3.0
"""Pixels, of a man of 200: where two looks at the same person agree."""


@pytest.fixture(scope="module")
def blazepose() -> BlazePose:
    return BlazePose(threads=2)


@pytest.fixture(scope="module")
def clip() -> list[Frame]:
    """A man on a block and a woman who walks by."""
    return [Frame(int(path.stem), int(path.stem) / 30, np.asarray(Image.open(path))) for path in PICTURES]


@pytest.fixture(scope="module")
def man(clip: list[Frame]) -> np.ndarray:
    """(260, 230, 3): him alone."""
    return clip[0].image[:260, 10:240]


def people_in(find: BlazePose, *images: np.ndarray) -> list[Detection]:
    """The people of the last picture, from left to right."""
    *_, people = find(Frame(i, i / 30, image) for i, image in enumerate(images))
    return sorted(people, key=lambda person: person.joints[0, 0])


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.median(np.linalg.norm(one[:, :2] - other[:, :2], axis=-1)))


def test_everybody_is_found_in_every_picture(blazepose: BlazePose, clip: list[Frame]):
    for frame, people in zip(clip, blazepose(clip), strict=True):
        assert [person.frame for person in people] == [frame.number] * 2
        assert all(person.joints.shape == (33, 3) and (person.score or 0) > 0.9 for person in people)
        height, width = frame.image.shape[:2]
        for person in people:
            left, top, right, bottom = person.box
            assert 0 <= left < right < width
            assert 0 <= top < bottom < height
            assert 160 < bottom - top < 250
            assert ((person.joints[:, 2] > 0) & (person.joints[:, 2] <= 1)).all()


def test_looking_that_was_stopped_anywhere_ends_with_the_same_bits(blazepose: BlazePose, tmp_path: Path):
    """One and then two people, who move."""
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    watch(open_video(VIDEO, end=1.1), "demo", blazepose, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    for frames in (3, 17, 30):
        part.write_bytes(b"".join(lines[: 1 + frames]) + lines[1 + frames][:40])
        watch(open_video(VIDEO, end=1.1), "demo", blazepose, part)
        assert part.read_bytes() == whole.read_bytes()


def test_landmarks_are_where_mediapipes_heavy_network_saw_them(blazepose: BlazePose, clip: list[Frame]):
    with np.load(KEYPOINTS, allow_pickle=False) as sample:
        known = (sample["keypoints"] - (400, 0)) / 2
    for frame, people in zip(clip, blazepose(clip), strict=True):
        assert min(apart(person.joints, known[frame.number]) for person in people) < 2 * NEAR


def test_landmarks_in_space_have_the_size_of_a_person(blazepose: BlazePose, clip: list[Frame]):
    for _, bodies in blazepose.bodies(clip):
        for body in bodies:
            hips = body.world[[MEDIAPIPE33.index("left_hip"), MEDIAPIPE33.index("right_hip")]]
            np.testing.assert_allclose(hips.mean(0), 0, atol=0.05)
            assert 1.2 < np.ptp(body.world[:, 1]) < 2.0
            assert body.world[MEDIAPIPE33.index("nose"), 1] < -0.4  # y points down


def test_the_same_pictures_give_the_same_people(blazepose: BlazePose, clip: list[Frame]):
    for first, second in zip(blazepose(clip), blazepose(clip), strict=True):
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one.joints, other.joints)


def test_two_people_side_by_side_are_two(blazepose: BlazePose, man: np.ndarray):
    one, other = people_in(blazepose, np.concatenate([man, man], axis=1))
    assert apart(one.joints + (man.shape[1], 0, 0), other.joints) < NEAR


def test_one_at_most_is_the_surest(man: np.ndarray):
    twice = np.concatenate([man, man], axis=1)
    for people in BlazePose(people=1, threads=2)([Frame(i, i / 30, twice) for i in range(2)]):
        assert len(people) == 1


def test_two_regions_of_one_person_are_one_person(blazepose: BlazePose, man: np.ndarray, monkeypatch):
    find = blazepose._find
    monkeypatch.setattr(blazepose, "_find", lambda image: 2 * find(image))
    assert len(people_in(blazepose, man)) == 1


def test_a_mirrored_picture_has_mirrored_people(blazepose: BlazePose, man: np.ndarray):
    (person,), (mirrored,) = people_in(blazepose, man), people_in(blazepose, man[:, ::-1])
    back = mirrored.joints[list(MEDIAPIPE33.mirrored)] * (-1, 1, 1) + (man.shape[1] - 1, 0, 0)
    assert apart(person.joints, back) < NEAR


@pytest.mark.parametrize("size", [2, 3])
def test_a_larger_picture_has_the_same_person_larger(blazepose: BlazePose, man: np.ndarray, size: int):
    (person,), (large,) = people_in(blazepose, man), people_in(blazepose, man.repeat(size, 0).repeat(size, 1))
    assert apart(person.joints, large.joints / size) < NEAR


def test_tall_wide_and_small_pictures(blazepose: BlazePose, man: np.ndarray, clip: list[Frame]):
    (person,) = people_in(blazepose, man)
    for axis in (0, 1):
        wider = np.concatenate([np.zeros_like(man), man, np.zeros_like(man)], axis=axis)
        offset = (0, man.shape[0], 0) if axis == 0 else (man.shape[1], 0, 0)
        (found,) = people_in(blazepose, wider)
        assert apart(person.joints + offset, found.joints) < 2 * NEAR
    assert len(people_in(blazepose, clip[0].image[::3, ::3])) == 2


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (240, 320), (640, 20)])
def test_nobody_is_in_an_empty_picture(blazepose: BlazePose, size: tuple[int, int]):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    for image in (np.zeros_like(noise), np.full_like(noise, 128), noise):
        assert people_in(blazepose, image) == []


def test_who_leaves_is_gone_and_who_comes_is_found(blazepose: BlazePose, man: np.ndarray):
    nobody, alone = np.zeros_like(man), np.concatenate([man, np.zeros_like(man)], axis=1)
    both = np.concatenate([man, man], axis=1)
    assert people_in(blazepose, man, nobody) == []
    assert len(people_in(blazepose, nobody, man)) == 1
    assert len(people_in(blazepose, both, alone)) == 1
    assert len(people_in(blazepose, alone, *EVERY * [both])) == 2


def test_pictures_are_taken_one_at_a_time(blazepose: BlazePose, clip: list[Frame]):
    taken = []

    def decoded() -> Iterator[Frame]:
        for frame in clip:
            taken.append(frame.number)
            yield frame

    found = blazepose(decoded())
    assert taken == []
    for frame in clip:
        next(found)
        assert taken[-1] == frame.number


def test_pictures_at_the_same_time_are_pictures_all_the_same(blazepose: BlazePose, clip: list[Frame]):
    still: Iterable[Frame] = [Frame(i, 0.0, clip[0].image) for i in range(3)]
    assert [len(people) for people in blazepose(still)] == [2, 2, 2]


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_other_arrays_are_no_pictures(blazepose: BlazePose, image: np.ndarray):
    with pytest.raises(PstmoError, match=r"frame 0: found .* expected uint8"):
        people_in(blazepose, image)


def test_other_files_are_no_networks(tmp_path: Path):
    with pytest.raises(FormatError, match=r"none\.tflite: found no such file"):
        BlazePose(tmp_path / "none.tflite")
    (tmp_path / "other.tflite").write_bytes(b"something else")
    with pytest.raises(FormatError, match=r"other\.tflite: found no network that LiteRT reads"):
        BlazePose(tmp_path / "other.tflite")
    models = Path(sys.modules[BlazePose.__module__].__file__ or "").parent / "models"
    with pytest.raises(FormatError, match=r"found a network from .*224.* expected one from .*256"):
        BlazePose(models / "pose_detection.tflite")


def test_detectors_go_by_name():
    assert detector().name == "blazepose"
    with pytest.raises(PstmoError, match=f"unknown detector 'openpose'; available: {', '.join(DETECTORS)}"):
        detector("openpose")
    for name in DETECTORS:
        with pytest.raises(PstmoError, match="found 0 people at most"):
            detector(name, people=0)


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("blazepose", "ai_edge_litert.interpreter", "video"), ("rtmpose", "rtmlib", "rtmlib")],
)
def test_missing_libraries_are_named(name: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PstmoError, match=rf"pip install 'pstmo\[{extra}\]'"):
        detector(name)


def test_detecting_needs_no_torch():
    code = "import sys, pstmo.detect; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
