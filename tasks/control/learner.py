"""What a loss of this task is beside a loss: it knows how experience is gathered for it.

Legend: B batch, K outputs, A actions.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from suite import Batch, Loss
from tasks.control.acting import Acting
from tasks.control.fleet import Fleet


@dataclass(frozen=True)
class Place:
    """What experience is gathered with. seed: the run's. batch_size: examples of a batch."""

    acting: Acting
    fleet: Fleet
    actions: int
    seed: int
    batch_size: int
    device: torch.device


class Experience:
    """Makes training batches by acting, one after the other."""

    @abstractmethod
    def next(self) -> Batch:
        """Return the next batch; act first where that is due."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return all that the batches to come depend on beside the weights."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned."""


class Learner:
    """A loss, and the experience that belongs to it. values: outputs beside those of actions."""

    values: int

    @abstractmethod
    def __call__(self, output_BK: Tensor, batch: Batch) -> Loss:
        """Return the loss summed over transitions."""

    @abstractmethod
    def preferences(self, output_BK: Tensor) -> Tensor:
        """Return what is highest for the best action, (B, A)."""

    @abstractmethod
    def value(self, output_BK: Tensor) -> Tensor:
        """Return the discounted return that is expected, (B,)."""

    @property
    @abstractmethod
    def discount(self) -> float:
        """What a reward counts for one step later."""

    @abstractmethod
    def round(self, environments: int, batch_size: int) -> tuple[int, int]:
        """Return environment steps and batches of one round of acting and learning.

        Raises a `ConfigError` where they do not fit each other.
        """

    @abstractmethod
    def gather(self, place: Place) -> Experience:
        """Return the experience that it learns from, at its beginning."""


def shares(steps: int, batches: int) -> list[float]:
    """Spread a round's environment steps over its batches: in whole numbers where there are enough
    of them, so that sums are exact.
    """
    if steps < batches:
        return [steps / batches] * batches
    return [float(steps * (i + 1) // batches - steps * i // batches) for i in range(batches)]
