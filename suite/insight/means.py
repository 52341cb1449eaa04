"""Means and their differences from controls, with 95% intervals by drawing again what varies.

Legend: N values, R resamples, G groups.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suite.insight.effects import Effect, bootstrapped

_RESAMPLES = 2_000


def mean_of(values_N: ArrayLike, *, over: str, seed: int = 0) -> Effect:
    """Return the mean; over: what the values are of. Raises `ValueError` where there is none."""
    values_N = _filled(values_N)
    drawn_R = _means(values_N, np.random.default_rng(seed))
    return bootstrapped([values_N.mean(), *drawn_R], n=len(values_N), over=over)


def mean_difference(
    one_N: ArrayLike, others: Sequence[ArrayLike], *, over: str, seed: int = 0
) -> Effect:
    """Return the mean of one group less that of the others, each of which weighs the same.

    others: a group for each network that is a control; networks are drawn again, and values within
    each. Raises `ValueError` where a group is empty or there is no other.
    """
    one_N = _filled(one_N)
    groups = [_filled(group) for group in others]
    if not groups:
        raise ValueError("a difference needs a control")
    rng = np.random.default_rng(seed)
    drawn_R = _means(one_N, rng)
    inner_RG = np.stack([_means(group, rng) for group in groups], 1)
    # Of a network that is drawn twice its values are drawn once: the spread over networks leads.
    chosen_RG = rng.integers(0, len(groups), inner_RG.shape)
    control_R = np.take_along_axis(inner_RG, chosen_RG, axis=1).mean(1)
    value = one_N.mean() - np.mean([group.mean() for group in groups])
    return bootstrapped([value, *(drawn_R - control_R)], n=len(one_N), over=over)


def _filled(values_N: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(values_N, dtype=np.float64)
    if not values.size:
        raise ValueError("there is no value to take the mean of")
    return values


def _means(values_N: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    drawn_RN = rng.integers(0, len(values_N), (_RESAMPLES, len(values_N)))
    means_R: NDArray[np.float64] = values_N[drawn_RN].mean(1)
    return means_R
