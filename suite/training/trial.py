"""A pass of a model that leaves no trace in it: to time it, or to see whether it can be done."""

import time
from statistics import median

import torch
from torch import nn

from suite.task import Batch, Task
from suite.training.precision import Precision

_PAIRS = 7


class Trial:
    """Forward and backward passes of a model on one batch, timed, without a trace in the model."""

    def __init__(self, task: Task, model: nn.Module, precision: Precision, batch: Batch) -> None:
        self.task, self.model, self.precision, self.batch = task, model.train(), precision, batch

    def run(self, model: nn.Module) -> float:
        """Return the seconds of a pass; `model` is the model itself, or compiled from it."""
        buffers = [(buffer, buffer.clone()) for buffer in self.model.buffers()]
        began = time.perf_counter()
        try:
            with self.precision.autocast():
                loss = self.task.loss(model, self.batch)
            (loss.total / max(loss.count, 1)).backward()
            if self.precision.device.type == "cuda":
                torch.cuda.synchronize(self.precision.device)
            return time.perf_counter() - began
        finally:
            self.model.zero_grad(set_to_none=True)
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)

    def seconds(self, model: nn.Module) -> float:
        """Return the middle of several passes; the first warms up."""
        return median([self.run(model) for _ in range(_PAIRS + 1)][1:])

    def gain(self, compiled: nn.Module) -> float:
        """Return how many times as fast the compiled model is, plain and compiled in turns."""
        pairs = [(self.run(self.model), self.run(compiled)) for _ in range(_PAIRS + 1)][1:]
        return median(plain / fast for plain, fast in pairs)
