"""Tells and draws what came of optimizers, or losses, over learning rates."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from suite.figures import png
from suite.insight.finding import Finding, Table
from suite.insight.sensitivity import Estimate, Runs, Sensitivity, Trial, sensitivities, tables
from suite.task import Direction, Figure

_COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")


def sensitivity_finding(
    trials: Iterable[Trial],
    *,
    what: str,
    metric: str,
    direction: Direction,
    criterion: float,
    within: float,
) -> Finding:
    """Return what came of each choice. what: they are, in the singular: `optimizer`."""
    kept = list(trials)
    found = sensitivities(kept, direction=direction, criterion=criterion, within=within)
    shown = metric.replace("_", " ")
    lines = [
        f"{choice}: nearly as good over {'at least ' if one.at_least else ''}"
        f"{one.decades.told(2)} decades of the learning rate around {one.best_lr:.3g}, best "
        f"{shown} {one.best.told()}; {one.converged.value:.0%} of {one.seeds * one.rates} runs "
        "converged."
        for choice, one in found.items()
    ]
    lines.append(
        f"Nearly as good: mean {shown} over seeds within {within:g} of the best. Converged: "
        f"{shown} of {criterion:g} or better. Intervals are of 95%, drawing "
        f"{min(one.seeds for one in found.values())} or more seeds again."
    )
    headings = (
        what, "converged", f"best {shown}", "at rate", "decades nearly as good", "to the target",
    )  # fmt: skip
    rows = [
        (
            choice,
            one.converged.told(2),
            one.best.told(),
            f"{one.best_lr:.3g}",
            ("≥ " if one.at_least else "") + one.decades.told(2),
            one.reached.told() if math.isfinite(one.reached.value) else "never",
        )
        for choice, one in found.items()
    ]
    picture = rates_png(tables(kept, direction), metric)
    return Finding(
        name=f"{what}_sensitivity",
        title=f"How much the learning rate matters, by {what}",
        lines=lines,
        tables=[Table(title="Over learning rates and seeds", headings=headings, rows=rows)],
        figures=[Figure(f"{what}_sensitivity", picture)],
        numbers={
            "criterion": criterion,
            "within": within,
            "metric": metric,
            "choices": {choice: _plain(one) for choice, one in found.items()},
        },
        metrics={f"decades_{choice}": one.decades.value for choice, one in found.items()},
    )


def rates_png(runs: Mapping[str, Runs], metric: str) -> bytes:
    """Draw the value over the learning rate: median over seeds, and a band from least to most."""
    canvas, axes = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
    for k, (choice, one) in enumerate(runs.items()):
        colour = _COLOURS[k % len(_COLOURS)]
        value_LS = np.where(np.isfinite(one.value_LS), one.value_LS, np.nan)
        some_L = np.isfinite(value_LS).any(1)
        lr, value = one.lr_L[some_L], value_LS[some_L]
        axes.plot(lr, np.nanmedian(value, 1), "o-", color=colour, markersize=3, label=choice)
        low, high = np.nanmin(value, 1), np.nanmax(value, 1)
        axes.fill_between(lr, low, high, color=colour, alpha=0.2, linewidth=0)
    seeds = max(one.seeds for one in runs.values())
    rates = np.concatenate([one.lr_L for one in runs.values()])
    axes.set_xscale("log")
    axes.set_xlim(rates.min() / 1.3, rates.max() * 1.3)  # also where all runs failed
    axes.set_xlabel("peak learning rate")
    axes.set_ylabel(f"{metric.replace('_', ' ')} (median and range of {seeds} seeds)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return png(canvas)


def _plain(one: Sensitivity) -> dict[str, Any]:
    return {
        name: {k: _number(v) for k, v in vars(value).items()}
        if isinstance(value, Estimate)
        else value
        for name, value in vars(one).items()
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
