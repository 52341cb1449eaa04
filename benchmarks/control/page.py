"""Writes what was measured: curves with intervals, steps to target, and the numbers themselves."""

import json
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from scipy.stats import t

from benchmarks.control.contenders import Race, races
from suite.hardware.machine import describe_machine

COLOURS = {"triathlon": "#0072B2", "stable-baselines3": "#D55E00"}
Found = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""Courses by race, contender and seed."""

INTRODUCTION = """# Control beside stable-baselines3

Both look at the same 100 validation episodes as they train, with the greedy policy, at the same
intervals; the weights of the best look are tested on 100 other episodes, the same for both. *Steps
to target* are the environment steps at the first look that is at the target or above; a run without
one took infinitely many. The peer has the tuned settings of rl-baselines3-zoo with their budget,
the suite its recipes in `conf/experiment/control/` with theirs, which is smaller. One thread each;
*CPU s* is the time of the process for training and looks, imports left out.

    PYTHONPATH=.peers python -m benchmarks.control --to results/control
"""


def read(folder: Path) -> Found:
    """Return what was measured before; empty where nothing was."""
    path = folder / "control.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write(folder: Path, found: Found) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "control.json").write_text(json.dumps(found, indent=1) + "\n")
    parts = [INTRODUCTION, _versions(), _table(found)]
    for name in found:
        _draw(folder / f"{name}.png", races()[name], found[name])
        parts.append(f"![Return by environment steps, {name}]({name}.png)\n")
    parts.append(
        "Thick lines are means over seeds as far as all of them go, bands their 95% intervals "
        "(Student's t),\nthin lines single seeds: the recipe of DQN ends where it is solved.\n"
    )
    (folder / "control.md").write_text("\n".join(parts))


def _versions() -> str:
    names = ("gymnasium", "stable-baselines3", "torch")
    told = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{told}; {describe_machine(torch.device('cpu'))['processor']}.\n"


def _table(found: Found) -> str:
    lines = [
        "| | runs | reached | steps to target, median | lowest to highest | test return, median "
        "| lowest | CPU s, median |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, contenders in found.items():
        race = races()[name]
        for contender, courses in contenders.items():
            steps = [_to_target(one, race.target) for one in courses.values()]
            tests = [one["test"] for one in courses.values()]
            # Without those of before looks were counted in.
            times = [one["seconds"] for one in courses.values() if one["seconds"] is not None]
            reached = sum(np.isfinite(steps))
            lines.append(
                f"| {race.environment} {race.method}, {contender} | {len(steps)} | {reached} "
                f"| {_number(median(steps))} | {_number(min(steps))} to {_number(max(steps))} "
                f"| {median(tests):.1f} | {min(tests):.1f} | {median(times):.0f} |"
            )
    return "\n".join(lines) + "\n"


def _number(steps: float) -> str:
    return f"{steps:,.0f}" if np.isfinite(steps) else "∞"


def _to_target(course: dict[str, Any], target: float) -> float:
    there = [
        steps
        for steps, value in zip(course["steps"], course["returns"], strict=True)
        if value >= target
    ]
    return there[0] if there else float("inf")


def _draw(path: Path, race: Race, contenders: dict[str, dict[str, dict[str, Any]]]) -> None:
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(7, 4), layout="constrained")
    axes = canvas.subplots()
    for contender, courses in contenders.items():
        for one in courses.values():
            axes.plot(one["steps"], one["returns"], color=COLOURS[contender], lw=0.6, alpha=0.5)
        # All looks of a contender are at the same steps, but for what a rollout rounds.
        end = min(one["steps"][-1] for one in courses.values())
        grid = np.arange(race.every, end + race.every // 2, race.every)
        curves = np.stack(
            [np.interp(grid, one["steps"], one["returns"]) for one in courses.values()]
        )
        mean, n = curves.mean(0), len(curves)
        axes.plot(grid, mean, color=COLOURS[contender], lw=1.8, label=f"{contender}, n={n}")
        if n > 2:
            half = t.ppf(0.975, n - 1) * curves.std(0, ddof=1) / n**0.5
            axes.fill_between(
                grid, mean - half, mean + half, color=COLOURS[contender], alpha=0.2, lw=0
            )
    axes.axhline(race.target, color="black", lw=1, ls="--", label=f"target {race.target:g}")
    axes.set_xlabel("environment steps")
    axes.set_ylabel("return, mean of 100 validation episodes")
    axes.set_title(f"{race.environment}, {race.method}", loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=9, frameon=False)
    canvas.savefig(path, dpi=110)
