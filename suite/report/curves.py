"""Training curves of one run: the loss and the primary metric by step."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suite.figures import png
from suite.trust.text import figure_text

_COLOURS = {"train": "#999999", "validation": "#0072B2", "test": "#D55E00"}
_ORDERS_OF_MAGNITUDE = 20.0
"""A loss that falls by more than this factor is drawn on a logarithmic axis."""

Curve = tuple[list[int], list[float]]


def curves_png(events: Iterable[Mapping[str, Any]]) -> bytes:
    """Draw a journal's events: training and validation loss, the primary metric and its target."""
    curves: dict[str, Curve] = defaultdict(lambda: ([], []))
    record: Mapping[str, Any] = {}
    for event in events:
        if event["event"] == "metrics":
            for name, value in event["values"].items():
                steps, values = curves[name]
                steps.append(event["step"])
                values.append(value)
        record = event.get("record", record)
    primary = record.get("primary", "")
    losses = {f"{name}/loss": curves.get(f"{name}/loss") for name in ("train", "validation")}
    # A model on hand-made features has none to draw.
    panels = 2 if any(losses.values()) else 1
    canvas = Figure(figsize=(5 * panels, 3.8), layout="constrained")
    *left, right = canvas.subplots(1, panels, squeeze=False)[0]
    for axes in left:
        _draw(axes, curves, "loss", ("train", "validation"))
        positive = [v for curve in losses.values() if curve for v in curve[1] if v > 0]
        if positive and max(positive) > _ORDERS_OF_MAGNITUDE * min(positive):
            axes.set_yscale("log")
    _draw(right, curves, primary, ("train", "validation", "test"))
    target = record.get("target") or {}
    if target.get("metric") == primary:
        label = f"target {target['threshold']:g}"
        right.axhline(target["threshold"], color="black", lw=1, ls="--", label=label, zorder=0.5)
    for axes in (*left, right):
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=9, frameon=False)
    names = (record.get(key, "") for key in ("task", "data", "backbone", "optimizer"))
    title = " · ".join(name for name in names if name)
    synthetic = " (synthetic data)" if record.get("data_card", {}).get("synthetic") else ""
    seed = f" · seed {record['seed']}" if "seed" in record else ""
    canvas.suptitle(
        figure_text(title) + seed + synthetic, fontsize=11, fontweight="bold", x=0.01, ha="left"
    )
    return png(canvas)


def _draw(axes: Axes, curves: Mapping[str, Curve], metric: str, splits: Sequence[str]) -> None:
    for split in splits:
        steps, values = curves.get(f"{split}/{metric}", ([], []))
        if steps:
            marker = "o" if len(steps) < 30 else None
            axes.plot(
                steps, values, color=_COLOURS[split], lw=1.6, marker=marker, ms=4, label=split
            )
    axes.set_xlabel("step", fontsize=9)
    axes.set_ylabel(figure_text(metric), fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
