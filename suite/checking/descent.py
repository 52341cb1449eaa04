"""Trains a small model for a few steps, to see what it can learn."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat

import torch
from torch import Tensor, nn

from suite.task import Batch, Task

RATES = (3e-3, 3e-4)
"""Learning rates, tried one after the other: the second is for what the first is too large for."""
_NEAR_ZERO = 0.1
"""Share of the loss of an untrained model that counts as near zero."""
_ENOUGH = 0.02
"""Share at which training ends."""
_STEPS = 300
_PATIENCE, _GAIN = 50, 0.02
"""Steps without a gain of this share of the loss that end training, too."""
_MUCH = 0.5
"""Share of the loss that a learning rate which is not too large leaves at most."""
_CLIP = 1.0
_BETAS = (0.9, 0.99)
_EPSILON = 1e-8


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1), with the gradient clipped to a norm of 1.

    Written out, as to construct any optimizer of torch's imports its compiler, which takes as long
    as most checks together.
    """

    def __init__(self, model: nn.Module, rate: float) -> None:
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.rate, self.steps = rate, 0
        self.mean = [torch.zeros_like(p) for p in self.parameters]
        self.square = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Update the weights, and forget the gradient."""
        self.steps += 1
        (first, second), held = _BETAS, [p.grad is not None for p in self.parameters]
        found = [p for p, there in zip(self.parameters, held, strict=True) if there]
        gradients: list[Tensor] = [p.grad for p in found if p.grad is not None]
        norm = math.sqrt(sum(float(g.square().sum()) for g in gradients))
        for parameter, mean, square in zip(self.parameters, self.mean, self.square, strict=True):
            if parameter.grad is None:
                continue
            gradient = parameter.grad * min(1.0, _CLIP / max(norm, _EPSILON))
            mean.lerp_(gradient, 1 - first)
            square.lerp_(gradient.square(), 1 - second)
            scale = (square / (1 - second**self.steps)).sqrt_().add_(_EPSILON)
            parameter.addcdiv_(mean, scale, value=-self.rate / (1 - first**self.steps))
            parameter.grad = None


def descend(
    task: Task,
    model: nn.Module,
    batches: Iterable[Batch],
    rate: float,
    *,
    draws: Callable[[int], int] = lambda step: step,
) -> Iterator[float]:
    """Yield the mean loss of each batch, each before the step that is made on it.

    draws: seeds what the model draws (dropout) in a step.
    """
    optimizer = Adam(model, rate)
    model.train()
    for step, batch in enumerate(batches):
        torch.manual_seed(draws(step))
        loss = task.loss(model, batch)
        mean = loss.total / max(loss.count, 1)
        mean.backward()
        yield float(mean.detach())
        optimizer.step()


def _until_learned(task: Task, model: nn.Module, batch: Batch, rate: float) -> Iterator[float]:
    """Yield the loss of each step on one batch until it is near zero, or falls no more."""
    best, since = math.inf, 0
    for loss in descend(task, model, repeat(batch, _STEPS), rate, draws=lambda step: 0):
        yield loss
        if math.isinf(best):
            first = loss
        since = 0 if loss < (1 - _GAIN) * best else since + 1
        best = loss if since == 0 else best
        if not math.isfinite(loss) or loss <= _ENOUGH * first or since >= _PATIENCE:
            return


@dataclass(frozen=True)
class Fitted:
    """A model after training on one batch. first, last: its mean loss before and after."""

    model: nn.Module
    batch: Batch
    first: float
    last: float
    steps: int

    @property
    def near_zero(self) -> bool:
        """Whether little of the loss is left."""
        return self.last <= _NEAR_ZERO * self.first


def fit_one_batch(task: Task, new_model: Callable[[], nn.Module], batch: Batch) -> Fitted:
    """Train on one batch until little of its loss is left, or for as long as that may take.

    What a model draws is the same in each step, so that dropout does not stand in the way.
    """
    best: Fitted | None = None
    for rate in RATES:
        model = new_model()
        losses = list(_until_learned(task, model, batch, rate))
        found = Fitted(model, batch, losses[0], losses[-1], len(losses))
        if best is None or found.last < best.last or math.isnan(best.last):
            best = found
        if best.last <= _MUCH * best.first:
            break
    assert best is not None
    return best
