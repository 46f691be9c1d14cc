"""The reports' drawings of people: the error of each joint on a standing figure, and single frames in 2D and 3D."""

from collections.abc import Mapping, Sequence

import numpy as np

from pstmo.evaluate import Moment
from pstmo.report.svg import COLOURS, Axes, Figure, axes, drawing, short
from pstmo.skeleton import Skeleton
from pstmo.tally import Errors

_MIDDLE = {
    "hip": (0.0, 0.95), "pelvis": (0.0, 0.95), "spine": (0.0, 1.19), "thorax": (0.0, 1.42), "neck": (0.0, 1.42),
    "neck_nose": (0.0, 1.56), "head": (0.0, 1.60), "nose": (0.0, 1.66), "head_top": (0.0, 1.86),
}  # fmt: skip
_SIDE = {
    "eye": (0.08, 1.74), "ear": (0.15, 1.66), "shoulder": (0.20, 1.42), "elbow": (0.35, 1.17), "wrist": (0.48, 0.93),
    "hip": (0.12, 0.92), "knee": (0.15, 0.50), "ankle": (0.17, 0.10), "heel": (0.11, 0.03), "big_toe": (0.20, 0.00),
    "small_toe": (0.28, 0.04),
}  # fmt: skip
STANDING = _MIDDLE | {
    f"{side}_{joint}": (sign * x, y) for side, sign in (("left", 1), ("right", -1)) for joint, (x, y) in _SIDE.items()
}
"""Joints of somebody who stands and faces us: x to our right, y up, about metres."""

_BODY, _TALL, _EDGE, _ROW = 94, 360, 106, 24
"""Pixels: how far the figure reaches from its middle, how tall it is at most, how far its labels stand off, and the
least height of a label."""
_SIDES = (COLOURS["left"], COLOURS["right"], COLOURS["middle"])
_PANEL, _FLOOR = (108, 146), 14
"""Width and height in pixels of one view of a frame; the height of its lower edge, which stays free."""


def stands(skeleton: Skeleton) -> bool:
    """Whether a standing figure of these joints is known."""
    return all(joint in STANDING for joint in skeleton.joints)


