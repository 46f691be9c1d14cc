"""Many files at once: who is done stays done, whatever fails, changes or is killed."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pyarrow.parquet
import pytest
from conftest import keypoints

from pstmo.corpus import Corpus, Item, Order, in_process
from pstmo.corpus.places import place
from pstmo.corpus.pools import TOGETHER, Pool, on_ray, pools
from pstmo.corpus.records import RECORD, Record
from pstmo.corpus.work import Raiser, Seer
from pstmo.errors import PstmoError
from pstmo.files import read_motion, write_keypoints
from pstmo.options import Choosing, Lifting, Looking, Options, Reading
from pstmo.samples import VIDEO

ODD = ["plain.npz", "two/plain.npz", "a b#c?%20.npz", "päivä [1].NPZ", "-x.npz", "*.npz", "caf\udce9.npz"]


@pytest.fixture
def options(small_checkpoint: Path) -> Options:
    return Options(lifting=Lifting(weights=str(small_checkpoint)))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Good files, one that is none, and what is no item at all."""
    for number, name in enumerate(ODD):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez(file, **arrays(12, number))
    (tmp_path / "in/bad.json").write_text("{")
    (tmp_path / "in/read.me").write_text("not for us")
    (tmp_path / "in/.hidden.npz").write_text("not for us")
    return tmp_path / "in"


def arrays(frames: int, seed: int) -> dict[str, object]:
    seen = keypoints(frames, seed)
    return {"keypoints": seen.xy, "image_size": seen.image_size, "fps": seen.fps, "skeleton": "coco17"}


def lifted(source: str | Path, out: str | Path, options: Options, again: bool = False) -> dict[str, Record]:
    """What was done, by item."""
    return {record.item: record for record in Corpus.of(str(source), str(out), options, again).lift(in_process)}


def index(out: str) -> list[dict[str, object]]:
    return pyarrow.parquet.read_table(io.BytesIO(place(out).below("index.parquet").read())).to_pylist()


def test_good_and_bad_items_of_any_name_each_in_a_folder_of_its_own(source: Path, tmp_path: Path, options: Options):
    found = lifted(source, tmp_path / "out", options)
    assert set(found) == {*ODD, "bad.json"}
    assert {name for name, record in found.items() if record.error} == {"bad.json"}
    assert "bad.json: neither an .npz file nor whole JSON" in (found["bad.json"].error or "")
    for name in ODD:
        assert read_motion(tmp_path / "out" / name / "motion.npz").frames == found[name].frames == 12
    assert lifted(source, tmp_path / "out", options) == {}


def test_the_index_is_the_records(source: Path, tmp_path: Path, options: Options):
    found = lifted(source, tmp_path / "out", options)
    rows = index(str(tmp_path / "out"))
    assert len(rows) == len(found) == len({row["item"] for row in rows})
    row = next(row for row in rows if row["item"] == "two/plain.npz")
    expected = {"people": 1, "frames": 12, "seconds": 0.4, "model": "small", "error": None}
    assert {name: row[name] for name in expected} == expected
    assert row["bytes"] == (tmp_path / "out/two/plain.npz/motion.npz").stat().st_size
    (tmp_path / "out/two/plain.npz" / RECORD).unlink()
    (tmp_path / "out/plain.npz" / RECORD).write_text('{"item": "plain.npz"')  # half of one
    assert set(lifted(source, tmp_path / "out", options)) == {"plain.npz", "two/plain.npz"}
    assert [row["item"] for row in index(str(tmp_path / "out"))] == [row["item"] for row in rows]


def test_only_what_has_changed_is_done_again(source: Path, tmp_path: Path, options: Options):
    out = tmp_path / "out"
    lifted(source, out, options)
    os.utime(source / "plain.npz", (1, 1))
    write_keypoints(source / "new.npz", keypoints(5))
    assert set(lifted(source, out, options)) == {"plain.npz", "new.npz"}
    (source / "bad.json").write_text("[1")
    assert set(lifted(source, out, options)) == {"bad.json"}
    assert set(lifted(source, out, options, again=True)) == {"bad.json"}
    everybody = Options(choosing=Choosing(all=True), lifting=options.lifting)
    assert len(lifted(source, out, everybody)) == len(ODD) + 2
    assert {path.name for path in (out / "plain.npz").iterdir()} == {"motion-1.npz", RECORD}  # nothing old beside it


