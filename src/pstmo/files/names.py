"""Joints by the names that people give them: "LeftAnkle", "left ankle" and "L_Ankle" are left_ankle."""

import re
from collections import Counter
from collections.abc import Iterable

from pstmo.errors import FormatError
from pstmo.files.content import want
from pstmo.skeleton import SKELETONS

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_SIDES = {"left": "left", "right": "right", "l": "left", "r": "right"}

_NUMBERED = {"1": "right", "2": "left"}
"""DeepLabCut's human models, as the Leeds data set has it: ankle1 is the right one."""

_KNOWN = {joint for skeleton in SKELETONS.values() for joint in skeleton.joints}

_PAIRED = {
    joint.removeprefix("left_").replace("_", ""): joint.removeprefix("left_")
    for joint in _KNOWN
    if joint.startswith("left_")
}
"""Parts that people have two of, by their letters: bigtoe is big_toe."""

_SINGLE = {joint.replace("_", ""): joint for joint in _KNOWN} | {
    "midhip": "hip",
    "middlehip": "hip",
    "hipcenter": "hip",
    "tophead": "head_top",
}


def joint_name(text: str) -> str:
    """The name as skeletons have it; of a joint that none has, its words with underscores between them."""
    words = [word.lower() for word in _WORD.findall(text)]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    part = "".join(word for word in words if word not in _SIDES)
    if not sides and part not in _SINGLE:
        sides, part = _attached(part)
    if len(sides) == 1 and part in _PAIRED:
        return f"{sides[0]}_{_PAIRED[part]}"
    return _SINGLE.get("".join(words)) or "_".join(words) or text


def _attached(letters: str) -> tuple[list[str], str]:
    """The side written onto a part of the body (lankle, leftankle, ankle1), none or one, and the part."""
    for prefix, side in _SIDES.items():
        if letters.startswith(prefix) and letters.removeprefix(prefix) in _PAIRED:
            return [side], letters.removeprefix(prefix)
    if letters[:-1] in _PAIRED and letters[-1:] in _NUMBERED:
        return [_NUMBERED[letters[-1]]], letters[:-1]
    return [], letters


def joint_names(names: Iterable[object]) -> tuple[str, ...]:
    """All names of a file. Raises FormatError for one that is no text, and for two that mean the same joint."""
    found = [want(name, str, "joint name") for name in names]
    joints = tuple(map(joint_name, found))
    joint, times = Counter(joints).most_common(1)[0] if joints else ("", 0)
    if times > 1:
        same = [name for name, meant in zip(found, joints, strict=True) if meant == joint]
        raise FormatError(f"found {times} joints that mean {joint}: {', '.join(same[:5])}; expected one of each")
    return joints
