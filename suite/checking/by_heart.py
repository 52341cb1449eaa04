"""How a model scores on the few examples that it has learned by heart."""

from collections.abc import Iterator

import torch
from torch import nn

from suite.checking.shortened import scores_on
from suite.checking.subject import Subject
from suite.task import Direction

_PERFECT = 0.01


def is_perfect(score: float, direction: Direction) -> bool:
    """Return whether a score between 0 and 1 is as good as can be."""
    if direction is Direction.MAXIMIZE:
        return score >= 1 - _PERFECT
    return score <= _PERFECT


def scores_by_heart(subject: Subject, model: nn.Module) -> Iterator[float]:
    """Yield the primary metric as evaluation sees the examples, then as training saw them.

    They may be much unlike: training shifts a picture, drops features, and normalises by the batch.
    """
    task, batch = subject.task, subject.fitted.batch
    yield scores_on(task, model, [batch])[task.primary]
    metrics = task.metrics()
    torch.manual_seed(0)
    with torch.no_grad():
        task.evaluate(model.train(), batch, metrics)
    yield float(metrics.compute()[task.primary])
