"""The page's charts of what quality costs: time to target, across data sets, Pareto, speed."""

import math
from collections.abc import Callable, Mapping
from statistics import fmean, median

from suite.record import RunRecord
from suite.report.columns import target_words, words
from suite.report.page.charts import MOST_BARS, Chart, Row, directed, machines_line, rounded
from suite.report.page.shown import Contents
from suite.report.scores import MEASURES, pareto_front, time_to_target


def time_to_targets(contents: Contents, at: int) -> Chart | None:
    """Show what the way to the target took: seconds, steps, examples, natural units, joules."""
    board = contents.boards[at]
    rows: list[Row] = []
    known: dict[str, str] = {}
    for measure, name in MEASURES.items():
        lines = [one for one in contents.of_board(at) if measure in one.row.to_target]
        lines.sort(key=lambda one: one.row.to_target[measure])
        if not any(math.isfinite(one.row.to_target[measure]) for one in lines):
            continue
        known[measure] = f"seconds on the {name}" if "clock" in name else name
        if measure == "units":
            known[measure] = f"{board.unit or 'unit'}s"
        for place, one in enumerate(lines[:MOST_BARS]):
            middle = one.row.to_target[measure]
            missed = math.isinf(middle)
            reached = f"reached by {one.row.reached} of {one.row.n} runs"
            told = f"∞: {reached}" if missed else reached
            kind = "missed" if missed else "median"
            rows.append((one.number, measure, kind, rounded(middle), told, place))
            for run in one.runs:
                value = time_to_target(run, measure)
                if value is not None and math.isfinite(value) and not missed:
                    rows.append((one.number, measure, "run", rounded(value), told, place))
    if not rows:
        return None
    return Chart(
        id=f"target-{at}",
        kind="target",
        board=at,
        title=f"The way to validation {target_words(board)}, {board.title}",
        told="Bar and large mark are the median over seeds, ticks are runs; less is better. A run "
        "that missed the target took infinitely long, and so does the median of mostly such runs.",
        columns=("row", "measure", "kind", "value", "reached", "order"),
        rows=rows,
        headings={
            "name": "configuration",
            "kind": "kind",
            "value": "@choice",
            "reached": "runs that reached it",
        },
        choice={"column": "measure", "title": "Measured in", "values": known},
    )


def profile(contents: Contents) -> Chart | None:
    """Show the share of data sets solved within a multiple of the reference's time."""
    found = contents.leaderboard.across
    if found is None:
        return None
    rows: list[Row] = []
    known: dict[str, str] = {}
    for measure, name in MEASURES.items():
        for entrant in found.entrants[:MOST_BARS]:
            ratios = entrant.ratios.get(measure)
            numbers = contents.entrants.get(entrant.name)
            if ratios is None or not numbers:
                continue
            known[measure] = name
            finite = sorted(ratio for ratio in ratios.values() if ratio < found.cut)
            points = [(0.0, 0.0)]
            points += [(x, solved / len(ratios)) for solved, x in enumerate(finite, 1)]
            points.append((found.cut, points[-1][1]))
            score = rounded(entrant.scores[measure], 4)
            each = [(rounded(x, 4), rounded(y, 4), score) for x, y in points]
            rows += [(numbers, measure, entrant.name, *point) for point in each]
    if not rows:
        return None
    return Chart(
        id="profile",
        kind="profile",
        title="Performance profile across data sets",
        told=f"Which share of {len(found.sets)} data sets ({', '.join(found.sets)}) an entrant "
        f"solves within a multiple of the way that a fixed reference took ({found.reference}): "
        "further up and to the left is better. The score is the area below, 1 at the reference's "
        f"pace on all sets and 0 at {found.cut:g} times as long or never.",
        words={"cut": found.cut},
        columns=("row", "measure", "label", "x", "share", "score"),
        rows=rows,
        headings={
            "label": "entrant",
            "x": "times the reference",
            "share": "share solved",
            "score": "score",
        },
        choice={"column": "measure", "title": "Measured in", "values": known},
        legend="entrant",
        wide=True,
    )


_COSTS: Mapping[str, tuple[str, Callable[[RunRecord], float | None]]] = {
    "training_seconds": ("seconds of training", lambda run: run.training_seconds),
    "parameters": ("parameters", lambda run: run.model.get("parameters")),
    "flops": (
        "training FLOPs of an example",
        lambda run: run.model.get("training_flops_per_example"),
    ),
    "memory": (
        "peak memory in bytes",
        lambda run: run.memory.get("device_peak_bytes", run.memory.get("host_peak_bytes")),
    ),
    "joules": ("joules", lambda run: run.energy.get("joules")),
}
"""What quality is weighed against: medians over a configuration's runs."""


