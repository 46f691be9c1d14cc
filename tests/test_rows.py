"""Training on more than fits into memory: rows from disk are those from memory, and only those asked for are read."""

import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import recording
from test_mapped import random, write_corpus
from torch import Tensor

from pstmo.chance import Chance
from pstmo.datasets import motions, paired
from pstmo.datasets.paired import PairedDataset
from pstmo.errors import FormatError, PstmoError
from pstmo.presets import PRESETS, Recipe
from pstmo.training import recorded, rows
from pstmo.training.rows import Shards, checksum
from pstmo.training.sources import PairedWindows, SeenMotion, Source

PAPER, QUICK = PRESETS["p-stmo-s"], PRESETS["cmu-w27"]


def cut(array: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    return np.split(array, np.cumsum(lengths)[:-1])


def unaligned(array: np.ndarray) -> np.ndarray:
    """The same values, one byte off, as inside of an .npz file."""
    memory = np.frombuffer(b"." + array.tobytes(), np.uint8)[1:]
    return memory.view(array.dtype).reshape(array.shape)


# Gathers


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any),
    row=st.lists(st.integers(1, 4), max_size=3),
    index=st.lists(st.integers(0, 5), max_size=3),
    truth=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_gather_is_that_of_a_tensor(lengths: list[int], row: list[int], index: list[int], truth: bool, seed: int):
    array = random(sum(lengths), *row, seed=seed)
    array = array > 0 if truth else array
    wanted = torch.from_numpy(np.random.default_rng(seed).integers(0, sum(lengths), index))
    tensor = torch.from_numpy(array)
    for shards in (Shards(cut(array, lengths)), Shards([unaligned(array)])):
        found = shards[wanted]
        assert (len(shards), found.dtype) == (len(tensor), tensor.dtype)
        assert torch.equal(found, tensor[wanted])
        found.zero_()  # a copy: what it came from stays as it was
        assert torch.equal(shards[wanted], tensor[wanted])


@pytest.mark.parametrize("wrong", [[-1], [0, 7], [[3, 2], [9, 1]]])
def test_a_row_that_is_not_there_is_refused(wrong: list):
    shards = Shards(cut(random(7, 2), [3, 4]))
    with pytest.raises(IndexError, match="there are 7"):
        shards[torch.tensor(wrong)]
    assert Shards([random(0, 2)])[torch.zeros(0, 5, dtype=torch.long)].shape == (0, 5, 2)


@pytest.mark.parametrize(
    "arrays",
    [[], [random(3, 2).astype(np.float64)], [random(3, 2), random(3, 3)], [random(4, 4).T], [random(9, 2)[::2]]],
)
def test_unlike_arrays_are_refused(arrays: list[np.ndarray]):
    with pytest.raises(PstmoError, match="expected one shape in all arrays, of float32 or bool, row by row"):
        Shards(arrays)


@pytest.mark.parametrize("chunk", [1, 100, 2**22])
def test_the_checksum_is_that_of_all_bytes(monkeypatch: pytest.MonkeyPatch, chunk: int):
    monkeypatch.setattr(rows, "_CHUNK", chunk)
    array, seen, starts = random(23, 3, 2), random(23, 3) > 0, torch.arange(4)
    known = zlib.crc32(array.tobytes() + seen.tobytes() + starts.numpy().tobytes())
    assert checksum(torch.from_numpy(array), torch.from_numpy(seen), starts) == known
    assert checksum(Shards(cut(array, [5, 0, 18])), Shards([seen]), starts) == known
    assert checksum(torch.zeros(0, 3)) == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_rows_come_to_the_gpu_that_asks():
    array, index = random(500, 22, 3), torch.randint(500, (64, 27), device="cuda")
    found = Shards(cut(array, [123, 377]))[index]
    assert found.device == index.device
    assert torch.equal(found, torch.from_numpy(array).cuda()[index])


