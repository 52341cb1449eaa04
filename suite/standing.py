"""How a run's test results stand to what others reached: to the best published, and to people.

A verdict asks whether the other's value lies in the 95% interval of the run's own. That interval is
over the test items of one run (n = 1): it holds what another draw of items would have changed, not
what another seed would. The other's value has an uncertainty of its own, which is seldom known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from suite.config import ReferenceKind
from suite.record import RunRecord
from suite.statistics import Interval

_VERDICTS = {
    ReferenceKind.published.value: ("below", "reproduces", "above"),
    ReferenceKind.human.value: ("below people", "like people", "beyond people"),
}
"""By kind: for a reference on the better side of the whole interval, within it, and behind it."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A result beside the best reference of one kind.

    name, value, uses: of the reference.
    gap: how much better than the reference; below 0 where it is worse, whatever the direction.
    verdict: "below" (worse), "reproduces" or "above" (better); of people "below people", "like
        people" or "beyond people". None where the result has no interval.
    """

    name: str
    value: float
    uses: str
    gap: float
    verdict: str | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one test metric of a run stands to references on the same test split.

    interval: low, high, method. published, people: None where no reference of that kind is known.
    reproduces: all published results within the interval, by their labels, not only the best.
    """

    metric: str
    value: float
    direction: str
    interval: tuple[float, float, str] | None
    published: Comparison | None
    people: Comparison | None
    reproduces: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as a dict for JSON."""
        return asdict(self)


def standings(record: RunRecord) -> list[Standing]:
    """Return how each metric with references stands, and the primary one in any case.

    The headline comes first: the primary metric, unless others were only measured by another.
    """
    return [
        stand(
            metric,
            record.metrics[f"test/{metric}"],
            record.intervals.get(f"test/{metric}"),
            direction=direction,
            references=record.references,
        )
        for metric in compared_metrics(record.primary, record.references)
        if f"test/{metric}" in record.metrics and (direction := direction_of(record, metric))
    ]


def direction_of(record: RunRecord, metric: str) -> str:
    """Return "maximize" or "minimize", or an empty string where the metric does not tell."""
    own = record.direction if metric == record.primary else ""
    return record.directions.get(metric, own)


def compared_metrics(primary: str, references: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the metrics that published or human results are known of, and the primary one.

    The primary comes first where it is among the known, else last.
    """
    known = dict.fromkeys(r["metric"] for r in references if r.get("kind") in _VERDICTS)
    first = [primary] if primary in known else []
    others = [metric for metric in known if metric != primary]
    return [*first, *others] if first else [*others, primary]


def best_of(references: Sequence[Mapping[str, Any]], direction: str) -> Mapping[str, Any]:
    """Return the reference with the best value; of equals the first."""
    sign = -1.0 if direction == "minimize" else 1.0
    return max(references, key=lambda reference: sign * reference["value"])


def label_of(reference: Mapping[str, Any]) -> str:
    """Return a reference's name, and what it used, which tells results of one name apart."""
    uses = reference.get("uses")
    return f"{reference['name']}, {uses}" if uses else str(reference["name"])


def stand(
    metric: str,
    value: float,
    interval: Sequence[Any] | None,
    *,
    direction: str,
    references: Sequence[Mapping[str, Any]],
) -> Standing:
    """Compare a test value with the best published one and with people."""
    sign = -1.0 if direction == "minimize" else 1.0
    own = Interval(*interval) if interval else None
    of_kind = {
        kind: [r for r in references if r["metric"] == metric and r.get("kind") == kind]
        for kind in _VERDICTS
    }

    def to_best(kind: ReferenceKind) -> Comparison | None:
        if not of_kind[kind.value]:
            return None
        best = best_of(of_kind[kind.value], direction)
        other = float(best["value"])
        verdict = None
        if own is not None:
            below, within, above = _VERDICTS[kind.value]
            ahead = sign * (other - value) > 0
            verdict = within if other in own else below if ahead else above
        gap = sign * (value - other)
        uses = str(best.get("uses", ""))
        return Comparison(name=best["name"], value=other, uses=uses, gap=gap, verdict=verdict)

    published = of_kind[ReferenceKind.published.value]
    return Standing(
        metric=metric,
        value=value,
        direction=direction,
        interval=(own.low, own.high, own.method) if own else None,
        published=to_best(ReferenceKind.published),
        people=to_best(ReferenceKind.human),
        reproduces=tuple(label_of(r) for r in published if own and r["value"] in own),
    )
