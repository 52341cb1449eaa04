"""The loss on fixed examples as a function of the weights.

Examples are read as evaluation reads them, and the model is in evaluation mode. Statistics of batch
normalisation belong to the weights that they were taken at: wherever weights are put together from
others, they are taken anew, over all of the training examples here. What is not trained stays as it
is in the model.

Legend: P parts of the examples.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from suite.classification import DataSetTask
from suite.task import Batch, Split

_STATISTICS = 128
"""Examples of a batch that statistics of batch normalisation are taken over."""
PARTS = 16
"""Parts that examples are dealt into: what an interval over examples draws again."""
Weights = Mapping[str, Tensor]
"""Trained parameters by name."""


@dataclass(frozen=True)
class Height:
    """A loss: its sums over the parts of the examples, and what they sum over.

    primary: the task's primary metric there; None where it was not asked for.
    """

    total_P: NDArray[np.float64]
    count_P: NDArray[np.float64]
    primary: float | None = None

    @property
    def mean(self) -> float:
        """The mean loss."""
        return float(self.total_P.sum() / self.count_P.sum())


class Surface:
    """Evaluates a model of a task at any weights; the model that is given is left alone."""

    def __init__(
        self, task: DataSetTask, model: nn.Module, *, examples: int = 256, parts: int = PARTS
    ) -> None:
        self.task = task
        self._model = deepcopy(model).eval()
        self._norms = [m for m in self._model.modules() if isinstance(m, _BatchNorm)]
        self._parts = {
            split: dealt(task, split, examples, parts) for split in (Split.TRAIN, Split.VALIDATION)
        }
        batches = -(-examples // _STATISTICS)
        self._whole = dealt(task, Split.TRAIN, examples, batches) if self._norms else []

    @property
    def normalises_batches(self) -> bool:
        """Whether statistics have to be taken anew."""
        return bool(self._norms)

    def examples(self, split: Split) -> int:
        """Return how many examples of a split there are."""
        return sum(batch.examples for batch in self._parts[split])

    @torch.no_grad()
    def put(self, weights: Weights) -> None:
        """Go to these weights."""
        for name, parameter in self._model.named_parameters():
            if name in weights:
                parameter.copy_(weights[name])
        retake(self._model, self._whole)

    @torch.inference_mode()
    def height(self, split: Split, *, primary: bool = False) -> Height:
        """Return the loss of a split's examples at the weights that were put."""
        metrics = self.task.metrics() if primary else None
        totals, counts = [], []
        for batch in self._parts[split]:
            if metrics is None:
                loss = self.task.loss(self._model, batch)
            else:
                metrics = metrics.to(loss_device(batch))
                loss = self.task.evaluate(self._model, batch, metrics)
            totals.append(float(loss.total))
            counts.append(float(loss.count))
        value = None if metrics is None else float(metrics[self.task.primary].compute())
        return Height(np.array(totals), np.array(counts), value)


def dealt(task: DataSetTask, split: Split, examples: int, parts: int) -> list[Batch]:
    """Return examples spread evenly over a split, dealt into parts that are alike."""
    size = len(task.data.splits[split])
    chosen = np.unique(np.linspace(0, size - 1, min(examples, size)).round().astype(int))
    mixed = np.random.default_rng(0).permutation(chosen)
    return [
        task.take(split, sorted(part.tolist()))
        for part in np.array_split(mixed, min(parts, len(mixed)))
    ]


def loss_device(batch: Batch) -> torch.device:
    """Return where a batch is."""
    return next(iter(batch.values())).device


@torch.no_grad()
def retake(model: nn.Module, batches: Sequence[Batch]) -> None:
    """Take the statistics of batch normalisation over these batches, each with the same weight.

    The model is in evaluation mode, and stays so.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
    for number, batch in enumerate(batches, 1):
        for norm in norms:
            norm.momentum = 1 / number  # the mean of all so far
        model(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


def trained(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of a model's trained parameters by name."""
    return {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}


def between(start: Weights, end: Weights, share: float) -> dict[str, Tensor]:
    """Return the weights at this share of the way from start to end; they may lie beyond it."""
    return {name: torch.lerp(start[name], end[name], share) for name in end}
