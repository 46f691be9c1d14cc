"""The commands as people run them: real processes, and every mistake is one line and leaves nothing behind."""

import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from cmu_files import PEOPLE, walk, write_amc, write_motion
from conftest import Result, keypoints
from parity import weights
from recordings import recording

import pstmo
from pstmo import checkpoint
from pstmo.checkpoint import export_official
from pstmo.cli.settings import recipe
from pstmo.datasets import motions, paired
from pstmo.files import read_motion, write_keypoints
from pstmo.model.stmo import STMO
from pstmo.presets import PRESETS, ModelConfig
from pstmo.sequence import Keypoints
from pstmo.skeleton import COCO, HUMAN36M
from pstmo.smooth import zero_phase

DOCS = Path(__file__).parents[1] / "docs"
SHAPES = Path(__file__).parent / "parity" / "stmo_f27_l3.json"
TINY = "--device cpu --set model.width=32 model.hidden=64 model.heads=4 model.strides=3,3 model.depth=2"


def start(folder: Path, line: str, *options: str) -> subprocess.Popen[str]:
    """`pstmo` as a process of its own, in a folder. options: of Python."""
    return subprocess.Popen(
        [sys.executable, *options, "-m", "pstmo", *line.split()],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Result:
    out, err = process.communicate()
    return Result(process.returncode, out, err)


def succeed(folder: Path, line: str) -> str:
    """What the process prints; it must end well, without a word on standard error."""
    code, out, err = finish(start(folder, line))
    assert (code, err) == (0, "")
    return out


@pytest.fixture
def done(pstmo_here) -> Callable[[Path, str], str]:
    """As `succeed`, but in this process."""

    def run(folder: Path, line: str) -> str:
        code, out, err = pstmo_here(folder, line)
        assert (code, err) == (0, "")
        return out

    return run


class Trap:
    """Unpickling this makes a file."""

    def __reduce__(self):
        return open, ("sprung", "w")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path) -> Path:
    """A folder with good.npz and small.safetensors, and with what people take for those by mistake."""
    folder = tmp_path_factory.mktemp("files")
    seen = keypoints(frames=40)
    good = {"keypoints": seen.xy, "image_size": (640, 480), "fps": 30, "skeleton": "coco17"}
    for name, wrong in {
        "good": {},
        "zero": {"keypoints": seen.xy[:0]},
        "nobody": {"keypoints": np.full_like(seen.xy, np.nan)},
        "no_size": {"image_size": None},
        "no_fps": {"fps": None},
    }.items():
        arrays = {key: value for key, value in (good | wrong).items() if value is not None}
        np.savez(folder / f"{name}.npz", **arrays)
    (folder / "empty.json").touch()
    (folder / "prose.json").write_text("Dear reader, these are keypoints.")
    (folder / "other.json").write_text('{"temperature": [20.5, 21.0]}')
    whole = small_checkpoint.read_bytes()
    (folder / "small.safetensors").write_bytes(whole)
    (folder / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    np.save(folder / "bare.npy", seen.xy)
    positions = np.random.default_rng(0).normal(0, 0.5, (30, 22, 3))
    write_motion(folder / "motion.npz", positions, PEOPLE)
    write_motion(folder / "lonely.npz", positions, {"01": 0.0})
    (folder / "people").mkdir()
    both = {"a": COCO, "b": COCO}
    paired.write(folder / "people", "people", [recording("Walk 1", kinds=both), recording("Sit 1", kinds=both)])
    torch.save({"weights": Trap()}, folder / "trap.pth")
    (folder / "trap2.pth").write_bytes(pickle.dumps({"weights": Trap()}, protocol=2))
    return folder


def contents(folder: Path) -> dict[str, bytes | None]:
    paths = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}


