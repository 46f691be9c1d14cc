"""The training report's charts: what changes from epoch to epoch, and the error over the place in a window."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pstmo.report.figures import WIDTH, legend
from pstmo.report.svg import COLOURS, Axes, Figure, axes, drawing

EARLY = 0.1
"""This share of the first values of a curve lies beyond the upper edge, where it would take most of the height."""
_TITLE, _GAP, _FOOT, _LEFT, _RIGHT = 26, 10, 36, 56, 14
"""Pixels: above each panel, below it, below the last one, beside all."""
_DASHED = (0, (3, 3))


class Curve(NamedTuple):
    """A number of every epoch, nan where it is not known, as a panel of so many pixels. colour: one of COLOURS. whole:
    nothing may lie beyond the upper edge."""

    title: str
    values: Float[np.ndarray, " epochs"]
    colour: str
    height: int
    whole: bool = False

    @property
    def range(self) -> tuple[float, float]:
        """The least number, and the largest that the panel shows."""
        known = self.values[np.isfinite(self.values)]
        low, high, late = (float(bound) for bound in (known.min(), known.max(), known[int(len(known) * EARLY) :].max()))
        return low, (high if self.whole or high - low < 2 * (late - low) else late)

    @property
    def cut(self) -> bool:
        """Whether some numbers lie beyond."""
        return bool(np.nanmax(self.values) > self.range[1])


def over_epochs(
    name: str, label: str, epochs: Float[np.ndarray, " epochs"], curves: Sequence[Curve], best: int | None, told: str
) -> str:
    """Panels one below the other. best: place of the epoch to mark, in the first panel by a dot. told: what to say of
    it. name, label: as in `drawing`."""
    height = sum(_TITLE + curve.height + _GAP for curve in curves) + _FOOT

    def draw(figure: Figure) -> None:
        top = 0
        for curve in curves:
            top += _TITLE
            plot = axes(figure, _LEFT, height - top - curve.height, _RIGHT, top)
            _panel(plot, epochs, curve)
            if best is not None:
                plot.axvline(epochs[best], color=COLOURS["text"], linewidth=1, linestyle=_DASHED, zorder=1)
            if curve is curves[-1]:
                plot.set_xlabel("epoch")
            else:
                plot.tick_params(axis="x", labelbottom=False)
            if curve is curves[0] and best is not None:
                plot.plot(epochs[best], curve.values[best], "o", color=COLOURS["text"], markersize=6, clip_on=False)
                plot.set_title(told, loc="right", fontsize=11, weight="bold")
            top += curve.height + _GAP

    return drawing(name, label, (WIDTH, height), draw)


def over_window(sequence: Float[np.ndarray, " frames"], centre: float) -> str:
    """MPJPE in mm of the head for all frames at each place, and of the head for the centre alone as a line."""
    places = np.arange(len(sequence)) - len(sequence) // 2

    def draw(figure: Figure) -> None:
        plot = axes(figure, 44, 36, 14, 30)
        plot.grid(axis="y")
        shape = "o-" if len(places) < 60 else "-"
        plot.plot(places, sequence, shape, color=COLOURS["bar"], linewidth=2, markersize=4, label="head for all frames")
        plot.axhline(centre, color=COLOURS["text"], linewidth=1, linestyle=_DASHED, label="head for the centre")
        plot.plot([0], [centre], "D", color=COLOURS["text"], markersize=5)
        low, high = min(sequence.min(), centre), max(sequence.max(), centre)
        room = max(high - low, 0.02 * high, 1e-3)
        plot.set(ylim=(low - 0.25 * room, high + 0.25 * room), xlabel="frames from the centre of the window")
        plot.set_xlim(places[0] - 0.5, places[-1] + 0.5)
        plot.locator_params(axis="x", integer=True, min_n_ticks=1)
        plot.locator_params(axis="y", nbins=5)
        legend(figure, plot)

    return drawing("place", "Lines: MPJPE in millimetres at each place of the window", (WIDTH, 260), draw)


def _panel(plot: Axes, epochs: np.ndarray, curve: Curve) -> None:
    """The numbers that are known, as one line; as a dot where there is one."""
    known = np.isfinite(curve.values)
    values = curve.values[known]
    plot.grid(axis="y")
    plot.plot(
        epochs[known], values, "o-" if len(values) == 1 else "-", color=COLOURS[curve.colour], linewidth=1.6,
        markersize=4,
    )  # fmt: skip
    plot.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    plot.locator_params(axis="x", nbins=7, integer=True, min_n_ticks=1)
    low, high = curve.range
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    plot.set_ylim(low - room, high + room)
    plot.locator_params(axis="y", nbins=max(2, curve.height // 26))
    plot.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    plot.set_title(curve.title, loc="left", fontsize=11, color=COLOURS["muted"])
