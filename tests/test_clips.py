"""Laws of the readers of motion capture, on small files written here, and a look at real ones if they are at hand."""

import os
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from cmu_files import LIMBS, SPEED, UNIT, at, lengths, walk, walker, write_amc, write_asf, write_bvh, write_daz

from pstmo.datasets import clips, rigs, rotations
from pstmo.errors import FormatError
from pstmo.skeleton import MOCAP

SHARED = Path(os.environ.get("PSTMO_SHARED", Path(__file__).parents[2] / "shared"))


def test_asf_and_bvh_of_the_same_motion_agree(tmp_path: Path):
    a = walker(tmp_path)
    [b] = clips.read_clip(write_bvh(tmp_path / "07_01.bvh", *walk(121, 60.0), fps=60.0))
    assert (a.source, b.source, a.fps, a.subject, b.name) == ("asf", "mb", 50.0, "07", "07_01")
    np.testing.assert_allclose(a.positions, b.positions, atol=1e-5)


def test_other_names_for_the_same_bones(tmp_path: Path):
    path = write_bvh(tmp_path / "1_1.bvh", *walk(121, 60.0), fps=60.0)
    [wanted] = clips.read_clip(path)
    theirs = {mb: maxes for maxes, mb in rigs.MAX.renames.items()}
    path.write_text(re.sub(r"(?<=JOINT )(\w+)", lambda name: theirs.get(name[1], name[1]), path.read_text()))
    assert "Chest2" in path.read_text()
    np.testing.assert_array_equal(clips.read_clip(path)[0].positions, wanted.positions)


