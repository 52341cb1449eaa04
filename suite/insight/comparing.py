"""The section `similarity`: which layers hold alike what, in one network and between several.

Legend: L layers, N examples.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.insight.effects import Effect
from suite.insight.finding import Finding, Table
from suite.insight.layers import Layer, activations, choose
from suite.insight.pairing import Pairs, pair, shuffled
from suite.insight.similarity import cka, debiased_cka, debiased_effect, gram, matrix
from suite.insight.subject import Subject
from suite.task import Figure, Split

Floats = NDArray[np.float64]

_CONTROL = 1000
"""Seed of the untrained network."""
_MOST = 500
"""Examples: Gram matrices grow with their square."""


def similarity(
    subject: Subject, *, examples: int = _MOST, against: Sequence[Subject] = ()
) -> Finding | None:
    """Compare a run's layers with each other, with the untrained network's, and with other runs'.

    Raises a `ConfigError` for a run on data that nothing pairs with this run's.
    """
    most = min(examples, _MOST)
    indices = choose(subject.task, Split.TEST, most)
    layers = activations(subject.model, subject.task, Split.TEST, indices)
    if not layers:
        return None
    own = [gram(layer.values_ND) for layer in layers]
    fresh = [
        gram(layer.values_ND)
        for layer in activations(subject.fresh(_CONTROL), subject.task, Split.TEST, indices)
    ]
    names = [layer.name for layer in layers]
    within, kept = matrix(own, own), matrix(own, fresh)
    lines = [
        "Centred kernel alignment, debiased, of what layers hold of "
        f"{len(indices):,} test examples: 1 is equal up to rotation and scale, 0 unrelated.",
        f"Stem and output: {within[0, -1]:.3f} in this run; "
        f"output, trained and untrained: {debiased_effect(own[-1], fresh[-1])}.",
    ]
    figures = [Figure("layers", _picture(within, names, names, "this run", "this run"))]
    table = Table(
        title="Alike before and after training, by layer",
        headings=["layer", "depth", "CKA, debiased", "CKA"],
        rows=[
            [
                layer.name,
                f"{layer.depth:.2f}",
                f"{kept[at, at]:.3f}",
                f"{cka(own[at], fresh[at]):.3f}",
            ]
            for at, layer in enumerate(layers)
        ],
    )
    numbers: dict[str, Any] = {"layers": names, "within": _plain(within),
                               "untrained": _plain(kept), "against": {}}  # fmt: skip
    metrics = {"stem_output": within[0, -1], "output_untrained": kept[-1, -1]}
    for number, other in enumerate(against, 1):
        told, picture, values = _compare(subject, other, most)
        lines.append(told)
        figures.append(Figure(f"against_{number}", picture))
        numbers["against"][other.name] = values
        metrics[f"against_{number}_output"] = values["output"]["value"]
    return Finding(
        name="similarity",
        title="Which layers are alike",
        lines=lines,
        tables=[table],
        figures=figures,
        numbers=numbers,
        metrics={name: float(value) for name, value in metrics.items() if np.isfinite(value)},
    )


def across(one: Subject, other: Subject, pairs: Pairs) -> tuple[list[Layer], list[Layer]]:
    """Return the layers of both networks, of examples that go together."""
    return (
        activations(one.model, one.task, Split.TEST, pairs.one),
        activations(other.model, other.task, Split.TEST, pairs.other),
    )


def output_alike(one: Sequence[Layer], other: Sequence[Layer]) -> Effect:
    """Return debiased CKA of two networks' outputs, with its interval over examples."""
    return debiased_effect(gram(one[-1].values_ND), gram(other[-1].values_ND))


def _compare(subject: Subject, other: Subject, most: int) -> tuple[str, bytes, dict[str, Any]]:
    pairs = pair(subject, other, most)
    mine, theirs = across(subject, other, pairs)
    grams = [[gram(layer.values_ND) for layer in layers] for layers in (mine, theirs)]
    found = matrix(*grams)
    effect = debiased_effect(grams[0][-1], grams[1][-1])
    names = [[layer.name for layer in layers] for layers in (mine, theirs)]
    how = "test examples" if pairs.by == "example" else "pairs of test examples of one label"
    told = f"{other.name}: output {effect} (CKA over {len(pairs.one):,} {how})"
    chance = None
    if pairs.by == "label":
        order = shuffled(len(pairs.other))
        chance = debiased_cka(grams[0][-1], grams[1][-1][np.ix_(order, order)])
        told += f", {chance:+.3f} with pairs exchanged"
    best = np.unravel_index(int(np.nan_to_num(found, nan=-1.0).argmax()), found.shape)
    told += (
        f"; most alike: {names[0][best[0]]} of this run and {names[1][best[1]]} of the other, "
        f"{found[best]:.3f}."
    )
    values = {
        "layers": names[1],
        "pairs": len(pairs.one),
        "paired_by": pairs.by,
        "matrix": _plain(found),
        "output": effect.plain(),
        "output_by_chance": chance,
    }
    return told, _picture(found, names[0], names[1], "this run", other.name), values


def _picture(
    values: Floats, rows: Sequence[str], columns: Sequence[str], one: str, other: str
) -> bytes:
    """Draw CKA of each layer with each, the input at the lower left."""
    import matplotlib.pyplot as plt

    from suite.figures import png
    from suite.trust.text import figure_text

    side = max(3.2, min(0.45 * max(len(rows), len(columns)) + 1.6, 8.0))
    canvas, axes = plt.subplots(figsize=(side + 0.8, side), layout="constrained")
    drawn = axes.imshow(values, origin="lower", cmap="magma", vmin=0, vmax=1)
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_xlabel(figure_text(other), fontsize=8)
    axes.set_ylabel(figure_text(one), fontsize=8)
    if len(rows) <= 12 and len(columns) <= 12:
        for row, column in np.ndindex(values.shape):
            shade = "black" if values[row, column] > 0.6 else "white"
            axes.text(column, row, f"{values[row, column]:.2f}", ha="center", va="center",
                      color=shade, fontsize=7)  # fmt: skip
    canvas.colorbar(drawn, ax=axes, shrink=0.8, label="CKA, debiased")
    return png(canvas)


def _plain(values: Floats) -> list[list[float | None]]:
    """Return a matrix as JSON takes it, which knows no NaN."""
    return [[float(v) if np.isfinite(v) else None for v in row] for row in values]
