"""Joints keep their names, and people's spellings of them are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pstmo.errors import FormatError
from pstmo.files.names import joint_name, joint_names
from pstmo.skeleton import SKELETONS

JOINTS = sorted({joint for skeleton in SKELETONS.values() for joint in skeleton.joints})
SIDED = [joint for joint in JOINTS if joint.startswith(("left_", "right_"))]


@pytest.mark.parametrize("joint", JOINTS)
def test_a_known_name_stays(joint):
    assert joint_name(joint) == joint


@pytest.mark.parametrize("joint", SIDED)
def test_every_usual_spelling_is_found(joint):
    side, part = joint.split("_", 1)
    words = part.split("_")
    camel = "".join(map(str.title, words))
    letters = "".join(words)
    spellings = [
        *(separator.join([side, *words]) for separator in " -._"),
        *(f"{side[0]}{separator}{part}" for separator in " -._"),
        *(f"{part}{separator}{end}" for separator in " -._" for end in (side, side[0], side[0].upper())),
        f"{side.title()}{camel}",
        f"{side}{camel}",
        f"{side[0].upper()}{camel}",
        f"{side[0]}{camel}",
        f"{camel}{side.title()}",
        f"{side}{letters}",
        f"{side[0]}{letters}",
        f"{side[0]}{letters}".upper(),
        joint.upper(),
        f"  {side.title()}  {part} ",
    ]
    assert {spelling: joint_name(spelling) for spelling in spellings} == dict.fromkeys(spellings, joint)


@pytest.mark.parametrize(
    ("name", "joint"),
    [
        ("ankle1", "right_ankle"),  # DeepLabCut's human model
        ("shoulder2", "left_shoulder"),
        ("MidHip", "hip"),
        ("Nose", "nose"),
        ("HeadTop", "head_top"),
        ("MOUTH_LEFT", "left_mouth"),
        ("left_big toe", "left_big_toe"),  # easy_ViTPose
        ("hip", "hip"),
        ("ear", "ear"),
        ("Tail Base", "tail_base"),
        ("left_paw", "left_paw"),
        ("leftLeft hip", "left_left_hip"),
        ("nose1", "nose_1"),
        ("鼻", "鼻"),
        ("", ""),
    ],
)
def test_names_and_what_they_mean(name, joint):
    assert joint_name(name) == joint


@given(st.text(max_size=20) | st.from_regex(r"(left|l|R)?[ _]?[a-z]{0,6}[0-9]?", fullmatch=True))
def test_what_is_found_is_found_again(name):
    assert joint_name(joint_name(name)) == joint_name(name)


def test_two_names_of_a_joint_are_refused():
    assert joint_names(["Nose", "LAnkle"]) == ("nose", "left_ankle")
    assert joint_names([]) == ()
    with pytest.raises(FormatError, match="found 2 joints that mean left_ankle: LAnkle, ankle2; expected one of each"):
        joint_names(["LAnkle", "nose", "ankle2"])
    with pytest.raises(FormatError, match="joint name: found 3, expected a text"):
        joint_names([3])
