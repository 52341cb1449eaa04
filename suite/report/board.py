"""One board of the leaderboard: the runs on one data set, repeats with other seeds in one row."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from statistics import fmean, median
from typing import Any

from suite.record import RunRecord
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


def board_of(runs: Sequence[RunRecord]) -> Board:
    """Rank runs on one version of one data set, oldest first, by their primary metric."""
    last = runs[-1]
    groups: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        groups[run.group_hash or run.run_id].append(run)
    several = _several(groups.values())
    compared = compared_metrics(last.primary, last.references)[0]
    references = [r for r in last.references if r["metric"] in (last.primary, compared)]
    variants = sorted(
        {n for run in runs for n in run.directions if n.endswith(f"_{compared}")} - {last.primary}
    )
    rows = [_row(group, several, compared, variants, references) for group in groups.values()]
    names = Counter(row.name for row in rows)
    for at, group in enumerate(groups):
        if names[rows[at].name] > 1:  # what differs was given in no override
            rows[at] = replace(rows[at], settings=f"{rows[at].settings} {group[:12]}".strip())
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
    runs: Sequence[RunRecord],
    several: set[tuple[str, str, str]],
    compared: str,
    variants: Sequence[str],
    references: Sequence[Mapping[str, Any]],
) -> Row:
    first = runs[0]
    values = [run.metrics[f"test/{run.primary}"] for run in runs]
    reached = [run.reached for run in runs if run.reached]
    return Row(
        backbone=_backbone(first),
        optimizer=first.optimizer,
        settings=_settings(first, several=_key(first) in several),
        n=len(runs),
        mean=fmean(values),
        median=median(values),
        lowest=min(values),
        highest=max(values),
        parameters=first.model.get("parameters"),
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


def _backbone(run: RunRecord) -> str:
    """Return the backbone's name, with that of the library's model where it has one."""
    options = run.config.get("backbone") or {}
    model = options.get("model") or options.get("architecture") or ""
    name = PurePath(model).name
    told = [run.backbone, *([name] if name and name != run.backbone else [])]
    frozen = options.get("trainable", "all")
    if frozen != "all":
        told.append("frozen" if frozen == "none" else f"top {frozen}")
    return " ".join(told)


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


def _key(run: RunRecord) -> tuple[str, str, str]:
    """Return what a row is named by where nothing else sets it apart."""
    return run.backbone, run.optimizer, str(run.hand_made.get("features", ""))


def _several(groups: Any) -> set[tuple[str, str, str]]:
    """Return the names that more than one group shares."""
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    for members in groups:
        counts[_key(members[0])] += 1
    return {name for name, count in counts.items() if count > 1}


def _settings(run: RunRecord, *, several: bool) -> str:
    """Return what the other columns do not tell: the features and, of several, the overrides."""
    features = str(run.hand_made.get("features", ""))
    if not several:
        return features
    told = {"task", "data", "backbone", "optimizer", "seed", "results", "name", "cache"}
    # Where data lies is not what it is, and changes nothing.
    told |= {"data.path", "hardware.workers", "hardware.watts"}
    groups = {"hydra", "tracking"}
    if features:
        told |= {"backbone.features", "backbone.kernel"}
        groups |= {"loss", "optimizer", "schedule", "trainer", "precision"}
    kept = []
    for override in run.overrides:
        key = override.lstrip("+~").partition("=")[0]
        if key not in told and key.partition(".")[0] not in groups:
            kept.append(override)
    return " ".join([*([features] if features else []), *(kept or [run.group_hash])])


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
