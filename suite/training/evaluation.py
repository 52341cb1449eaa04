"""Evaluates a model on a whole split."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from suite.task import Batch, Loss, Split, Task
from suite.training.determinism import tolerated
from suite.training.parallel import Engine
from suite.training.precision import Precision
from suite.training.together import evaluate_together

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


def _nothing() -> None:
    """Check nothing."""


def _no() -> bool:
    return False


@torch.inference_mode()
def evaluate(
    task: Task,
    model: nn.Module,
    split: Split,
    precision: Precision,
    check: Callable[[], None] = _nothing,
    engine: Engine | None = None,
) -> "tuple[dict[str, float], MetricCollection]":
    """Return the split's metrics and mean loss by name, and the metrics' state for pictures.

    Each batch goes through the model once. check: called before each batch; it may raise. engine:
    where several processes train together, each evaluates its share of the batches, and all return
    what one alone would have, to the last bit. The model is in training mode again afterwards.
    """
    model.eval()
    metrics = task.metrics().to(precision.device)
    for metric in metrics.values():
        # Where there are several processes each has the whole state in the end, and torchmetrics
        # would add it up over all of them.
        metric.distributed_available_fn = _no
    total = torch.zeros((), dtype=torch.float64, device=precision.device)
    count = 0

    def of_batch(batch: Batch, metrics: "MetricCollection") -> Loss:
        with tolerated(precision.device), precision.autocast():
            return task.evaluate(model, batch, metrics)

    try:
        if engine is None or engine.world.alone:
            for batch in task.eval_batches(split):
                check()
                loss = of_batch(batch, metrics)
                total += loss.total
                count += loss.count
        else:
            for loss in evaluate_together(task, split, engine, metrics, of_batch):
                total += loss.total.to(precision.device)
                count += loss.count
    finally:
        model.train()
    values = {name: float(value) for name, value in metrics.compute().items() if _scalar(value)}
    return {**values, "loss": float(total) / max(count, 1)}, metrics


@torch.inference_mode()
def calibrate(task: Task, model: nn.Module, precision: Precision) -> dict[str, float]:
    """Let the task choose on the validation split what the test needs; return what it chose."""
    model.eval()
    with tolerated(precision.device), precision.autocast():
        chosen = dict(task.calibrate(model))
    model.train()
    return chosen


def _scalar(value: object) -> bool:
    return not isinstance(value, Tensor) or value.numel() == 1