MISTAKES = {
    "lift empty.json": "empty.json: the file is empty",
    "lift prose.json": "prose.json: found a table of 1 rows, .*no format that is known",
    "lift other.json": "found a mapping with keys 'temperature': no format that is known here; expected one of:",
    "lift missing.npz": "missing.npz: cannot be read: No such file",
    "lift zero.npz": "zero.npz: found nobody in any of its 0 frames",
    "lift nobody.npz": "nobody was observed: no joint in any of the 40 frames",
    "lift no_size.npz": "the image size is missing: .* --image-size 1920 1080",
    "lift no_fps.npz": "the frame rate is missing: .* --fps 30",
    "lift good.npz --all --person 1": "found --all and --person 1, expected one of them$",
    "lift good.npz --confidence 1.5": "found a confidence of 1.5, expected 0 to 1$",
    "lift good.npz --smooth -1": "found --smooth -1, expected Hz from 0 on",
    "lift good.npz --skeleton centaur": "unknown skeleton 'centaur'; available: h36m17, .*coco17",
    "lift good.npz -w half.safetensors": "half.safetensors is not a whole safetensors file",
    "lift good.npz -w trap.pth": "trap.pth is a PyTorch file, .*pstmo import",
    "lift good.npz -w trap2.pth": "trap2.pth is a PyTorch file",
    "lift good.npz -w good.npz": r"good.npz is a zip file, as .npz files are, expected a checkpoint \(.safetensors\)$",
    "lift good.npz -w nonsense": "nonsense: no such file, and no weights of that name; available: ",
    "lift good.npz -o good.npz": "good.npz is a file, expected a folder",
    "evaluate --data good.npz -w small.safetensors": r"good\.npz: not a data set: it has no dataset\.json",
    "evaluate --data people -w small.safetensors": r"people has keypoints a \(coco17\), b \(coco17\); .*--keypoints",
    "evaluate --data people --keypoints c": r"people has no keypoints 'c'; available: a \(coco17\), b",
    "evaluate --data people --keypoints a --split train": "people has no split train; available: test",
    "evaluate --data people --keypoints a --actions Swim": "people has no action Swim; available: Walk, Sit",
    "evaluate --data people --keypoints a --save-predictions": "needs a folder to write to: -o OUT",
    "evaluate --data people --predictions bare.npy": r"bare\.npy: found a bare array",
    "evaluate --data people --predictions good.npz": r"good\.npz: no predictions for 'S9/Walk 1/cam'; found 4",
    "evaluate --data people --predictions good.npz -w small.safetensors": "--predictions stand by themselves",
    "evaluate --data people --keypoints a -w small.safetensors --refine small.safetensors": "lifter, expected a refine",
    "evaluate --data people --keypoints a -w small.safetensors --step 0": "found a step of 0 frames, expected 1",
    "evaluate --data people --keypoints a -w small.safetensors --device tpu9": "device 'tpu9' cannot be used: ",
    "finetune --data people --keypoints a -o out": "people has no split train; available: test",
    "data human36m --from people": "people: found neither data_3d_h36m.npz nor S1/MyPoseFeatures",
    "data mpi-inf-3dhp --from people": "people: found no file of MPI-INF-3DHP",
    "data own --from good.npz": "good.npz",
    "data cmu4 --from motion.npz": "found 4 motions and none of cmu4's 462 clips",
    "data mocap --from people": "no motion in 0 .amc and .bvh files",
    f"finetune --data motion.npz -o good.npz {TINY}": "good.npz is a file, expected a folder for the results$",
    "finetune --data motion.npz -o good.npz/sub": "good.npz is a file, expected a folder for the results$",
    "finetune --data missing.npz --start nothing": "nothing: no such file$",
    "finetune --data missing.npz --start motion.npz": "motion.npz is a zip file",
    "refine --data missing.npz --lifter nothing": "nothing: no such file$",
    "finetune --data nowhere/at/all": "nowhere/at/all: no such file or folder$",
    "finetune --data prose.json": "prose.json: not a whole file of motions .* `pstmo data mocap` writes them$",
    "finetune --data bare.npy": r"bare.npy: not a whole file of motions \(.npz\), as `pstmo data mocap` writes them$",
    f"finetune --data lonely.npz -o out {TINY}": "30 frames to train on and 0 to validate on",
    f"finetune --data motion.npz -o out {TINY} finetune.epochs=0": "=0: epochs must be at least 1, found 0$",
    f"pretrain --data motion.npz -o out {TINY} masking.frames=1.5": "masking.frames=1.5: frames, .*, found 1.5$",
    f"finetune --data motion.npz -o out {TINY} model.strides=3,2": "strides must be odd, .*a window of 6 frames$",
    f"finetune --data motion.npz -o out {TINY} finetune.batch=1": "=1: batch must be at least 2, found 1$",
    f"finetune --data motion.npz -o out {TINY} finetune.clip=0": "finetune.clip=0: clip must be above 0, found 0.0$",
    f"finetune --data motion.npz -o out {TINY} rates=10,0": r"rates must be .*, found \(10.0, 0.0\)$",
    f"finetune --data motion.npz -o out {TINY} rates=10": "rates=10: expected 2 numbers with commas .* or None$",
    f"finetune --data motion.npz -o o {TINY} model.joints_in=16": r"17, 17\) joints in and out, .*has \(16",
    f"finetune --data motion.npz -o out {TINY} finetune.lr=high": "--set finetune.lr=high: expected a number$",
    f"finetune --data motion.npz -o out {TINY} finetune.optimizer=sgd": "=sgd: expected one of adam, adamw, muon$",
    f"finetune --data motion.npz -o out {TINY} model.strides=a": "=a: expected several numbers with commas between",
    f"finetune --data motion.npz -o out {TINY} model.depth": "--set model.depth: expected NAME=VALUE",
    f"train --data motion.npz -o out {TINY} model.size=3": "model.size=3: no such field; available: joints_in, ",
    f"train --data motion.npz -o out {TINY} masking=3": "masking=3: no such field; available: model.joints_in, ",
    "train --data motion.npz -o out --preset p-stmo-xl": "unknown preset 'p-stmo-xl'; available: cmu-w27, ",
    f"train --data missing.npz -o out {TINY}": "missing.npz: ",
    f"pretrain --data motion.npz -o out {TINY} masking.joints=17": "hiding 80% of 9 frames and 17 of 17 joints",
    f"refine --data motion.npz -o out --lifter small.safetensors {TINY}": "motion",
    "import trap.pth": "trap.pth holds pickled objects, which are never executed",
    "import trap2.pth": "trap2.pth holds pickled objects, which are never executed",
}
"""Commands, and what their message must say. They run in the folder of `files`."""

