"""The page's charts: the rows that they are drawn from, and what they show in words.

How they are drawn lies in `specs.yaml`; the page's script draws. A configuration is named by its
number, so that name, colour and filter are told once, and it looks alike in all charts.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from suite.record import RunRecord
from suite.report.board import Board
from suite.report.columns import direction_words, words
from suite.report.page.learning import CLOCKS, Band
from suite.report.page.shown import Contents
from suite.standing import label_of

MOST_BARS = 24
"""Configurations in a chart that has a line for each."""
MOST_CLASSES = 60
"""Classes up to which a confusion matrix is drawn; of more, what is most often confused is told."""
_NUMBERS_UP_TO = 12
"""Classes up to which its cells show numbers."""
_LARGE_FONT_UP_TO = 24
_LEVEL_UP_TO = 4
"""Data sets up to which their names stand level below a heat map."""

Row = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart: how it is drawn, and from what.

    id: unique on the page. kind: its name in `specs.yaml`. board: number of its board; None where
    it is of all. told: what it shows and how to read it. columns, rows: "row" is the number of a
    configuration, or several numbers; None for what is none. headings: of its table, by column;
    those joined by the script are among them. words: what "@words" of the specification stand for.
    choice: a column, its title, and its values with their names: rows of one value are drawn.
    legend: what colours tell: "backbone", "line" (a configuration), "entrant", "part" or "".
    """

    id: str
    kind: str
    title: str
    told: str
    columns: Sequence[str]
    rows: Sequence[Row]
    headings: Mapping[str, str]
    board: int | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    choice: Mapping[str, Any] | None = None
    legend: str = "backbone"
    wide: bool = False

    def plain(self) -> dict[str, Any]:
        """Return what the page's script needs of it."""
        kept = ("id", "kind", "columns", "rows", "headings", "words", "choice", "legend")
        return {name: getattr(self, name) for name in kept}


@lru_cache(maxsize=1)
def specifications() -> dict[str, Any]:
    """Return the Vega-Lite specifications by kind of chart."""
    import yaml

    specs = yaml.safe_load(Path(__file__).with_name("specs.yaml").read_text(encoding="utf-8"))
    return {kind: spec for kind, spec in specs.items() if kind != "parts"}


def rounded(value: float | None, digits: int = 5) -> float | None:
    """Return it with so many significant digits: a picture shows no more. Infinite is None."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def directed(board: Board) -> str:
    """Return the test metric and which way is better."""
    return f"test {words(board.metric)} ({direction_words(board)})"


def machines_line(runs: Iterable[RunRecord]) -> str:
    """Warn where times are not of one kind of machine; end the sentence."""
    kinds = {str(run.machine.get("fingerprint")) for run in runs}
    if len(kinds) < 2:
        return "."
    return f"; the runs are of {len(kinds)} kinds of machines, whose times do not compare."


def quality(contents: Contents, at: int) -> Chart:
    """Show the mean of each configuration with its interval, its runs, and others' results."""
    board = contents.boards[at]
    lines = contents.of_board(at)[:MOST_BARS]
    placed: list[tuple[float, list[Row]]] = []
    for shown in lines:
        number, seeds = shown.number, shown.row.seeds
        mean = (number, "mean", "", rounded(seeds.mean), rounded(seeds.low), rounded(seeds.high))
        runs = [(run.seed, run.metrics[f"test/{board.metric}"]) for run in shown.runs]
        each = [(number, "run", "", rounded(value), None, None, seed) for seed, value in runs]
        placed.append((seeds.mean, [(*mean, seeds.n), *each]))
    for reference in board.references:
        if reference["metric"] == board.metric:
            label = f"{reference.get('kind') or 'reference'}: {label_of(reference)}"
            value, n = float(reference["value"]), reference.get("n")
            placed.append((value, [(None, "reference", label, rounded(value), None, None, n)]))
    placed.sort(key=lambda one: one[0], reverse=board.direction != "minimize")
    some = any(shown.row.seeds.interval for shown in lines)
    band = "the line its 95% interval over seeds" if some else "three seeds would give an interval"
    return Chart(
        id=f"quality-{at}",
        kind="quality",
        board=at,
        title=f"Test {words(board.metric)}, {board.title}",
        told=f"The large mark is the mean over seeds, {band}, each tick one run. Diamonds are "
        "results of people and of others.",
        words={"metric": directed(board)},
        columns=("row", "kind", "label", "value", "low", "high", "n", "order"),
        rows=[(*row, place) for place, (_, rows) in enumerate(placed) for row in rows],
        headings={
            "name": "configuration or result",
            "kind": "kind",
            "value": f"test {words(board.metric)}",
            "low": "95% from",
            "high": "to",
            "n": "runs, or seed of the run",
        },
    )


