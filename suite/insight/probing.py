"""The section `probes`: every layer of a run, of its untrained twins and of other runs, probed.

Legend: L layers.
"""

from collections.abc import Sequence
from typing import Any

from suite.insight.finding import Finding
from suite.insight.probe_tables import (
    labels_table,
    listed,
    picture,
    properties_table,
    score_at,
)
from suite.insight.probes import (
    Learned,
    Probed,
    Slopes,
    learned,
    over_seeds,
    probe_model,
    questions,
    slopes_of,
)
from suite.insight.subject import Subject
from suite.task import Figure

_FIRST_CONTROL = 1000
"""Seed of the first untrained network: no run's own."""
_FEW = 100
_DECIDE = ("task", "data", "backbone", "loss", "optimizer", "schedule", "trainer", "precision")
"""Parts of a configuration that its runs share."""
_ENDS = {"": "value", "_low": "low", "_high": "high"}


def probes(
    subject: Subject, *, examples: int = 1000, controls: int = 3, against: Sequence[Subject] = ()
) -> Finding | None:
    """Probe all layers for the label and for low-level properties; None where nothing can be.

    examples: at most, of the training split to fit on and of the test split to score on.
    controls: untrained networks. against: other runs on the same data.
    """
    task = subject.task
    asked = questions(task, examples=examples)
    trained = probe_model(subject.model, task, asked)
    if trained is None:
        return None
    seeds = range(_FIRST_CONTROL, _FIRST_CONTROL + controls)
    found = [probe_model(subject.fresh(seed), task, asked) for seed in seeds]
    untrained = [one for one in found if one is not None]
    others: dict[str, Probed] = {}
    for other in against:
        if other.task.card().fingerprint == task.card().fingerprint:
            theirs = probe_model(other.model, other.task, questions(other.task, examples=examples))
            others |= {} if theirs is None else {other.name: theirs}
    slopes = slopes_of(trained)
    beyond = learned(trained, untrained) if untrained else None
    repeats = [beyond.slopes] if beyond is not None else []
    for number, other in enumerate(against, 1):
        if repeats and other.name in others and _repeats(subject, other):
            twin = probe_model(other.fresh(_FIRST_CONTROL + controls + number), task, asked)
            repeats += [] if twin is None else [learned(others[other.name], [twin]).slopes]
    over = over_seeds(repeats) if len(repeats) > 1 else None
    tables = [labels_table(trained, untrained, others)]
    tables += [properties_table(name, one) for name, one in {"this run": trained, **others}.items()]
    return Finding(
        name="probes",
        title="What can be read off each layer",
        lines=[*_lines(trained, slopes, beyond, others), *_seeds_lines(over)],
        tables=[table for table in tables if table.rows],
        figures=[Figure("scores_by_depth", picture(trained, untrained))],
        numbers={
            "run": _plain(trained),
            "slopes": _slopes_plain(slopes),
            "untrained": [_plain(one) for one in untrained],
            "learned": None
            if beyond is None
            else {"output": beyond.output.plain(), **_slopes_plain(beyond.slopes)},
            "learned_over_seeds": None if over is None else _slopes_plain(over),
            "against": {
                name: _plain(one) | {"slopes": _slopes_plain(slopes_of(one))}
                for name, one in others.items()
            },
        },
        metrics=_metrics(trained, slopes, beyond),
    )


def _lines(
    trained: Probed, slopes: Slopes, beyond: Learned | None, others: dict[str, Probed]
) -> list[str]:
    first, last = (score_at(trained, trained.labels, at) for at in (0, -1))
    n = trained.examples
    lines = [
        "Ridge regression on every layer, fitted on training examples, its strength chosen on "
        f"held-out folds of these, scored on {n:,} test examples. 1 is perfect, 0 is what knowing "
        "nothing gives; means and slopes take less than that for nothing. Intervals are over test "
        "examples, of this one run.",
        f"{listed(trained.labels).capitalize()}: {first:.3f} at the {trained.layers[0]}, "
        f"{last:.3f} at the output; slope over depth {slopes.label}.",
    ]
    if n < _FEW:
        lines.append(f"With fewer than {_FEW} test examples these intervals are rough.")
    if slopes.properties is None:
        lines.append("The task tells no property that varies here: abstraction is not measured.")
    else:
        lines.append(
            f"Low-level properties ({listed(trained.properties)}): slope {slopes.properties}; "
            f"the label's less theirs {slopes.abstraction}."
        )
    if beyond is not None:
        lines += _beyond_lines(beyond)
    for name, other in others.items():
        theirs = slopes_of(other)
        gap = (
            "" if theirs.abstraction is None else f", less that of properties {theirs.abstraction}"
        )
        lines.append(
            f"{name}: {score_at(other, other.labels, -1):.3f} at the output; label's slope "
            f"{theirs.label}{gap}."
        )
    return lines


def _beyond_lines(beyond: Learned) -> list[str]:
    """Say what training changed, with a verdict that may be no."""
    label, gap = beyond.slopes.label, beyond.slopes.abstraction
    lines = [
        f"Beyond untrained networks (n={beyond.output.n:,} {beyond.output.over}): the label's "
        f"score at the output {beyond.output}, its slope {label}.",
        "Does training make the label easier to read from layer to layer? "
        f"{label.verdict.capitalize()}.",
    ]
    if gap is not None:
        lines.append(
            "Does it make deeper layers more abstract, the label gaining on low-level properties "
            f"more than without training? {gap.verdict.capitalize()}: {gap}."
        )
    return lines


def _repeats(one: Subject, other: Subject) -> bool:
    """Return whether two runs differ in their seed alone, as far as it can change a result."""
    same = all(one.config.get(key) == other.config.get(key) for key in _DECIDE)
    return same and one.seed != other.seed


def _seeds_lines(over: Slopes | None) -> list[str]:
    """Say what holds over runs that differ in their seed, each beside untrained networks of its
    own.
    """
    if over is None:
        return []
    told = (
        f"Over {over.label.n} runs that differ in their seed alone, beyond untrained networks: the "
        f"label's slope {over.label}, {over.label.verdict}"
    )
    if over.abstraction is not None:
        told += f"; less that of properties {over.abstraction}, {over.abstraction.verdict}"
    return [f"{told}."]


def _plain(probed: Probed) -> dict[str, Any]:
    return {
        "layers": list(probed.layers),
        "depth": [float(depth) for depth in probed.depth_L],
        "scores": {
            name: [layer[name].score for layer in probed.errors]
            for name in (*probed.labels, *probed.properties)
        },
        "labels": list(probed.labels),
        "properties": list(probed.properties),
        "test_examples": probed.examples,
    }


def _slopes_plain(slopes: Slopes) -> dict[str, Any]:
    named = {"label": slopes.label, "properties": slopes.properties,
             "abstraction": slopes.abstraction}  # fmt: skip
    return {name: one.plain() for name, one in named.items() if one is not None}


def _metrics(trained: Probed, slopes: Slopes, beyond: Learned | None) -> dict[str, float]:
    values = {
        "label_stem": score_at(trained, trained.labels, 0),
        "label_output": score_at(trained, trained.labels, -1),
    }
    values |= {f"{name}_slope": one["value"] for name, one in _slopes_plain(slopes).items()}
    if beyond is not None:
        effect = {"output": beyond.output.plain(), **_slopes_plain(beyond.slopes)}
        for name, one in effect.items():
            values |= {f"learned_{name}{end}": one[key] for end, key in _ENDS.items()}
    return values
