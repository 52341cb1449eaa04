"""Is one group better than another, and how sure is that? With seeds shared, pair by pair."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from suite.report.repeats import FEWEST, LEVEL, quantile, two_sided

BETTER, WORSE, UNCLEAR = "better", "worse", "not distinguishable"
TOO_FEW = "too few runs"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better a first group is than a second.

    n: pairs, or the runs of the smaller group where they are not paired.
    mean: of first minus second, and above 0 where the first is better, whatever the direction.
    low, high: its 95% interval, by itself: not widened for other comparisons.
    p: of no difference, two-sided; None, as the interval, where there are too few runs.
    p_corrected: after correction for the comparisons made beside it; p itself where there are none.
    verdict: of the first group: "better", "worse", "not distinguishable" or "too few runs", by
        `p_corrected` at 5%.
    """

    n: int
    mean: float
    low: float | None
    high: float | None
    p: float | None
    p_corrected: float | None
    paired: bool
    verdict: str

    def with_p_corrected(self, p: float) -> "Difference":
        """Return it with its verdict after correction."""
        return replace(self, p_corrected=p, verdict=_verdict(self.mean, p))


def compare(
    first: Mapping[int, float],
    second: Mapping[int, float],
    *,
    direction: str,
    by_seed: bool = True,
) -> Difference:
    """Compare two groups' values by seed. direction: "maximize" or "minimize".

    Where three seeds or more are shared, Student's t of the differences by seed, of these seeds
    alone: what a seed does to both groups cancels. Else Welch's t (Welch 1947, "The generalization
    of 'Student's' problem when several different population variances are involved"), over all
    runs, with three or more in each group. With fewer there is a mean and nothing else.
    by_seed: False for what a seed does not decide, such as a speed.
    Raises `ValueError` where a group is empty.
    """
    if not first or not second:
        raise ValueError("compare: a group holds no value")
    sign = -1.0 if direction == "minimize" else 1.0
    shared = sorted(first.keys() & second.keys())
    if by_seed and len(shared) >= FEWEST:
        gaps = [sign * (first[seed] - second[seed]) for seed in shared]
        error = stdev(gaps) / math.sqrt(len(gaps))
        return _tested(fmean(gaps), error, len(gaps) - 1, n=len(gaps), paired=True)
    n = min(len(first), len(second))
    ours, theirs = list(first.values()), list(second.values())
    mean = sign * (fmean(ours) - fmean(theirs))
    if n < FEWEST:
        return Difference(
            n=n,
            mean=mean,
            low=None,
            high=None,
            p=None,
            p_corrected=None,
            paired=False,
            verdict=TOO_FEW,
        )
    parts = [(stdev(values) ** 2 / len(values), len(values) - 1) for values in (ours, theirs)]
    squared = sum(part for part, _ in parts)
    # Welch and Satterthwaite's degrees of freedom; without any variance they do not matter.
    below = sum(part**2 / degrees for part, degrees in parts)
    degrees = squared**2 / below if below > 0 else float(n - 1)
    return _tested(mean, math.sqrt(squared), degrees, n=n, paired=False)


def _tested(mean: float, error: float, degrees: float, *, n: int, paired: bool) -> Difference:
    # Values that are equal but for rounding have no variance.
    if error <= 1e-12 * abs(mean):
        error = 0.0
    if error > 0:
        p = two_sided(mean / error, degrees)
    else:
        p = 1.0 if mean == 0 else 0.0
    half = quantile(degrees) * error
    return Difference(
        n=n,
        mean=mean,
        low=mean - half,
        high=mean + half,
        p=p,
        p_corrected=p,
        paired=paired,
        verdict=_verdict(mean, p),
    )


def _verdict(mean: float, p: float) -> str:
    if p >= 1 - LEVEL:
        return UNCLEAR
    return BETTER if mean > 0 else WORSE


def holm(p_values: Sequence[float], *, family: int | None = None) -> list[float]:
    """Return p-values corrected so that any false rejection among them has a chance of 5%.

    Holm 1979, "A simple sequentially rejective multiple test procedure": the i-th smallest of m
    (from 0) is multiplied by m - i, and is no smaller than the one before. It holds however the
    comparisons depend on each other.
    family: how many comparisons these were chosen from; as many as there are by default. Where it
        is larger, the result is never below what Holm would give these among all of them.
    """
    m = len(p_values) if family is None else family
    if m < len(p_values):
        raise ValueError(f"family={m}: less than the {len(p_values)} p-values given")
    corrected = [1.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=lambda at: p_values[at])):
        highest = max(highest, min(1.0, (m - rank) * p_values[at]))
        corrected[at] = highest
    return corrected


def corrected(differences: Sequence[Difference], *, family: int | None = None) -> list[Difference]:
    """Return the differences with verdicts after Holm's correction over those that were tested."""
    tested = [at for at, one in enumerate(differences) if one.p is not None]
    adjusted = holm([p for one in differences if (p := one.p) is not None], family=family)
    result = list(differences)
    for at, p in zip(tested, adjusted, strict=True):
        result[at] = differences[at].with_p_corrected(p)
    return result
