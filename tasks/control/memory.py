"""A ring of transitions, the oldest of which make room for new ones.

Legend: M transitions that it holds at most, N new ones, B batch, D numbers of an observation.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Ring:
    """Keeps observation, action, reward, what was seen after, and whether that was the end.

    An episode that its limit cut off did not end: what is seen after it is worth what it is worth.
    """

    def __init__(self, capacity: int, features: int) -> None:
        self.capacity, self.size, self._next = capacity, 0, 0
        self.columns: dict[str, Tensor] = {
            "observation_BD": torch.zeros(capacity, features),
            "action_B": torch.zeros(capacity, dtype=torch.int64),
            "reward_B": torch.zeros(capacity),
            "after_BD": torch.zeros(capacity, features),
            "terminated_B": torch.zeros(capacity, dtype=torch.bool),
        }

    def add(self, **transition: Tensor) -> None:
        """Take in N transitions, (N, …) by name."""
        count = len(transition["action_B"])
        place_N = (torch.arange(count) + self._next) % self.capacity
        for name, column in self.columns.items():
            column[place_N] = transition[name]
        self._next = (self._next + count) % self.capacity
        self.size = min(self.size + count, self.capacity)

    def take(self, chance_B: Tensor) -> dict[str, Tensor]:
        """Return transitions by uniform numbers in [0, 1), each as likely as any other."""
        index_B = (chance_B.double() * self.size).long()
        return {name: column[index_B] for name, column in self.columns.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return what it holds, as far as it is filled."""
        return {
            "next": self._next,
            "columns": {name: column[: self.size] for name, column in self.columns.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._next = state["next"]
        for name, kept in state["columns"].items():
            self.size = len(kept)
            self.columns[name][: self.size] = kept
