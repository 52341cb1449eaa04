"""Draws the loss along a line and over a plane."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from suite.figures import png
from suite.insight.line import Line
from suite.insight.plane import Map, Plane
from suite.task import Split

_COLOURS = {Split.TRAIN: "tab:blue", Split.VALIDATION: "tab:orange"}


def line_png(walked: Mapping[Split, Line], primary: str) -> bytes:
    """Draw losses, and the primary metric beside them, from the first weights to the best."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2), layout="constrained")
    for split, line in walked.items():
        left.plot(line.shares, line.losses, color=_COLOURS[split], label=split.value)
        values = [h.primary if h.primary is not None else np.nan for h in line.heights]
        right.plot(line.shares, values, color=_COLOURS[split], label=split.value)
    left.set_ylabel("mean loss")
    right.set_ylabel(primary.replace("_", " "))
    for axes in (left, right):
        axes.axvline(0, color="grey", linewidth=0.8, linestyle=":")
        axes.axvline(1, color="grey", linewidth=0.8, linestyle=":")
        axes.set_xlabel("share of the way: 0 first weights, 1 best weights")
        axes.grid(alpha=0.3)
    left.legend()
    return png(canvas)


def plane_png(plane: Plane, map_: Map, steps: Sequence[int]) -> bytes:
    """Draw lines of equal training loss, on a logarithmic scale, with the path over them."""
    loss = np.asarray(map_.loss)
    shown = np.log10(np.maximum(np.nan_to_num(loss, nan=np.inf, posinf=1e12), 1e-12))
    canvas, axes = plt.subplots(figsize=(5.4, 4.4), layout="constrained")
    filled = axes.contourf(map_.x, map_.y, shown, levels=16, cmap="viridis")
    axes.contour(map_.x, map_.y, shown, levels=16, colors="white", linewidths=0.3)
    canvas.colorbar(filled, ax=axes, label="log10 of the mean training loss")
    if plane.path:
        x, y = zip(*plane.path, strict=True)
        axes.plot(x, y, "o-", color="tab:red", markersize=4, linewidth=1.2)
        for k in {0, len(steps) - 1}:
            axes.annotate(f"step {steps[k]}", (x[k], y[k]), color="white", fontsize=8,
                          xytext=(4, 5), textcoords="offset points")  # fmt: skip
    axes.plot(0, 0, "*", color="white", markersize=11, markeredgecolor="black", label="best")
    axes.legend(loc="best", fontsize=8)
    names = ["random direction 1", "random direction 2"]
    if not plane.random:
        names = [
            f"distance along component {k} ({share:.0%} of the variance)"
            for k, share in enumerate(plane.explained, 1)
        ]
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    return png(canvas)
