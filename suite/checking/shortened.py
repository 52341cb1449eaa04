"""Evaluates a model on a few examples, on the path that a run takes."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from suite.config import PrecisionConfig
from suite.task import Batch, Split, Task
from suite.training.evaluation import evaluate
from suite.training.precision import Precision

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


class Serving:
    """A task that serves some batches in evaluation, and counts what it served."""

    def __init__(self, task: Task, batches: Iterable[Batch], most: int) -> None:
        self._task, self._batches, self._most = task, batches, most
        self.examples, self.units = 0, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def eval_batches(self, split: Split) -> Iterator[Batch]:
        """Yield whole batches until there are as many examples."""
        for batch in self._batches:
            self.examples += batch.examples
            self.units += batch.units
            yield batch
            if self.examples >= self._most:
                return


def evaluated(
    task: Task, model: nn.Module, split: Split, most: int
) -> "tuple[dict[str, float], MetricCollection, Serving]":
    """Return metrics and loss by name, the metrics' state, and what was served.

    most: examples of the split, to the end of a batch.
    """
    return _evaluated(Serving(task, task.eval_batches(split), most), model)


def scores_on(task: Task, model: nn.Module, batches: Iterable[Batch]) -> dict[str, float]:
    """Return metrics and loss, by name, on these batches."""
    served = list(batches)
    values, _, _ = _evaluated(Serving(task, served, sum(b.examples for b in served)), model)
    return values


def _evaluated(
    serving: Serving, model: nn.Module
) -> "tuple[dict[str, float], MetricCollection, Serving]":
    precision = Precision(PrecisionConfig(), torch.device("cpu"))
    values, metrics = evaluate(serving, model, Split.VALIDATION, precision)  # type: ignore[arg-type]
    return values, metrics, serving