def pareto(contents: Contents, at: int) -> Chart | None:
    """Show quality against cost, and the front that no configuration beats on both."""
    board = contents.boards[at]
    rows: list[Row] = []
    known: dict[str, str] = {}
    for cost, (name, of_run) in _COSTS.items():
        points = []
        for shown in contents.of_board(at):
            values = [value for run in shown.runs if (value := of_run(run))]
            if len(values) == len(shown.runs):
                points.append((shown, median(values)))
        if len(points) < 2:
            continue
        known[cost] = name
        front = pareto_front([(x, one.row.mean) for one, x in points], direction=board.direction)
        for (shown, x), on_front in zip(points, front, strict=True):
            told = "yes" if on_front else "no"
            rows.append((shown.number, cost, rounded(x), rounded(shown.row.mean), told))
    if not rows:
        return None
    runs = [run for shown in contents.of_board(at) for run in shown.runs]
    return Chart(
        id=f"pareto-{at}",
        kind="pareto",
        board=at,
        title=f"Quality against cost, {board.title}",
        told="Large marks on the dashed line are the Pareto front: nothing else is as good at less "
        f"cost. Costs are medians over runs, on a logarithmic axis{machines_line(runs)}",
        words={"metric": directed(board)},
        columns=("row", "measure", "cost", "quality", "front"),
        rows=rows,
        headings={
            "name": "configuration",
            "cost": "@choice",
            "quality": f"test {words(board.metric)}",
            "front": "on the front",
        },
        choice={"column": "measure", "title": "Cost", "values": known},
    )


def throughput(contents: Contents, at: int) -> Chart | None:
    """Show how many examples a second each configuration trains on."""
    unit = contents.boards[at].unit
    lines = [one for one in contents.of_board(at) if one.row.examples_per_second]
    lines.sort(key=lambda one: -(one.row.examples_per_second or 0))
    if not lines:
        return None
    units = "seconds of audio per second" if unit == "second" else f"{unit or 'unit'}s per second"
    runs = [run for one in lines for run in one.runs]
    return Chart(
        id=f"throughput-{at}",
        kind="throughput",
        board=at,
        title=f"Training throughput, {contents.boards[at].title}",
        told="Examples per second in steady state, the median over runs; more is better"
        f"{machines_line(runs)}",
        words={"units": units},
        columns=("row", "examples", "units", "order"),
        rows=[
            (
                one.number,
                rounded(one.row.examples_per_second),
                rounded(one.row.units_per_second),
                place,
            )
            for place, one in enumerate(lines[:MOST_BARS])
        ],
        headings={"name": "configuration", "examples": "examples per second", "units": units},
    )


_PARTS = {
    "data": "waiting for data",
    "features": "input layer",
    "forward": "forward",
    "backward": "backward",
    "optimizer": "optimizer",
    "logging": "logging",
    "training": "training steps",
    "rest": "evaluation and the rest",
}
"""Parts of a run's time, in the order in which they are stacked."""


def where_time_goes(contents: Contents, at: int) -> Chart | None:
    """Show what the wall clock of a run was spent on."""
    rows: list[Row] = []
    for place, shown in enumerate(contents.of_board(at)[:MOST_BARS]):
        shares = [share for run in shown.runs if (share := _shares(run))]
        if len(shares) < len(shown.runs):
            continue
        for order, (part, name) in enumerate(_PARTS.items()):
            if any(part in share for share in shares):
                mean = fmean(share.get(part, 0.0) for share in shares)
                rows.append((shown.number, name, rounded(mean, 4), place, order))
    if not rows:
        return None
    used = [name for name in _PARTS.values() if any(row[1] == name for row in rows)]
    return Chart(
        id=f"time-{at}",
        kind="time",
        board=at,
        title=f"Where the time goes, {contents.boards[at].title}",
        told="Shares of the wall clock, means over runs. The rest is evaluation, checkpoints and "
        "what comes before the first step; trainer.profile=true tells training by parts of a step.",
        words={
            "used": used,
            "colours": [at for at, name in enumerate(_PARTS.values()) if name in used],
        },
        columns=("row", "part", "share", "order", "part_order"),
        rows=rows,
        headings={"name": "configuration", "part": "part", "share": "share of the wall clock"},
        legend="part",
    )


def _shares(run: RunRecord) -> dict[str, float]:
    """Return the share of a run's wall clock by part; nothing where a clock is not known."""
    wall, training = run.wall_seconds, run.training_seconds
    if not 0 < training <= wall:
        return {}
    within, profiled = training / wall, sum(run.profile.values())
    if profiled > 0:
        parts = {name.removesuffix("_seconds"): s for name, s in run.profile.items()}
        told = {name: within * s / profiled for name, s in parts.items()}
    else:
        stalled = run.throughput.get("data_stall_share", 0.0)
        told = {"data": within * stalled, "training": within * (1 - stalled)}
    return told | {"rest": 1 - within}
