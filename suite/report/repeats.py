"""What repeats with other seeds say of a configuration: centre, spread, and a 95% interval.

The interval is over seeds: it holds the mean that ever more seeds would come to. What another draw
of test items would have changed is another question (`suite/statistics.py`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, median, stdev

from suite.record import RunRecord

LEVEL = 0.95
FEWEST = 3
"""Runs below which nothing is said of how far a mean may lie from the truth."""


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Statistics of n values, one a seed.

    deviation: the sample standard deviation, over n - 1; None for n = 1, and where a value is
        infinite, as a time to a target that was missed.
    low, high: of the 95% interval of the mean; None where there is none.
    method: how the interval was made, or why there is none.
    """

    n: int
    mean: float
    median: float
    deviation: float | None
    low: float | None
    high: float | None
    method: str

    @property
    def interval(self) -> tuple[float, float] | None:
        """Low and high, where there is an interval."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def repeats(values: Sequence[float]) -> Repeats:
    """Return the statistics of values that differ in their seed alone.

    The interval is Student's, mean ± t(n - 1) s / √n, from three values on: exact where they are
    normally distributed, whatever n, while the percentile bootstrap covers far less than 95% at
    such n. It is not cut at a metric's bounds. Raises `ValueError` where there is no value.
    """
    if not values:
        raise ValueError("repeats: at least one value is needed")
    n, mean = len(values), fmean(values)
    finite = all(map(math.isfinite, values))
    deviation = stdev(values) if n > 1 and finite else None
    low = high = None
    method = (
        f"none: n={n}, at least {FEWEST} are needed" if finite else "none: a value is not finite"
    )
    if n >= FEWEST and deviation is not None:
        half = quantile(n - 1) * deviation / math.sqrt(n)
        low, high, method = mean - half, mean + half, f"Student's t, {n - 1} degrees of freedom"
    return Repeats(
        n=n,
        mean=mean,
        median=median(values),
        deviation=deviation,
        low=low,
        high=high,
        method=method,
    )


def statistics_of(runs: Sequence[RunRecord]) -> dict[str, Repeats]:
    """Return the statistics of a group by each metric that all its runs have.

    Named as in MLflow: "test/accuracy", "throughput/examples_per_second", "time/training_seconds".
    """
    tables = [
        {
            **{name: value for name, value in run.metrics.items() if name.startswith("test/")},
            **{
                f"throughput/{name}": run.throughput[name]
                for name in _RATES & run.throughput.keys()
            },
            "time/training_seconds": run.training_seconds,
            "time/wall_seconds": run.wall_seconds,
        }
        for run in runs
    ]
    shared = set(tables[0]).intersection(*tables[1:])
    return {name: repeats([table[name] for table in tables]) for name in sorted(shared)}


_RATES = frozenset({"examples_per_second", "units_per_second"})


@lru_cache(maxsize=4096)
def quantile(degrees: float, probability: float = (1 + LEVEL) / 2) -> float:
    """Return the quantile of Student's t with so many degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def two_sided(t: float, degrees: float) -> float:
    """Return how probable a |t| this large is where there is no difference."""
    from scipy.special import stdtr

    return float(2 * stdtr(degrees, -abs(t)))
