"""A metric that is a ratio of sums over examples, with the interval that drawing them again gives.

torchmetrics takes seconds to import: this file is read when something is to be measured.

Legend: B batch, N examples.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from suite.statistics import Interval, bootstrap_ratio


def _as_it_is(ratio: Tensor) -> Tensor:
    return ratio


class RatioMetric(Metric):
    """The sum of numerators by that of denominators: right answers by questions, errors by words.

    higher_is_better: which way the metric goes; None where neither is better.
    transform: what is made of the ratio, by a function that never falls. `torch.sqrt` makes a root
        mean squared error of squared errors by their number, `torch.exp` a perplexity of nats by
        tokens.
    """

    is_differentiable = False
    full_state_update = False

    numerator_N: list[Tensor]
    denominator_N: list[Tensor]

    def __init__(
        self, *, higher_is_better: bool | None, transform: Callable[[Tensor], Tensor] = _as_it_is
    ) -> None:
        super().__init__()
        # torchmetrics lets a class alone say so, as its metrics go one way each.
        vars(self)["higher_is_better"] = higher_is_better
        self.transform = transform
        self.add_state("numerator_N", [], dist_reduce_fx="cat")
        self.add_state("denominator_N", [], dist_reduce_fx="cat")

    def update(self, numerator_B: Tensor, denominator_B: Tensor | None = None) -> None:
        """Take in a batch, a pair of numbers an example; without denominators each counts as 1."""
        if denominator_B is None:
            denominator_B = torch.ones_like(numerator_B)
        # In double precision, so that the order of the sum has no say in the digits one looks at.
        self.numerator_N.append(numerator_B.detach().double())
        self.denominator_N.append(denominator_B.detach().double())

    def compute(self) -> Tensor:
        """Return the transformed ratio over all examples."""
        numerator_N, denominator_N = self.counts()
        return self.transform(numerator_N.sum() / denominator_N.sum())

    def counts(self) -> tuple[Tensor, Tensor]:
        """Return numerators and denominators, each (N,) in double precision."""
        return dim_zero_cat(self.numerator_N), dim_zero_cat(self.denominator_N)

    def interval(self) -> Interval:
        """Return the 95% bootstrap interval over examples (see `bootstrap_ratio`), transformed."""
        plain = bootstrap_ratio(*(counts_N.cpu().numpy() for counts_N in self.counts()))
        ends = torch.tensor([plain.low, plain.high], dtype=torch.float64)
        low, high = self.transform(ends).tolist()
        return Interval(low, high, plain.method)
