"""How far a training has come: all that changes in it beside weights, optimizers and clocks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from suite.training.average import Average
from suite.training.buffers import Buffers
from suite.training.convergence import Convergence
from suite.training.divergence import Divergence
from suite.world import ALONE, World


@dataclass(kw_only=True)
class Outcome:
    """How a run goes, and in the end how it went.

    steps, examples, units: trained on so far. skipped: steps of these that changed nothing, as
        their loss or gradient was not finite. diverged: step at which the loss was found to have
        diverged. part_size, part_step: the most examples of a forward pass, since which step, where
        memory ran out. stopped: why training ended; empty while it goes on.
    pending: the validation after the last step is still to come.
    best: validation metrics of the weights that were kept. reached: step, examples, both clocks,
        units and joules when validation reached the target.
    """

    steps: int = 0
    examples: int = 0
    units: float = 0.0
    skipped: int = 0
    diverged: int | None = None
    part_size: int | None = None
    part_step: int = 0
    stopped: str = ""
    pending: bool = False
    best_step: int = 0
    best: dict[str, float] = field(default_factory=dict)
    reached: dict[str, float] | None = None


class LoggedLoss:
    """Keeps the losses on the device, so that the host waits, and adds up, only when it reads."""

    def __init__(self) -> None:
        self.totals: list[Tensor] = []
        self.count = 0

    def add(self, total: Tensor, count: int) -> None:
        """Take in one step: the sum of the loss, and what it sums over."""
        self.totals.append(total)
        self.count += count

    def take(self, world: World = ALONE) -> tuple[list[float], float, int]:
        """Return the sums of the steps since the last call, their sum, and what they sum over.

        The sum of sums is that of all processes; the others are of this one.
        """
        totals: list[float] = torch.stack(self.totals).tolist() if self.totals else []
        count = self.count
        self.totals, self.count = [], 0
        whole = 0.0
        for total in totals:
            whole += total
        return totals, world.sum([whole])[0], count

    def state_dict(self) -> dict[str, Any]:
        """Return what was added since it was last read."""
        return {"totals": torch.stack(self.totals) if self.totals else None, "count": self.count}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        totals = state["totals"]
        self.totals, self.count = [] if totals is None else list(totals.unbind()), state["count"]


@dataclass(frozen=True)
class Agreed:
    """What the processes of a run want after a step, the same for all of them.

    stop: a signal has come. late: the training clock has run out. due: a checkpoint is.
    """

    stop: bool = False
    late: bool = False
    due: bool = False


@dataclass
class Course:
    """The state of a training. outcome: how it goes; the others go with it.

    before: the buffers before a step, where a step may have to leave no trace. agreed: of the last
        step. Neither is part of a checkpoint.
    """

    average: Average
    convergence: Convergence
    divergence: Divergence
    outcome: Outcome = field(default_factory=Outcome)
    logged: LoggedLoss = field(default_factory=LoggedLoss)
    before: Buffers | None = None
    agreed: Agreed = Agreed()

    def state_dict(self) -> dict[str, Any]:
        """Return all of it, as tensors and plain values."""
        return {
            "outcome": asdict(self.outcome),
            "convergence": self.convergence.state_dict(),
            "divergence": self.divergence.state_dict(),
            "logged": self.logged.state_dict(),
            "average": self.average.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.outcome = Outcome(**state["outcome"])
        self.convergence.load_state_dict(state["convergence"])
        self.divergence.load_state_dict(state["divergence"])
        self.logged.load_state_dict(state["logged"])
        self.average.load_state_dict(state["average"])