def test_other_weights_are_another_thing_the_same_weights_elsewhere_are_not(source, tmp_path, small_checkpoint):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(small_checkpoint.read_bytes())
    options = [Options(lifting=Lifting(weights=str(path))) for path in (small_checkpoint, copy)]
    lifted(source, tmp_path / "out", options[0])
    assert lifted(source, tmp_path / "out", options[1]) == {}
    assert Corpus.of(str(source), str(tmp_path / "out"), Options(lifting=Lifting(weights="cmu-w27"))).left


def test_a_target_within_the_source_is_no_source(source: Path, options: Options):
    assert len(lifted(source, source / "out", options)) == len(ODD) + 1
    assert lifted(source, source / "out", options) == {}


def test_object_stores_are_as_good_as_folders(source: Path, tmp_path: Path, options: Options):
    memory = fsspec.filesystem("memory")
    for name, file in (("a.npz", "plain.npz"), ("deep/[a] *?.npz", "plain.npz"), ("bad.json", "bad.json")):
        memory.pipe_file(f"/corpus/{name}", (source / file).read_bytes())
    try:
        found = lifted("memory://corpus", "memory://lifted", options)
        assert {name: record.error is None for name, record in found.items()} == {
            "a.npz": True, "deep/[a] *?.npz": True, "bad.json": False,
        }  # fmt: skip
        assert (found["bad.json"].error or "").startswith("memory://corpus/bad.json: ")
        assert lifted("memory://corpus", "memory://lifted", options) == {}
        assert [row["item"] for row in index("memory://lifted")] == ["a.npz", "bad.json", "deep/[a] *?.npz"]
        (tmp_path / "m.npz").write_bytes(memory.cat_file("/lifted/deep/[a] *?.npz/motion.npz"))
        lifted(source, tmp_path / "out", options)
        there, here = read_motion(tmp_path / "m.npz"), read_motion(tmp_path / "out/plain.npz/motion.npz")
        np.testing.assert_array_equal(there.positions, here.positions)
        memory.pipe_file("/corpus/a.npz", (source / "two/plain.npz").read_bytes())
        assert set(lifted("memory://corpus", "memory://lifted", options)) == {"a.npz"}
    finally:
        memory.store.clear()
        memory.pseudo_dirs[:] = [""]


def test_a_list_names_files_from_where_it_lies(source: Path, tmp_path: Path, options: Options):
    elsewhere = tmp_path / "elsewhere.npz"
    write_keypoints(elsewhere, keypoints(5))
    lines = ["# a list", "", "two/plain.npz", f"{source}/plain.npz", "../elsewhere.npz", "two/plain.npz", "gone.npz"]
    (source / "clips.txt").write_text("\n".join(lines))
    found = lifted(source / "clips.txt", tmp_path / "out", options)
    assert set(found) == {"two/plain.npz", "plain.npz", str(elsewhere).strip("/"), "gone.npz"}
    assert [name for name, record in found.items() if record.error] == ["gone.npz"]


def test_the_frames_of_openpose_are_one_item(tmp_path: Path, options: Options):
    person = {"pose_keypoints_2d": np.random.default_rng(0).uniform(1, 400, 75).tolist()}
    folder = tmp_path / "in/clip"
    folder.mkdir(parents=True)
    for frame in range(4):
        (folder / f"clip_{frame:012}_keypoints.json").write_text(f'{{"people": [{person}]}}'.replace("'", '"'))
    options = Options(reading=Reading(image_size=(640, 480)), choosing=Choosing(fps=30.0), lifting=options.lifting)
    found = lifted(tmp_path / "in", tmp_path / "out", options)
    assert {name: (record.frames, record.error) for name, record in found.items()} == {"clip": (4, None)}


def test_mistakes_are_told_before_any_work(source: Path, tmp_path: Path, options: Options):
    empty = tmp_path / "empty"
    empty.mkdir()
    file = source / "plain.npz"
    for source_, out, message in (
        (empty, "out", "found nothing to lift, expected files that end with"),
        (tmp_path / "none", "out", "there is no"),
        (file, "out", "is one file, expected a folder, a list"),
        (source, file, "is a file, expected a folder for the results"),
        ("what://is/this", "out", "cannot use what://is/this: Protocol not known"),
    ):
        with pytest.raises(PstmoError, match=message):
            Corpus.of(str(source_), str(tmp_path / out), options)
    with pytest.raises(PstmoError, match="nothing: no such file, and no weights of that name"):
        Corpus.of(str(source), str(tmp_path / "out"), Options(lifting=Lifting(weights="nothing")))


