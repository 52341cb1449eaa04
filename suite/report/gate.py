"""Is B worse than A beyond what variance explains? By quality, and by speed on like machines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from suite.errors import ConfigError, nearest
from suite.record import RunRecord
from suite.report.comparison import BETTER, WORSE, Difference, compare, corrected, holm
from suite.report.groups import Group
from suite.report.repeats import Repeats, repeats
from suite.report.scores import MEASURES, OF_A_MACHINE, time_to_target

LEVEL = 0.05
"""Chance of a false alarm, in all that is compared at once."""
SPEED_MARGIN = 0.10
"""Share by which speeds of unchanged code may differ from one day to another on one machine, so
that repeats of one day do not show it."""
WITHIN = "within the margin"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is compared. of_machine: a speed, which only like machines are compared by."""

    name: str
    direction: str
    of_machine: bool


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How B differs from A by one metric on one data set.

    difference: B minus A, above 0 where B is better; None where there is nothing to compare, and
        `note` tells why. margin: the smallest difference that matters, in units of the metric.
    p_worse: of B being no worse than A by more than the margin; one-sided, and corrected for all
        findings of one comparison.
    """

    task: str
    data: str
    first: str
    second: str
    metric: Metric
    ours: Repeats | None
    theirs: Repeats | None
    difference: Difference | None
    margin: float
    p_worse: float | None
    note: str

    @property
    def worse(self) -> bool:
        """Whether the gate holds B back."""
        return self.p_worse is not None and self.p_worse < LEVEL


def findings(
    pairs: Sequence[tuple[Group, Group]],
    *,
    metrics: Sequence[str] = (),
    margins: Mapping[str, float | str] | None = None,
) -> list[Finding]:
    """Compare pairs of groups (A, B) by metrics; by default the primary one and examples a second.

    margins: by metric a number in its units, or a share of A's mean as "5%"; "" is that of quality.
    Raises `ConfigError` for a metric that no run of a pair has.
    """
    margins = margins or {}
    found = []
    for first, second in pairs:
        own = first.runs[0].primary
        for name in metrics or (own, "examples_per_second"):
            metric = metric_of(first.runs[0], name) or metric_of(second.runs[0], name)
            if metric is None:
                if not metrics:
                    continue  # a model on hand-made features may have no such speed
                options = known_metrics(first.runs[0])
                raise ConfigError(
                    f"--metric {name}: {first.data} does not have it{nearest(name, options)}; "
                    f"there is {', '.join(options)}"
                )
            found.append(_finding(first, second, metric, margins))
    _check_margins(margins, found)
    return _corrected(found)


def known_metrics(run: RunRecord) -> list[str]:
    """Return the names of what a run can be compared by."""
    names = [name.removeprefix("test/") for name in run.metrics if name.startswith("test/")]
    names += [*run.throughput, "training_seconds", "wall_seconds", *run.memory, *run.energy]
    return names + [f"{measure}_to_target" for measure in MEASURES] * bool(run.target)


def metric_of(run: RunRecord, name: str) -> Metric | None:
    """Return what a name means in a run's record; None where it has no such number."""
    plain = name.removeprefix("test/")
    if f"test/{plain}" in run.metrics:
        own = run.direction if plain == run.primary else "minimize" if "loss" in plain else ""
        direction = run.directions.get(plain, own)
        if not direction:
            return None
        return Metric(name=plain, direction=direction, of_machine=False)
    if name not in known_metrics(run):
        return None
    upwards = name.endswith("_per_second") or name == "mfu"
    measure = name.removesuffix("_to_target")
    of_machine = measure == name or measure in OF_A_MACHINE
    direction = "maximize" if upwards else "minimize"
    return Metric(name=name, direction=direction, of_machine=of_machine)


def _value(run: RunRecord, metric: Metric) -> float | None:
    name = metric.name
    if f"test/{name}" in run.metrics:
        return run.metrics[f"test/{name}"]
    if name.endswith("_to_target"):
        return time_to_target(run, name.removesuffix("_to_target"))
    if name in ("training_seconds", "wall_seconds"):
        return float(getattr(run, name))
    return {**run.energy, **run.memory, **run.throughput}.get(name)