_GATHERS = """
import sys
from pathlib import Path
import numpy as np, torch
from pstmo.training.rows import Shards, checksum

def resident(what):
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith(what)) // 1024

shards = Shards([np.memmap(sys.argv[1], np.float32, "r", 191, (int(sys.argv[2]), 22, 3))])
Shards([np.zeros((9, 3), np.float32)])[torch.zeros(2, 2, dtype=torch.long)]
own, peak = resident("RssAnon"), resident("VmHWM")
for _ in range(5):
    shards[torch.randint(len(shards) - 27, (128, 1)) + torch.arange(27)]
peak = resident("VmHWM") - peak
checksum(shards)
print(peak, resident("RssAnon") - own)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_a_file_is_never_loaded_whole(tmp_path: Path):
    count = 400 * 2**20 // 264
    with (tmp_path / "large").open("wb") as file:
        file.truncate(191 + count * 264)  # a hole: it takes no room on the disk; 191: as in an .npz file
    command = [sys.executable, "-c", _GATHERS, str(tmp_path / "large"), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak, own = map(int, done.stdout.split())
    assert peak < 150  # MB: the pages around some windows, which the system may take back
    assert own < 100  # after all rows were read once


# Sources


def same_sources(memory: Source, disk: Source, frames: int = 9) -> None:
    """Equal windows, bit by bit, and nothing by which a run would tell them apart."""
    assert memory.facts == disk.facts
    assert (len(memory), memory.rate) == (len(disk), disk.rate)
    numbers = torch.randperm(len(memory), generator=torch.Generator().manual_seed(0))[:40]
    one, other = (source.batch(numbers, frames, Chance.of("a seed")) for source in (memory, disk))
    assert torch.equal(one.keypoints, other.keypoints)
    assert torch.equal(one.poses, other.poses)


@pytest.mark.parametrize("recipe", [PAPER, QUICK])
def test_motion_on_disk_gives_the_same_windows(tmp_path: Path, recipe: Recipe):
    corpus = write_corpus(tmp_path / "corpus")
    for path in (corpus / "a.npz", corpus):
        for splits in (("train",), ("train", "validation")):
            memory, disk = (motions.load(path, mapped).split(*splits) for mapped in (False, True))
            source = SeenMotion.of(memory, recipe)
            assert isinstance(source.world, Tensor)
            for other in (SeenMotion.of(disk, recipe, mapped=True), SeenMotion.of(memory, recipe, mapped=True)):
                assert isinstance(other.world, Shards)
                same_sources(source, other)
            assert torch.equal(SeenMotion.of(disk, recipe).world, source.world)


@pytest.fixture
def people(tmp_path: Path) -> PairedDataset:
    """Recordings with frames that nobody measured and joints that nobody saw."""
    observed = np.ones(30, bool)
    observed[[0, 10, 11, 12]] = False
    gappy = recording("Walk 1", 30, observed=observed, split="train")
    gappy.poses.positions[~observed] = np.nan
    gappy.keypoints["gt"].confidence[5:20, 4] = 0
    others = recording("Sit 1", 25, split="train"), recording("Eat 1", 8, split="validation")
    (tmp_path / "people").mkdir()
    return paired.write(tmp_path / "people", "people", [gappy, *others])


def mapped(data: PairedDataset, cache: Path | None = None) -> PairedWindows:
    return PairedWindows.of(data, "gt", PAPER, mapped=True, cache=cache)


def stamps(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def test_recordings_on_disk_give_the_same_windows(people: PairedDataset, tmp_path: Path):
    for data in (people, people.split("train"), people.split("validation")):
        for framing in ("screen", "person"):
            recipe = replace(PAPER, framing=framing, tds=2)
            disk = PairedWindows.of(data, "gt", recipe, mapped=True, cache=tmp_path / "cache")
            assert all(isinstance(rows, Shards) for rows in (disk.xy, disk.xyz, disk.observed))
            same_sources(PairedWindows.of(data, "gt", recipe), disk)


def test_what_was_written_once_is_mapped_the_next_time(people: PairedDataset, tmp_path: Path):
    mapped(people, tmp_path / "cache")
    before = stamps(tmp_path / "cache")
    assert len(before) == 5
    same_sources(mapped(people, tmp_path / "cache"), PairedWindows.of(people, "gt", PAPER))
    assert stamps(tmp_path / "cache") == before
    mapped(people)
    assert len(stamps(people.folder / "mapped")) == 5
    assert paired.load(people.folder).whole


def test_data_converted_anew_is_written_anew(people: PairedDataset, tmp_path: Path):
    mapped(people, tmp_path / "cache")
    poses = np.load(people.folder / "poses.npy")
    np.save(people.folder / "poses.npy", 2 * poses)
    same_sources(PairedWindows.of(people, "gt", PAPER), mapped(people, tmp_path / "cache"))
    assert len(list((tmp_path / "cache").iterdir())) == 2  # the lock, and one folder


def half_written(folder: Path) -> None:
    """As a killed process leaves it."""
    folder.rename(folder.parent / f".{folder.name}.partial")


def cut_off_array(folder: Path) -> None:
    path = folder / "xyz.npy"
    path.write_bytes(path.read_bytes()[:-4])


def array_of_another(folder: Path) -> None:
    np.save(folder / "xy.npy", random(5, 17, 2))


def array_gone(folder: Path) -> None:
    (folder / "observed.npy").unlink()


def index_cut_off(folder: Path) -> None:
    path = folder / recorded.INDEX
    path.write_bytes(path.read_bytes()[:50])


def index_of_another(folder: Path) -> None:
    path = folder / recorded.INDEX
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": "another"}))


@pytest.mark.parametrize(
    "damage", [half_written, cut_off_array, array_of_another, array_gone, index_cut_off, index_of_another]
)
def test_what_is_not_whole_is_written_again(people: PairedDataset, tmp_path: Path, damage: Callable[[Path], None]):
    mapped(people, tmp_path / "cache")
    [folder] = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    damage(folder)
    same_sources(PairedWindows.of(people, "gt", PAPER), mapped(people, tmp_path / "cache"))
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == [folder]


def test_what_fails_leaves_nothing_behind(people: PairedDataset, tmp_path: Path):
    (people.folder / "observed.npy").write_bytes(b"damaged")
    with pytest.raises(FormatError, match=r"observed\.npy"):
        mapped(people, tmp_path / "cache")
    assert stamps(tmp_path / "cache") == {}
    (tmp_path / "other").mkdir()
    nobody = recording("Walk 2", 30, observed=np.zeros(30, bool))
    with pytest.raises(PstmoError, match="people: found no measured pose among 30 frames"):
        mapped(paired.write(tmp_path / "other", "people", [nobody]), tmp_path / "cache")
    (tmp_path / "file").write_text("")
    with pytest.raises(PstmoError, match="cannot make the folder"):
        mapped(people, tmp_path / "file" / "cache")


def test_of_several_that_want_the_same_one_writes(
    people: PairedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written, write = [], recorded._write
    monkeypatch.setattr(recorded, "_write", lambda folder, *more: (written.append(folder), write(folder, *more)))
    with ThreadPoolExecutor(4) as pool:
        sources = list(pool.map(lambda _: mapped(people, tmp_path / "cache"), range(4)))
    assert len(written) == 1
    for source in sources:
        same_sources(PairedWindows.of(people, "gt", PAPER), source)
