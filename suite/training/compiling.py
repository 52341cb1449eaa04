"""Training through torch.compile: always, or where it pays within the run.

Compiling happens before the training clock starts, but on the wall clock. Trying the model leaves
no trace in it: gradients are dropped, and buffers are put back.

`auto` asks three questions, the cheapest first. Are all batches of one shape? Each other one would
be compiled anew. Is the run so long that the largest gain ever measured would pay for compiling?
And once it is compiled: are its steps faster than plain ones, in turns with them?
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn

from suite.config import AUTO
from suite.errors import TrainingError, one_line
from suite.task import Batch, Task
from suite.training.pieces import in_parts
from suite.training.precision import Precision
from suite.training.trial import Trial

GAIN = 1.4
"""Largest factor by which a small model's steps were seen to get faster on a CPU."""
COST_SECONDS = 24.0
"""Time that compiling a small model took at least (24 to 36 s on a core of two)."""
_LEAST = 1.05
"""Factor below which steps count as no faster: what two measurements of the same differ by."""
_BATCHES = 8


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
    most: int | None = None,
) -> Compiled:
    """Compile the model for training, or raise a `TrainingError`; with `auto` where it pays.

    wanted: the value of `hardware.compile`. steps: optimizer steps of the run, of `accumulate`
    batches each. refused: why this model must not be compiled; empty where it may.
    most: examples of a forward pass, where batches are cut.
    """
    if wanted is False:
        return Compiled(None, "off: hardware.compile=false")
    if refused and wanted is True:
        raise TrainingError(f"hardware.compile=true: {refused}; use hardware.compile=false")
    if refused:
        return Compiled(None, f"off: {refused}")
    batches = in_parts(islice(task.train_batches(seed=seed), _BATCHES), most)
    of_each_shape = {_shapes(batch): batch for batch in batches}
    trial, *others = [Trial(task, model, precision, batch) for batch in of_each_shape.values()]
    if wanted == AUTO:
        if others:
            return Compiled(None, "off: batches differ in shape, each would be compiled anew")
        after = pays_back(trial.seconds(model), GAIN, COST_SECONDS, accumulate)
        if after > steps:
            return Compiled(None, f"off: would pay back after {after:,} of {steps:,} steps at best")
    return _compiled(wanted, trial, others, model, steps, accumulate)


def pays_back(seconds: float, gain: float, cost_seconds: float, accumulate: int = 1) -> int:
    """Return after how many steps compiling has paid.

    seconds: of one batch without it. gain: factor by which it gets faster, above 1.
    """
    saved = seconds * accumulate * (1 - 1 / gain)
    return max(round(cost_seconds / saved), 1)


def _compiled(
    wanted: bool | str,
    trial: Trial,
    others: Sequence[Trial],
    model: nn.Module,
    steps: int,
    accumulate: int,
) -> Compiled:
    began = time.perf_counter()
    try:
        compiled: nn.Module = torch.compile(model)  # type: ignore[assignment]
        # A second shape is compiled anew, for sizes that vary: here, and not amid training.
        for each in (trial, *others):
            each.run(compiled)
    except Exception as error:  # of the compiler, of the C++ compiler that it calls, of the model
        why = f"torch.compile failed, {type(error).__name__}: {_reason(error)}"
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


def _reason(error: Exception) -> str:
    """Return the beginning of what a compiler says, and its last line, which tells the cause."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    cause = [line for line in lines if "Error" in line and not line.startswith(" ")]
    told = [one_line(lines[0])[:120]] if lines else []
    return "; ".join(dict.fromkeys([*told, *(one_line(line)[:160] for line in cause[-1:])]))


def _shapes(batch: Batch) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(tensor.shape) for tensor in batch.values())
