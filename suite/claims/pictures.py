"""Pictures of the claims: curves with one line a seed, and effects with their intervals."""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt

from suite.figures import png
from suite.task import Figure

Points = Sequence[tuple[float, float]]
"""x and y, ordered by x."""
_COLOURS = plt.rcParams["axes.prop_cycle"].by_key()["color"]


def curves(
    name: str, lines: Mapping[str, Sequence[Points]], *, x: str, y: str, log: bool = False
) -> Figure:
    """Draw curves: thin for each seed, thick for the mean of those over the same x.

    lines: the seeds' points by the name of what they are of. log: both axes.
    """
    canvas, axes = plt.subplots(figsize=(4.6, 3.2))
    for number, (label, seeds) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        for points in seeds:
            axes.plot(*zip(*points, strict=True), color=colour, alpha=0.35, linewidth=0.8)
        shared = sorted(set.intersection(*(set(dict(points)) for points in seeds)))
        means = [sum(dict(points)[at] for points in seeds) / len(seeds) for at in shared]
        axes.plot(shared, means, color=colour, marker="o", markersize=3, label=label)
    if log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if len(lines) > 1:
        axes.legend(fontsize=7, frameon=False)
    axes.grid(alpha=0.25, which="both")
    return Figure(name, png(canvas))


def intervals(
    name: str, rows: Sequence[tuple[str, float, float, float]], *, x: str, margin: float
) -> Figure:
    """Draw effects with their intervals, one to a row, and the margin that they are held against.

    rows: label, mean, low and high, which may be infinite.
    """
    canvas, axes = plt.subplots(figsize=(5.2, 0.5 + 0.3 * len(rows)))
    for at, (_, mean, low, high) in enumerate(reversed(rows)):
        held = low > margin
        colour = "tab:blue" if held else "tab:orange"
        if math.isfinite(low) and math.isfinite(high):
            axes.plot([low, high], [at, at], color=colour, linewidth=2)
        axes.plot([mean], [at], "o", color=colour, markersize=4)
    axes.axvline(margin, color="grey", linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(rows)), [row[0] for row in reversed(rows)], fontsize=8)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(x, fontsize=8)
    axes.grid(alpha=0.25, axis="x")
    return Figure(name, png(canvas))
