"""One board of the leaderboard: the runs on one data set, repeats with other seeds in one row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from suite.record import RunRecord
from suite.report.groups import Group
from suite.standing import Standing, compared_metrics, direction_of, stand


@dataclass(frozen=True, kw_only=True)
class Row:
    """Runs that differ in their seed alone. Rates and times are medians over them.

    reached: how many of the n runs reached the target; the seconds to it are medians over those,
    None where none did. settings: which features, where they are hand-made, and the overrides that
    tell it from others of its backbone and optimizer.
    standing: of the median run alone (of two in the middle the worse) by the board's compared
    metric: its value, its interval over test items, its gaps and verdicts.
    variants: medians of the board's other variants of that metric, by name.
    """

    backbone: str
    optimizer: str
    settings: str
    n: int
    mean: float
    median: float
    lowest: float
    highest: float
    parameters: float | None
    examples_per_second: float | None
    units_per_second: float | None
    training_seconds: float
    reached: int
    target_training_seconds: float | None
    target_wall_seconds: float | None
    standing: Standing | None
    variants: Mapping[str, float]
    run_ids: list[str]

    @property
    def interval(self) -> tuple[float, float, str] | None:
        """Low, high and method of the median run's interval."""
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
    rows = [_row(group, compared, variants, references) for group in groups]
    minimize = last.direction == "minimize"
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
        rows=sorted(rows, key=lambda row: row.mean, reverse=not minimize),
    )


def _row(
    group: Group, compared: str, variants: Sequence[str], references: Sequence[Mapping[str, Any]]
) -> Row:
    runs = group.runs
    values = [run.metrics[f"test/{run.primary}"] for run in runs]
    reached = [run.reached for run in runs if run.reached]
    return Row(
        backbone=group.backbone,
        optimizer=group.optimizer,
        settings=group.settings,
        n=len(runs),
        mean=fmean(values),
        median=median(values),
        lowest=min(values),
        highest=max(values),
        parameters=runs[0].model.get("parameters"),
        examples_per_second=_median([run.throughput.get("examples_per_second") for run in runs]),
        units_per_second=_median([run.throughput.get("units_per_second") for run in runs]),
        training_seconds=median(run.training_seconds for run in runs),
        reached=len(reached),
        target_training_seconds=_median([r.get("training_seconds") for r in reached]),
        target_wall_seconds=_median([r.get("wall_seconds") for r in reached]),
        standing=_standing(runs, compared, references),
        variants={
            name: value
            for name in variants
            if (value := _median([run.metrics.get(f"test/{name}") for run in runs])) is not None
        },
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
