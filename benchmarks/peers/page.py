"""The page of the comparison, its picture and its figures for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure

from benchmarks.peers.sections import Part
from benchmarks.peers.workloads import WARM_UP
from suite.figures import png

_PACKAGES = ("torch", "lightning", "transformers", "accelerate", "mlflow", "numpy")
_FIGURES = "benchmarks.json"
_COLOURS = {
    "bare loop": "#999999",
    "triathlon": "#D55E00",
    "lightning": "#0072B2",
    "transformers": "#009E73",
    "accelerate": "#CC79A7",
}


def read(folder: Path) -> dict[str, Part]:
    """Return the parts of the page in the folder; none where there is no page."""
    path = folder / _FIGURES
    kept = json.loads(path.read_text())["parts"] if path.exists() else {}
    return {name: Part(**part) for name, part in kept.items()}


def write(to: Path, parts: Mapping[str, Part], machine: Mapping[str, Any], rounds: int) -> None:
    """Write `benchmarks.md`, `.json` and `.png` into the folder."""
    to.mkdir(parents=True, exist_ok=True)
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    lines = [
        "# The suite beside its peers",
        "",
        "`make benchmark` writes this page. The same models on the same data with the same "
        "optimizer and steps, on one thread each. Rounds of all contenders in turn, every one in a "
        f"process of its own; medians of {rounds} rounds with lowest and highest in brackets, CPU "
        f"time of the process. The first {WARM_UP} steps are left out.",
        "",
        f"{machine.get('processor', '')}, {machine.get('cores', '?')} cores; {versions}.",
    ]
    if {"plain", "same"} & set(parts):
        lines += ["", "![Examples of a CPU second](benchmarks.png)"]
    for part in parts.values():
        lines += ["", f"## {part.title}", "", part.text, "", *_table(part.table)]
    (to / "benchmarks.md").write_text("\n".join(lines) + "\n")
    plain = {"rounds": rounds, "versions": versions, "machine": dict(machine)}
    plain["parts"] = {name: asdict(part) for name, part in parts.items()}
    (to / _FIGURES).write_text(json.dumps(plain, indent=1) + "\n")
    panels = [name for name in ("plain", "same") if name in parts]
    if panels:
        (to / "benchmarks.png").write_bytes(_picture([parts[name] for name in panels]))


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in body]


def _picture(parts: Sequence[Part]) -> bytes:
    """Draw examples of a CPU second over those of the bare loop, a panel for each table."""
    canvas = Figure(figsize=(11, 3.6 * len(parts)), layout="constrained")
    for axes, part in zip(canvas.subplots(len(parts), squeeze=False)[:, 0], parts, strict=True):
        workloads = list(part.figures)
        for place, (name, colour) in enumerate(_COLOURS.items()):
            for at, workload in enumerate(workloads):
                rates = {n: _rates(part.figures[workload][n]) for n in (name, "bare loop")}
                floor = median(rates["bare loop"])
                shares = [rate / floor for rate in rates[name]]
                left = at + (place - 2) * 0.16
                axes.bar(left, median(shares), 0.15, color=colour, label=name if at == 0 else None)
                axes.plot([left, left], [min(shares), max(shares)], color="black", lw=1)
        axes.axhline(1, color="black", lw=0.8, ls=":")
        axes.margins(y=0.15)  # for the legend
        axes.set_xticks(range(len(workloads)), workloads, fontsize=9)
        axes.set_ylabel("examples a CPU second,\nbare loop = 1", fontsize=9)
        axes.set_title(part.title, fontsize=11, fontweight="bold", loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=8, frameon=False, ncols=5)
    return png(canvas)


def _rates(rounds: Sequence[Mapping[str, float]]) -> list[float]:
    return [each["examples_per_step"] / each["cpu_seconds_per_step"] for each in rounds]
