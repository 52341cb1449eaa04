"""Pictures of scaling: laws with their bands and what they foretold, and curves of equal FLOPs."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from suite.figures import png
from suite.insight.compute import Frontier
from suite.insight.curve import Array, Curve
from suite.insight.extrapolation import Foretold
from suite.insight.power_law import Law
from suite.insight.resampling import LEVEL, student
from suite.trust.text import figure_text

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's palette, which colour-blind readers can tell apart."""
MOST_PANELS = 8
_BEYOND = 10.0
"""How many times the largest size the dashed line goes on for."""
_POINTS = 40
_FAR = 5.0
"""How many times below the least mean anything is drawn."""
_LONGEST_NAME = 40
_WIDE = 2.6
"""Orders of magnitude up to which an axis has more labels than powers of ten."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A curve of a panel. law: None where none was fitted."""

    label: str
    curve: Curve
    law: Law | None
    foretold: Sequence[Foretold] = ()


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Curves over one axis. people: name and error. x, y: with units, in words."""

    title: str
    x: str
    y: str
    drawn: Sequence[Drawn]
    people: tuple[str, float] | None = None


def scaling_png(panels: Sequence[Panel]) -> bytes:
    """Draw the first panels, two in a line."""
    panels = panels[:MOST_PANELS]
    columns = min(2, len(panels))
    lines = -(-len(panels) // columns)
    canvas = Canvas(figsize=(5.8 * columns, 4.6 * lines), layout="constrained")
    for panel, axes in zip(
        panels, canvas.subplots(lines, columns, squeeze=False).flat, strict=False
    ):
        _panel(axes, panel)
    for axes in canvas.axes[len(panels) :]:
        axes.set_visible(False)
    return png(canvas)


def _panel(axes: Axes, panel: Panel) -> None:
    for number, one in enumerate(panel.drawn):
        _curve(axes, one, COLOURS[number % len(COLOURS)])
    if panel.people is not None:
        _people(axes, panel)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(*_limits(axes, panel))
    _plain_ticks(axes.yaxis)
    _plain_ticks(axes.xaxis)
    _finish(axes, panel.title, panel.x, panel.y)


def _limits(axes: Axes, panel: Panel) -> tuple[float, float]:
    """Return the ends of the axis: an interval that says nothing would press all else together."""
    means = np.concatenate([one.curve.mean_S for one in panel.drawn])
    low, high = axes.get_ylim()
    return max(low, float(means.min()) / _FAR), min(high, float(means.max()) * 2)


def _people(axes: Axes, panel: Panel) -> None:
    name, error = panel.people or ("", 1.0)
    known = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    label = f"people{figure_text(known.removeprefix('people'))}: {error:.3g}"
    least = min(float(one.curve.mean_S.min()) for one in panel.drawn)
    if error < least / _FAR:
        # A line far below would press all else together.
        axes.plot([], [], color="black", lw=1, ls=":", label=f"{label}, far below")
    else:
        axes.axhline(error, color="black", lw=1, ls=":", label=label)


def _curve(axes: Axes, one: Drawn, colour: str) -> None:
    curve = one.curve
    low_S, high_S = _spread(curve)
    around = [curve.mean_S - low_S, high_S - curve.mean_S]
    label = figure_text(one.label)
    if one.law is not None and one.law.scales:
        law = one.law
        label += (
            f"\nα = {law.exponent.value:.2f} ({law.exponent.low:.2f} to {law.exponent.high:.2f})"
        )
        inner = np.geomspace(curve.size_S[0], curve.size_S[-1], _POINTS)
        outer = np.geomspace(curve.size_S[-1], curve.size_S[-1] * _BEYOND, _POINTS)
        for sizes, style in ((inner, "-"), (outer, "--")):
            found = [law.at(size) for size in sizes]
            axes.plot(sizes, [at.value for at in found], color=colour, lw=1.5, ls=style)
            axes.fill_between(
                sizes, [at.low for at in found], [at.high for at in found], color=colour,
                alpha=0.15, lw=0,
            )  # fmt: skip
    axes.errorbar(
        curve.size_S, curve.mean_S, yerr=around, fmt="o", ms=4.5, color=colour, capsize=2, lw=1,
        label=label,
    )  # fmt: skip
    for told in one.foretold[-1:]:
        span = [[told.predicted.value - told.predicted.low],
                [told.predicted.high - told.predicted.value]]  # fmt: skip
        left = slice(-told.left_out, None)
        axes.plot(
            curve.size_S[left], curve.mean_S[left], "o", ms=10, mfc="none", color=colour, mew=0.8
        )
        axes.errorbar(
            [told.size * 1.12], [told.predicted.value], yerr=span, fmt="D", ms=5, mfc="white",
            color=colour, capsize=4, lw=1, label="foretold without the ringed sizes",
        )  # fmt: skip


def _spread(curve: Curve) -> tuple[Array, Array]:
    """Return the ends of the 95% interval of each size's mean; of one seed the mean itself.

    What a run differs by is pooled over sizes: of three seeds alone t would draw bars over all.
    """
    count_S = curve.count_S
    degrees = int((count_S - 1).sum())
    within = sum(float(((np.log(v) - np.log(v).mean()) ** 2).sum()) for v in curve.values)
    half_S = np.zeros(len(count_S))
    if degrees:
        half_S = student(degrees) * np.sqrt(within / degrees / count_S)
    return np.exp(curve.log_S - half_S), np.exp(curve.log_S + half_S)


def frontier_png(found: Frontier, title: str, loss: str) -> bytes:
    """Draw loss against parameters at each budget, and the best size against compute."""
    canvas = Canvas(figsize=(11.6, 4.6), layout="constrained")
    left, right = canvas.subplots(1, 2)
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, max(len(found.budgets), 1)))
    for budget, shade in zip(found.budgets, shades, strict=True):
        label = f"{budget.flops:.2g} FLOPs"
        left.plot(budget.parameters, budget.loss, "o", ms=4, color=shade, label=label)
        left.plot(budget.parameters, budget.loss, "-", lw=0.6, color=shade, alpha=0.5)
        if budget.best is not None and budget.least is not None:
            left.plot(budget.best.value, budget.least, "*", ms=11, color=shade, mec="black")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
    _plain_ticks(left.yaxis)
    _finish(left, title, "parameters", loss)
    left.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    known = [one for one in found.budgets if one.best is not None]
    if known:
        flops = [one.flops for one in known]
        best = [one.best.value for one in known if one.best]
        around = [
            [one.best.value - one.best.low for one in known if one.best],
            [one.best.high - one.best.value for one in known if one.best],
        ]
        right.errorbar(
            flops, best, yerr=around, fmt="*", ms=9, color=COLOURS[0], capsize=2, lw=1,
            label=f"least point of the parabola ({LEVEL:.0%} over seeds)",
        )  # fmt: skip
        if found.exponent is not None:
            slope = found.exponent.value
            middle = float(np.mean(np.log(best)) - slope * np.mean(np.log(flops)))
            label = f"exponent {slope:.2f}"
            if found.seeds > 1:
                label += f" ({found.exponent.low:.2f} to {found.exponent.high:.2f})"
            right.plot(
                flops, np.exp(middle + slope * np.log(flops)), color=COLOURS[0], lw=1.3, label=label
            )
    right.plot(
        [one.flops for one in found.budgets], [one.measured for one in found.budgets], "o",
        ms=5, mfc="none", color="#777777", label="best of the sizes trained",
    )  # fmt: skip
    _finish(right, "best size for a budget", "training FLOPs", "parameters")
    return png(canvas)


def _plain_ticks(axis: Axis) -> None:
    """Write values as numbers: within one decade powers of ten would leave one label."""
    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    if decades > _WIDE:
        return
    several: tuple[float, ...] = (1.0, 2.0, 5.0) if decades > 0.7 else (1.0, 1.5, *range(2, 10))
    axis.set_major_locator(LogLocator(subs=several, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axis.set_minor_formatter(NullFormatter())


def _finish(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(figure_text(title), fontsize=10, loc="left", fontweight="bold")
    axes.set_xlabel(figure_text(x), fontsize=9)
    axes.set_ylabel(figure_text(y), fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, which="major")
    axes.legend(fontsize=7, frameon=False)