@pytest.mark.parametrize("fps", [60.0, 120.0])
def test_the_retargeted_figure_is_made_an_adult_and_loses_its_lead_in(tmp_path: Path, fps: float):
    [motion] = clips.read_clip(write_daz(tmp_path / "60_01.bvh", frames=int(fps), fps=fps))
    assert motion.source == "daz"
    assert 40 <= motion.frames <= 45
    np.testing.assert_allclose(at(motion, "hip")[:, 0], 0, atol=1e-6)
    widths = lengths(motion, ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"), ("left_hip", "left_knee"))
    leg = np.hypot(0.36, 0.09) + np.hypot(0.44, 0.09)
    np.testing.assert_allclose(widths, np.tile([1.45 * 0.22, 0.16, 0.49 * leg], (motion.frames, 1)), atol=1e-5)
    assert (at(motion, "left_knee") - at(motion, "left_hip"))[:, 1].max() < -0.05
    assert (at(motion, "nose") - at(motion, "head_top"))[:, 1].max() < -0.05


@pytest.mark.parametrize("fps", [30.0, 50.0, 60.0, 120.0])
def test_resampling_keeps_duration_path_and_bones(tmp_path: Path, fps: float):
    motion = walker(tmp_path, int(2 * fps) + 1, fps)
    assert motion.frames == 101
    assert lengths(motion, *LIMBS).std(0).max() < 1e-6
    np.testing.assert_allclose(lengths(motion, *LIMBS[:1])[0], UNIT * np.hypot(2.5, 7), rtol=1e-5)
    np.testing.assert_allclose(
        at(motion, "hip")[:, 1], at(motion, "hip")[0, 1] - SPEED * np.arange(101) / 50, atol=0.02
    )


def test_the_walker_stands_up_looks_ahead_and_has_its_left_on_the_left(tmp_path: Path):
    motion, up, ahead = walker(tmp_path), np.array([0, 0, 1]), np.array([0, -1, 0])
    heights = [
        at(motion, joint)[:, 2].mean() for joint in ("left_ankle", "left_knee", "hip", "spine", "thorax", "head_top")
    ]
    assert heights == sorted(heights)
    assert heights[-1] - heights[0] == pytest.approx(1.5, abs=0.2)
    for joint in (MOCAP.joints[i] for i in MOCAP.left):
        aside = at(motion, joint) - at(motion, joint.replace("left", "right"))
        assert (aside @ np.cross(up, ahead)).min() > 0, joint
    ears, eyes = ((at(motion, f"left_{x}") + at(motion, f"right_{x}")) / 2 for x in ("ear", "eye"))
    assert ((at(motion, "nose") - ears) @ ahead).min() > 0.1
    assert ((at(motion, "nose") - eyes) @ ahead).min() > 0.02
    assert ((eyes - at(motion, "nose")) @ up).min() > 0.02
    assert np.ptp(lengths(motion, ("nose", "left_ear"), ("nose", "right_ear"))) < 1e-5
    np.testing.assert_allclose(lengths(motion, ("left_ear", "right_ear")), 0.145, atol=1e-5)


def test_euler_angles_multiply_left_to_right():
    angles = np.array([30.0, -50.0, 110.0])
    c, s = np.cos(np.deg2rad(angles)), np.sin(np.deg2rad(angles))
    z = np.array([[c[0], -s[0], 0], [s[0], c[0], 0], [0, 0, 1]])
    y = np.array([[c[1], 0, s[1]], [0, 1, 0], [-s[1], 0, c[1]]])
    x = np.array([[1, 0, 0], [0, c[2], -s[2]], [0, s[2], c[2]]])
    np.testing.assert_allclose(rotations.to_matrix(rotations.from_euler(angles, "zyx")), z @ y @ x, atol=1e-12)
    np.testing.assert_allclose(
        rotations.to_matrix(rotations.from_euler(angles[[2, 1, 0]], "xyz")), x @ y @ z, atol=1e-12
    )


def test_a_steady_turn_is_resampled_exactly():
    turn = np.stack([np.zeros(61), 3.0 * np.arange(61)], 1)
    turn[::2] += 360  # the same rotations from the other side of the sphere
    at_50 = rotations.resample_rotations(rotations.from_euler(turn, "xz"), rotations.instants(61, 60.0, 50.0))
    exact = rotations.from_euler(np.stack([np.zeros(51), 3.6 * np.arange(51)], 1), "xz")
    np.testing.assert_allclose(rotations.to_matrix(at_50), rotations.to_matrix(exact), atol=1e-9)


def test_acclaim_bones_turn_about_their_own_axes(tmp_path: Path):
    """With axes turned by 90 degrees about z, a bone's x is the world's y: the head turns left by rx."""
    root, angles = walk(121, 60.0)
    write_asf(tmp_path / "1.asf", "0 0 90 XYZ")
    angles = {bone: turns * 0 for bone, turns in angles.items()} | {"head": np.tile([90.0, 0, 0], (121, 1))}
    [motion] = clips.read_clip(write_amc(tmp_path / "1_1.amc", root, angles), 60.0)
    np.testing.assert_allclose((at(motion, "nose") - at(motion, "head_top"))[:, 1], 0.0, atol=0.02)
    assert (at(motion, "nose") - at(motion, "head_top"))[:, 0].min() > 0.1


def test_a_marker_jump_is_cut_out(tmp_path: Path):
    root, angles = walk(241, 120.0)
    root[100:] += 5
    a, b = clips.read_clip(write_amc(tmp_path / "07_01.amc", root, angles))
    assert (a.name, b.name) == ("07_01a", "07_01b")
    assert 90 < a.frames + b.frames < 100
    jerk = np.concatenate([np.diff(m.positions, 2, axis=0).ravel() for m in (a, b)])
    assert np.abs(jerk).max() * 50**2 < 650


@pytest.mark.parametrize("turn", [[0.0, 150.0, 0.0], [170.0, 0.0, 0.0]])
def test_a_head_that_is_turned_over_is_cut_out(tmp_path: Path, turn: list[float]):
    root, angles = walk(121, 60.0)
    angles["head"][60:] = turn
    [motion] = clips.read_clip(write_amc(tmp_path / "07_01.amc", root, angles), 60.0)
    assert 45 <= motion.frames <= 50


def rewrite(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.parametrize("suffix", [".amc", ".bvh", ".asf"])
@pytest.mark.parametrize("text", ["", "HIERARCHY\nROOT a\n{\n", "1\nroot 0 0 0\n2\n", "\x00\x01\n5 5 5"])
def test_files_that_are_something_else_are_named(tmp_path: Path, suffix: str, text: str):
    clip = write_amc(tmp_path / "07_01.amc", *walk(5, 60.0)).with_suffix(".bvh" if suffix == ".bvh" else ".amc")
    bad = clip.with_name("07.asf") if suffix == ".asf" else clip
    bad.write_text(text)
    with pytest.raises(FormatError, match=bad.name):
        clips.read_clip(clip)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\nrhand 0.00000000 0.00000000 0.00000000\n4\n", "\n4\n", "frame 3"),
        ("\nthorax 0.00000000", "\nupperneck 0.00000000", "frame 1|upperneck"),
        ("\n2\nroot 0.0", "\n2\nroot nothing", "nothing"),
        ("\n2\nroot 0.00000000", "\n2\nroot nan", "not finite"),
        ("\n2\nroot 0.00000000 16", "\n2\nroot 16", "frame 2"),
    ],
)
def test_broken_amc_files_are_told(tmp_path: Path, old: str, new: str, says: str):
    path = write_amc(tmp_path / "07_01.amc", *walk(5, 60.0))
    rewrite(path, old, new)
    with pytest.raises(FormatError, match=f"(?s)07_01.amc.*({says})"):
        clips.read_clip(path)


