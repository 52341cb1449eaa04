"""The section `probes`: every layer of a run, of its untrained twins and of other runs, probed.

Legend: L layers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.insight import effects
from suite.insight.finding import Finding, Table
from suite.insight.probes import (
    Learned,
    Probed,
    Slopes,
    learned,
    probe_model,
    questions,
    slopes_of,
)
from suite.insight.subject import Subject
from suite.task import Figure

_FIRST_CONTROL = 1000
"""Seed of the first untrained network: no run's own."""
_FEW = 100
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
    tables = [_labels_table(trained, untrained, others)]
    tables += [
        _properties_table(name, one) for name, one in {"this run": trained, **others}.items()
    ]
    return Finding(
        name="probes",
        title="What can be read off each layer",
        lines=_lines(trained, slopes, beyond, others),
        tables=[table for table in tables if table.rows],
        figures=[Figure("scores_by_depth", _picture(trained, untrained))],
        numbers={
            "run": _plain(trained),
            "slopes": _slopes_plain(slopes),
            "untrained": [_plain(one) for one in untrained],
            "learned": None
            if beyond is None
            else {"output": beyond.output.plain(), **_slopes_plain(beyond.slopes)},
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
    first, last = (_score(trained, trained.labels, at) for at in (0, -1))
    n = trained.examples
    lines = [
        "Ridge regression on every layer, fitted on training examples, its strength chosen on "
        f"held-out folds of these, scored on {n:,} test examples. 1 is perfect, 0 is what knowing "
        "nothing gives; means and slopes take less than that for nothing. Intervals are over test "
        "examples, of this one run.",
        f"{_listed(trained.labels).capitalize()}: {first:.3f} at the {trained.layers[0]}, "
        f"{last:.3f} at the output; slope over depth {slopes.label}.",
    ]
    if n < _FEW:
        lines.append(f"With fewer than {_FEW} test examples these intervals are rough.")
    if slopes.properties is None:
        lines.append("The task tells no property that varies here: abstraction is not measured.")
    else:
        lines.append(
            f"Low-level properties ({_listed(trained.properties)}): slope {slopes.properties}; "
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
            f"{name}: {_score(other, other.labels, -1):.3f} at the output; label's slope "
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


def _labels_table(probed: Probed, untrained: Sequence[Probed], others: dict[str, Probed]) -> Table:
    """Return the label's score by layer, with its interval and controls."""
    weight_RM = effects.weights_of_resamples(probed.examples)
    label_RL = probed.mean_scores(probed.labels, weight_RM)
    columns = {}
    control_L = _control(untrained)
    if control_L is not None:
        columns[f"untrained, mean of {len(untrained)}"] = list(control_L)
    for name, other in others.items():
        if len(other.layers) == len(probed.layers):
            columns[name] = [_score(other, other.labels, at) for at in range(len(other.layers))]
    rows = []
    for at, layer in enumerate(probed.layers):
        one = effects.bootstrapped(label_RL[:, at], n=probed.examples, over="test examples")
        row = [layer, f"{probed.depth_L[at]:.2f}", f"{one.value:.3f}",
               f"{one.low:.3f} to {one.high:.3f}"]  # fmt: skip
        rows.append(row + [f"{column[at]:.3f}" for column in columns.values()])
    return Table(
        title=f"Score of {_listed(probed.labels)} by layer",
        headings=["layer", "depth", "score", "95% interval", *columns],
        rows=rows,
    )


def _properties_table(name: str, probed: Probed) -> Table:
    rows = [
        [layer, *(f"{errors[p].score:.3f}" for p in probed.properties)]
        for layer, errors in zip(probed.layers, probed.errors, strict=True)
    ]
    headings = [one.replace("_", " ") for one in probed.properties]
    return Table(
        title=f"Score of low-level properties by layer, {name}",
        headings=["layer", *headings],
        rows=rows if headings else [],
    )


def _control(untrained: Sequence[Probed]) -> NDArray[np.float64] | None:
    if not untrained:
        return None
    every = np.ones((1, untrained[0].examples))
    return np.asarray(np.mean([one.mean_scores(one.labels, every)[0] for one in untrained], 0))


def _picture(trained: Probed, untrained: Sequence[Probed]) -> bytes:
    """Draw scores over depth: the label with its band and control, and each property."""
    import matplotlib.pyplot as plt

    from suite.figures import png
    from suite.trust.text import figure_text

    canvas, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    weight_RM = effects.weights_of_resamples(trained.examples)
    label_RL = trained.mean_scores(trained.labels, weight_RM)
    low_L, high_L = np.nanquantile(label_RL[1:], [0.025, 0.975], axis=0)
    depth = trained.depth_L
    axes.fill_between(depth, low_L, high_L, color="C0", alpha=0.2, linewidth=0)
    axes.plot(depth, label_RL[0], "o-", color="C0", linewidth=2.4, label=_listed(trained.labels))
    control_L = _control(untrained)
    if control_L is not None:
        axes.plot(depth, control_L, "o--", color="C0", alpha=0.6, label="the same, untrained")
    every = np.ones((1, trained.examples))
    for number, name in enumerate(trained.properties):
        axes.plot(depth, trained.scores(name, every)[0], ".-", color=f"C{number % 8 + 1}",
                  linewidth=1, label=figure_text(name.replace("_", " ")))  # fmt: skip
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_ylim(max(-0.25, axes.get_ylim()[0]), 1.03)
    axes.set_xticks(depth, trained.layers, rotation=45, ha="right", fontsize=8)
    axes.set_xlabel("layer, from input to output")
    axes.set_ylabel("probe's score (0 chance, 1 perfect)")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return png(canvas)


def _score(probed: Probed, names: Sequence[str], at: int) -> float:
    return float(np.mean([max(probed.errors[at][name].score, 0) for name in names]))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)


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
        "label_stem": _score(trained, trained.labels, 0),
        "label_output": _score(trained, trained.labels, -1),
    }
    values |= {f"{name}_slope": one["value"] for name, one in _slopes_plain(slopes).items()}
    if beyond is not None:
        effect = {"output": beyond.output.plain(), **_slopes_plain(beyond.slopes)}
        for name, one in effect.items():
            values |= {f"learned_{name}{end}": one[key] for end, key in _ENDS.items()}
    return values
