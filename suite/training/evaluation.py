"""Evaluates a model on a whole split."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from suite.task import Split, Task
from suite.training.determinism import tolerated
from suite.training.precision import Precision

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


def _nothing() -> None:
    """Check nothing."""


@torch.inference_mode()
def evaluate(
    task: Task,
    model: nn.Module,
    split: Split,
    precision: Precision,
    check: Callable[[], None] = _nothing,
) -> "tuple[dict[str, float], MetricCollection]":
    """Return the split's metrics and mean loss by name, and the metrics' state for pictures.

    Each batch goes through the model once. check: called before each batch; it may raise. The model
    is in training mode again afterwards.
    """
    model.eval()
    metrics = task.metrics().to(precision.device)
    total = torch.zeros((), dtype=torch.float64, device=precision.device)
    count = 0
    try:
        for batch in task.eval_batches(split):
            check()
            with tolerated(precision.device), precision.autocast():
                loss = task.evaluate(model, batch, metrics)
            total += loss.total
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
