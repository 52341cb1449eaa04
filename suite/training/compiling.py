"""Training through torch.compile: always, or where it pays within the run.

Compiling happens before the training clock starts, but on the wall clock. Trying the model leaves
no trace in it: gradients are dropped, and buffers are put back.

`auto` asks three questions, the cheapest first. Are all batches of one shape? Each other one would
be compiled anew. Is the run so long that the largest gain ever measured would pay for compiling?
And once it is compiled: are its steps faster than plain ones, in turns with them?
"""

import time
from dataclasses import dataclass
from itertools import islice
from statistics import median

import torch
from torch import nn

from suite.config import AUTO
from suite.errors import TrainingError, one_line
from suite.task import Batch, Task
from suite.training.precision import Precision

GAIN = 1.4
"""Largest factor by which a small model's steps were seen to get faster on a CPU."""
COST_SECONDS = 24.0
"""Time that compiling a small model took at least (24 to 36 s on a core of two)."""
_LEAST = 1.05
"""Factor below which steps count as no faster: what two measurements of the same differ by."""
_BATCHES, _PAIRS = 8, 7


@dataclass(frozen=True)
class Compiled:
    """The compiled model, or None to do without; note: what is in force, and why."""

    model: nn.Module | None
    note: str


def compile_model(
    wanted: bool | str,
    task: Task,
    model: nn.Module,
    precision: Precision,
    *,
    steps: int,
    accumulate: int,
    seed: int,
    refused: str = "",
) -> Compiled:
    """Compile the model for training, or raise a `TrainingError`; with `auto` where it pays.

    wanted: the value of `hardware.compile`. steps: optimizer steps of the run, of `accumulate`
    batches each. refused: why this model must not be compiled; empty where it may.
    """
    if wanted is False:
        return Compiled(None, "off: hardware.compile=false")
    if refused and wanted is True:
        raise TrainingError(f"hardware.compile=true: {refused}; use hardware.compile=false")
    if refused:
        return Compiled(None, f"off: {refused}")
    batches = list(islice(task.train_batches(seed=seed), _BATCHES if wanted == AUTO else 1))
    trial = _Trial(task, model, precision, batches[0])
    if wanted == AUTO:
        if len({_shapes(batch) for batch in batches}) > 1:
            return Compiled(None, "off: batches differ in shape, each would be compiled anew")
        after = pays_back(trial.seconds(model), GAIN, COST_SECONDS, accumulate)
        if after > steps:
            return Compiled(None, f"off: would pay back after {after:,} of {steps:,} steps at best")
    return _compiled(wanted, trial, model, steps, accumulate)


def pays_back(seconds: float, gain: float, cost_seconds: float, accumulate: int = 1) -> int:
    """Return after how many steps compiling has paid.

    seconds: of one batch without it. gain: factor by which it gets faster, above 1.
    """
    saved = seconds * accumulate * (1 - 1 / gain)
    return max(round(cost_seconds / saved), 1)


def _compiled(
    wanted: bool | str, trial: "_Trial", model: nn.Module, steps: int, accumulate: int
) -> Compiled:
    began = time.perf_counter()
    try:
        compiled: nn.Module = torch.compile(model)  # type: ignore[assignment]
        trial.run(compiled)
    except Exception as error:  # of the compiler, of the C++ compiler that it calls, of the model
        why = f"torch.compile failed, {type(error).__name__}: {one_line(str(error))[:200]}"
        if wanted is True:
            raise TrainingError(f"hardware.compile=true: {why}; use false") from error
        return Compiled(None, f"off: {why}")
    cost = time.perf_counter() - began
    if wanted is True:
        return Compiled(compiled, f"on: hardware.compile=true, compiled in {cost:.0f} s")
    gain = trial.gain(compiled)
    if gain < _LEAST:
        return Compiled(None, f"off: {gain:.2f} times as fast, found in {cost:.0f} s of compiling")
    after = pays_back(trial.seconds(model), gain, cost, accumulate)
    told = f"on: {gain:.2f} times as fast, compiled in {cost:.0f} s"
    return Compiled(compiled, f"{told}, pays back after {after:,} of {steps:,} steps")


class _Trial:
    """Forward and backward passes of a model on one batch, timed, without a trace in the model."""

    def __init__(self, task: Task, model: nn.Module, precision: Precision, batch: Batch) -> None:
        self.task, self.model, self.precision, self.batch = task, model.train(), precision, batch

    def run(self, model: nn.Module) -> float:
        """Return the seconds of a pass; `model` is the model itself, or compiled from it."""
        buffers = [(buffer, buffer.clone()) for buffer in self.model.buffers()]
        began = time.perf_counter()
        with self.precision.autocast():
            loss = self.task.loss(model, self.batch)
        (loss.total / max(loss.count, 1)).backward()
        if self.precision.device.type == "cuda":
            torch.cuda.synchronize(self.precision.device)
        seconds = time.perf_counter() - began
        self.model.zero_grad(set_to_none=True)
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        return seconds

    def seconds(self, model: nn.Module) -> float:
        """Return the middle of several passes; the first warms up."""
        return median([self.run(model) for _ in range(_PAIRS + 1)][1:])

    def gain(self, compiled: nn.Module) -> float:
        """Return how many times as fast the compiled model is, plain and compiled in turns."""
        pairs = [(self.run(self.model), self.run(compiled)) for _ in range(_PAIRS + 1)][1:]
        return median(plain / fast for plain, fast in pairs)


def _shapes(batch: Batch) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(tensor.shape) for tensor in batch.values())