def test_one_run_at_a_time(source: Path, tmp_path: Path, options: Options):
    first = Corpus.of(str(source), str(tmp_path / "out"), options).lift(in_process)
    next(first)
    with pytest.raises(PstmoError, match="another run writes into"):
        lifted(source, tmp_path / "out", options)
    first.close()  # as when somebody stops it
    assert len(index(str(tmp_path / "out"))) == 1
    assert len(lifted(source, tmp_path / "out", options)) == len(ODD)


def test_a_missing_extra_is_named(source: Path, tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(PstmoError, match=r"pip install 'pstmo\[corpus\]'"):
        Corpus.of(str(source), str(tmp_path / "out"), options)


def test_pools_fit_the_machine():
    for cpus in (1, 2, 16, 64):
        for gpus in (0, 1, 8):
            for videos in (True, False):
                see, lift = pools(videos, cpus, gpus)
                assert see.size * see.cpus + lift.size * lift.cpus <= cpus
                assert lift.size * lift.gpus == gpus
    assert pools(True, 2, 0) == (Pool(2, 0.5), Pool(2, 0.5))
    assert pools(False, 16, 1) == (Pool(8, 1.0), Pool(8, 1.0, 1 / 8, TOGETHER))


def test_items_that_are_lifted_together_come_out_as_alone(source: Path, tmp_path: Path, options: Options):
    """Also beside one that cannot be lifted, and one in which nobody is."""
    nobody = replace(keypoints(8), xy=np.full((8, 17, 2), np.nan, np.float32), confidence=np.zeros((8, 17), np.float32))
    write_keypoints(source / "nobody.npz", nobody)
    alone = lifted(source, tmp_path / "alone", options)

    def together(items: Sequence[Item], order: Order) -> Iterator[Record]:
        see, lift = Seer(order), Raiser(order)
        yield from lift([see(item) for item in items])

    found = {record.item: record for record in Corpus.of(str(source), str(tmp_path / "out"), options).lift(together)}
    assert {name: record.error for name, record in found.items()} == {name: r.error for name, r in alone.items()}
    assert {name for name, record in found.items() if record.error} == {"bad.json", "nobody.npz"}
    for name in ODD:
        one, other = (read_motion(tmp_path / out / name / "motion.npz") for out in ("alone", "out"))
        np.testing.assert_allclose(one.positions, other.positions, atol=1e-5)


def test_the_command_says_what_became_of_all(source: Path, tmp_path: Path, small_checkpoint, pstmo_here, monkeypatch):
    """Here in one process; with Ray: below."""
    monkeypatch.setattr("pstmo.corpus.pools.on_ray", lambda items, order, cluster: in_process(items, order))
    line = f"lift-corpus {source} -o out -w {small_checkpoint}"
    first = pstmo_here(tmp_path, line)
    assert (first.code, first.err) == (0, "")
    failed, counts, place_of_index = first.out.splitlines()
    assert failed.startswith(f"bad.json: {source}/bad.json: neither an .npz file nor whole JSON")
    assert counts == f"{len(ODD)} lifted, 1 failed, 0 done before"
    assert place_of_index.endswith("/out/index.parquet: what became of each")
    assert pstmo_here(tmp_path, line).out.startswith(f"0 lifted, 0 failed, {len(ODD) + 1} done before\n")
    for number in range(12):
        (source / f"bad{number}.json").write_text("{")
    found = pstmo_here(tmp_path, f"{line} --retry-failed").out.splitlines()
    assert found[10] == "... and 3 more that failed; the index has them all"
    assert found[11] == f"0 lifted, 13 failed, {len(ODD)} done before"
    monkeypatch.setenv("PSTMO_PROGRESS", "lines")
    (source / "plain.npz").touch()
    [record] = map(json.loads, pstmo_here(tmp_path, line).out.splitlines())
    assert (record["item"], record["error"]) == ("plain.npz", None)


def test_a_cluster_that_is_not_there_is_said_at_once(source: Path, tmp_path: Path, small_checkpoint, pstmo_here):
    address = "ray://127.0.0.1:1"
    found = pstmo_here(tmp_path, f"lift-corpus {source} -o out -w {small_checkpoint} --ray-address {address}")
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"pstmo: error: cannot use Ray at {address}: ")
    assert "refused" in found.err
    assert not list(tmp_path.glob("out/*.npz"))


def test_what_lies_in_this_process_no_worker_can_have(source: Path, options: Options):
    corpus = Corpus.of(str(source), "memory://lifted", options)
    with pytest.raises(PstmoError, match="found memory://, which is in one process only"):
        next(on_ray(corpus.items, corpus.order))


