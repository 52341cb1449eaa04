"""Fits a machine for each value of C and keeps the one that validates best.

Legend: N examples, F features.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite.errors import TrainingError
from suite.shallow.svm import SVM, Machine
from suite.task import HandMade, Split, Task

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

Emit = Callable[[int, Mapping[str, float]], None]
"""Takes a step and values by name."""

_WORSE_IN_A_ROW = 2
"""Values of C that validate worse than the best, one after the other, before the search ends."""


class Clock(Protocol):
    """What the search needs of a meter. Between `resume` and `pause` the training clock runs."""

    @property
    def training_seconds(self) -> float:
        """Seconds on the training clock."""

    @property
    def wall_seconds(self) -> float:
        """Seconds since the run began."""

    def resume(self) -> None:
        """Start the training clock."""

    def pause(self) -> None:
        """Stop the training clock."""


@dataclass(kw_only=True)
class Found:
    """How a search went. Step k is the k-th value of C.

    examples: fitted on, in each step. stopped: "length" at the end of the values, or "convergence".
    best: validation metrics of the machine that is kept.
    """

    machine: Machine
    C: float
    examples: int
    steps: int = 0
    best_step: int = 0
    best: dict[str, float] = field(default_factory=dict)
    stopped: str = "length"
    reached: dict[str, float] | None = None


def search(
    task: Task, svm: SVM, values_of_C: Sequence[float], made: HandMade, clock: Clock, emit: Emit
) -> Found:
    """Fit on the training split alone, as networks do, for each C upwards; validate each."""
    values_NF, label_N = made.values[Split.TRAIN], made.labels[Split.TRAIN]
    chosen = svm.chosen(label_N)
    if chosen is not None:
        values_NF, label_N = values_NF[chosen], label_N[chosen]
    if len(np.unique(label_N)) < 2:
        raise TrainingError("the training examples are of one class; there is nothing to tell")
    found: Found | None = None
    worse = 0
    for step, C in enumerate(values_of_C, 1):
        before = clock.training_seconds
        clock.resume()
        machine = svm.fit(values_NF, label_N, C)
        clock.pause()
        seconds = clock.training_seconds - before
        validated, _ = measure(task, machine, made, Split.VALIDATION)
        clocks = {"training_seconds": clock.training_seconds, "wall_seconds": clock.wall_seconds}
        emit(
            step,
            {
                **{f"validation/{k}": v for k, v in validated.items()},
                "train/C": C,
                "train/converged": float(machine.converged),
                "throughput/examples_per_second": len(label_N) / max(seconds, 1e-9),
                **{f"time/{k}": v for k, v in clocks.items()},
            },
        )
        value = validated[task.primary]
        if found is None:
            found = Found(machine=machine, C=C, examples=len(label_N))
        incumbent = found.best.get(task.primary, task.target.direction.worst)
        # Of equals the smaller C is kept.
        if task.target.direction.better(value, incumbent):
            found.machine, found.C, found.best, found.best_step = machine, C, validated, step
        worse = worse + 1 if value != found.best[task.primary] else 0
        found.steps = step
        target = task.target
        if found.reached is None and target.reached(validated[target.metric]):
            found.reached = {"step": step, "examples": step * found.examples, **clocks}
        if worse == _WORSE_IN_A_ROW and step < len(values_of_C):
            found.stopped = "convergence"
            break
    if found is None:
        raise TrainingError("no value of C to try")
    return found


def measure(
    task: Task, machine: Machine, made: HandMade, split: Split
) -> "tuple[dict[str, float], MetricCollection]":
    """Return the split's metrics by name, and their state for pictures."""
    predicted_N: NDArray[np.int64] = machine.predict(made.values[split])
    metrics = task.metrics()
    metrics.update(torch.from_numpy(predicted_N), torch.from_numpy(made.labels[split]))
    values = {name: float(value) for name, value in metrics.compute().items() if _scalar(value)}
    return values, metrics


def _scalar(value: Any) -> bool:
    return not isinstance(value, Tensor) or value.numel() == 1