def by_joint(skeleton: Skeleton, errors: Mapping[str, Errors], worst: Sequence[Moment]) -> str:
    """MPJPE of each joint: size and colour of a circle, and the number beside it. On one of the worst frames' measured
    poses where no standing figure is known."""
    values = np.array([errors[joint].mpjpe for joint in skeleton.joints])
    share = values / max(values.max(), 1e-6)
    places = _places(skeleton, worst)
    height = max(float(np.ptp(places[:, 1])) + 44, _ROW * (len(skeleton) // 2 + 2))
    order = sorted(range(len(skeleton)), key=lambda i: (places[i, 0], i))

    def draw(figure: Figure) -> None:
        plot = axes(figure, 0, 0, 0, 0)
        plot.set(xlim=(-230, 230), ylim=(-height / 2, height / 2))
        plot.axis("off")
        for side, half in ((-1, order[: len(order) // 2]), (1, order[len(order) // 2 :])):
            column = sorted(half, key=lambda i: -places[i, 1])
            _labels(plot, side, places[column], [skeleton.joints[i] for i in column], values[column])
        for bone in skeleton.bone_indices:
            plot.plot(*places[list(bone)].T, color=COLOURS["muted"], linewidth=4, solid_capstyle="round", zorder=2)
        plot.scatter(
            *places.T, s=(6 + 13 * share) ** 2, c=0.12 + 0.73 * share, cmap="plasma", vmin=0, vmax=1,
            edgecolors=COLOURS["text"], linewidths=0.8, zorder=3,
        )  # fmt: skip

    return drawing("joint", "A figure: MPJPE of each joint in millimetres", (460, round(height)), draw)


def moment(number: int, shown: Moment, skeleton: Skeleton) -> str:
    """One of the worst frames."""
    seen = shown.keypoints
    label = f"2D keypoints, and predicted over measured pose: {short(shown.recording, 60)}, frame {shown.frame}"
    return views(f"worst-{number}", label, (seen.xy[0], seen.skeleton), (shown.predicted, shown.target), skeleton)


def views(
    name: str,
    label: str,
    seen: tuple[np.ndarray, Skeleton],
    poses: tuple[np.ndarray, np.ndarray],
    skeleton: Skeleton,
) -> str:
    """The keypoints; then the predicted over the measured pose as the camera sees them, and as somebody who stands to
    its right and looks across does: what is nearer to the camera is further left.

    name, label: as in `drawing`. seen: (joints, 2), y down, nan where a joint was not seen, and their layout. poses:
    predicted and measured, (joints, 3) metres, camera axes, in the layout of `skeleton`.
    """
    xy, layout = seen
    predicted, measured = poses
    sides = [np.stack([measured, predicted])[..., axis] for axis in ([0, 1], [2, 1])]
    pixel = max(_pixel(side) for side in sides)

    def draw(figure: Figure) -> None:
        picture, *scenes = (_panel(figure, i, title) for i, title in enumerate(("2D", "3D, front", "3D, side")))
        _bones(picture, xy, layout, _SIDES, 1.7)
        picture.plot(*xy.T, "o", color=COLOURS["text"], markersize=2.2)
        _look_at(picture, xy, _pixel(xy))
        for scene, side in zip(scenes, sides, strict=True):
            _bones(scene, side[0], skeleton, (COLOURS["measured"],) * 3, 4.0)
            _bones(scene, side[1], skeleton, _SIDES, 1.7)
            _look_at(scene, side, pixel)
        _ruler(scenes[0], pixel)

    return drawing(name, label, (340, _PANEL[1] + 20), draw)


def _places(skeleton: Skeleton, worst: Sequence[Moment]) -> np.ndarray:
    """(joints, 2) pixels from the middle of the figure, y up. Joints of names that no figure is known for stand as
    they were measured in that of the worst frames in which they hide each other least."""
    if stands(skeleton):
        places = np.array([STANDING[joint] for joint in skeleton.joints])
    else:
        places = max((found.target[:, :2] * (1, -1) for found in worst), key=_nearest)
    low, high = places.min(0), places.max(0)
    scale = min((2 * _BODY, _TALL) / np.maximum(high - low, 1e-6))
    return (places - (low + high) / 2) * scale


def _nearest(places: np.ndarray) -> float:
    """The distance of the two joints that are nearest to each other."""
    apart = np.linalg.norm(places[:, None] - places, axis=-1)
    return float(apart[~np.eye(len(places), dtype=bool)].min(initial=np.inf))


def _labels(plot: Axes, side: int, places: np.ndarray, joints: Sequence[str], values: np.ndarray) -> None:
    """One column of labels, evenly apart, in the order of their joints from the top; side: -1 left, 1 right."""
    if not joints:
        return
    _, top = plot.get_ylim()
    room = max(places[0, 1] - places[-1, 1], _ROW * (len(joints) - 1)) / 2
    middle = np.clip((places[0, 1] + places[-1, 1]) / 2, room + _ROW / 2 - top, top - room - _ROW / 2)
    value_at, name_at, name_ends = (_EDGE + 34, _EDGE + 42, "left") if side > 0 else (-_EDGE - 4, -_EDGE - 42, "right")
    for (x, y), height, joint, value in zip(
        places, middle + np.linspace(room, -room, len(joints)), joints, values, strict=True
    ):
        plot.plot([x, side * _EDGE], [y, height], color=COLOURS["line"], linewidth=1, zorder=1)
        plot.text(value_at, height, f"{value:.1f}", ha="right", va="center", weight="bold")
        name = short(joint.replace("_", " "), 16)
        plot.text(name_at, height, name, ha=name_ends, va="center", color=COLOURS["muted"])


def _panel(figure: Figure, place: int, title: str) -> Axes:
    """One of the three boxes side by side."""
    left = 1 + place * (_PANEL[0] + 7)
    plot = axes(figure, left, 2, 340 - left - _PANEL[0], 18)
    plot.set(xticks=[], yticks=[])
    plot.set_title(title, loc="left", fontsize=10, color=COLOURS["muted"], pad=4)
    for spine in plot.spines.values():
        spine.set(visible=True, color=COLOURS["line"])
    return plot


def _bones(plot: Axes, xy: np.ndarray, skeleton: Skeleton, colours: Sequence[str], width: float) -> None:
    """xy: (joints, 2), nan where a joint was not seen. colours: of left, right and the middle."""
    parts: dict[str, list[np.ndarray]] = {"left": [], "right": [], "": []}
    for (start, end), bone in zip(skeleton.bones, skeleton.bone_indices, strict=True):
        sides = [side for side in ("left", "right") if f"{side}_" in (start[: len(side) + 1], end[: len(side) + 1])]
        parts[sides[0] if len(sides) == 1 else ""] += [*xy[list(bone)], np.full(2, np.nan)]
    for points, colour in zip(parts.values(), colours, strict=True):
        if points:
            plot.plot(*np.array(points).T, color=colour, linewidth=width, solid_capstyle="round")


def _pixel(points: np.ndarray) -> float:
    """How much of (..., 2) points one pixel of a panel has to show, so that they all fit in."""
    seen = points[np.isfinite(points).all(-1)]
    room = np.array(_PANEL) - (0, _FLOOR)
    return 1.15 * float(max(np.ptp(seen, axis=0) / room)) or 1.0 if len(seen) else 1.0


def _look_at(plot: Axes, points: np.ndarray, pixel: float) -> None:
    """Puts (..., 2) points in the middle of what is free, y down."""
    seen = points[np.isfinite(points).all(-1)]
    if not len(seen):
        plot.text(0.5, 0.5, "nobody seen", transform=plot.transAxes, ha="center", color=COLOURS["muted"])
        return
    x, y = (seen.min(0) + seen.max(0)) / 2 + (0, pixel * _FLOOR / 2)
    width, height = (pixel * side / 2 for side in _PANEL)
    plot.set(xlim=(x - width, x + width), ylim=(y + height, y - height))


def _ruler(plot: Axes, pixel: float) -> None:
    """A length to compare with: a round one, at most half as wide as the panel."""
    metres = max((m for m in (0.02, 0.05, 0.1, 0.2, 0.5, 1) if m <= pixel * _PANEL[0] / 2), default=0.01)
    left, bottom = plot.get_xlim()[0] + 7 * pixel, plot.get_ylim()[0] - 6 * pixel
    plot.plot([left, left + metres], [bottom, bottom], color=COLOURS["muted"], linewidth=1)
    plot.text(left, bottom - 3 * pixel, f"{metres:g} m", fontsize=9, color=COLOURS["muted"])
