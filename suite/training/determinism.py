"""Holds a CUDA device to the same losses, to the last bit, where it can be held to them.

Where torch only warns of operations that have no deterministic kernel, attention uses none either,
though it has one. So before training one step is tried with torch told to refuse such operations.
Where it refuses none, that stays for the training steps; where it does (CTC, some poolings), torch
goes back to warning, and the run's record says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from suite.task import Task
from suite.training.pieces import fitting
from suite.training.precision import Precision
from suite.training.trial import Trial

_REFUSAL = " does not have a deterministic implementation"


def hold(
    task: Task,
    model: nn.Module,
    precision: Precision,
    *,
    seed: int,
    micro_batch: int | str | None = None,
) -> str:
    """Refuse operations without a deterministic kernel if the model has none; say what is so.

    micro_batch: as in the configuration.
    """
    if not torch.are_deterministic_algorithms_enabled():
        return "off: hardware.deterministic=false"
    if precision.device.type != "cuda":
        return "on: every operation"
    batch = next(iter(task.train_batches(seed=seed)))
    torch.use_deterministic_algorithms(True)
    try:
        fitting(lambda part: Trial(task, model, precision, part).run(model), batch, micro_batch)
    except RuntimeError as error:
        operation, refused, _ = str(error).partition(_REFUSAL)
        if not refused:
            raise
        torch.use_deterministic_algorithms(True, warn_only=True)
        return f"off: {operation} has no deterministic kernel"
    return "on: every operation"


@contextmanager
def tolerated(device: torch.device) -> Iterator[None]:
    """Let operations without a deterministic kernel pass on CUDA: in evaluation they may, whatever
    training is held to.
    """
    held = torch.are_deterministic_algorithms_enabled()
    only_warned = torch.is_deterministic_algorithms_warn_only_enabled()
    if not held or only_warned or device.type != "cuda":
        yield
        return
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(True)
