"""Probes of layers as tables and a picture.

Legend: L layers, R resamples, M examples.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from suite.insight import effects
from suite.insight.finding import Table
from suite.insight.probes import Probed


def labels_table(
    probed: Probed, untrained: Sequence[Probed], others: Mapping[str, Probed]
) -> Table:
    """Return the label's score by layer, with its interval and controls."""
    weight_RM = effects.weights_of_resamples(probed.examples)
    label_RL = probed.mean_scores(probed.labels, weight_RM)
    columns = {}
    control_L = _control(untrained)
    if control_L is not None:
        columns[f"untrained, mean of {len(untrained)}"] = list(control_L)
    for name, other in others.items():
        if len(other.layers) == len(probed.layers):
            columns[name] = [score_at(other, other.labels, at) for at in range(len(other.layers))]
    rows = []
    for at, layer in enumerate(probed.layers):
        one = effects.bootstrapped(label_RL[:, at], n=probed.examples, over="test examples")
        row = [layer, f"{probed.depth_L[at]:.2f}", f"{one.value:.3f}",
               f"{one.low:.3f} to {one.high:.3f}"]  # fmt: skip
        rows.append(row + [f"{column[at]:.3f}" for column in columns.values()])
    return Table(
        title=f"Score of {listed(probed.labels)} by layer",
        headings=["layer", "depth", "score", "95% interval", *columns],
        rows=rows,
    )


def properties_table(name: str, probed: Probed) -> Table:
    """Return the score of each property by layer; no row where there is no property."""
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


def picture(trained: Probed, untrained: Sequence[Probed]) -> bytes:
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
    axes.plot(depth, label_RL[0], "o-", color="C0", linewidth=2.4, label=listed(trained.labels))
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


def score_at(probed: Probed, names: Sequence[str], at: int) -> float:
    """Return the mean score of targets at a layer, where less than nothing is nothing."""
    return float(np.mean([max(probed.errors[at][name].score, 0) for name in names]))


def listed(names: Sequence[str]) -> str:
    """Return names in a line, as words."""
    return ", ".join(name.replace("_", " ") for name in names)
