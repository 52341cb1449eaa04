"""Errors of a transcript: what was said and what was heard, aligned and counted.

Legend: H words or characters heard and the place before them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


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