def test_where_nothing_can_be_written_that_is_the_record(source: Path, tmp_path: Path, options: Options):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/plain.npz").touch()
    found = lifted(source, tmp_path / "out", options)
    assert {name for name, record in found.items() if record.error} == {"bad.json", "plain.npz"}
    assert (found["plain.npz"].error or "").endswith("plain.npz/motion.npz: File exists")
    assert found["plain.npz"].files == {}


def test_a_video_far_away_keeps_there_what_was_seen_in_it(options: Options, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("av")
    pytest.importorskip("ai_edge_litert")
    files = fsspec.filesystem("memory")
    files.pipe("/videos/demo.mp4", VIDEO.read_bytes())
    some = Options(looking=Looking(end=0.2), lifting=options.lifting)
    try:
        [record] = lifted("memory://videos", "memory://seen", some).values()
        assert (record.error, record.frames, record.people) == (None, 6, 1)
        kept, motion = (files.cat(f"/seen/demo.mp4/{name}") for name in ("detections.jsonl", "motion.npz"))
        files.rm(f"/seen/demo.mp4/{RECORD}")
        monkeypatch.setattr("pstmo.detect.blazepose.BlazePose._new", lambda *_: pytest.fail("it looks again"))
        [again] = lifted("memory://videos", "memory://seen", some).values()
        assert (again.error, again.frames) == (None, 6)
        assert files.cat("/seen/demo.mp4/detections.jsonl") == kept
        assert files.cat("/seen/demo.mp4/motion.npz") == motion
    finally:
        for folder in ("/videos", "/seen"):
            files.rm(folder, recursive=True)


DEADLY = """
import os, pickle, sys
from pstmo.corpus import Corpus, pools
from pstmo.options import Lifting, Options

class Deadly(pools._See):
    def __call__(self, batch):
        if any(pickle.loads(item).name == "two/plain.npz" for item in batch["it"]):
            os.kill(os.getpid(), 9)
        yield from super().__call__(batch)

pools._See = Deadly
source, out, weights = sys.argv[1:]
for record in Corpus.of(source, out, Options(lifting=Lifting(weights=weights))).lift(pools.on_ray):
    print(record.line)
"""
"""A run whose workers die of one item."""


def test_by_ray_through_a_kill_and_a_deadly_file(source: Path, tmp_path: Path, small_checkpoint: Path, pstmo_here):
    """The first run is killed with all its processes, the second one's workers are, and all the rest is as ever."""
    arguments = [source, tmp_path / "out", small_checkpoint]
    first = [sys.executable, "-m", "pstmo", "lift-corpus", source, "-o", arguments[1], "-w", small_checkpoint]
    lines, pipe = {**os.environ, "PSTMO_PROGRESS": "lines"}, subprocess.PIPE
    with subprocess.Popen(first, env=lines, start_new_session=True, stdout=pipe, stderr=pipe, text=True) as run:
        assert run.stdout
        assert run.stdout.readline().startswith('{"item": ')
        os.killpg(run.pid, signal.SIGKILL)
    assert not (tmp_path / "out/index.parquet").exists()
    time.sleep(0.5)
    (tmp_path / "out/two/plain.npz" / RECORD).unlink(missing_ok=True)
    done = [path.parent.name for path in (tmp_path / "out").rglob(RECORD)]
    second = subprocess.run([sys.executable, "-c", DEADLY, *arguments], capture_output=True, text=True, check=False)
    assert (second.returncode, second.stderr) == (0, "")
    found = {record["item"]: record["error"] for record in map(json.loads, second.stdout.splitlines())}
    assert done
    assert not {name for name in done if name != "plain.npz"} & set(found)
    assert found["two/plain.npz"] == "two/plain.npz: a worker died of it, 3 times"
    rows = {row["item"]: row["error"] for row in index(str(tmp_path / "out"))}
    assert set(rows) == {*ODD[:-1], "caf?.npz", "bad.json"}  # Parquet knows no broken names
    assert {name for name, error in rows.items() if error} == {"bad.json", "two/plain.npz"}
    pstmo_here(tmp_path, f"lift {source}/plain.npz -o single -w {small_checkpoint}")
    alone, corpus = (read_motion(tmp_path / path / "motion.npz") for path in ("single", "out/plain.npz"))
    np.testing.assert_allclose(corpus.positions, alone.positions, atol=1e-5)
