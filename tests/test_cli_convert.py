"""`pstmo convert`, and `pstmo lift` with further formats."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import keypoints
from moving_people import moving

from pstmo.files import read_motion, write_keypoints, write_motion
from pstmo.motions import read_motions


def test_several_sources_are_several_people(tmp_path, pstmo_here):
    write_motion(tmp_path / "a.npz", moving(person=2))
    write_motion(tmp_path / "b.npz", moving(person=1))
    assert pstmo_here(tmp_path, "convert a.npz b.npz both.c3d") == (0, "both.c3d\n", "")
    assert [motion.person for motion in read_motions(tmp_path / "both.c3d")] == [2, 1]
    assert pstmo_here(tmp_path, "convert both.c3d one.bvh").out == "one-2.bvh\none-1.bvh\n"
    assert pstmo_here(tmp_path, "convert one-2.bvh one-1.bvh back.glb").code == 0
    first, second = read_motions(tmp_path / "back.glb")
    assert (first.person, second.person) == (1, 2)  # BVH does not say
    np.testing.assert_allclose(first.positions[0], moving(person=2).positions[0], atol=1e-3)
    np.testing.assert_allclose(second.positions[0], moving(person=1).positions[0], atol=1e-3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.npz", "found 1 file, expected one source or more, and a target"),
        ("a.npz a.fbx", "a.fbx: found the ending '.fbx', expected one of .npz, .bvh"),
        ("a.npz ./a.npz", "a.npz is a source, expected another file to write"),
        ("a.npz motion.npz motion-2.npz motion.npz", "motion-2.npz is a source"),
        ("none.trc a.bvh", "none.trc: cannot be read"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path, pstmo_here, line, message):
    for name in ("a.npz", "motion.npz", "motion-2.npz"):
        write_motion(tmp_path / name, moving())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    code, out, err = pstmo_here(tmp_path, f"convert {line}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_lifted_motion_in_further_formats(tmp_path, pstmo_here, small_checkpoint):
    write_keypoints(tmp_path / "seen.npz", replace(keypoints(frames=20), focal=700.0))
    result = pstmo_here(tmp_path, f"lift seen.npz -w {small_checkpoint} -o out -f trc,coco --mode exact")
    assert result.code == 0
    assert {"out/motion.trc", "out/motion.coco.json"} < set(result.out.split())
    lifted = read_motion(tmp_path / "out/motion.npz")
    for name in ("motion.trc", "motion.coco.json"):
        [found] = read_motions(tmp_path / "out" / name)
        np.testing.assert_allclose(found.positions[lifted.observed], lifted.positions[lifted.observed], atol=1e-4)
    result = pstmo_here(tmp_path, f"lift seen.npz -w {small_checkpoint} -o other -f fbx")
    assert (result.code, (tmp_path / "other").exists()) == (2, False)
    assert "unknown format 'fbx'; available: npz, bvh" in result.err