def heat_map(contents: Contents) -> Chart:
    """Show the best configuration of each backbone on each data set."""
    rows: list[Row] = []
    datas = [board.data for board in contents.boards]
    for at, board in enumerate(contents.boards):
        best = contents.best_by_backbone(at)
        worst, span = best[-1].row.mean, best[0].row.mean - best[-1].row.mean
        place = board.data if datas.count(board.data) == 1 else f"{board.data} {board.task}"
        for shown in best:
            share = (shown.row.mean - worst) / span if span else 1.0
            told = f"{shown.row.mean:.3f}"
            metric = words(board.metric)
            rows.append((shown.number, place, told, rounded(share, 3), shown.row.n, metric))
    return Chart(
        id="heat-map",
        kind="heat_map",
        title="Backbone by task",
        told="Each cell is the mean test result of a backbone's best configuration. Shades compare "
        "within a column alone: the strongest is its best, the palest its worst.",
        words={
            "height": 32 * len(contents.backbones),
            # A few names stand broken into their words; many stand upright.
            "angle": 0 if len(contents.boards) <= _LEVEL_UP_TO else -90,
            "label": "split(replace(datum.label, /_/g, ' '), ' ')"
            if len(contents.boards) <= _LEVEL_UP_TO
            else "datum.label",
        },
        columns=("row", "place", "told", "share", "n", "metric"),
        rows=rows,
        headings={
            "backbone": "backbone",
            "place": "task",
            "name": "best configuration",
            "metric": "test metric",
            "told": "mean",
            "n": "runs",
        },
        legend="",
        wide=True,
    )


def learning(
    contents: Contents, at: int, clock: str, bands: Mapping[int, Sequence[Band]]
) -> Chart | None:
    """Show validation curves over a clock. bands: by number of the configuration."""
    board = contents.boards[at]
    rows = [
        (number, *map(rounded, point))
        for number, both in bands.items()
        for band in both
        if band.clock == clock
        for point in band.points()
    ]
    if not rows:
        return None
    metric = f"validation {words(board.metric)}"
    over = f"{board.unit or 'unit'}s" if clock == "units" else CLOCKS[clock]
    raced = board.target.get("metric") == board.metric
    return Chart(
        id=f"learning-{clock}-{at}",
        kind="learning",
        board=at,
        title=f"{metric.capitalize()} over {over}, {board.title}",
        told="Lines are means over seeds, bands reach from the lowest to the highest of them"
        + ("; the dashed line is the target." if raced else "."),
        words={
            "metric": metric,
            "clock": over,
            "target": [{"target": board.target["threshold"]}] if raced else [],
        },
        columns=("row", "x", "mean", "low", "high"),
        rows=rows,
        headings={
            "name": "configuration",
            "x": over,
            "mean": "mean",
            "low": "lowest",
            "high": "highest",
        },
        legend="line",
    )


def confusion(
    contents: Contents,
    at: int,
    counts: Mapping[int, Mapping[tuple[int, int], int]],
    classes: Sequence[str],
) -> Chart | None:
    """Show test examples by true and predicted class, one configuration at a time.

    counts: by number of the configuration, by (true, predicted), summed over its runs.
    """
    if not counts or len(classes) > MOST_CLASSES:
        return None
    numbers = len(classes) <= _NUMBERS_UP_TO
    rows: list[Row] = []
    for number, cells in counts.items():
        total = dict.fromkeys(range(len(classes)), 0)
        for (true, _), count in cells.items():
            total[true] += count
        for (true, predicted), count in sorted(cells.items()):
            share = rounded(count / total[true], 3) if count else 0.0
            named = (classes[true], classes[predicted], count, share, count if numbers else "")
            rows.append((number, str(number), *named))
    side = 26 if numbers else 16 if len(classes) <= _LARGE_FONT_UP_TO else 11
    return Chart(
        id=f"confusion-{at}",
        kind="confusion",
        board=at,
        title=f"Confusion matrix, {contents.boards[at].title}",
        told="Test examples by true class (lines) and predicted class (columns), summed over the "
        "configuration's runs; shades are shares of the true class. Off the diagonal are errors.",
        words={
            "classes": list(classes),
            "height": side * len(classes) + 20,
            "font": 11 if len(classes) <= _LARGE_FONT_UP_TO else 8,
        },
        columns=("row", "configuration", "true", "predicted", "count", "share", "number"),
        rows=rows,
        headings={
            "true": "true",
            "predicted": "predicted",
            "count": "examples",
            "share": "share of the true class",
        },
        choice={
            "column": "configuration",
            "title": "Configuration",
            "values": {str(number): contents.rows[number].row.name for number in counts},
        },
        legend="",
    )
