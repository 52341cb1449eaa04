"""What is measured of episodes. torchmetrics takes seconds to import: read when it is needed.

Legend: B episodes of a batch, N of a split.
"""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class EpisodeMean(Metric):
    """The mean over episodes, with the value of each kept. named: the argument it is told by."""

    higher_is_better: bool | None = None
    is_differentiable = False
    full_state_update = False

    value_N: list[Tensor]

    def __init__(self, named: str) -> None:
        super().__init__()
        self.named = named
        self.add_state("value_N", [], dist_reduce_fx="cat")

    def update(self, **value_B: Tensor) -> None:
        """Take in a batch of episodes, (B,) by name."""
        self.value_N.append(value_B[self.named].double())

    def compute(self) -> Tensor:
        """Return the mean; NaN of no episode."""
        return self.values().mean()

    def values(self) -> Tensor:
        """Return the value of each episode so far, (N,)."""
        return dim_zero_cat(self.value_N) if self.value_N else torch.zeros(0, dtype=torch.float64)


class ReturnMean(EpisodeMean):
    """One of which more is better."""

    higher_is_better = True
