"""How large the gradient is in each layer, at the first weights, along the way and at the best.

A gradient that shrinks or grows by a factor from layer to layer leaves the first layers of a deep
network without learning, or blows up (Bengio, Simard and Frasconi 1994; Glorot and Bengio 2010).
One number tells: the gradient's norm in the last hidden layer over that in the first.

Legend: B batches, R resamples.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suite.figures import png
from suite.insight.finding import Finding, Table
from suite.insight.gradients import LossOfModel, training_loss
from suite.insight.subject import Subject
from suite.levels import trained_by_layer
from suite.statistics import LEVEL
from suite.task import Batch, Figure

_MOST_SHOWN = 4
"""Sets of weights along the way that are looked at."""
_RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Norms:
    """Norms of the gradient of the training loss by layer, for each batch, and of the weights."""

    gradient_B: Mapping[str, NDArray[np.float64]]
    weights: Mapping[str, float]

    @property
    def hidden(self) -> list[str]:
        """Names of the hidden layers, from input to output."""
        return [name for name in self.gradient_B if name not in ("input", "output")]


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """The gradient's norm in the last hidden layer over that in the first, mean over batches.

    The mean is geometric; low and high are of its 95% interval, drawing batches again.
    """

    value: float
    low: float
    high: float
    batches: int

    def told(self) -> str:
        """Return it in words."""
        return f"{self.value:.3g} (95% interval {self.low:.3g} to {self.high:.3g})"


def norms(model: nn.Module, losses: Sequence[LossOfModel]) -> Norms:
    """Return the norms of the gradients of losses, one for each batch, by layer of a model."""
    layers = trained_by_layer(model)
    parameters = [p for layer in layers.values() for p in layer.values()]
    found: dict[str, list[float]] = {name: [] for name in layers}
    for loss in losses:
        told = torch.autograd.grad(loss(model), parameters, allow_unused=True)
        gradient = dict(zip(parameters, told, strict=True))
        for name, layer in layers.items():
            found[name].append(_norm([gradient[p] for p in layer.values()]))
    return Norms(
        gradient_B={name: np.array(values) for name, values in found.items()},
        weights={name: _norm(list(layer.values())) for name, layer in layers.items()},
    )


def ratio(found: Norms, *, seed: int = 0) -> Ratio | None:
    """Return the last hidden layer's gradient over the first's; None with fewer than two layers."""
    if len(found.hidden) < 2:
        return None
    tiny = np.finfo(np.float64).tiny
    first_B = np.maximum(found.gradient_B[found.hidden[0]], tiny)
    last_B = np.maximum(found.gradient_B[found.hidden[-1]], tiny)
    log_B = np.log(last_B) - np.log(first_B)
    rng = np.random.default_rng(seed)
    mean_R = log_B[rng.integers(0, len(log_B), (_RESAMPLES, len(log_B)))].mean(1)
    low, high = np.quantile(mean_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Ratio(
        value=math.exp(log_B.mean()), low=math.exp(low), high=math.exp(high), batches=len(log_B)
    )


def gradient_norms(subject: Subject, *, batches: int = 8, batch_size: int = 32) -> Finding | None:
    """Look at the gradients of a run as training has them; None where nothing was trained."""
    losses = [training_loss(subject, batch) for batch in _some(subject, batches, batch_size)]
    stages = _stages(subject)
    if not trained_by_layer(subject.model):
        return None
    model = deepcopy(subject.model)
    found = {}
    for name, weights in stages.items():
        model.load_state_dict(weights())
        found[name] = norms(model.train(), losses)
    ratios = {name: ratio(one) for name, one in found.items()}
    first, last = next(iter(found)), "best"
    lines = [
        f"Over {len(losses)} training batches of at most {batch_size} examples, in training mode."
    ]
    at_first, at_best = ratios[first], ratios[last]
    if at_first is not None and at_best is not None:
        lines.insert(
            0,
            "The gradient's norm in the last hidden layer over that in the first is "
            f"{at_first.told()} at the first weights and {at_best.told()} at the best: above 1 it "
            "shrinks on its way to the input, below 1 it grows.",
        )
    layers = list(found[last].gradient_B)
    rows = [
        (
            layer,
            *(f"{one.gradient_B[layer].mean():.3g}" for one in found.values()),
            f"{_relative(found[last], layer):.2g}",
        )
        for layer in layers
    ]
    headings = ("layer", *found, "share of the weights' norm (best)")
    return Finding(
        name="gradient_norms",
        title="Gradients by layer",
        lines=lines,
        tables=[
            Table(title="Norm of the gradient, mean over batches", headings=headings, rows=rows)
        ],
        figures=[Figure("gradient_norms", norms_png(found))],
        numbers={
            "batches": len(losses),
            "layers": layers,
            "weights": {
                name: {
                    "gradient": [float(one.gradient_B[layer].mean()) for layer in layers],
                    "relative": [_relative(one, layer) for layer in layers],
                    "ratio": None if ratios[name] is None else vars(ratios[name]),
                }
                for name, one in found.items()
            },
        },
        metrics={
            f"last_over_first_{name}": told.value
            for name, told in (("before", at_first), ("after", at_best))
            if told is not None
        },
    )


def norms_png(found: Mapping[str, Norms]) -> bytes:
    """Draw norms by layer, a line for each set of weights, and as a share of the weights' norms."""
    canvas, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.4), layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(found)))
    tiny = 1e-12
    for (name, one), colour in zip(found.items(), colours, strict=True):
        layers = list(one.gradient_B)
        means = [max(float(one.gradient_B[layer].mean()), tiny) for layer in layers]
        shares = [max(_relative(one, layer), tiny) for layer in layers]
        left.plot(layers, means, "o-", color=colour, markersize=3, label=name)
        right.plot(layers, shares, "o-", color=colour, markersize=3)
    left.set_ylabel("norm of the gradient")
    right.set_ylabel("gradient's norm / weights' norm")
    for axes in (left, right):
        axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.tick_params(axis="x", rotation=60, labelsize=7)
    left.legend(fontsize=7)
    return png(canvas)


def _relative(one: Norms, layer: str) -> float:
    return float(one.gradient_B[layer].mean()) / max(one.weights[layer], 1e-30)


def _stages(subject: Subject) -> dict[str, Callable[[], Mapping[str, Tensor]]]:
    """Return what reads the weights that are looked at, by their name, in order."""
    steps = [step for step in subject.snapshots if step > 0]
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(_MOST_SHOWN, len(steps))).round())
    stages: dict[str, Callable[[], Mapping[str, Tensor]]] = {
        "first": lambda: subject.started().state_dict()
    }
    stages |= {f"step {steps[int(k)]}": subject.snapshots[steps[int(k)]] for k in chosen}
    return stages | {"best": lambda: subject.model.state_dict()}


def _some(subject: Subject, batches: int, examples: int) -> list[Batch]:
    drawn = subject.task.train_batches(seed=subject.seed)
    some = (next(drawn) for _ in range(batches))
    return [batch.share(0, -(-batch.examples // examples)) for batch in some]


def _norm(tensors: Sequence[Tensor | None]) -> float:
    return math.hypot(*(float(t.detach().norm()) for t in tensors if t is not None))
