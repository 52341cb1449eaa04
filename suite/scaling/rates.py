"""How much the learning rate matters, by optimizer and by loss, told of runs good and bad."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from suite.errors import DataError
from suite.insight.finding import Finding
from suite.insight.sensitivity import trials_of
from suite.insight.sensitivity_report import sensitivity_finding
from suite.record import RunRecord
from suite.scaling.axes import FEWEST_SIZES, counted, settings_of, whole_of
from suite.task import Direction

_BY = {"optimizer": ("optimizer",), "loss": ("loss", "optimizer.lr")}
"""What choices differ in: parts of the configuration that are no setting of theirs."""
_WITHIN = 0.02
"""How far from the best mean of a metric is as good; of a larger one that share of it."""


def rates(records: Sequence[RunRecord]) -> list[Finding]:
    """Return what came of each optimizer, and of each loss, over the rates that were tried.

    A group of runs differs in the choice, its learning rate and the seed alone. Runs that failed
    count as such: that is what a rate too high does.
    Raises `DataError` where nothing was run at three rates.
    """
    findings = []
    for what in _BY:
        for runs in _groups(records, what):
            several = len({getattr(run, what) for run in runs}) > 1
            if what == "loss" and not several:
                continue  # told among optimizers
            findings.append(_finding(runs, what))
    if not findings:
        raise DataError(
            f"no {FEWEST_SIZES} learning rates of runs that differ in nothing else but optimizer "
            "or loss and the seed; narrow the runs by filters, or train more: "
            "triathlon -m experiment=learning/optimizers"
        )
    return findings


def _groups(records: Sequence[RunRecord], what: str) -> Iterator[list[RunRecord]]:
    failed = [run for run in records if run.status == "failed"]
    finished = counted(records)
    redone = {run.config_hash for run in finished}
    found: dict[tuple[Any, ...], list[RunRecord]] = defaultdict(list)
    for run in (*finished, *(one for one in failed if one.config_hash not in redone)):
        if _rate(run) is None:
            continue
        kept = settings_of(run, leave_out=_BY[what])
        found[tuple(sorted((name, repr(value)) for name, value in kept.items()))].append(run)
    for runs in found.values():
        by_choice: dict[str, set[float | None]] = defaultdict(set)
        for run in runs:
            by_choice[getattr(run, what)].add(_rate(run))
        enough = {choice for choice, tried in by_choice.items() if len(tried) >= FEWEST_SIZES}
        kept_runs = [run for run in runs if getattr(run, what) in enough]
        if kept_runs:
            yield kept_runs


def _rate(run: RunRecord) -> float | None:
    lr = (run.config.get("optimizer") or {}).get("lr")
    return float(lr) if isinstance(lr, int | float) and lr > 0 else None


def _finding(runs: Sequence[RunRecord], what: str) -> Finding:
    first = next((run for run in runs if run.status == "finished"), runs[0])
    target = first.target
    direction = Direction(target.get("direction", "maximize"))
    # Without a target of its primary metric, a run that came to a number has converged.
    raced = target.get("metric") == first.primary
    threshold = float(target["threshold"]) if raced else direction.worst
    found = sensitivity_finding(
        trials_of(map(asdict, runs), by=what),
        what=what,
        metric=first.primary,
        direction=direction,
        criterion=threshold,
        within=_WITHIN * max(1.0, abs(threshold) if raced else 1.0),
    )
    title = f"{found.title}: {first.backbone} on {whole_of(first)}"
    return Finding(**{**vars(found), "title": title})
