"""Whether backpropagation gives the slope of the loss: held against finite differences.

Along a random direction v in one layer's weights w, the slope that the gradient g tells is g·v, and
that of the loss L itself (L(w + h v) - L(w - h v)) / 2h, in float64, with the error of second order
in h taken out (Richardson 1911). They agree to the last digits or a derivative is wrong: no
training run shows this, as networks learn with slightly wrong gradients too.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from suite.insight.double import doubled, doubled_batch, in_double
from suite.insight.finding import Finding, Table
from suite.insight.subject import Subject
from suite.levels import trained_by_layer
from suite.task import Batch

AGREE = 1e-5
"""Relative error up to which both slopes are the same; smooth networks come to 1e-8."""
_STEPS = (1e-5, 1e-6, 1e-7, 1e-8)
"""h, as a share of the norm of the weights. Kinks of a ReLU that lie between w - h v and w + h v a
difference sees and a derivative does not, the fewer the smaller h; rounding is the less the larger
h. A slope that is wrong is wrong at each, so that the next is taken only where they do not agree,
and the best one counts."""
_NEGLIGIBLE = 1e-4
"""Slopes below this share of the loss, for weights that change by all of their norm, count as that
large: rounding is all that would be compared (a bias in front of a normalisation has none)."""

LossOfModel = Callable[[nn.Module], Tensor]
"""Returns a scalar; called twice on the same weights it must return the same."""


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """How the loss changes along random directions in a layer, both ways.

    parameters: in the layer. backward, differences: a slope for each direction. loss: there.
    """

    layer: str
    parameters: int
    backward: Sequence[float]
    differences: Sequence[float]
    loss: float

    @property
    def error(self) -> float:
        """Norm of what both differ by, relative to the larger of their norms."""
        gap = math.dist(self.backward, self.differences)
        size = max(math.hypot(*self.backward), math.hypot(*self.differences))
        return gap / max(size, _NEGLIGIBLE * abs(self.loss), torch.finfo(torch.float64).tiny)


def slopes(
    model: nn.Module, loss: LossOfModel, *, directions: int = 3, seed: int = 0
) -> list[Slopes]:
    """Compare both slopes in each layer of a model in float64, from input to output.

    At weights that are exactly zero a network may have kinks (the last normalisation of a residual
    block starts there): give them other values first.
    """
    layers = trained_by_layer(model)
    parameters = [p for layer in layers.values() for p in layer.values()]
    with in_double():
        value = loss(model)
        told = torch.autograd.grad(value, parameters, allow_unused=True)
    gradient = dict(zip(parameters, told, strict=True))
    draws = torch.Generator().manual_seed(seed)
    found = []
    for name, layer in layers.items():
        members = list(layer.values())
        drawn = [_direction(members, draws) for _ in range(directions)]
        backward = [_product([gradient[p] for p in members], v) for v in drawn]
        tried: list[Slopes] = []
        for step in _STEPS:
            one = Slopes(
                layer=name,
                parameters=sum(p.numel() for p in members),
                backward=backward,
                differences=[_difference(model, loss, members, v, step) for v in drawn],
                loss=float(value.detach()),
            )
            tried.append(one)
            if one.error <= AGREE / 10:
                break
        found.append(min(tried, key=lambda one: one.error))
    return found


def largest_error(model: nn.Module, loss: LossOfModel, *, directions: int = 3) -> float:
    """Return the largest relative error over the layers of a model in float64."""
    return max(one.error for one in slopes(model, loss, directions=directions))


def largest_errors(pairs: Mapping[str, tuple[nn.Module, LossOfModel]]) -> dict[str, float]:
    """Return the largest relative error of each model with its loss, by the pair's name."""
    return {name: largest_error(model, loss) for name, (model, loss) in pairs.items()}


