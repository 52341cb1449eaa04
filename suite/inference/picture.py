"""Latency against throughput: a line for each form and thread count, a point for each batch size.

Up is more examples a second, left is a sooner answer.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import hypot, log10

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from suite.figures import png
from suite.inference.bench import Result, Speed
from suite.inference.plan import ModelForm
from suite.inference.record import BenchRecord
from suite.trust.text import figure_text

_COLOURS = {
    ModelForm.eager: "#0072B2",
    ModelForm.compiled: "#D55E00",
    ModelForm.exported: "#009E73",
    ModelForm.onnx: "#CC79A7",
}
_MARKERS = {
    ModelForm.eager: "o",
    ModelForm.compiled: "s",
    ModelForm.exported: "^",
    ModelForm.onnx: "D",
}
_LINES = ("-", "--", ":", "-.")
"""One for each thread count."""
_NEAR = 0.05
"""Of the picture's side: a second label of the same batch size is left out where it is nearer."""

Point = tuple[Result, Speed]


def latency_throughput_png(record: BenchRecord) -> bytes:
    """Draw the measured combinations and return the PNG; at least one has to be measured."""
    canvas = Figure(figsize=(7.6, 5.0), layout="constrained")
    axes = canvas.subplots()
    points = [(result, result.speed) for result in record.results if result.speed]
    counts = sorted({result.threads for result, _ in points})
    for (threads, _), line in groupby(sorted(points, key=_line), key=_line):
        _draw(axes, list(line), style=_LINES[counts.index(threads) % len(_LINES)])
    _scale(axes, points)
    _label(axes, points)
    axes.set_xlabel("latency of a call in ms: point at p50, whisker to p95 and p99", fontsize=9)
    axes.set_ylabel("examples per second", fontsize=9)
    axes.legend(
        fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), handlelength=3.2
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, which="both")
    axes.set_title(figure_text(_subtitle(record)), fontsize=8, loc="left", color="#555555")
    canvas.suptitle(figure_text(record.title), fontsize=11, fontweight="bold", x=0.01, ha="left")
    return png(canvas)


def _line(point: Point) -> tuple[int, int]:
    return point[0].threads, list(ModelForm).index(point[0].form)


def _draw(axes: Axes, points: Sequence[Point], *, style: str) -> None:
    first = points[0][0]
    colour, marker = _COLOURS[first.form], _MARKERS[first.form]
    latency = [1000 * speed.p50_seconds for _, speed in points]
    rate = [speed.examples_per_second for _, speed in points]
    wrong = " (wrong)" if any(speed.wrong for _, speed in points) else ""
    plural = "s" * (first.threads > 1)
    axes.plot(
        latency, rate, color=colour, lw=1.4, ls=style, marker=marker, ms=5,
        markerfacecolor="white" if wrong else colour,
        label=f"{first.form.value}, {first.threads} thread{plural}{wrong}",
    )  # fmt: skip
    for x, y, (_, speed) in zip(latency, rate, points, strict=True):
        p95, p99 = 1000 * speed.p95_seconds, 1000 * speed.p99_seconds
        axes.plot([x, p99], [y, y], color=colour, lw=0.9, alpha=0.7)
        axes.plot([p95, p99], [y, y], color=colour, ls="none", marker="|", ms=6, alpha=0.7)


def _scale(axes: Axes, points: Sequence[Point]) -> None:
    """Make the axes logarithmic, with room around the points, and numbers as people write them."""
    latency = [
        1000 * seconds for _, speed in points for seconds in (speed.p50_seconds, speed.p99_seconds)
    ]
    rate = [speed.examples_per_second for _, speed in points]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(min(latency) / 1.4, max(latency) * 1.4)
    axes.set_ylim(min(rate) / 1.6, max(rate) * 1.6)
    for axis, values in ((axes.xaxis, latency), (axes.yaxis, rate)):
        # A short axis would have a single number at its powers of ten.
        steps = (1.0, 2.0, 5.0) if max(values) / min(values) < 100 else (1.0,)
        axis.set_major_locator(LogLocator(subs=steps))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=8)


def _label(axes: Axes, points: Iterable[Point]) -> None:
    """Write the batch size at points; points of one batch size that all but coincide share it."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    written: list[tuple[int, float, float]] = []
    for result, speed in points:
        x, y = 1000 * speed.p50_seconds, speed.examples_per_second
        place = log10(x / left) / log10(right / left), log10(y / low) / log10(high / low)
        size = result.batch_size
        if any(s == size and hypot(place[0] - a, place[1] - b) < _NEAR for s, a, b in written):
            continue
        written.append((size, *place))
        axes.annotate(
            str(size), (x, y), xytext=(0, 5), textcoords="offset points", ha="center", fontsize=7,
            path_effects=[withStroke(linewidth=2, foreground="white")],  # readable on lines
        )  # fmt: skip


def _subtitle(record: BenchRecord) -> str:
    machine, number = record.machine, record.config["precision"]["number"]
    device = machine.get("accelerator") or machine.get("processor") or machine.get("device")
    return f"{record.parameters:,} parameters, {number}, {device}; numbers at points: batch size"
