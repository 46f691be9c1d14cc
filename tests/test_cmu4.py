"""The open benchmark: what its files hold, that others can read them, and that chance plays no part."""

from pathlib import Path

import numpy as np
import pytest
import torch
from cmu_files import walker

from pstmo import camera, cmu4
from pstmo.cmu4 import Clip, published_clips
from pstmo.datasets import motions, paired
from pstmo.datasets.human36m import SPLITS
from pstmo.datasets.human36m_cameras import human36m_cameras
from pstmo.errors import PstmoError
from pstmo.skeleton import COCO, HUMAN36M, MOCAP

KINDS = ("gt", "gt_coco", "noisy", "noisy_coco")
KEPT_32 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
CLIPS = (
    Clip("01_01", "S1", "walk"),
    Clip("05_01", "S8", "walk"),
    Clip("07_01", "S9", "walk"),
    Clip("07_02", "S9", "hop"),
)


def corpus_of(positions: np.ndarray, *names: str) -> motions.Corpus:
    starts = np.arange(len(names) + 1) * len(positions)
    subjects = np.array([name.split("_")[0] for name in names])
    texts = np.array(["" for _ in names])
    return motions.Corpus(
        np.concatenate([positions] * len(names)), starts, np.array(names), subjects, texts, texts, 50.0
    )


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return walker(tmp_path_factory.mktemp("cmu"), 145, 120.0).positions  # (61, 22, 3)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, walk: np.ndarray) -> Path:
    """A small benchmark, built from a file of motions."""
    folder = tmp_path_factory.mktemp("cmu4")
    write_corpus(folder / "mocap.npz", corpus_of(walk, "01_01", "05_01", "07_01", "99_01"))
    cmu4.convert(folder / "mocap.npz", folder / "built", CLIPS)
    return folder / "built"


def write_corpus(path: Path, corpus: motions.Corpus) -> None:
    columns = {
        name: getattr(corpus, name) for name in ("positions", "starts", "names", "subjects", "actions", "sources")
    }
    np.savez(path, **columns, fps=corpus.fps, joints=np.array(MOCAP.joints), units=motions.UNITS)


def others_read(path: Path, member: str) -> dict:
    """As the field's code does."""
    with np.load(path, allow_pickle=True) as file:
        return file[member].item()


def test_the_files_have_the_fields_layout(built: Path, walk: np.ndarray):
    positions = others_read(built / "data_3d_cmu4.npz", "positions_3d")
    assert {subject: list(takes) for subject, takes in positions.items()} == {
        "S1": ["Walk 1"], "S8": ["Walk 1"], "S9": ["Walk 1"],
    }  # fmt: skip
    world = positions["S9"]["Walk 1"]
    assert (world.shape, world.dtype) == ((61, 32, 3), np.float32)
    expected = walk[:, :17] - walk[:, :1]
    np.testing.assert_allclose(world[:, KEPT_32] - world[:, :1], expected, atol=1e-5)
    for kind in KINDS:
        views = others_read(built / f"data_2d_cmu4_{kind}.npz", "positions_2d")["S9"]["Walk 1"]
        columns = 3 if kind.endswith("coco") else 2
        assert [(view.shape, view.dtype) for view in views] == [((61, 17, columns), np.float32)] * 4
        assert all(np.isfinite(view).all() for view in views)
        facts = others_read(built / f"data_2d_cmu4_{kind}.npz", "metadata")
        skeleton = COCO if kind.endswith("coco") else HUMAN36M
        assert (facts["num_joints"], facts["keypoints_symmetry"]) == (17, [list(skeleton.left), list(skeleton.right)])


def test_the_2d_is_what_the_cameras_see_and_noise_moves_it(built: Path):
    world = others_read(built / "data_3d_cmu4.npz", "positions_3d")["S1"]["Walk 1"][:, KEPT_32]
    exact, noisy = (
        others_read(built / f"data_2d_cmu4_{kind}.npz", "positions_2d")["S1"]["Walk 1"] for kind in ("gt", "noisy")
    )
    for i, eye in enumerate(human36m_cameras("S1")):
        pixels, points = eye.see(torch.from_numpy(world))
        np.testing.assert_allclose(exact[i], pixels, atol=0.01)
        assert (points[..., 2] > cmu4.NEAREST).all()
        assert ((exact[i] >= 0) & (exact[i] < eye.image_size)).all()  # the whole body is in every picture
        off = np.linalg.norm(noisy[i] - exact[i], axis=-1)
        assert 0.3 < np.median(off) < 30  # pixels
    assert not np.allclose(noisy[0] - exact[0], noisy[1] - exact[1], atol=0.1)


