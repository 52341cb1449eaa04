"""Does training converge as a reference does? MLPerf's check of reference convergence points (RCP).

It guards against what no measure of quality or speed shows: steps to the target that are fewer than
the same recipe can honestly take, or more than it should.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from suite.report.repeats import quantile
from suite.report.scores import olympic_mean

_LEVEL = 0.05
"""Chance, at either end, of turning away one that converges like the reference: nominal."""


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """Between which means repeats converge like the reference; see `acceptance`.

    mean, deviation, runs: of the reference, without those that were dropped. drop: how many of the
        fastest and of the slowest are dropped, on either side.
    """

    mean: float
    deviation: float
    runs: int
    drop: int
    low: float
    high: float

    @property
    def largest_speedup(self) -> float:
        """How many times faster than the reference is still accepted."""
        return self.mean / self.low

    def verdict(self, values: Sequence[float]) -> str:
        """Return "accepted", "too fast" or "too slow"; a run that missed the target is infinite."""
        mean = olympic_mean(values, drop=self.drop)
        if mean < self.low:
            return "too fast"
        return "too slow" if mean > self.high else "accepted"


def acceptance(reference: Sequence[float], *, runs: int, drop: int = 1) -> Acceptance:
    """Return the means that `runs` repeats may come to, from the reference's steps to the target.

    MLPerf training rules, "Reference Convergence Points", a one-sided two-sample Student's t-test
    of unequal sizes and equal variance, at 5%:

        low = mean - t(0.95, n + m - 2) s √(1/n + 1/m)

    where n of the reference's and m of the other's repeats are left after the fastest and slowest
    `drop` of each are dropped. The variance s² is that of the reference's n alone, and the
    population's, divided by n and not n - 1: so does their checker, and so come the numbers of
    their worked example. MLPerf asks for the lower end only, since it looks for submissions that
    converge too fast; `high` is its mirror image. With s that small, both ends turn away more than
    5% each (`benchmarks/coverage.py`).
    values: epochs, steps or examples; one batch size, which decides on them.
    Raises `ValueError` where fewer than two of the reference's or none of the other's are left, or
    a repeat of the reference that is left missed its target.
    """
    kept = sorted(reference)[drop : len(reference) - drop] if drop else sorted(reference)
    left = runs - 2 * drop
    if len(kept) < 2 or left < 1:
        raise ValueError(
            f"{len(reference)} and {runs} runs: too few to drop {drop} at each end of both"
        )
    if not all(map(math.isfinite, kept)):
        raise ValueError("reference: a run missed the target")
    return _around(fmean(kept), pstdev(kept), len(kept), len(kept), left, drop)


def interpolated(
    smaller: tuple[float, Sequence[float]],
    larger: tuple[float, Sequence[float]],
    batch: float,
    *,
    runs: int,
    drop: int = 1,
) -> Acceptance:
    """Return the acceptance at a batch size between two of the reference's: (size, repeats).

    Mean and deviation are interpolated linearly, and n is that of the repeats before any were
    dropped, twice as many as the other's `runs` by MLPerf's rules: this too as in their example.
    Raises `ValueError` where the batch size does not lie between, or as `acceptance` does.
    """
    (low, few), (high, many) = smaller, larger
    if not low < batch < high:
        raise ValueError(f"batch size {batch:g}: must lie between {low:g} and {high:g}")
    ends = acceptance(few, runs=runs, drop=drop), acceptance(many, runs=runs, drop=drop)
    share = (batch - low) / (high - low)
    mean, deviation = (
        (1 - share) * a + share * b
        for a, b in zip(*((end.mean, end.deviation) for end in ends), strict=True)
    )
    n = min(len(few), len(many))
    return _around(mean, deviation, n - 2 * drop, n, runs - 2 * drop, drop)


def _around(mean: float, deviation: float, runs: int, n: int, m: int, drop: int) -> Acceptance:
    half = quantile(n + m - 2, 1 - _LEVEL) * deviation * math.sqrt(1 / n + 1 / m)
    return Acceptance(
        mean=mean, deviation=deviation, runs=runs, drop=drop, low=mean - half, high=mean + half
    )
