"""Puts what scaling experiments found into sentences, tables, pictures and numbers."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from suite.insight.compute import Frontier, frontier
from suite.insight.cost import Cost
from suite.insight.crossing import Crossing, crossing
from suite.insight.finding import Finding, Table
from suite.insight.people import HEADINGS, sentence, short, table_rows
from suite.insight.resampling import Estimate
from suite.insight.scaling_picture import Drawn, Panel, frontier_png, scaling_png
from suite.record import RunRecord
from suite.scaling.axes import AXES, PLAIN_AXES, Ladder, ladders, refusal
from suite.scaling.paths import ReadEvents, paths_of
from suite.scaling.studies import Study, ladder_costs, metrics_of, study
from suite.task import Figure

_MOST_CURVES = 6
"""Curves of a panel."""


def scaling(
    records: Sequence[RunRecord],
    *,
    over: str | None,
    metrics: Sequence[str] = (),
    leave_out: int,
    runs: Path,
    read_events: ReadEvents,
) -> list[Finding]:
    """Return what the runs say of scaling: laws, crossings, people, costs and equal compute.

    over: name of an axis; None looks for all that were varied by themselves. runs: folder of the
    runs' folders, whose journals curves of equal FLOPs are made from.
    Raises `DataError` where no three sizes differ in nothing else but the seed.
    """
    axes = [AXES[over]] if over else [AXES[name] for name in PLAIN_AXES]
    found = [ladder for axis in axes for ladder in ladders(records, axis)]
    of_flops = ladders(records, AXES["flops"]) if over in (None, "flops") else []
    compute = [part for ladder in of_flops if (part := _compute(ladder, runs, read_events))]
    if not found and not compute:
        raise refusal(records, axes)
    costs = {id(ladder): ladder_costs(ladder) for ladder in found}
    studies = [
        each
        for ladder in found
        for metric in metrics_of(ladder, metrics)
        if (each := study(ladder, metric, leave_out=leave_out, flops=_flops(costs[id(ladder)])))
    ]
    told = [_laws(studies), _crossings(studies), _people(studies), _costs(found, costs)]
    return [one for one in told if one is not None] + compute


def _flops(costs: Sequence[Cost]) -> Cost | None:
    return next((one for one in costs if one.name == "training FLOPs"), None)


def _panels(studies: Sequence[Study]) -> dict[tuple[str, ...], list[Study]]:
    """Return the studies that share data, axis and metric."""
    found: dict[tuple[str, ...], list[Study]] = defaultdict(list)
    for one in studies:
        ladder = one.ladder
        found[ladder.task, ladder.data, ladder.axis.name, one.metric].append(one)
    return found


def _laws(studies: Sequence[Study]) -> Finding | None:
    if not studies:
        return None
    panels = []
    for each in _panels(studies).values():
        first = each[0]
        split = first.metric.partition("/")[0]
        panels.append(
            Panel(
                title=f"{first.ladder.data}: {split} {first.words}",
                x=first.ladder.axis.words,
                y=f"{split} {first.words}, geometric mean, 95% over seeds",
                drawn=[
                    Drawn(label=one.ladder.label, curve=one.curve, law=one.law,
                          foretold=one.foretold)
                    for one in each[:_MOST_CURVES]
                ],
                people=next(((p.name, p.error) for one in each for p in one.people), None),
            )
        )  # fmt: skip
    return Finding(
        name="laws",
        title="Laws of scaling",
        lines=[_sentence(one) for one in studies],
        tables=[_law_table(studies), _foretold_table(studies), *_forms_tables(studies)],
        figures=[Figure(name="scaling", content=scaling_png(panels))],
        numbers={"studies": [_numbers(one) for one in studies]},
        metrics={
            f"exponent/{'-'.join(_place(one))}": one.law.exponent.value
            for one in studies
            if one.law is not None
        },
    )


def _place(one: Study) -> list[str]:
    return [one.ladder.data, one.ladder.label, one.ladder.axis.name, one.metric]


def _sentence(one: Study) -> str:
    """Say what a curve is, and what it rests on."""
    ladder, seeds = one.ladder, sorted({len(values) for values in one.curve.values})
    n = "-".join(str(count) for count in dict.fromkeys((seeds[0], seeds[-1])))
    what = f"{ladder.data}, {ladder.label}, {one.words} over {ladder.axis.words}"
    seeds_each = "one seed each" if n == "1" else f"n={n} seeds each"
    base = f"{what}: {one.verdict} ({len(one.curve.size_S)} sizes, {seeds_each}"
    if one.law is None:
        return f"{base})"
    law = one.law
    told = f"log-log slope {_interval(law.slope, -1)}"
    if law.scales:
        limit = "" if law.limit is None else f", limit {_interval(law.limit)}"
        told = f"α = {_interval(law.exponent)}{limit}"
    warned = "; ".join([*law.warnings, *one.notes])
    return f"{base}); {told}{'; ' if warned else ''}{warned}"


def _interval(one: Estimate, sign: int = 1) -> str:
    low, high = sorted((sign * one.low, sign * one.high))
    return f"{sign * one.value:.3g} ({low:.3g} to {high:.3g})"


def _law_table(studies: Sequence[Study]) -> Table:
    rows = []
    for one in studies:
        law = one.law
        counts = sorted({len(values) for values in one.curve.values})
        cells = ["—"] * 4
        if law is not None:
            limit, share = law.limit, law.share
            cells = [
                _interval(law.exponent),
                "—" if limit is None else _interval(limit),
                _interval(law.scale),
                "—" if share is None else f"{share.low:.0%} to {share.high:.0%}",
            ]
        size_S = one.curve.size_S
        rows.append(
            [*_place(one)[:3], f"{one.metric.partition('/')[0]} {one.words}",
             f"{short(float(size_S[0]))} to {short(float(size_S[-1]))}",
             "-".join(str(count) for count in dict.fromkeys((counts[0], counts[-1]))),
             *cells, one.verdict]
        )  # fmt: skip
    return Table(
        title="L(n) = E + A n^-α, 95% intervals over seeds",
        headings=["data", "model", "over", "of", "sizes", "n", "α", "E", "A",
                  "E's share at the largest size", "verdict"],
        rows=rows,
    )  # fmt: skip


def _foretold_table(studies: Sequence[Study]) -> Table:
    rows = [
        [
            *_place(one)[:3],
            f"{one.metric.partition('/')[0]} {one.words}",
            str(told.left_out),
            short(told.size),
            f"{told.predicted.value:.4g} ({told.predicted.low:.4g} to {told.predicted.high:.4g})",
            f"{told.measured:.4g}",
            f"{told.error:+.1%}",
            "inside" if told.inside else "outside",
        ]
        for one in studies
        for told in one.foretold
    ]
    return Table(
        title="the largest size foretold from the smaller ones (95% of a mean of as many seeds)",
        headings=["data", "model", "over", "of", "sizes left out", "largest size", "foretold",
                  "measured", "measured over foretold", "interval"],
        rows=rows,
    )  # fmt: skip


def _forms_tables(studies: Sequence[Study]) -> list[Table]:
    rows = [
        [
            *_place(one)[:3],
            f"{one.metric.partition('/')[0]} {one.words}",
            f"{form.form.name}, {form.form.formula}",
            "—" if form.held_out is None else f"{form.held_out:.3f}",
            "—" if form.behind is None else _interval(form.behind),
            "—" if form.aicc is None else f"{form.aicc:.1f}",
            form.verdict or "—",
        ]
        for one in studies
        for form in one.forms
    ]
    return [
        Table(
            title="forms: how well each foretells the sizes left out",
            headings=["data", "model", "over", "of", "form", "held-out error, log",
                      "times a power law's", "AICc less the best", "against a power law"],
            rows=rows,
        )
    ]  # fmt: skip


def _numbers(one: Study) -> dict[str, object]:
    place = dict(zip(("data", "model", "over", "metric"), _place(one), strict=True))
    return {
        **place,
        "task": one.ladder.task,
        "of": one.words,
        "sizes": one.curve.size_S.tolist(),
        "values": [list(values) for values in one.curve.values],
        "law": None if one.law is None else one.law.plain(),
        "verdict": one.verdict,
        "foretold": [told.plain() for told in one.foretold],
        "forms": [form.plain() for form in one.forms],
        "notes": list(one.notes),
    }


def _crossings(studies: Sequence[Study]) -> Finding | None:
    """Return where curves of one panel cross: shallow against deep first, else all pairs."""
    found: list[tuple[Study, Crossing]] = []
    for each in _panels(studies).values():
        pairs = list(combinations(each[:_MOST_CURVES], 2))
        mixed = [pair for pair in pairs if pair[0].ladder.shallow != pair[1].ladder.shallow]
        for one, other in mixed or pairs:
            try:
                names = one.ladder.label, other.ladder.label
                fixed = one.ladder.shallow, other.ladder.shallow
                found.append((one, crossing(one.curve, other.curve, names, fixed=fixed)))
            except ValueError:
                continue
    if not found:
        return None
    rows = [
        [
            *_place(one)[:1], one.words, cross.first, cross.second,
            f"{short(cross.least)} to {short(cross.largest)}",
            "—" if cross.size is None else
            f"{short(cross.size.value)} ({short(cross.size.low)} to {short(cross.size.high)})",
            f"{cross.share:.0%}", cross.verdict,
        ]
        for one, cross in found
    ]  # fmt: skip
    return Finding(
        name="crossings",
        title="Which model is better at which size",
        lines=[f"{o.ladder.data}, {o.words}: {c.sentence(o.ladder.axis.words)}" for o, c in found],
        tables=[
            Table(
                title="where curves cross (95% over seeds)",
                headings=["data", "of", "first", "second", "shared sizes", "cross at",
                          "share of resamples that cross", "verdict"],
                rows=rows,
            )
        ],
        numbers={"crossings": [{"data": o.ladder.data, **c.plain()} for o, c in found]},
    )  # fmt: skip


def _people(studies: Sequence[Study]) -> Finding | None:
    known = [one for one in studies if one.people]
    if not known:
        return None
    rows = [
        [*_place(one)[:2], one.ladder.axis.words, *cells]
        for one in known
        for cells in table_rows(one.people)
    ]
    return Finding(
        name="people",
        title="How far from people, and what the law says is missing",
        lines=[
            f"{one.ladder.data}, {one.ladder.label}: {sentence(person, one.ladder.axis.words)}"
            for one in known
            for person in one.people
        ],
        tables=[Table(title="gap to people", headings=["data", "model", "over", *HEADINGS],
                      rows=rows)],
        numbers={"people": [{"data": one.ladder.data, "model": one.ladder.label,
                             "over": one.ladder.axis.name, **person.plain()}
                            for one in known for person in one.people]},
    )  # fmt: skip


def _costs(found: Sequence[Ladder], costs: dict[int, list[Cost]]) -> Finding | None:
    rows, numbers = [], []
    for ladder in found:
        for one in costs[id(ladder)]:
            if one.constant:
                continue
            exponent = one.exponent
            rows.append(
                [ladder.data, ladder.label, ladder.axis.words, one.name,
                 f"{exponent.value:.2f} ({exponent.low:.2f} to {exponent.high:.2f})",
                 f"{one.first:.2f}", f"{one.last:.2f}", f"{one.off:.2f}×"]
            )  # fmt: skip
            numbers.append(
                {"data": ladder.data, "model": ladder.label, "over": ladder.axis.name,
                 **one.plain()}
            )  # fmt: skip
    if not rows:
        return None
    return Finding(
        name="costs",
        title="What a size costs",
        tables=[
            Table(
                title="cost ∝ size^exponent (95% over seeds, and over sizes off the line)",
                headings=["data", "model", "over", "cost", "exponent", "smallest sizes",
                          "largest sizes", "farthest off the line"],
                rows=rows,
            )
        ],
        numbers={"costs": numbers},
    )  # fmt: skip


def _compute(ladder: Ladder, runs: Path, read_events: ReadEvents) -> Finding | None:
    """Return curves of equal FLOPs, None where there are no three sizes of model with them."""
    paths, words = paths_of(ladder, runs, read_events)
    try:
        found = frontier(paths)
    except ValueError:
        return None
    rows = [
        [
            f"{one.flops:.3g}",
            "—" if one.best is None else
            f"{short(one.best.value)} ({short(one.best.low)} to {short(one.best.high)})",
            "—" if one.least is None else f"{one.least:.4g}",
            short(one.measured),
            str(len(one.parameters)),
        ]
        for one in found.budgets
    ]  # fmt: skip
    title = f"{ladder.data}, {ladder.label}: equal FLOPs"
    return Finding(
        name="compute",
        title=title,
        lines=[_compute_line(found)],
        tables=[
            Table(
                title=f"best size of model for a budget, by {words}",
                headings=["training FLOPs", "best parameters (95%)", "loss there",
                          "best of those trained", "sizes"],
                rows=rows,
            )
        ],
        figures=[Figure(name="scaling_compute", content=frontier_png(found, title, words))],
        numbers={"compute": found.plain()},
    )  # fmt: skip


def _compute_line(found: Frontier) -> str:
    if found.exponent is None:
        return f"{found.verdict}; train smaller and larger models, or for longer"
    told = f"{found.exponent.value:.2f}"
    if found.seeds > 1:
        told = _interval(found.exponent)
    share = "" if found.share == 1 else f"; {found.share:.0%} of resamples have one"
    return f"{found.verdict}: best parameters ∝ FLOPs^{told} (n={found.seeds} seeds{share})"
