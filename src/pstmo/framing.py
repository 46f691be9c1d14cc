"""How keypoints are put before a network: where the origin of the plane is, and what has length 1.

"screen" is the field's normalised screen. "person" moves and scales each window so that the person fills it: where in
the picture somebody stands, and how large, then no longer has to be learned. A checkpoint says which one it was
trained with.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

Windows = Float[Tensor, "batch frames joints 2"]


def as_on_screen(xy: Windows) -> Windows:
    """Normalised screen coordinates as they are (paper, section 4.1)."""
    return xy


def as_person(xy: Windows) -> Windows:
    """Each window about the mean of its keypoints, in units of their root mean square distance from it."""
    xy = xy - xy.mean((1, 2), keepdim=True)
    return xy / xy.square().sum(-1).mean((1, 2)).sqrt().clamp_min(1e-6)[:, None, None, None]


FRAMINGS: dict[str, Callable[[Windows], Windows]] = {"screen": as_on_screen, "person": as_person}
