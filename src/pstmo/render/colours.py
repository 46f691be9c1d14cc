"""Colours of people and of what surrounds them: those of the page, and more for several people."""

from typing import NamedTuple

from pstmo.skeleton import Skeleton

Colour = tuple[int, int, int]
"""Red, green, blue; 0 to 255."""

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
TEXT: Colour = (23, 32, 44)
MUTED: Colour = (86, 98, 115)
PAPER: Colour = (244, 246, 249)
"""Where there is no picture."""
SKY: tuple[Colour, Colour] = ((252, 253, 254), (228, 233, 240))
"""Behind the figures, from above to below."""
GRID: Colour = (141, 153, 168)
SHADOW: Colour = (52, 62, 78)


class Colours(NamedTuple):
    """Of one person's limbs and trunk. Where people are several, the left is the lighter one."""

    left: Colour
    right: Colour
    middle: Colour


ALONE = Colours((224, 104, 10), (0, 114, 178), (112, 124, 138))
SEVERAL = (
    Colours((255, 172, 64), (190, 72, 0), (232, 118, 20)),
    Colours((96, 188, 240), (0, 90, 156), (30, 134, 200)),
    Colours((84, 208, 160), (0, 112, 82), (14, 158, 118)),
    Colours((236, 164, 212), (140, 60, 120), (198, 106, 168)),
    Colours((232, 208, 72), (138, 116, 0), (192, 166, 20)),
    Colours((178, 170, 246), (82, 66, 178), (128, 116, 216)),
)


def colours_of(count: int) -> tuple[Colours, ...]:
    """Of so many people; after six they come again."""
    return (ALONE,) if count == 1 else tuple(SEVERAL[number % len(SEVERAL)] for number in range(count))


def by_bone(skeleton: Skeleton, colours: Colours) -> list[Colour]:
    """The colour of the side that a bone leads to or from; the middle's where it has both or none."""
    return [_of_side(bone, colours) for bone in skeleton.bones]


def by_joint(skeleton: Skeleton, colours: Colours) -> list[Colour]:
    return [_of_side((joint,), colours) for joint in skeleton.joints]


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """share: of the other, 0 to 1."""
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _of_side(joints: tuple[str, ...], colours: Colours) -> Colour:
    left, right = (any(joint.startswith(side) for joint in joints) for side in ("left_", "right_"))
    return colours.middle if left == right else colours.left if left else colours.right
