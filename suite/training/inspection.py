"""Makes one step again, up to its gradient, and looks inside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from torch import Tensor, nn

from suite.task import Batch, Loss, Task
from suite.training.examples import Example, detached, examples_of
from suite.training.faults import Fault, listening
from suite.training.loop import Training, accumulate, seed_step
from suite.training.parallel import Alone
from suite.training.pieces import in_parts


@dataclass
class Inspection:
    """What was found. loss: the mean. losses: summed, and what they sum over, of each forward pass.

    norm: of the gradient before clipping. layers: name, weights, norm of their gradient and their
    own. broken: weights that were not finite before the step.
    """

    step: int
    loss: float = 0.0
    losses: list[tuple[float, int]] = field(default_factory=list)
    norm: float = 0.0
    forward: Fault | None = None
    backward: Fault | None = None
    examples: list[Example] = field(default_factory=list)
    layers: list[tuple[str, int, float, float]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def inspect(run: Training, batches: Sequence[Batch], step: int, most: int | None) -> Inspection:
    """Make the step again, up to its gradient, from the weights that the model has.

    most: examples of a forward pass, where batches are cut.
    """
    found = Inspection(step)
    found.broken = [n for n, p in run.model.named_parameters() if not p.isfinite().all()]
    heard = _Heard(run.task)
    hearing = replace(run, task=cast(Task, heard), engine=Alone(run.model))
    run.model.train()
    run.optimizers.zero_grad()
    seed_step(run, step)
    parts = list(in_parts(batches, most))
    with listening(run.model, lambda output: heard.outputs.append(detached(output))) as faults:
        total, count = accumulate(hearing, parts)
    found.forward, found.backward = faults.forward, faults.backward
    found.loss = float(total) / max(count, 1)
    found.losses = [(float(total), count) for total, count in heard.losses]
    found.layers = list(_layers(run.model))
    gradients = [p.grad for p in run.model.parameters() if p.grad is not None]
    found.norm = float(nn.utils.get_total_norm(gradients))
    found.examples = list(examples_of(run, batches, parts, heard.outputs))
    return found


class _Heard:
    """A task whose losses are noted, and what its model returns to it."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.losses: list[tuple[Tensor, int]] = []
        self.outputs: list[Any] = []

    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        loss = self._task.loss(model, batch)
        self.losses.append((loss.total.detach(), loss.count))
        return loss


def _layers(model: nn.Module) -> Iterator[tuple[str, int, float, float]]:
    for name, module in model.named_modules():
        own = [p for p in module.parameters(recurse=False) if p.grad is not None]
        if own:
            gradients = [p.grad for p in own if p.grad is not None]
            norm = float(nn.utils.get_total_norm(gradients))
            weights = float(nn.utils.get_total_norm([p.detach() for p in own]))
            yield name or "the model", sum(p.numel() for p in own), norm, weights
