"""Word and character error rates that keep each recording apart, so that an interval can be had.

Legend: N recordings, H words or characters heard and the place before them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class Text(NamedTuple):
    """What was said in a recording, and what was heard. name: the recording's."""

    name: str
    said: str
    heard: str


Pair = tuple[str | None, str | None]
"""What was said and what was heard for it; None where one of them has nothing."""


def align(said: Sequence[str], heard: Sequence[str]) -> list[Pair]:
    """Return the alignment with most hits of those with the fewest errors (Levenshtein 1966)."""
    wrong, right = len(said) + len(heard) + 1, -1  # all hits together weigh less than one error
    rows = [[wrong * j for j in range(len(heard) + 1)]]
    for i, one in enumerate(said, 1):
        above, row = rows[-1], [wrong * i]
        for j, other in enumerate(heard, 1):
            together = above[j - 1] + (right if one == other else wrong)
            row.append(min(together, above[j] + wrong, row[-1] + wrong))
        rows.append(row)
    pairs: list[Pair] = []
    i, j = len(said), len(heard)
    while i or j:
        here = rows[i][j]
        hit = right if i and j and said[i - 1] == heard[j - 1] else wrong
        if i and j and here == rows[i - 1][j - 1] + hit:
            i, j = i - 1, j - 1
            pairs.append((said[i], heard[j]))
        elif i and here == rows[i - 1][j] + wrong:
            i -= 1
            pairs.append((said[i], None))
        else:
            j -= 1
            pairs.append((None, heard[j]))
    return pairs[::-1]


def distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return the fewest errors (Levenshtein 1966), row by row."""
    number = {item: k for k, item in enumerate({*said, *heard})}
    heard_H = np.array([number[item] for item in heard], dtype=np.int64)
    step_H = np.arange(len(heard) + 1)
    row_H = step_H
    for i, item in enumerate(said, 1):
        kept_H = np.minimum(row_H[:-1] + (heard_H != number[item]), row_H[1:] + 1)
        # An insertion comes from the left in the same row: a minimum over all that is left of it.
        row_H = np.minimum.accumulate(np.concatenate(([i], kept_H)) - step_H) + step_H
    return int(row_H[-1])


def errors(pairs: Sequence[Pair]) -> int:
    """Return the number of substitutions, deletions and insertions."""
    return sum(said != heard for said, heard in pairs)


def words(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split()


def characters(text: str) -> list[str]:
    """Return the characters of a text, spaces among them."""
    return list(text)


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

    def reset(self) -> None:
        super().reset()
        self.texts = []
