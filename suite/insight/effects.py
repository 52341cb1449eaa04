"""Effects with their intervals: slopes over depth, differences of slopes, means over repeats.

Legend: L layers, R resamples, M examples, S repeats.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suite.statistics import LEVEL

RESAMPLES = 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A number with its 95% interval. n: how many of what it is over, which `over` names."""

    value: float
    low: float
    high: float
    n: int
    over: str

    @property
    def verdict(self) -> str:
        """Say "yes" where the interval is above 0, "no" where it is below, else "unclear"."""
        if self.low > 0:
            return "yes"
        return "no" if self.high < 0 else "unclear"

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    def plain(self) -> dict[str, float | int | str]:
        """Return it as JSON takes it."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n,
                "over": self.over}  # fmt: skip


def weights_of_resamples(count: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Return (R + 1, M): how often each example is drawn; first all of them once.

    The same draws for every layer and target, so that differences between these are paired.
    """
    drawn_RM = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)
    return np.concatenate([np.ones((1, count)), drawn_RM])


def bootstrapped(values_R: ArrayLike, *, n: int, over: str) -> Effect:
    """Return the first value with the percentiles of the others, those that are NaN left out."""
    values_R = np.asarray(values_R, dtype=np.float64)
    drawn_R = values_R[1:][np.isfinite(values_R[1:])]
    low, high = np.quantile(drawn_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    value = float(values_R[0])
    # A percentile interval need not hold the value itself where a resample is biased.
    return Effect(value=value, low=min(float(low), value), high=max(float(high), value), n=n,
                  over=over)  # fmt: skip


def over_repeats(values_S: Sequence[float], *, over: str = "seeds") -> Effect:
    """Return the mean over repeats with Student's t interval; raise `ValueError` for fewer than 2.

    Repeats are what is independent: runs of other seeds, not examples or layers of one run.
    """
    from scipy.stats import t

    values = np.asarray(values_S, dtype=np.float64)
    if len(values) < 2:
        raise ValueError(f"{len(values)} repeats: an interval over them needs two")
    mean = float(values.mean())
    half = float(t.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)
    return Effect(value=mean, low=mean - half, high=mean + half, n=len(values), over=over)


def slope(depth_L: ArrayLike, score_RL: ArrayLike) -> Floats:
    """Return the least-squares slope of scores over depth, (R,): the change from stem to output.

    0 where there is one layer only, which has no slope.
    """
    depth_L = np.asarray(depth_L, dtype=np.float64)
    score_RL = np.atleast_2d(np.asarray(score_RL, dtype=np.float64))
    centred_L = depth_L - depth_L.mean()
    square = float(np.square(centred_L).sum())
    if square == 0:
        return np.zeros(len(score_RL))
    return np.asarray(score_RL @ centred_L / square)
