"""Where examples lie in what a network makes of them: pictures in two dimensions, and numbers.

The picture is t-SNE (van der Maaten and Hinton 2008) of the first 50 principal components. What can
be read off it is little (distances between groups mean nothing), so the numbers are of the space
itself: how often the nearest neighbours tell the label, and how far apart classes lie (silhouette,
Rousseeuw 1987).

Legend: N examples, D features, K classes.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from torch import nn

from suite.figures import png
from suite.insight.effects import Effect
from suite.insight.finding import Finding, Table
from suite.insight.layers import activations, choose
from suite.insight.means import mean_of
from suite.insight.subject import Subject
from suite.task import Figure, Split
from suite.trust.text import figure_text

_COMPONENTS, _NEIGHBOURS, _PERPLEXITY = 50, 10, 30.0
_MOST, _AT_ONCE = 1000, 128
_NAMED = 40
"""Classes up to which there is a legend."""
_MARKS = "osD^vP*X"

Floats = NDArray[np.float32]


def embedding(subject: Subject, examples: int = _MOST, controls: int = 1) -> Finding | None:
    """Draw test examples by what the backbone makes of them; None without one label for each.

    controls: untrained networks.
    """
    task, split = subject.task, Split.TEST
    chosen = choose(task, split, min(examples, _MOST))
    if "label_B" not in task.take(split, chosen[:1]):
        return None
    label_N = np.concatenate(
        [task.take(split, chosen[i : i + _AT_ONCE])["label_B"].cpu().numpy()
         for i in range(0, len(chosen), _AT_ONCE)]
    )  # fmt: skip
    trained_ND = _output(subject, subject.model, chosen)
    if trained_ND is None or len(np.unique(label_N)) < 2:
        return None
    spaces = {"trained": trained_ND}
    for seed in range(1, controls + 1):
        untrained_ND = _output(subject, subject.fresh(seed), chosen)
        assert untrained_ND is not None
        spaces[f"untrained, seed {seed}"] = untrained_ND
    right = {name: neighbours_right(values, label_N) for name, values in spaces.items()}
    apart = {name: silhouettes(values, label_N) for name, values in spaces.items()}
    over = "test examples"
    accuracy = {name: mean_of(values, over=over) for name, values in right.items()}
    silhouette = {name: mean_of(values, over=over) for name, values in apart.items()}
    effects: dict[str, Effect] = {}
    if controls:
        others = [name for name in spaces if name != "trained"]
        for key, each in (("neighbours", right), ("silhouette", apart)):
            gain_N = each["trained"] - np.mean([each[name] for name in others], axis=0)
            effects[f"{key}, trained - untrained"] = mean_of(gain_N, over=over)
    classes = [str(name) for name in getattr(task, "classes", ())]
    figures = [
        Figure(f"embedding_{name.split(',')[0]}", _png(values, label_N, classes, name))
        for name, values in spaces.items()
        if name in ("trained", "untrained, seed 1")
    ]
    rows = [[name, str(accuracy[name]), str(silhouette[name])] for name in spaces]
    lines = [
        f"{_NEIGHBOURS} nearest neighbours tell the label of {accuracy['trained'].value:.1%} of "
        f"{len(chosen)} test examples; silhouette {silhouette['trained']}."
    ]
    if effects:
        gain = effects["neighbours, trained - untrained"]
        lines.append(f"More than in untrained networks by {gain} (paired over test examples).")
    return Finding(
        name="embedding",
        title="Where examples lie",
        lines=lines,
        tables=[Table(title="The output of the backbone", rows=rows,
                      headings=("network", f"{_NEIGHBOURS} neighbours right", "silhouette"))],
        figures=figures,
        numbers={
            "neighbours right": {name: e.plain() for name, e in accuracy.items()},
            "silhouette": {name: e.plain() for name, e in silhouette.items()},
            "effects": {name: e.plain() for name, e in effects.items()},
        },
        metrics={"neighbours_right": accuracy["trained"].value,
                 "silhouette": silhouette["trained"].value},
    )  # fmt: skip


def neighbours_right(values_ND: Floats, label_N: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return whether the label that most neighbours have is right: 1.0 or 0.0 for each, (N,).

    An example is none of its own neighbours. Of labels that equally many have, the nearest counts.
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(_NEIGHBOURS, len(values_ND) - 1)
    nearest_NK = (
        NearestNeighbors(n_neighbors=count).fit(values_ND).kneighbors(return_distance=False)
    )
    kinds, number_N = np.unique(label_N, return_inverse=True)
    # Nearer ones weigh a trace more.
    weight_K = 1 + 1e-6 * np.arange(count, 0, -1)
    votes_NL = np.zeros((len(label_N), len(kinds)))
    for neighbour in range(count):
        votes_NL[np.arange(len(label_N)), number_N[nearest_NK[:, neighbour]]] += weight_K[neighbour]
    return np.asarray(votes_NL.argmax(1) == number_N, dtype=np.float64)


def silhouettes(values_ND: Floats, label_N: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each example's silhouette, between -1 and 1, (N,)."""
    from sklearn.metrics import silhouette_samples

    return np.asarray(silhouette_samples(values_ND, label_N), dtype=np.float64)


def _output(subject: Subject, model: nn.Module, chosen: list[int]) -> Floats | None:
    """Return what the backbone makes of examples, each feature at mean 0, all of variance 1."""
    layers = activations(model, subject.task, Split.TEST, chosen)
    if not layers:
        return None
    values_ND = layers[-1].values_ND
    centred_ND = values_ND - values_ND.mean(0)
    return np.asarray(centred_ND / max(float(centred_ND.std()), 1e-12))


def _png(values_ND: Floats, label_N: NDArray[np.int64], classes: Sequence[str], name: str) -> bytes:
    plane_N2 = plane(values_ND)
    kinds = np.unique(label_N)
    canvas, axes = plt.subplots(figsize=(5.6, 4.4))
    colours = plt.get_cmap("tab20" if len(kinds) > 10 else "tab10")
    for place, kind in enumerate(kinds):
        here_N = label_N == kind
        label = figure_text(classes[kind])[:18] if kind < len(classes) else str(kind)
        axes.scatter(
            plane_N2[here_N, 0], plane_N2[here_N, 1], s=9, linewidths=0,
            color=colours(place % colours.N), marker=_MARKS[place // colours.N % len(_MARKS)],
            label=label if len(kinds) <= _NAMED else None,
        )  # fmt: skip
    axes.set_xticks([], [])
    axes.set_yticks([], [])
    axes.set_xlabel("t-SNE 1")
    axes.set_ylabel("t-SNE 2")
    axes.set_title(f"{name}: {len(label_N)} test examples", fontsize=9)
    if len(kinds) <= _NAMED:
        columns = 1 + (len(kinds) - 1) // 20
        axes.legend(fontsize=6, ncols=columns, bbox_to_anchor=(1.01, 1), loc="upper left",
                    frameon=False, markerscale=1.5)  # fmt: skip
    return png(canvas)


def plane(values_ND: Floats) -> NDArray[np.float64]:
    """Return places in the plane, (N, 2): t-SNE of principal components, the same at each call."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    most = min(_COMPONENTS, *values_ND.shape)
    reduced = PCA(most, random_state=0).fit_transform(values_ND)
    perplexity = min(_PERPLEXITY, (len(values_ND) - 1) / 3)
    method = TSNE(2, perplexity=perplexity, init="pca", random_state=0)
    return np.asarray(method.fit_transform(reduced), dtype=np.float64)