AS_PROCESSES = (
    "lift empty.json", "lift nobody.npz", "lift good.npz -w half.safetensors", "lift good.npz -o good.npz",
    "import trap.pth",
)  # fmt: skip


def completed(line: str) -> str:
    command = line.split(maxsplit=1)[0]
    line += "" if " -o " in line or command in ("evaluate", "reproduce") else " -o out"
    return line if " -w " in line or command != "lift" else f"{line} -w small.safetensors"


def assert_one_message(result: Result, message: str) -> None:
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("pstmo: error: ")
    assert result.err.count("pstmo: error:") == 1
    assert "Traceback" not in result.err
    assert re.search(message, result.err), result.err


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_message_and_leaves_nothing(line: str, files: Path, pstmo_here):
    before = contents(files)
    assert_one_message(pstmo_here(files, completed(line)), MISTAKES[line])
    assert contents(files) == before


def test_mistakes_of_real_processes(files: Path):
    before = contents(files)
    processes = {line: start(files, completed(line)) for line in AS_PROCESSES}
    for line, process in processes.items():
        assert_one_message(finish(process), MISTAKES[line])
    assert contents(files) == before


def test_an_interruption_before_training_says_so(files: Path, pstmo_here, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = contents(files)
    monkeypatch.setattr(motions, "load", interrupted)
    result = pstmo_here(files, f"finetune --data motion.npz -o out {TINY}")
    assert result == (130, "", "pstmo: stopped by SIGINT while the data was read; nothing was begun\n")
    assert contents(files) == before
    monkeypatch.setattr(checkpoint, "load", interrupted)
    assert pstmo_here(files, "export small.safetensors -o out.pth") == (130, "", "pstmo: interrupted\n")


def test_the_trap_is_one(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Else the tests above would say nothing."""
    monkeypatch.chdir(tmp_path)
    pickle.loads((files / "trap2.pth").read_bytes())["weights"].close()
    assert (tmp_path / "sprung").exists()


def test_help_comes_without_torch(tmp_path: Path):
    code, out, err = finish(start(tmp_path, "--help", "-X", "importtime"))
    assert code == 0
    for command in (
        "lift",
        "evaluate",
        "reproduce",
        "data",
        "train",
        "pretrain",
        "finetune",
        "refine",
        "presets",
        "export",
    ):
        assert re.search(rf"\W{command}  +[A-Z]", out), command
    modules = {line.split("|")[-1].strip() for line in err.splitlines()}
    assert "pstmo.cli" in modules
    assert not {"torch", "pstmo.lift", "matplotlib"} & modules


def test_every_field_of_a_recipe_is_an_option(tmp_path: Path, pstmo_here):
    code, out, _ = pstmo_here(tmp_path, "presets")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(PRESETS)
    for preset in PRESETS:
        lines = pstmo_here(tmp_path, f"presets {preset}").out.splitlines()
        assert len(lines) > 40
        changes = [line.replace(" = ", "=") for line in lines]
        assert recipe(preset, changes) == PRESETS[preset]  # what is printed can be set
    assert_one_message(pstmo_here(tmp_path, "presets p-stmo-xl"), "unknown preset 'p-stmo-xl'; available: cmu-w27, ")
    other = recipe("p-stmo-s", ["model.strides=3,3", "finetune.clip=0.5", "finetune.compile=True", "rates=20,50"])
    assert (other.model.strides, other.finetune.clip, other.rates) == ((3, 3), 0.5, (20.0, 50.0))
    assert other.finetune.compile
    assert not other.pretrain.compile


def test_lift_writes_motion_and_a_page(files: Path, tmp_path: Path):
    out = tmp_path / "new" / "results"
    printed = succeed(files, f"lift good.npz -o {out} -w small.safetensors").splitlines()
    assert printed[0] == "good.npz: npz, 640 x 480 pixels, 30 frames/s, coco17, 40 frames, 1 person"
    made = "small, fast, smoothed at 5 Hz"
    assert printed[1].startswith("no world: the keypoints fit these poses only -")  # of a network that knows nothing
    assert printed[2] == f"{out / 'motion.npz'}: 40 frames of h36m17, metres, camera axes; {made}"
    assert printed[3].startswith(f"{out / 'view.html'}: ")
    stages = ["reading", "loading", "lifting", "the world", "writing"]
    assert re.fullmatch(f"seconds: {', '.join(f'{stage} [0-9.]+' for stage in stages)}; [0-9.]+ in all", printed[-1])
    assert sorted(path.name for path in out.iterdir()) == ["motion.npz", "view.html"]
    poses = read_motion(out / "motion.npz").poses
    seen = keypoints(frames=40)
    wanted = zero_phase(pstmo.load(files / "small.safetensors").lift(seen).positions, seen.times, 5)
    np.testing.assert_allclose(poses.positions, wanted, atol=1e-5)
    assert (poses.fps, poses.model, poses.skeleton.name, poses.smoothing) == (30.0, "small", "h36m17", 5.0)
    with np.load(out / "motion.npz", allow_pickle=False) as motion:
        facts = {name: motion[name].item() for name in ("units", "axes", "fps", "model", "mode", "version", "root")}
    assert facts == {
        "units": "metres",
        "axes": "camera: x right, y down, z forward, root joint at 0",
        "fps": 30.0,
        "model": "small",
        "mode": "fast",
        "version": version("pstmo"),
        "root": "hip",
    }
    page = (out / "view.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "<title>good</title>" in page


def test_lift_takes_the_mode_that_is_asked_for(files: Path, tmp_path: Path, pstmo_here):
    lifter, seen = pstmo.load(files / "small.safetensors"), keypoints(frames=40)
    line = f"lift {files / 'good.npz'} -w {files / 'small.safetensors'} -o out --smooth 0"
    settings = {
        "fast --every 4": {"mode": "fast", "every": 4},
        "sequence --overlap 0.25": {"mode": "sequence", "overlap": 0.25},
        "live --lag 2": {"mode": "live", "lag": 2},
    }
    for mode, wanted in settings.items():
        assert f"; small, {wanted['mode']}\n" in pstmo_here(tmp_path, f"{line} --mode {mode}").out
        found = read_motion(tmp_path / "out/motion.npz").poses
        np.testing.assert_allclose(found.positions, lifter.lift(seen, **wanted).positions, atol=1e-5)
        assert found.mode == wanted["mode"]
    narrow = replace(lifter, precision="bf16").lift(seen).positions
    assert pstmo_here(tmp_path, f"{line} --precision bf16").code == 0
    np.testing.assert_allclose(read_motion(tmp_path / "out/motion.npz").poses.positions, narrow, atol=1e-5)
    assert np.abs(narrow - lifter.lift(seen).positions).max() > 1e-4


def test_options_fill_in_what_a_file_does_not_say(files: Path, tmp_path: Path, pstmo_here):
    seen = keypoints(frames=40)
    people = [
        {"image_id": i, "category_id": 1, "keypoints": np.insert(frame, 2, 1, axis=1).ravel().tolist(), "score": 1}
        for i, frame in enumerate(seen.xy.astype(float))
    ]
    (tmp_path / "people.json").write_text(json.dumps(people))
    line = f"lift people.json -w {files / 'small.safetensors'} --image-size 640 480 --smooth 0 --mode exact"
    assert pstmo_here(tmp_path, f"{line} --fps 25 -o both").code == 0
    assert pstmo_here(tmp_path, f"{line} --fps 25 -o one --no-mirror").code == 0
    assert pstmo_here(tmp_path, f"{line} --fps 250 -o one").code == 0  # an old result is replaced
    lifter = pstmo.load(files / "small.safetensors")
    both, fast = read_motion(tmp_path / "both/motion.npz").poses, read_motion(tmp_path / "one/motion.npz").poses
    np.testing.assert_allclose(both.positions, lifter.lift(seen, mode="exact").positions, atol=1e-5)
    quick = Keypoints.from_array(seen.xy, image_size=(640, 480), fps=250)
    np.testing.assert_allclose(fast.positions, lifter.lift(quick, mode="exact").positions, atol=1e-5)
    assert (both.fps, fast.fps) == (25.0, 250.0)


def test_frames_without_anybody_are_spoken_of(files: Path, tmp_path: Path, pstmo_here):
    seen = keypoints(frames=40)
    seen.confidence[30:33] = 0
    write_keypoints(tmp_path / "gap.npz", Keypoints.from_array(seen.xy, confidence=seen.confidence,
                                                              image_size=(640, 480), fps=30))  # fmt: skip
    result = pstmo_here(tmp_path, f"lift gap.npz -o out -w {files / 'small.safetensors'}")
    assert "nobody was seen in 3 of 40 frames" in result.out
    assert np.flatnonzero(~read_motion(tmp_path / "out/motion.npz").poses.observed).tolist() == [30, 31, 32]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with motion.npz, which `pstmo data` made of three people: one trains, one validates, one tests."""
    folder = tmp_path_factory.mktemp("studio")
    (folder / "clips").mkdir()
    for name in ("01_01", "05_01", "07_01"):
        write_amc(folder / "clips" / f"{name}.amc", *walk(145, 120.0))
    code, printed, said = finish(start(folder, "data mocap --from clips -o motion.npz"))
    assert (code, said) == (0, "reading clips\n")
    assert "train: 1 files, 1 motions, 61 frames" in printed
    assert printed.endswith("\nwrote motion.npz\n")
    again = succeed(folder, "data mocap --from clips -o motion.npz")
    assert again == printed.replace("wrote motion.npz", "motion.npz: made from clips already, left as it is")
    return folder


def test_from_motion_capture_to_lifted_poses(studio: Path, files: Path, done):
    quick = "{0}.epochs=1 {0}.batch=16 {0}.epoch_windows=32"
    printed = done(studio, f"pretrain --data motion.npz -o one {TINY} {quick.format('pretrain')}")
    assert printed == "one/pretrain/pretrained.safetensors\n"
    line = f"finetune --data motion.npz -o two --start one/pretrain/pretrained.safetensors {TINY}"
    assert done(studio, f"{line} {quick.format('finetune')}") == "two/finetune/model.safetensors\n"
    for folder in ("one/pretrain", "two/finetune"):
        [log] = (studio / folder / "log.jsonl").read_text().splitlines()
        assert json.loads(log)["epoch"] == 1
    network = checkpoint.load(studio / "two/finetune/model.safetensors").network
    assert (network.config.width, network.config.frames, network.config.depth) == (32, 9, 2)
    printed = done(studio, "data cmu4 --from motion.npz -o bench")
    assert "bench: ready for --data" in printed
    assert "missing:" in printed
    results = "results.json results.csv tables.md tables.tex report.html predictions.npz"
    line = "evaluate --data bench --keypoints noisy_coco"
    table = done(studio, f"{line} -w two/finetune/model.safetensors -o results --save-predictions")
    assert re.search(r"mean of frames\W+244 ", table)
    assert {path.name for path in (studio / "results").iterdir()} == set(results.split())
    found = json.loads((studio / "results/results.json").read_text())
    done(studio, f"{line} --predictions results/predictions.npz -o again")
    again = json.loads((studio / "again/results.json").read_text())
    assert found.pop("model") == "two"
    assert again.pop("model") == "predictions"
    assert again.keys() == found.keys()
    assert again["mean"] == {name: pytest.approx(errors, rel=1e-9) for name, errors in found["mean"].items()}
    printed = done(studio, f"lift {files / 'good.npz'} -o three -w two/finetune/model.safetensors")
    assert "; two, fast, smoothed at 5 Hz" in printed
    assert read_motion(studio / "three/motion.npz").poses.model == "two"


def test_official_weights_come_in_and_go_out(tmp_path: Path, pstmo_here):
    state = {name: torch.from_numpy(values) for name, values in weights.state_dict(str(SHAPES)).items()}
    torch.save(state, tmp_path / "official.pth")
    result = pstmo_here(tmp_path, "import official.pth -o ours.safetensors --rate 25")
    assert result == (0, "wrote ours.safetensors: STMO\n", "")
    result = pstmo_here(tmp_path, "export ours.safetensors -o back.pth")
    assert result[0] == 0
    assert "--keypoints h36m17 --poses h36m17 --rate 25 --framing screen" in result[1]
    back = torch.load(tmp_path / "back.pth", weights_only=True)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())
    seen = Keypoints.from_array(keypoints(12).xy, skeleton="h36m17", image_size=(640, 480), fps=50)
    write_keypoints(tmp_path / "seen.npz", seen)
    assert pstmo_here(tmp_path, "lift seen.npz -o out -w ours.safetensors").code == 0
    assert read_motion(tmp_path / "out/motion.npz").poses.model == "official"
    lifter = pstmo.load(tmp_path / "ours.safetensors")
    assert (lifter.checkpoint.framing, lifter.step(50.0)) == ("screen", 2)


def test_what_the_official_code_has_no_place_for_is_not_exported(files: Path, pstmo_here):
    before = contents(files)
    assert_one_message(pstmo_here(files, "export small.safetensors -o out.pth"), "the official code has 8 heads")
    assert contents(files) == before


def test_train_runs_both_stages_and_reports(studio: Path, done):
    quick = " ".join(f"{stage}.{field}" for stage in ("pretrain", "finetune") for field in ("epochs=2", "batch=16"))
    line = f"train --data motion.npz -o whole {TINY} {quick} finetune.every=1"
    assert done(studio, line).splitlines() == ["whole/finetune/model.safetensors", "whole/report.html"]
    made = sorted(str(path.relative_to(studio / "whole")) for path in (studio / "whole").rglob("*") if path.is_file())
    assert [name for name in made if "tensorboard" not in name] == [
        *(f"finetune/{name}" for name in ("epoch-0001.safetensors", "epoch-0002.safetensors", "log.jsonl")),
        *("finetune/model.safetensors", "finetune/state.safetensors"),
        *(f"pretrain/{name}" for name in ("log.jsonl", "pretrained.safetensors", "state.safetensors")),
        "report.html",
    ]
    assert sum("events.out.tfevents" in name for name in made) == 2
    page = (studio / "whole/report.html").read_text("utf-8")
    for words in ("whole", "left wrist", "finetune", "lr", "svg"):
        assert words in page, words
    before = contents(studio / "whole")
    assert done(studio, line)  # nothing is left to do
    after = contents(studio / "whole")
    assert all(after[name] == value for name, value in before.items() if name.endswith("safetensors"))


def test_from_a_data_set_of_ones_own_to_its_errors(studio: Path, done):
    """Other skeletons: 5 joints in, 4 out, through both stages, evaluation and report."""

    example = re.search(r"```python\n(.+?)```", (DOCS / "own-data.md").read_text("utf-8"), re.DOTALL)
    assert example is not None
    folder = studio / "own"
    folder.mkdir()
    subprocess.run([sys.executable, "-c", example[1]], cwd=folder, check=True)
    printed = done(folder, "data own --from mydata -o data")
    assert "data: ready for --data" in printed
    quick = "{0}.epochs=1 {0}.batch=8 {0}.epoch_windows=16"
    done(folder, f"pretrain --data data -o one {TINY} {quick.format('pretrain')}")
    line = f"finetune --data data -o two --start one/pretrain/pretrained.safetensors {TINY} {quick.format('finetune')}"
    done(folder, line)
    network = checkpoint.load(folder / "two/finetune/model.safetensors").network
    assert (network.config.joints_in, network.config.joints_out) == (5, 4)
    done(folder, "evaluate --data data -w two/finetune/model.safetensors -o results")
    assert (folder / "results/report.html").stat().st_size > 10_000
    everybody = f"finetune --data data -o three --with-validation {TINY} {quick.format('finetune')}"
    assert done(folder, everybody).splitlines() == [
        "windows run at 50 frames/s: recorded 2D cannot be had at rates of (20.0, 60.0)",
        "three/finetune/model.safetensors",
    ]


def test_reproduce_says_what_it_needs_and_compares(tmp_path: Path, pstmo_here):
    line = "reproduce p-stmo-s --data h36m --checkpoints ck"
    code, out, err = pstmo_here(tmp_path, line)
    assert (code, out) == (2, "")
    needed = err.splitlines()
    assert needed[0] == "p-stmo-s needs:"
    assert "ck/PSTMOS_no_refine_28_4306_h36m_cpn.pth, from https://" in needed[1]
    assert "`pstmo data human36m --from FOLDER -o h36m`" in needed[2]
    for folder in ("h36m", "ck"):
        (tmp_path / folder).mkdir()
    kinds = {"cpn_ft_h36m_dbb": HUMAN36M}
    paired.write(tmp_path / "h36m", "Human3.6M", [recording("Walking 1", 5, kinds=kinds)])
    small = STMO(ModelConfig(strides=(3, 3), width=32, hidden=32, heads=8)).eval()
    export_official(small, tmp_path / "ck/PSTMOS_no_refine_28_4306_h36m_cpn.pth")
    code, out, _ = pstmo_here(tmp_path, f"{line} -o results")
    assert code == 1
    assert re.search(r"p-stmo-s: mpjpe \(by action\) [\d.]+, published 43.06: differs by more than 0.1", out)
    assert (tmp_path / "results/report.html").is_file()


def test_a_missing_extra_is_told_before_the_work(files: Path, pstmo_here, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    before = contents(files)
    result = pstmo_here(files, "evaluate --data people --keypoints a -w small.safetensors -o results")
    assert_one_message(result, r"this needs matplotlib: pip install 'pstmo\[report\]'")
    assert contents(files) == before


def test_a_name_that_is_no_text_is_lifted(files: Path, tmp_path: Path):
    odd = os.fsencode(tmp_path) + b"/odd\xe9.npz"
    Path(os.fsdecode(odd)).write_bytes((files / "good.npz").read_bytes())
    command = [sys.executable, "-m", "pstmo", "lift", odd, "-o", tmp_path / "out", "-w", files / "small.safetensors"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"odd\\udce9.npz: npz" in done.stdout
    assert (tmp_path / "out/view.html").exists()
