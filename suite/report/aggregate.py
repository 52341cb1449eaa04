"""One number over several tasks: the interquartile mean, with an interval over seeds.

Legend: T tasks, N runs of all tasks, R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suite.report.repeats import FEWEST, quantile

_TRIMMED = 0.25
"""Share of the runs that is left out at each end."""


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """The interquartile mean of the runs of several tasks. low, high: None without an interval.

    runs: of all tasks. method: how the interval was made, or why there is none.
    """

    tasks: int
    runs: int
    mean: float
    low: float | None
    high: float | None
    method: str


def interquartile_mean(
    values_N: ArrayLike, weight_N: ArrayLike | None = None
) -> float | NDArray[np.float64]:
    """Return the mean of the middle half, along the last axis. weight_N: equal without.

    Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical precipice",
    section 4.3. What lies across an end of the middle half counts in part. Their code rounds down
    to whole runs instead (`scipy.stats.trim_mean`), which is the same where four divides N; with
    three seeds of three tasks it would keep five of nine, and tell something else than with more
    seeds of the same tasks.
    """
    values_N = np.asarray(values_N, dtype=np.float64)
    size = values_N.shape[-1]
    weight = np.full(size, 1.0 / size) if weight_N is None else np.asarray(weight_N, np.float64)
    order_N = np.argsort(values_N, axis=-1, kind="stable")
    weight_N = weight[order_N] / weight.sum()
    end_N = np.cumsum(weight_N, axis=-1)
    kept_N = np.minimum(end_N, 1 - _TRIMMED) - np.maximum(end_N - weight_N, _TRIMMED)
    kept_N = np.clip(kept_N, 0.0, None)
    ordered_N = np.take_along_axis(values_N, order_N, axis=-1)
    mean: float | NDArray[np.float64] = (kept_N * ordered_N).sum(-1) / kept_N.sum(-1)
    return mean


def aggregate(
    scores: Sequence[Sequence[float]], *, resamples: int = 2_000, seed: int = 0
) -> Aggregate:
    """Return the interquartile mean over tasks, of which each has the scores of its runs.

    Tasks count alike, however many their runs.

    The interval is over seeds, the tasks being what they are: a bootstrap stratified by task, as
    Agarwal et al. have it. Their percentiles cover 79 to 86% rather than 95% at three seeds
    (simulated), for two reasons, and each is made up for: the spread of what is drawn again
    is too small by √((n - 1) / n), so deviations from their task's mean are drawn √(n / (n - 1))
    times as large (Davison and Hinkley 1997, "Bootstrap methods and their application"); and a
    spread known from few runs is itself uncertain, so the interval is the mean ± t
    times the bootstrap's standard error. Its degrees of freedom are Satterthwaite's, from the share
    of each task in the bootstrap's variance. See `benchmarks/coverage.py`.
    There is none where a task has fewer than three runs.
    Raises `ValueError` where there is no task, or one without a run.
    """
    if not scores or not all(scores):
        raise ValueError("aggregate: a task holds no run")
    counts = [len(one) for one in scores]
    values_N = np.concatenate([np.asarray(one, dtype=np.float64) for one in scores])
    weight_N = np.concatenate([np.full(n, 1.0 / (len(counts) * n)) for n in counts])
    low = high = None
    mean = float(interquartile_mean(values_N, weight_N))
    method = f"none: a task has n={min(counts)}, at least {FEWEST} are needed"
    if min(counts) >= FEWEST:
        error, degrees = _bootstrap(scores, weight_N, resamples, seed)
        half = quantile(round(degrees, 6)) * error
        low, high = mean - half, mean + half
        method = f"stratified bootstrap, {resamples:,} resamples, t of {degrees:.1f} degrees"
    return Aggregate(
        tasks=len(counts), runs=sum(counts), mean=mean, low=low, high=high, method=method
    )


def _bootstrap(
    scores: Sequence[Sequence[float]], weight_N: NDArray[np.float64], resamples: int, seed: int
) -> tuple[float, float]:
    """Return the standard error of the interquartile mean, and its degrees of freedom."""
    rng = np.random.default_rng(seed)
    drawn, means = [], []
    for one in scores:
        n = len(one)
        values = np.asarray(one, dtype=np.float64)
        widened = values.mean() + np.sqrt(n / (n - 1)) * (values - values.mean())
        drawn.append(widened[rng.integers(0, n, (resamples, n))])
        means.append(drawn[-1].mean(1))
    mean_R = np.asarray(interquartile_mean(np.concatenate(drawn, axis=1), weight_N))
    task_RT = np.stack(means, axis=1)
    task_RT -= task_RT.mean(0)
    variance_T = (task_RT**2).mean(0)
    covariance_T = (task_RT * (mean_R - mean_R.mean())[:, None]).mean(0)
    known_T = variance_T > 0
    part_T = np.zeros(len(scores))
    part_T[known_T] = covariance_T[known_T] ** 2 / variance_T[known_T]
    degrees_T = np.array([len(one) - 1 for one in scores], dtype=np.float64)
    below = float((part_T**2 / degrees_T).sum())
    # Without any variance they do not matter.
    degrees = float(part_T.sum() ** 2 / below) if below > 0 else float(degrees_T.min())
    return float(mean_R.std(ddof=1)), min(max(degrees, degrees_T.min()), degrees_T.sum())