def test_the_same_is_there_as_a_data_set(built: Path):
    data = paired.load(built)
    assert set(data.keypoints) == set(KINDS)
    assert data.poses == HUMAN36M
    splits = {entry.subject: entry.split for entry in data.entries}
    assert splits == {"S1": "train", "S8": "validation", "S9": "test"}
    assert data.facts["missing"] == ["clip 07_02"]
    assert "mocap.cs.cmu.edu" in data.facts["source"]
    world = others_read(built / "data_3d_cmu4.npz", "positions_3d")["S9"]["Walk 1"]
    for recording, eye in zip(data.split("test").recordings(), human36m_cameras("S9"), strict=True):
        assert recording.camera == eye.name
        assert recording.root is not None
        seen = torch.from_numpy(recording.poses.positions + recording.root[:, None])
        back = camera.camera_to_world(seen, eye.orientation, eye.position)
        np.testing.assert_allclose(back, world[:, KEPT_32], atol=1e-4)
        missed = recording.keypoints["noisy_coco"].confidence == 0
        assert 0 < missed.mean() < 0.3
        assert recording.keypoints["noisy"].observed.all()  # that layout cannot say what was missed


def test_nothing_is_built_twice(built: Path):
    source, stamp = built.parent / "mocap.npz", (built / "poses.npy").stat().st_mtime_ns
    cmu4.convert(source, built, CLIPS)
    assert (built / "poses.npy").stat().st_mtime_ns == stamp


def test_chance_comes_from_the_clip_alone(walk: np.ndarray):
    """Whatever else is filmed, before or after, a clip looks the same; and another clip does not."""
    alone, among = (cmu4.film(corpus_of(walk, "01_01", "05_01"), clips) for clips in (CLIPS[:1], CLIPS[1::-1]))
    for kind in KINDS:
        pair = [film.keypoints[kind]["S1"]["Walk 1"] for film in (alone, among)]
        np.testing.assert_array_equal(*pair)
    assert cmu4.checksum(alone) == cmu4.checksum(cmu4.film(corpus_of(walk, "01_01"), CLIPS[:1]))
    assert cmu4.checksum(alone) != cmu4.checksum(among)
    other = cmu4.film(corpus_of(walk, "01_02"), (Clip("01_02", "S1", "walk"),))
    assert cmu4.checksum(alone) != cmu4.checksum(other)


def test_what_was_built_says_whether_it_is_the_published_one(walk: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    film = cmu4.film(corpus_of(walk, "01_01"), CLIPS[:1])
    assert cmu4._notes(film)[0].startswith("NOT the published benchmark: 61 frames")
    monkeypatch.setattr(cmu4, "FRAMES", 61)
    monkeypatch.setattr(cmu4, "MEANS", cmu4.means(film))
    assert "but for rounding" in cmu4._notes(film)[0]
    film.keypoints["noisy"]["S1"]["Walk 1"][0][:] += 0.01  # pixels
    assert cmu4._notes(film)[0].startswith("NOT the published")
    monkeypatch.setattr(cmu4, "CHECKSUM", cmu4.checksum(film))
    assert cmu4._notes(film)[0].endswith("the published benchmark, bit by bit")


def test_other_clips_are_built_anew(built: Path, tmp_path: Path):
    source = built.parent / "mocap.npz"
    cmu4.convert(source, tmp_path / "out", CLIPS[:1])
    assert len(paired.load(tmp_path / "out").entries) == 4
    cmu4.convert(source, tmp_path / "out", CLIPS[:2])
    assert len(paired.load(tmp_path / "out").entries) == 8


def test_only_what_all_cameras_see_is_in(walk: np.ndarray):
    far = np.repeat(walk, 4, axis=0)  # 244 frames
    far[80:180, :, 2] += 30  # out of every picture
    positions, keypoints, origins = cmu4.film(corpus_of(far, "01_01"), CLIPS[:1])
    lengths = {take: len(world) for take, world in positions.get("S1", {}).items()}
    assert lengths == {"Walk 1": 80, "Walk 2": 64}
    assert origins == [("S1", "Walk 1", "01_01", 0, 80), ("S1", "Walk 2", "01_01", 180, 64)]
    for views in keypoints["gt"]["S1"].values():
        for view, eye in zip(views, human36m_cameras("S1"), strict=True):
            assert ((view >= 0) & (view < eye.image_size)).all()


def test_a_source_without_its_clips_is_an_error(walk: np.ndarray, tmp_path: Path):
    write_corpus(tmp_path / "other.npz", corpus_of(walk, "99_01"))
    with pytest.raises(PstmoError, match="found 1 motions and none of cmu4's 4 clips"):
        cmu4.convert(tmp_path / "other.npz", tmp_path / "out", CLIPS)
    assert not (tmp_path / "out").exists()


def test_nobody_is_in_two_splits():
    where: dict[str, set[str]] = {}
    for clip in published_clips():
        label = clip.name.split("_")[0]
        where.setdefault(label, set()).add(SPLITS[clip.seen_as])
        assert motions.split_of(label) == SPLITS[clip.seen_as], clip
        assert motions.motion_class(clip.action) in cmu4.ACTIONS
    assert all(len(splits) == 1 for splits in where.values())
    assert len({clip.name for clip in published_clips()}) == len(published_clips())
