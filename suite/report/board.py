"""One board of the leaderboard: the runs on one data set, repeats with other seeds in one row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from suite.record import RunRecord
from suite.report.comparison import Difference, compare, corrected
from suite.report.groups import Group
from suite.report.repeats import Repeats, repeats, statistics_of
from suite.report.scores import MEASURES, pareto_front, times_to_target
from suite.standing import Standing, compared_metrics, direction_of, stand


@dataclass(frozen=True, kw_only=True)
class Row:
    """A group: runs that differ in their seed alone. Rates and times are medians over them.

    key: of the group. settings: what tells it from others of its backbone and optimizer.
    entrant: what it is on every data set, whoever else takes part (`suite.report.groups.Group`).
    seeds: of the primary metric on the test split; its interval is over seeds, and `standing`'s
        over test items.
    against_best: how much better than the board's best row, below 0 where it is worse; its verdict
        is corrected for all pairs of the board's rows. None for the best row itself.
    reached: how many of the n runs reached the target.
    to_target: medians of what that took, by measure (`suite.report.scores.MEASURES`): a miss is
        infinite, and so is the median where half of the runs or more missed.
    on_front: whether no other row is as good in less training time. None where the rows were not
        measured on like machines.
    standing: of the median run alone (of two in the middle the worse) by the board's compared
        metric: its value, its interval over test items, its gaps and verdicts.
    variants: medians of the board's other variants of that metric, by name.
    statistics: over seeds, of every test metric, rate and clock (`suite.report.repeats`).
    """

    key: str
    backbone: str
    optimizer: str
    settings: str
    entrant: str
    seeds: Repeats
    lowest: float
    highest: float
    against_best: Difference | None = None
    parameters: float | None
    examples_per_second: float | None
    units_per_second: float | None
    training_seconds: float
    reached: int
    to_target: Mapping[str, float]
    on_front: bool | None = None
    standing: Standing | None
    variants: Mapping[str, float]
    statistics: Mapping[str, Repeats]
    run_ids: list[str]

    @property
    def n(self) -> int:
        """Runs, each with a seed of its own."""
        return self.seeds.n

    @property
    def mean(self) -> float:
        """Of the primary metric over seeds."""
        return self.seeds.mean

    @property
    def median(self) -> float:
        """Of the primary metric over seeds."""
        return self.seeds.median

    @property
    def interval(self) -> tuple[float, float, str] | None:
        """Low, high and method of the median run's interval, over test items."""
        return self.standing.interval if self.standing else None

    @property
    def name(self) -> str:
        """Backbone and optimizer, and what else sets it apart."""
        return f"{self.backbone} + {self.optimizer}" + (
            f" ({self.settings})" if self.settings else ""
        )


@dataclass(frozen=True, kw_only=True)
class Board:
    """One data set of one task: its rows, best first, and what others reached on it.

    metric: the primary one, which rows are ranked by. compared: the metric that rows are compared
    to others' results by: the primary too, unless those are only known of another.
    variants: metrics that measure what `compared` does in another way, as `beam_word_error_rate` is
        of `word_error_rate`. references: of `metric` and `compared`. test_examples: size of the
        test split.
    """

    task: str
    data: str
    metric: str
    compared: str
    variants: Sequence[str]
    direction: str
    unit: str
    synthetic: bool
    fingerprint: str
    test_examples: int | None
    target: Mapping[str, Any]
    references: Sequence[Mapping[str, Any]]
    rows: Sequence[Row]

    @property
    def title(self) -> str:
        """Task and data set, marked where the data is synthetic."""
        return f"{self.task} / {self.data}" + (" (synthetic data)" if self.synthetic else "")


