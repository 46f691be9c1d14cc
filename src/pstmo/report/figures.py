"""The reports' charts of errors: by action, over time, how often, and PCK."""

from collections.abc import Iterable, Mapping

import numpy as np

from pstmo.metrics import AUC_THRESHOLDS
from pstmo.report.svg import COLOURS, Axes, Figure, axes, drawing, short
from pstmo.tally import Errors

WIDTH = 460
MOST_ACTIONS = 40
SMOOTHED = 40
"""A recording is smoothed over this part of its length."""
_POINTS = 300
"""Of a line along a recording; of longer ones, the least and the most in each of so many parts are drawn."""

_ON_PAGE = {"facecolor": COLOURS["page"], "edgecolor": "none", "pad": 1}


def by_action(actions: Mapping[str, Errors], means: Mapping[str, Errors]) -> str:
    """MPJPE as bars, P-MPJPE as marks on them, the first of the means as a line; the worst where they are many."""
    mpjpe, p_mpjpe = ({name: getattr(e, field) for name, e in actions.items()} for field in ("mpjpe", "p_mpjpe"))
    mean_name, mean = next(iter(means.items()))
    return bars("action", "Bars: error by action in millimetres", mpjpe, p_mpjpe, (mean_name, mean.mpjpe))


def bars(
    name: str, label: str, mpjpe: Mapping[str, float], p_mpjpe: Mapping[str, float], mean: tuple[str, float]
) -> str:
    """One bar a member, in mm, and marks on them where there are P-MPJPE; the mean, with its name, as a line. The worst
    MOST_ACTIONS where they are many. name, label: as in `drawing`."""
    worst = sorted(mpjpe, key=lambda member: -mpjpe[member])[:MOST_ACTIONS]
    shown = [member for member in mpjpe if member in worst]
    names = [short(member, 24) for member in shown]
    lengths = np.array([mpjpe[member] for member in shown])
    rows = np.arange(len(shown))

    def draw(figure: Figure) -> None:
        plot = axes(figure, 24 + 13 * max(map(len, names)) // 2, 34, 56, 26)
        plot.barh(rows, lengths, height=0.66, color=COLOURS["bar"], label="MPJPE")
        if p_mpjpe:
            plot.plot(
                [p_mpjpe[member] for member in shown], rows, "D", markersize=5, color=COLOURS["text"],
                markeredgecolor=COLOURS["page"], label="P-MPJPE",
            )  # fmt: skip
        plot.axvline(mean[1], color=COLOURS["text"], linewidth=1, linestyle=(0, (3, 3)), label=f"MPJPE, {mean[0]}")
        for row, value in zip(rows, lengths, strict=True):
            plot.annotate(
                f"{value:.1f}", (1, row), (52, 0), ("axes fraction", "data"), "offset pixels", ha="right",
                va="center_baseline",
            )  # fmt: skip
        plot.set(yticks=rows, yticklabels=names, xlabel="mm", xlim=(0, 1.02 * max(lengths.max(), 1e-3)))
        plot.set_ylim(len(shown) - 0.5, -0.5)
        plot.tick_params(axis="y", length=0, labelcolor=COLOURS["text"])
        plot.spines["left"].set_visible(False)
        legend(figure, plot)

    return drawing(name, label, (WIDTH, 60 + 21 * len(shown)), draw)


def over_time(curves: Mapping[str, np.ndarray]) -> list[str]:
    """MPJPE along the best, the median and the worst recording by their means, on one scale; fewer where there are."""
    means = {name: float(np.nanmean(curve)) for name, curve in curves.items() if np.isfinite(curve).any()}
    ranked = sorted(means, key=lambda name: means[name])
    words = ("only",) if len(ranked) == 1 else ("best", "worst") if len(ranked) == 2 else ("best", "median", "worst")
    places = np.linspace(0, len(ranked) - 1, len(words)).astype(int)
    shown = {word: ranked[place] for word, place in zip(words, places, strict=True)}
    highest = 1.08 * max(1e-3, *(float(np.nanmax(curves[name])) for name in shown.values()))
    return [_along(word, name, curves[name], highest) for word, name in shown.items()]


def distribution(curves: Iterable[np.ndarray]) -> str:
    """How many frames have which MPJPE, with the median and the 95th percentile; the last 0.5 % lie beyond."""
    errors = np.concatenate(list(curves))
    errors = errors[np.isfinite(errors)]
    median, late, end = (float(value) for value in np.percentile(errors, (50, 95, 99.5)))
    end = 1.05 * max(end, 1e-3)
    counts, edges = np.histogram(errors, bins=50, range=(0.0, end))
    share = 100 * counts / len(errors)

    def draw(figure: Figure) -> None:
        plot = axes(figure, 34, 36, 12, 26)
        plot.stairs(share, edges, fill=True, color=COLOURS["bar"])
        plot.set(xlim=(0, end), ylim=(0, 1.25 * share.max()), xlabel="MPJPE of a frame, mm")
        for value, word, height in ((median, "median", 1.24), (late, "95th percentile", 1.14)):
            side, ha = (5, "left") if value < 0.62 * end else (-5, "right")
            top = height * share.max()  # above the bars
            plot.plot([value, value], [0, top], color=COLOURS["text"], linewidth=1, linestyle=(0, (3, 3)))
            text = f"{word} {value:.1f} mm"
            plot.annotate(text, (value, top), (side, -9), textcoords="offset pixels", ha=ha, bbox=_ON_PAGE)
        plot.set_title("% of frames", loc="left", fontsize=11, color=COLOURS["muted"])

    return drawing("distribution", "Histogram: share of frames by MPJPE in millimetres", (WIDTH, 290), draw)


def pck_curve(share: np.ndarray, errors: Errors) -> str:
    """share: PCK in percent at each of AUC_THRESHOLDS."""
    millimetres = 1000 * np.array(AUC_THRESHOLDS)

    def draw(figure: Figure) -> None:
        plot = axes(figure, 34, 36, 20, 26)
        plot.grid(True)
        plot.fill_between(millimetres, share, color=COLOURS["bar"], alpha=0.18, linewidth=0)
        plot.plot(millimetres, share, color=COLOURS["bar"], linewidth=2)
        plot.plot(millimetres[-1:], share[-1:], "o", color=COLOURS["bar"], markersize=7, clip_on=False)
        at = (millimetres[-1], share[-1])
        text = f"PCK@150 {errors.pck:.1f} %"
        plot.annotate(text, at, (0, 9), textcoords="offset pixels", ha="right")  # where the curve cannot be
        under = (147, 4) if share[-1] > 20 else (150, share[-1] + 12)  # where the area is, or room above it
        plot.text(*under, f"AUC {errors.auc:.1f} %", ha="right")
        plot.set(xlim=(0, 150), ylim=(0, 100), xlabel="threshold, mm", xticks=range(0, 151, 25))
        plot.set_title("PCK, %", loc="left", fontsize=11, color=COLOURS["muted"])

    return drawing("pck", "Line: PCK in percent against the threshold in millimetres", (WIDTH, 290), draw)


def _along(word: str, name: str, curve: np.ndarray, highest: float) -> str:
    """The curve of one recording as it is, thin, and smoothed, thick."""
    frames = len(curve)
    every = max(1, frames // _POINTS)

    def draw(figure: Figure) -> None:
        plot = axes(figure, 34, 34, 10, 40)
        plot.grid(axis="y")
        plot.plot(*_extremes(curve), color=COLOURS["bar"], linewidth=0.9)
        smoothed = _smooth(curve, max(3, frames // SMOOTHED))
        plot.plot(np.arange(frames)[::every], smoothed[::every], color=COLOURS["text"], linewidth=1.5)
        if frames == 1:
            plot.plot(curve, "o", color=COLOURS["bar"], clip_on=False)
        plot.set(ylim=(0, highest), xlim=(0, max(frames - 1, 1)), xlabel="frame")
        plot.locator_params(axis="y", nbins=4)
        plot.locator_params(axis="x", nbins=5, integer=True)
        plot.text(0, 1.2, f"{word}: {np.nanmean(curve):.1f} mm", transform=plot.transAxes, weight="bold")
        plot.text(0, 1.06, short(name, 46), transform=plot.transAxes, color=COLOURS["muted"])

    return drawing(f"time-{word}", f"Line: MPJPE in millimetres along {short(name, 60)}", (330, 190), draw)


def _extremes(curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(places, values) of a line: every frame, or the least and the most of each part; nan parts the line."""
    size = -(-len(curve) // _POINTS)
    if size < 3:
        return np.arange(len(curve)), curve
    padded = np.pad(curve, (0, -len(curve) % size), constant_values=np.nan).reshape(-1, size)
    empty = np.isnan(padded).all(1)
    least, most = (np.where(empty, np.nan, bound) for bound in (np.fmin.reduce(padded, 1), np.fmax.reduce(padded, 1)))
    places = size * np.arange(len(padded))
    return np.stack([places, places + size / 2], 1).ravel(), np.stack([least, most], 1).ravel()


def _smooth(curve: np.ndarray, reach: int) -> np.ndarray:
    """(frames,) the mean of `reach` frames around each, of those that were measured; nan where it was not."""
    seen = np.isfinite(curve)
    kernel = np.ones(min(reach, len(curve)))
    total, count = (np.convolve(part, kernel, "same") for part in (np.where(seen, curve, 0), seen.astype(float)))
    return np.where(seen, total / np.maximum(count, 1), np.nan)


def legend(figure: Figure, plot: Axes) -> None:
    """Over the plot, from the drawing's left edge on."""
    entries = sorted(zip(*plot.get_legend_handles_labels(), strict=True), key=lambda entry: entry[1])
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles, labels, loc="upper left", ncols=3, frameon=False, borderpad=0, borderaxespad=0.2, handlelength=1.4
    )
