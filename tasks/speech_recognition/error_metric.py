"""Word and character error rates that keep each recording apart, so that an interval can be had.

torchmetrics takes seconds to import: this file is read when something is to be measured.

Legend: N recordings.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from tasks.speech_recognition.error_rate import Text, distance


class ErrorRate(Metric):
    """Errors by what was said, over all recordings: of words or of characters.

    cut: `words` or `characters`. errors_N, said_N: errors, and words or characters said, by
    recording, in the order of the updates. texts: the recordings.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    errors_N: list[Tensor]
    said_N: list[Tensor]

    def __init__(self, cut: Callable[[str], list[str]]) -> None:
        super().__init__()
        self.cut = cut
        self.texts: list[Text] = []
        self.add_state("errors_N", [], dist_reduce_fx="cat")
        self.add_state("said_N", [], dist_reduce_fx="cat")

    def update(
        self, heard: Sequence[str], said: Sequence[str], names: Sequence[str] | None = None
    ) -> None:
        """Take in what was heard and what was said, one text for each recording."""
        cut = [(self.cut(one), self.cut(other)) for one, other in zip(said, heard, strict=True)]
        wrong = [distance(one, other) for one, other in cut]
        self.errors_N.append(torch.tensor(wrong, device=self.device))
        self.said_N.append(torch.tensor([len(one) for one, _ in cut], device=self.device))
        named = names or [""] * len(said)
        self.texts.extend(map(Text, named, said, heard))

    def compute(self) -> Tensor:
        """Return all errors by all that was said."""
        errors_N, said_N = self.counts()
        return errors_N.sum() / said_N.sum().clamp(min=1)

    def counts(self) -> tuple[Tensor, Tensor]:
        """Return errors and words (or characters) said, each (N,)."""
        return dim_zero_cat(self.errors_N), dim_zero_cat(self.said_N)

    def worst(self, most: int) -> list[int]:
        """Return the places of the recordings with the most errors by what was said, from 0.

        Those without an error are left out.
        """
        errors_N, said_N = self.counts()
        rate_N = (errors_N / said_N.clamp(min=1)).cpu()
        order_N = rate_N.argsort(descending=True, stable=True)[:most]
        return [place for place in order_N.tolist() if rate_N[place] > 0]

    def reset(self) -> None:
        super().reset()
        self.texts = []
