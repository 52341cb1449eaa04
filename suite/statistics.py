"""How far a test metric could lie from its value had other test items been drawn.

All intervals here are of 95% and over the items of one test split for one trained model. They say
nothing of what another seed would have given.

Legend: N items, R resamples, K classes, C cells of a confusion matrix that are not empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
"""Share of test sets whose interval holds the true value."""

_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
_NUMBERS_AT_ONCE = 1 << 22
"""Numbers that are drawn at a time: 32 MB of them."""


@dataclass(frozen=True)
class Interval:
    """A 95% interval of a test metric over test items. method: how it was made."""

    low: float
    high: float
    method: str

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def wilson(successes: int, n: int) -> Interval:
    """Return the score interval of a share, such as accuracy, over n independent items.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference". Unlike the
    normal approximation it stays within 0 and 1 and keeps its level near them.
    Raises `ValueError` unless 0 <= successes <= n and n > 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} successes of {n}: must be a part of at least one item")
    share, weight = successes / n, _Z**2 / n
    centre = (share + weight / 2) / (1 + weight)
    half = _Z * np.sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    # Exact at the ends, where rounding would leave the value itself outside.
    low = 0.0 if successes == 0 else float(centre - half)
    high = 1.0 if successes == n else float(centre + half)
    return Interval(low, high, "Wilson score")


def bootstrap_ratio(
    numerator_N: ArrayLike, denominator_N: ArrayLike, *, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Return the percentile bootstrap of a ratio of sums: word errors over words by utterance, say.

    Whole items are drawn again, since the words of one utterance are not independent (Bisani and
    Ney 2004, "Bootstrap estimates for confidence intervals in ASR performance evaluation"). A
    resample without a denominator has no ratio and is left out.
    Raises `ValueError` where there is no item, a denominator is negative or all are zero.
    """
    numerator_N = np.asarray(numerator_N, dtype=np.float64)
    denominator_N = np.asarray(denominator_N, dtype=np.float64)
    if numerator_N.shape != denominator_N.shape or numerator_N.ndim != 1:
        raise ValueError(f"shapes {numerator_N.shape} and {denominator_N.shape}: must be (N,)")
    if not denominator_N.sum() > 0 or (denominator_N < 0).any():
        raise ValueError("denominators: must be 0 or above, and one of them above 0")
    items = len(numerator_N)
    rng = np.random.default_rng(seed)
    ratios = []
    for count in _portions(resamples, items):
        drawn_RN = rng.integers(0, items, (count, items))
        above_R, below_R = numerator_N[drawn_RN].sum(1), denominator_N[drawn_RN].sum(1)
        ratios.append(above_R[below_R > 0] / below_R[below_R > 0])
    return _percentiles(np.concatenate(ratios))


def bootstrap_macro_f1(
    confusion_KK: ArrayLike, *, resamples: int = 2_000, seed: int = 0
) -> Interval:
    """Return the percentile bootstrap of macro-averaged F1, from counts (true class by row).

    To draw N items again is to draw the cells of their confusion matrix from a multinomial. A class
    that neither occurs nor is predicted has no F1 and no part in the mean.
    Raises `ValueError` where there is no item.
    """
    counts_KK = np.asarray(confusion_KK, dtype=np.int64)
    true_C, predicted_C = counts_KK.nonzero()
    counts_C = counts_KK[true_C, predicted_C]
    items = int(counts_C.sum())
    if items == 0:
        raise ValueError("confusion matrix: holds no item")
    right_C = true_C == predicted_C
    rng = np.random.default_rng(seed)
    scores = []
    for count in _portions(resamples, max(len(counts_C), len(counts_KK))):
        drawn_RC = rng.multinomial(items, counts_C / items, size=count)
        hits_RK = _by_class(drawn_RC[:, right_C], true_C[right_C], len(counts_KK))
        # True and predicted together count hits twice: 2 hits / that is F1.
        either_RK = _by_class(drawn_RC, true_C, len(counts_KK))
        either_RK += _by_class(drawn_RC, predicted_C, len(counts_KK))
        f1_RK = 2 * hits_RK / np.maximum(either_RK, 1)
        scores.append(f1_RK.sum(1) / (either_RK > 0).sum(1))
    return _percentiles(np.concatenate(scores))


def _by_class(
    drawn_RC: NDArray[np.int64], class_C: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Return (R, K) the sums over the cells of each class."""
    sums_RK = np.zeros((len(drawn_RC), classes), dtype=np.int64)
    if len(class_C):
        order = np.argsort(class_C, kind="stable")
        present, starts = np.unique(class_C[order], return_index=True)
        sums_RK[:, present] = np.add.reduceat(drawn_RC[:, order], starts, axis=1)
    return sums_RK


def _portions(resamples: int, size: int) -> Iterator[int]:
    """Yield how many resamples of `size` numbers to draw at a time, to bound memory."""
    at_once = max(1, _NUMBERS_AT_ONCE // size)
    for start in range(0, resamples, at_once):
        yield min(at_once, resamples - start)


def _percentiles(values_R: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), f"bootstrap, {len(values_R):,} resamples")
