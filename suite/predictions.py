"""What a classifier predicted of each example, so that its mistakes can be shown.

torchmetrics takes seconds to import: this file is read when something is to be measured.

Legend: B batch, N examples.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


@dataclass(frozen=True)
class Wrong:
    """A wrong prediction. place: of the example in the order of the updates, from 0."""

    place: int
    true: int
    predicted: int
    confidence: float


class Predictions(Metric):
    """Keeps the predicted class, the true class and the confidence of each example."""

    higher_is_better = None
    is_differentiable = False
    full_state_update = False

    predicted_N: list[Tensor]
    true_N: list[Tensor]
    confidence_N: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("predicted_N", "true_N", "confidence_N"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(
        self, predicted_B: Tensor, true_B: Tensor, confidence_B: Tensor | None = None
    ) -> None:
        """Take in a batch. confidence_B: in [0, 1]; without it there is nothing to keep."""
        if confidence_B is not None:
            self.predicted_N.append(predicted_B)
            self.true_N.append(true_B)
            self.confidence_N.append(confidence_B)

    def compute(self) -> Tensor:
        """Return predicted and true classes, (2, N), which is no number to report."""
        if not self.predicted_N:
            return torch.empty(2, 0, dtype=torch.int64)
        return torch.stack([dim_zero_cat(self.predicted_N), dim_zero_cat(self.true_N)])

    def surest_mistakes(self, most: int) -> list[Wrong]:
        """Return the wrong predictions of highest confidence, of equal ones the first."""
        if not self.predicted_N:
            return []
        predicted_N, true_N, confidence_N = (
            dim_zero_cat(state).cpu()
            for state in (self.predicted_N, self.true_N, self.confidence_N)
        )
        (wrong_M,) = (predicted_N != true_N).nonzero(as_tuple=True)
        order_M = confidence_N[wrong_M].argsort(descending=True, stable=True)
        return [
            Wrong(at, int(true_N[at]), int(predicted_N[at]), float(confidence_N[at]))
            for at in wrong_M[order_M[:most]].tolist()
        ]
