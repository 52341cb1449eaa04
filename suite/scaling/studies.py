"""Fits laws to ladders of runs: of errors and losses, of what runs cost, of what people reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from suite.config import ReferenceKind
from suite.errors import ConfigError, nearest
from suite.insight.cost import Cost, costs
from suite.insight.curve import Curve
from suite.insight.extrapolation import Foretold, Rival, foretell, judge, rivals
from suite.insight.people import People, people
from suite.insight.power_law import Law, power_law
from suite.record import RunRecord
from suite.scaling.axes import Ladder, flops_of
from suite.standing import best_of, direction_of, label_of


@dataclass(frozen=True, kw_only=True)
class Study:
    """One curve: a ladder, one metric, and the law of it.

    metric: with its split. words: of what the law is, "error (1 - accuracy)". complement: whether
    it is 1 less the metric. law: None where it could not be fitted; then `why`.
    """

    ladder: Ladder
    metric: str
    words: str
    complement: bool
    curve: Curve
    law: Law | None
    why: str = ""
    forms: Sequence[Rival] = ()
    foretold: Sequence[Foretold] = ()
    people: Sequence[People] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def verdict(self) -> str:
        """What the curve is, in words."""
        return self.why if self.law is None else judge(self.law, self.forms, self.foretold)


def metrics_of(ladder: Ladder, asked: Sequence[str]) -> list[str]:
    """Return the metrics to fit, with their split: those asked for, or the primary one, the loss
    and what people were measured by.

    Raises `ConfigError` where one that was asked for is in no run.
    """
    first = ladder.first
    if not asked:
        human = [r["metric"] for r in first.references if r.get("kind") == "human"]
        names = dict.fromkeys([first.primary, *human, "loss"])
        return [f"test/{name}" for name in names if f"test/{name}" in first.metrics]
    found = []
    for name in asked:
        whole = name if "/" in name else f"test/{name}"
        if whole not in first.metrics:
            known = sorted(first.metrics)
            raise ConfigError(
                f"--metric {name}: no run of {ladder.label} on {ladder.data} has it"
                f"{nearest(whole, known)}; there is {', '.join(known)}"
            )
        found.append(whole)
    return found


def study(ladder: Ladder, metric: str, *, leave_out: int, flops: Cost | None) -> Study | None:
    """Fit the law of a metric over a ladder; None where fewer than three sizes have the metric.

    leave_out: how many of the largest sizes are foretold from the rest, one by one up to this.
    flops: of training by size, to say what reaching people would cost.
    """
    first, name = ladder.first, metric.partition("/")[2]
    complement = name != "loss" and direction_of(first, name) != "minimize"
    by_size = {
        size: [_error(run.metrics[metric], complement) for run in runs if metric in run.metrics]
        for size, runs in ladder.runs.items()
    }
    by_size = {size: values for size, values in by_size.items() if values}
    if len(by_size) < 3:
        return None
    words = f"error (1 - {_plain(name)})" if complement else _plain(name)
    told: dict[str, Any] = {
        "ladder": ladder, "metric": metric, "words": words, "complement": complement,
    }  # fmt: skip
    curve = Curve.of(by_size, floor=_floor(first, metric, name))
    try:
        law = power_law(curve)
    except ValueError as error:
        return Study(**told, curve=curve, law=None, why=str(error))
    foretold = [one for k in range(1, leave_out + 1) if (one := foretell(law, k)) is not None]
    return Study(
        **told,
        curve=curve,
        law=law,
        forms=rivals(law, leave_out),
        foretold=foretold,
        people=_people(law, first, name, complement, flops),
        notes=_notes(first, name),
    )


def ladder_costs(ladder: Ladder) -> list[Cost]:
    """Return the exponents of what runs cost, but of what the axis itself is."""
    measured: dict[str, dict[float, list[float]]] = {}
    for size, runs in ladder.runs.items():
        for run in runs:
            for name, value in _costs_of(run).items():
                if value is not None and name != ladder.axis.words:
                    measured.setdefault(name, {}).setdefault(size, []).append(float(value))
    return costs(measured)


def _costs_of(run: RunRecord) -> Mapping[str, float | None]:
    each = run.throughput.get("examples_per_second")
    memory = run.memory.get("device_peak_bytes")
    if memory is None and "host_peak_bytes" in run.memory:
        # What Python and torch take before any model is there says nothing of its size.
        memory = run.memory["host_peak_bytes"] - run.memory.get("host_start_bytes", 0.0)
    return {
        "training FLOPs": flops_of(run),
        "training seconds": run.training_seconds,
        "seconds an example": 1 / each if each else None,
        "FLOPs an example": run.model.get("training_flops_per_example"),
        "peak memory, bytes": memory,
        "energy, joules": run.energy.get("joules"),
        "parameters": run.model.get("parameters"),
    }


def _error(value: float, complement: bool) -> float:
    return 1 - value if complement else value


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _floor(run: RunRecord, metric: str, name: str) -> float:
    """Return what an error of 0 counts as: half of one wrong answer, as far as can be told."""
    if name == "loss":
        return 1e-12
    split = metric.partition("/")[0]
    examples = (run.data_card.get("sizes") or {}).get(split) or 10_000
    return 0.5 / float(examples)


def _people(
    law: Law, run: RunRecord, name: str, complement: bool, flops: Cost | None
) -> list[People]:
    """Return the gap to the best human result on this metric, and to the worst, if others are."""
    known = [
        r
        for r in run.references
        if r.get("kind") == ReferenceKind.human.value and r["metric"] == name
    ]
    if not known or not run.data_card.get("published_test", True):
        return []
    direction = "maximize" if complement else "minimize"
    best = best_of(known, direction)
    error = _error(float(best["value"]), complement)
    return [people(law, label_of(best), error, flops)] if error > 0 else []


def _notes(run: RunRecord, name: str) -> tuple[str, ...]:
    smoothing = (run.config.get("loss") or {}).get("smoothing")
    if name == "loss" and smoothing:
        return (f"the loss is smoothed ({smoothing:g}), so its limit holds that of smoothing",)
    return ()
