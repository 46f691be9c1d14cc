"""Arrays that stay on disk: members of .npz files, several read as one, and motions that are loaded so."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pstmo.datasets import motions
from pstmo.datasets.clips import Motion
from pstmo.errors import FormatError
from pstmo.files.mapped import Joined, member
from pstmo.skeleton import MOCAP


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def test_a_member_is_mapped_where_it_lies(tmp_path: Path):
    arrays = {"a": random(7, 3), "positions": random(50, 22, 3), "none": random(0, 4), "flags": random(9) > 0}
    np.savez(tmp_path / "some.npz", **arrays)
    for name, array in arrays.items():
        found = member(tmp_path / "some.npz", name)
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype
        assert isinstance(found, np.memmap) == (name != "none")
    with pytest.raises(ValueError, match="read-only"):
        member(tmp_path / "some.npz", "a")[0] = 1


def compressed(path: Path) -> None:
    np.savez_compressed(path, x=random(9, 2))


def objects(path: Path) -> None:
    np.savez(path, x=np.array([{}, 1], object))


def fortran(path: Path) -> None:
    np.savez(path, x=np.asfortranarray(random(9, 2)))


def without_axes(path: Path) -> None:
    np.savez(path, x=np.float32(1))


def other_name(path: Path) -> None:
    np.savez(path, y=random(9, 2))


def text(path: Path) -> None:
    path.write_text("text")


def cut_off(path: Path) -> None:
    np.savez(path, x=random(900, 2))
    path.write_bytes(path.read_bytes()[:5000])


def no_header(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"no header")


def damaged(path: Path) -> None:
    np.savez(path, x=random(9, 2))
    path.write_bytes(b"XX" + path.read_bytes()[2:])


def too_short(path: Path, says: int | None = None) -> None:
    """Nine rows; the array's header tells of a million, and the archive's index of `says` bytes."""
    header, content = BytesIO(), random(9, 2).tobytes()
    facts = {"descr": "<f4", "fortran_order": False, "shape": (1_000_000, 2)}
    np.lib.format.write_array_header_1_0(header, facts)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header.getvalue() + content)
        index = archive.start_dir
    if says is not None:
        damaged = bytearray(path.read_bytes())
        damaged[index + 20 : index + 28] = 2 * (len(header.getvalue()) + says).to_bytes(4, "little")
        path.write_bytes(damaged)


def too_short_by_all(path: Path) -> None:
    too_short(path, 8_000_000)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (compressed, "compressed"),
        (objects, "can run code"),
        (fortran, "column by column"),
        (without_axes, "found shape"),
        (other_name, "has no array 'x'"),
        (text, "cannot be mapped"),
        (cut_off, "cannot be mapped"),
        (no_header, "cannot be mapped"),
        (damaged, "damaged"),
        (too_short, r"found 72 bytes, expected \(1000000, 2\)"),
        (too_short_by_all, "cut off"),
    ],
)
def test_what_cannot_be_mapped_is_told(tmp_path: Path, write: Callable[[Path], None], message: str):
    write(tmp_path / "wrong.npz")
    with pytest.raises(FormatError, match=rf"wrong\.npz.*{message}"):
        member(tmp_path / "wrong.npz", "x")


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(FormatError, match="nowhere"):
        member(tmp_path / "nowhere.npz", "x")


@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=6), ends=st.lists(st.integers(0, 30), max_size=6))
def test_joined_arrays_are_one(lengths: list[int], ends: list[int]):
    array = random(sum(lengths), 2)
    joined = Joined(np.split(array, np.cumsum(lengths)[:-1]))
    assert (joined.shape, joined.dtype, len(joined)) == (array.shape, array.dtype, len(array))
    np.testing.assert_array_equal(np.asarray(joined), array)
    ends = sorted(min(end, len(array)) for end in ends)
    ranges = list(zip(ends[::2], ends[1::2], strict=False))
    for start, end in ranges:
        np.testing.assert_array_equal(joined[start:end], array[start:end])
    some = joined.only(ranges)
    np.testing.assert_array_equal(some[:], np.concatenate([array[:0], *(array[a:b] for a, b in ranges)]))
    assert all(np.shares_memory(part, array) for part in some.arrays if len(part))


# Motion


def motion(name: str, frames: int) -> Motion:
    return Motion(random(frames, 22, 3, seed=frames), 50.0, name, name[:2], "walk", "asf")


def write_corpus(folder: Path) -> Path:
    """A folder of two files, with clips of all splits in both; 02, 05 and 10 don't train."""
    one = [motion("01_01", 30), motion("05_01", 20), motion("06_01", 1), motion("08_01", 12)]
    other = [motion("08_02", 9), motion("02_01", 14), motion("09_01", 40), motion("10_01", 5)]
    motions.save(folder / "a.npz", one, {}, {})
    motions.save(folder / "b.npz", other, {}, {})
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


def same_corpora(a: motions.Corpus, b: motions.Corpus) -> None:
    np.testing.assert_array_equal(np.asarray(a.positions), np.asarray(b.positions))
    for name in ("starts", "names", "subjects", "actions", "sources", "fps", "frames", "clips"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    for i in range(a.clips):
        np.testing.assert_array_equal(a.motion(i).positions, b.motion(i).positions)


def test_a_corpus_on_disk_is_the_one_in_memory(corpus: Path):
    for path in (corpus / "a.npz", corpus):
        memory, disk = motions.load(path), motions.load(path, mapped=True)
        assert isinstance(memory.positions, np.ndarray)
        same_corpora(memory, disk)
        for splits in (("train",), ("validation",), ("train", "validation", "test"), ()):
            part = disk.split(*splits)
            same_corpora(memory.split(*splits), part)
            same_corpora(part.only(np.ones(part.clips, bool)), part)
            assert all(isinstance(shard, np.memmap) for shard in part.shards if len(shard))


def test_a_folder_of_motions_is_one_corpus(corpus: Path):
    whole = motions.load(corpus)
    assert whole.names.tolist() == ["01_01", "05_01", "06_01", "08_01", "08_02", "02_01", "09_01", "10_01"]
    np.testing.assert_array_equal(whole.motion(6).positions, motion("09_01", 40).positions)
    assert (whole.frames, whole.split("train").frames) == (131, 92)


@pytest.mark.parametrize("mapped", [False, True])
def test_motions_that_do_not_go_together_are_refused(corpus: Path, mapped: bool):
    with np.load(corpus / "b.npz") as file:
        values = dict(file)
    wrong = {
        r"b\.npz has 25 frames a second, .*a\.npz has 50": {"fps": 25.0},
        r"b\.npz: holds .* in inches": {"units": "inches"},
        r"b\.npz: holds spine": {"joints": np.array(["spine", *MOCAP.joints[1:]])},
        r"b\.npz: found positions of type float64": {"positions": values["positions"].astype(np.float64)},
    }
    for message, changed in wrong.items():
        np.savez(corpus / "b.npz", **values | changed)
        with pytest.raises(FormatError, match=message):
            motions.load(corpus, mapped)
    (corpus / "none").mkdir()
    with pytest.raises(FormatError, match=r"without \.npz files"):
        motions.load(corpus / "none", mapped)


def test_compressed_motions_are_read_but_not_mapped(corpus: Path):
    with np.load(corpus / "b.npz") as file:
        np.savez_compressed(corpus / "b.npz", **file)
    motions.load(corpus)
    with pytest.raises(FormatError, match=r"b\.npz: 'positions': found it compressed"):
        motions.load(corpus, mapped=True)