def board_of(groups: Sequence[Group]) -> Board:
    """Rank groups on one version of one data set by their primary metric."""
    last = max((run for group in groups for run in group.runs), key=lambda run: run.started)
    compared = compared_metrics(last.primary, last.references)[0]
    references = [r for r in last.references if r["metric"] in (last.primary, compared)]
    named = {name for group in groups for run in group.runs for name in run.directions}
    variants = sorted({n for n in named if n.endswith(f"_{compared}")} - {last.primary})
    minimize = last.direction == "minimize"
    ranked = sorted(
        ((_row(group, compared, variants, references), group) for group in groups),
        key=lambda pair: pair[0].mean,
        reverse=not minimize,
    )
    return Board(
        task=last.task,
        data=last.data_name,
        metric=last.primary,
        compared=compared,
        variants=variants,
        direction=last.direction,
        unit=last.unit,
        synthetic=bool(last.data_card.get("synthetic")),
        fingerprint=str(last.data_card.get("fingerprint", "")),
        test_examples=(last.data_card.get("sizes") or {}).get("test"),
        target=last.target,
        references=references,
        rows=_placed([row for row, _ in ranked], [group for _, group in ranked], last),
    )


def _placed(rows: Sequence[Row], groups: Sequence[Group], last: RunRecord) -> list[Row]:
    """Give rows, best first, what depends on the others: how they differ from the best one."""
    metric, direction = f"test/{last.primary}", last.direction
    best = groups[0].by_seed(metric)
    # The best row is chosen by what it is then compared with. That is honest only among all pairs:
    # corrected for the others alone, one of twelve equal rows of ten seeds would be called worse on
    # a seventh of boards rather than a twentieth.
    against = corrected(
        [compare(group.by_seed(metric), best, direction=direction) for group in groups[1:]],
        family=len(rows) * (len(rows) - 1) // 2,
    )
    machines = {run.machine.get("fingerprint") for group in groups for run in group.runs}
    front: Sequence[bool | None] = [None] * len(rows)
    if len(rows) > 1 and len(machines) == 1 and machines != {None}:
        points = [(row.training_seconds, row.mean) for row in rows]
        front = pareto_front(points, direction=direction)
    return [
        replace(row, against_best=difference, on_front=on_front)
        for row, difference, on_front in zip(rows, [None, *against], front, strict=True)
    ]


def _row(
    group: Group, compared: str, variants: Sequence[str], references: Sequence[Mapping[str, Any]]
) -> Row:
    runs = group.runs
    values = list(group.by_seed(f"test/{runs[0].primary}").values())
    ways = {measure: times_to_target(runs, measure) for measure in MEASURES}
    return Row(
        key=group.key,
        backbone=group.backbone,
        optimizer=group.optimizer,
        settings=group.settings,
        entrant=group.entrant,
        seeds=repeats(values),
        lowest=min(values),
        highest=max(values),
        parameters=runs[0].model.get("parameters"),
        examples_per_second=_median([run.throughput.get("examples_per_second") for run in runs]),
        units_per_second=_median([run.throughput.get("units_per_second") for run in runs]),
        training_seconds=median(run.training_seconds for run in runs),
        reached=sum(run.reached is not None for run in runs),
        to_target={measure: way.median for measure, way in ways.items() if way is not None},
        standing=_standing(runs, compared, references),
        variants={
            name: value
            for name in variants
            if (value := _median([run.metrics.get(f"test/{name}") for run in runs])) is not None
        },
        statistics=statistics_of(runs),
        run_ids=[run.run_id for run in runs],
    )


def _standing(
    runs: Sequence[RunRecord], metric: str, references: Sequence[Mapping[str, Any]]
) -> Standing | None:
    """Return how the median run stands by the metric, or None where it does not tell."""
    name, direction = f"test/{metric}", direction_of(runs[0], metric)
    measured = [run for run in runs if name in run.metrics]
    if not measured or not direction:
        return None
    ordered = sorted(measured, key=lambda run: run.metrics[name], reverse=direction == "minimize")
    middle = ordered[(len(ordered) - 1) // 2]
    return stand(
        metric,
        middle.metrics[name],
        middle.intervals.get(name),
        direction=direction,
        references=references,
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