def gradients(subject: Subject, *, batch_size: int = 16, directions: int = 3) -> Finding:
    """Check the gradient of the run's own model, on examples of its training."""
    model = doubled(subject.model).train()
    loss = training_loss(subject, few(subject, batch_size))
    found = slopes(model, loss, directions=directions, seed=subject.seed)
    worst = max(found, key=lambda one: one.error)
    agree = worst.error <= AGREE
    told = "agree" if agree else "differ"
    rows = [
        (one.layer, f"{one.parameters:,}", f"{_rms(one.backward):.3g}", f"{one.error:.1e}")
        for one in found
    ]
    return Finding(
        name="gradients",
        title="Backpropagation against finite differences",
        lines=[
            f"Backpropagation and finite differences {told}: the largest relative error is "
            f"{worst.error:.1e}, in {worst.layer} (up to {AGREE:.0e} is rounding and kinks).",
            f"Slopes of the training loss on {batch_size} examples along {directions} random "
            "directions in each layer's weights, in float64, at the best weights.",
        ],
        tables=[
            Table(
                title="Relative error by layer",
                headings=("layer", "parameters", "slope (RMS)", "relative error"),
                rows=rows,
            )
        ],
        numbers={
            "agree": agree,
            "layers": [
                {
                    "layer": one.layer,
                    "parameters": one.parameters,
                    "error": one.error,
                    "backward": list(one.backward),
                    "differences": list(one.differences),
                }
                for one in found
            ],
        },
        metrics={"largest_relative_error": worst.error},
    )


def few(subject: Subject, examples: int) -> Batch:
    """Return examples of the run's first training batch, in float64."""
    batch = next(subject.task.train_batches(seed=subject.seed))
    return doubled_batch(batch.share(0, -(-batch.examples // examples)))


def training_loss(subject: Subject, batch: Batch, *, seed: int = 0) -> LossOfModel:
    """Return the mean training loss on a batch, with the same dropout at every call."""

    def loss(model: nn.Module) -> Tensor:
        devices = {p.device for p in model.parameters() if p.device.type == "cuda"}
        with torch.random.fork_rng(devices=list(devices)):
            torch.manual_seed(seed)
            found = subject.task.loss(model, batch)
        return found.total / max(found.count, 1)

    return loss


def _direction(members: Sequence[Tensor], draws: torch.Generator) -> list[Tensor]:
    """Draw a direction in which each tensor changes by its norm, or a little where it is zero."""
    drawn = []
    for member in members:
        v = torch.randn(member.shape, dtype=torch.float64, generator=draws).to(member.device)
        norm = max(float(member.detach().norm()), 0.01 * math.sqrt(member.numel()))
        drawn.append(v * (norm / v.norm().clamp(min=1e-12)))
    return drawn


def _product(gradient: Sequence[Tensor | None], direction: Sequence[Tensor]) -> float:
    pairs = zip(gradient, direction, strict=True)
    return sum(float((g * v).sum()) for g, v in pairs if g is not None)


def _difference(
    model: nn.Module,
    loss: LossOfModel,
    members: Sequence[Tensor],
    direction: Sequence[Tensor],
    step: float,
) -> float:
    coarse = _central(model, loss, members, direction, step)
    fine = _central(model, loss, members, direction, step / 2)
    return (4 * fine - coarse) / 3


@torch.no_grad()
def _central(
    model: nn.Module,
    loss: LossOfModel,
    members: Sequence[Tensor],
    direction: Sequence[Tensor],
    step: float,
) -> float:
    kept = [member.clone() for member in members]
    values = []
    for signed in (step, -step):
        for member, before, v in zip(members, kept, direction, strict=True):
            member.copy_(before + signed * v)
        with in_double():
            values.append(float(loss(model)))
    for member, before in zip(members, kept, strict=True):
        member.copy_(before)
    return (values[0] - values[1]) / (2 * step)


def _rms(values: Sequence[float]) -> float:
    return math.hypot(*values) / math.sqrt(len(values))