def _finding(
    first: Group, second: Group, metric: Metric, margins: Mapping[str, float | str]
) -> Finding:
    groups, note = (first, second), ""
    if metric.of_machine:
        groups, note = _on_one_machine(first, second)
    values = [
        {run.seed: value for run in group.runs if (value := _value(run, metric)) is not None}
        for group in groups
    ]
    a, b = values
    note = note or _incomparable(a, b)
    ours, theirs = (repeats(list(side.values())) if side else None for side in values)
    margin = 0.0 if ours is None else _margin(margins, metric, ours.mean)
    difference, p_worse = None, None
    if not note:
        # A seed decides what is learned, not how fast.
        by_seed = not metric.of_machine
        difference = compare(b, a, direction=metric.direction, by_seed=by_seed)
        sign = -1.0 if metric.direction == "minimize" else 1.0
        spared = {seed: value + sign * margin for seed, value in b.items()}
        p_worse = _p_worse(compare(spared, a, direction=metric.direction, by_seed=by_seed))
    return Finding(
        task=first.task,
        data=first.data,
        first=first.name,
        second=second.name,
        metric=metric,
        ours=ours,
        theirs=theirs,
        difference=difference,
        margin=margin,
        p_worse=p_worse,
        note=note,
    )


def _incomparable(a: Mapping[int, float], b: Mapping[int, float]) -> str:
    """Say why values by seed have no difference; empty where they have."""
    if not (a and b):
        return "not measured on both sides"
    counts = [
        sum(wrong(value) for side in (a, b) for value in side.values())
        for wrong in (math.isnan, math.isinf)
    ]
    if counts[0]:
        return f"not compared: {counts[0]} of {len(a) + len(b)} values are no number"
    if counts[1]:
        missed = [sum(map(math.isinf, side.values())) for side in (a, b)]
        return f"not compared: target missed by {missed[0]} of {len(a)} and {missed[1]} of {len(b)}"
    return ""


def _p_worse(difference: Difference) -> float | None:
    """Return the one-sided p-value of the first being worse."""
    if difference.p is None:
        return None
    return difference.p / 2 if difference.mean < 0 else 1 - difference.p / 2


def _on_one_machine(first: Group, second: Group) -> tuple[tuple[Group, Group], str]:
    """Return the groups' runs on the machine that both were run on, and a note where there is none.

    Of several the one with most runs on the side that has fewer there.
    """
    counts = [_by_machine(group) for group in (first, second)]
    shared = sorted(counts[0].keys() & counts[1].keys() - {""})
    if not shared:
        told = ["/".join(sorted(count)) or "unknown" for count in counts]
        return (first, second), f"not compared: machines {told[0]} and {told[1]} are not alike"
    best = max(shared, key=lambda one: min(counts[0][one], counts[1][one]))
    kept = [
        replace(group, runs=tuple(run for run in group.runs if _machine(run) == best))
        for group in (first, second)
    ]
    return (kept[0], kept[1]), ""


def _by_machine(group: Group) -> dict[str, int]:
    counts: dict[str, int] = {}
    for run in group.runs:
        counts[_machine(run)] = counts.get(_machine(run), 0) + 1
    return counts


def _machine(run: RunRecord) -> str:
    return str(run.machine.get("fingerprint") or "")


def _margin(margins: Mapping[str, float | str], metric: Metric, mean: float) -> float:
    default: float | str = f"{SPEED_MARGIN:%}" if metric.of_machine else margins.get("", 0.0)
    given = margins.get(metric.name, default)
    if isinstance(given, str):
        return abs(mean) * float(given.removesuffix("%")) / 100
    return given


def _check_margins(margins: Mapping[str, float | str], found: Sequence[Finding]) -> None:
    compared = {one.metric.name for one in found}
    for name in margins:
        if name and name not in compared:
            raise ConfigError(
                f"--margin {name}={margins[name]}: is not compared{nearest(name, compared)}; "
                f"there is {', '.join(sorted(compared))}"
            )


def _corrected(found: Sequence[Finding]) -> list[Finding]:
    """Correct both kinds of p-values for all that was tested at once."""
    tested = [one for one in found if one.difference is not None and one.p_worse is not None]
    two_sided = corrected([one.difference for one in tested if one.difference is not None])
    one_sided = holm([one.p_worse for one in tested if one.p_worse is not None])
    after = {
        id(one): replace(one, difference=difference, p_worse=p)
        for one, difference, p in zip(tested, two_sided, one_sided, strict=True)
    }
    return [after.get(id(one), one) for one in found]


def verdict(one: Finding) -> str:
    """Return the word on B: better, worse, within the margin, not distinguishable, too few runs.

    Empty where nothing was compared.
    """
    difference = one.difference
    if difference is None:
        return ""
    if difference.verdict in (BETTER, WORSE) and abs(difference.mean) <= one.margin:
        return WITHIN
    return difference.verdict
