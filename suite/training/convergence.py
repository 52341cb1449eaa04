"""When a run has converged: a fixed number of evaluations in a row without a gain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from suite.task import Direction


@dataclass(kw_only=True)
class Convergence:
    """Counts evaluations since the metric last gained more than `minimum_gain` on its best."""

    direction: Direction
    patience: int
    minimum_gain: float
    best: float = field(init=False)
    without_gain: int = 0

    def __post_init__(self) -> None:
        self.best = self.direction.worst

    def reached(self, value: float) -> bool:
        """Take in the next value and return whether the run has converged."""
        margin = self.minimum_gain if self.direction is Direction.MAXIMIZE else -self.minimum_gain
        if self.direction.better(value - margin, self.best):
            self.best = value
            self.without_gain = 0
        else:
            self.without_gain += 1
        return self.without_gain >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """Return what it has seen."""
        return {"best": self.best, "without_gain": self.without_gain}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.best, self.without_gain = state["best"], state["without_gain"]
