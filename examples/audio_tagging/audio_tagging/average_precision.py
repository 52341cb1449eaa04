"""The interval of mean average precision over recordings.

Legend: N recordings, K tags, R resamples.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suite import Interval

_AT_ONCE = 100
"""Resamples that are held in memory together."""


def bootstrap(
    score_NK: ArrayLike, label_NK: ArrayLike, *, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Return the 95% percentile bootstrap of the mean over tags, from scores and labels of 0 and 1.

    A resample without a recording of some tag leaves that tag out.
    """
    scores_NK, labels_NK = np.asarray(score_NK), np.asarray(label_NK)
    count = len(labels_NK)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(-(-resamples // _AT_ONCE)):
        weight_RN = rng.multinomial(count, np.full(count, 1 / count), size=_AT_ONCE)
        drawn.append(mean_average_precision(scores_NK, labels_NK, weight_RN))
    low, high = np.nanquantile(np.concatenate(drawn)[:resamples], [0.025, 0.975])
    return Interval(float(low), float(high), f"bootstrap, {resamples:,} resamples")


def mean_average_precision(
    score_NK: NDArray[np.floating], label_NK: NDArray[np.integer], weight_RN: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return it for each of R ways to count recordings, (R,): 2 is there twice, 0 is not there.

    Of each tag: the sum over recall gained, by the precision where it is gained.
    """
    of_tags = []
    for score_N, label_N in zip(score_NK.T, label_NK.T, strict=True):
        order_N = np.argsort(-score_N, kind="stable")
        there_RN = weight_RN[:, order_N]
        hits_RN = there_RN * label_N[order_N]
        precision_RN = hits_RN.cumsum(1) / np.maximum(there_RN.cumsum(1), 1)
        hits_R = hits_RN.sum(1)
        gained_R = (hits_RN * precision_RN).sum(1)
        of_tags.append(np.where(hits_R > 0, gained_R / np.maximum(hits_R, 1), np.nan))
    mean_R: NDArray[np.float64] = np.nanmean(np.stack(of_tags), axis=0)
    return mean_R