def test_files_cut_short_are_told(tmp_path: Path):
    for path in (
        write_amc(tmp_path / "07_01.amc", *walk(9, 60.0)),
        write_bvh(tmp_path / "a.bvh", *walk(9, 60.0), 60.0),
    ):
        path.write_text(path.read_text()[:-60])
        with pytest.raises(FormatError, match=path.name):
            clips.read_clip(path)


def test_unknown_rigs_and_missing_skeletons_are_told(tmp_path: Path):
    path = write_bvh(tmp_path / "a.bvh", *walk(50, 60.0), fps=60.0)
    rewrite(path, "LeftUpLeg", "Beak")
    with pytest.raises(FormatError, match=r"(?s)a\.bvh.*Beak.*known.*asf.*mb.*daz"):
        clips.read_clip(path)
    (tmp_path / "9_1.amc").write_text("1\nroot 0 0 0 0 0 0\n")
    with pytest.raises(FormatError, match=r"9\.asf"):
        clips.read_clip(tmp_path / "9_1.amc")


def real_motion(folder: Path, name: str) -> clips.Motion:
    """One clip of the archive of real motion capture, at 60 frames a second."""
    subject = name.partition("_")[0]
    wanted = {f"cmu/asfamc/{subject}/{file}" for file in (f"{subject}.asf", f"{name}.amc")}
    with tarfile.open(SHARED / "mocap" / "cmu.tar.xz") as archive:
        while wanted:
            member = archive.next()
            assert member is not None, f"not in the archive: {wanted}"
            if member.name in wanted:
                archive.extract(member, folder, filter="data")
                wanted.remove(member.name)
    [motion] = clips.read_clip(folder / "cmu" / "asfamc" / subject / f"{name}.amc", 60.0)
    return motion


@pytest.mark.skipif(not (SHARED / "mocap" / "cmu.tar.xz").exists(), reason="no real motion capture at hand")
class TestReal:
    def test_a_walker_faces_where_it_goes(self, tmp_path: Path):
        motion = real_motion(tmp_path, "07_01")
        going = np.gradient(at(motion, "hip").astype(float), axis=0) * [1, 1, 0]
        facing = np.cross(at(motion, "left_hip") - at(motion, "right_hip"), [0, 0, 1.0])
        nose = at(motion, "nose") - (at(motion, "left_ear") + at(motion, "right_ear")) / 2
        for ahead in (facing, nose):
            cosine = (going * ahead).sum(1) / np.linalg.norm(going, axis=1) / np.linalg.norm(ahead[:, :2], axis=1)
            assert np.median(cosine) > 0.95
        assert lengths(motion, *LIMBS).std(0).max() < 1e-5
        assert 1.0 < np.median(np.linalg.norm(going, axis=1)) * 50 < 1.8

    def test_a_jump_falls_as_things_fall(self, tmp_path: Path):
        """The trunk's and limbs' middle between take-off and landing."""
        motion = real_motion(tmp_path, "118_07")
        body = motion.positions[:, :17].astype(float)
        feet = motion.positions[:, [MOCAP.index("left_ankle"), MOCAP.index("right_ankle")], 2].min(1)
        air = np.flatnonzero(feet > np.percentile(feet, 10) + 0.12)
        assert len(air) > 10
        assert 9.0 < -2 * np.polyfit(air / 50, body[air].mean(1)[:, 2], 2)[0] < 10.5
