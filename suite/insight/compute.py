"""For so much compute, how large should a model be? Curves of equal FLOPs over width and steps.

Hoffmann et al. 2022 (arXiv:2203.15556), section 3.2, approach 2: at each budget of training FLOPs a
parabola through loss against log parameters has its least point at the best size; a line through
these, log against log, has the exponent.

Legend: W widths, B budgets, R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.insight.curve import Array
from suite.insight.resampling import LEVEL, Estimate

_RESAMPLES = 400
_BUDGETS = 8
FEWEST_WIDTHS = 3
_NEIGHBOURS = 2
"""Widths to either side of the best that its parabola goes through."""


@dataclass(frozen=True, kw_only=True)
class Path:
    """One run: what it had reached after so many training FLOPs. Both ascend in FLOPs."""

    parameters: float
    seed: int
    flops: Sequence[float]
    loss: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A budget of training FLOPs.

    parameters, loss: of each width that reached it, its mean over seeds. best: the best size by the
        parabola; None where it has none between the smallest and the largest. measured: the size
        that did best of those trained. curve: of the parabola, in log parameters.
    """

    flops: float
    parameters: tuple[float, ...]
    loss: tuple[float, ...]
    best: Estimate | None
    least: float | None
    measured: float
    curve: tuple[float, float, float] | None

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "flops": self.flops, "parameters": list(self.parameters), "loss": list(self.loss),
            "best": self.best and self.best.plain(), "least_loss": self.least,
            "best_measured": self.measured,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """Budgets, and the exponent of the best size against compute; None with under three of them.

    share: of resamples that have an exponent. seeds: the fewest of a width; of one there is no
        interval.
    """

    budgets: tuple[Budget, ...]
    exponent: Estimate | None
    share: float
    seeds: int

    @property
    def verdict(self) -> str:
        """What it says of larger budgets."""
        if self.exponent is None:
            return "no best size within the measured range at three budgets"
        if self.seeds < 2:
            return "one seed a width: no interval"
        if self.exponent.low > 0:
            return "more compute wants larger models"
        return "more compute wants smaller models" if self.exponent.high < 0 else "not resolved"

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "budgets": [one.plain() for one in self.budgets],
            "exponent": self.exponent and self.exponent.plain(),
            "share": self.share, "seeds": self.seeds, "verdict": self.verdict,
        }  # fmt: skip


def frontier(
    paths: Sequence[Path], *, budgets: int = _BUDGETS, resamples: int = _RESAMPLES, seed: int = 0
) -> Frontier:
    """Find the best size at budgets that three widths or more reached.

    A path counts by its best so far, as a run's weights of the best validation do. Intervals are
    over seeds, drawn again within each width.
    Raises `ValueError` where three widths share no budget.
    """
    by_size: dict[float, list[Path]] = {}
    for path in paths:
        if len(path.flops) > 1:
            by_size.setdefault(path.parameters, []).append(path)
    sizes = sorted(by_size)
    if len(sizes) < FEWEST_WIDTHS:
        raise ValueError(f"{len(sizes)} widths: curves of equal FLOPs need {FEWEST_WIDTHS}")
    lows = [max(path.flops[0] for path in by_size[size]) for size in sizes]
    highs = [min(path.flops[-1] for path in by_size[size]) for size in sizes]
    low, high = sorted(lows)[FEWEST_WIDTHS - 1], sorted(highs)[-FEWEST_WIDTHS]
    if not low < high:
        raise ValueError("no budget of FLOPs was reached by three widths; train for more steps")
    flops_B = np.geomspace(low, high, budgets)
    log_WKB = [np.array([_reached(path, flops_B) for path in by_size[size]]) for size in sizes]
    log_size_W = np.log(sizes)
    rng = np.random.default_rng(seed)
    mean_WB = np.array([each.mean(0) for each in log_WKB])
    whole = _optima(log_size_W, mean_WB)
    drawn_RWB = np.stack(
        [
            np.array([_drawn(each, rng) for each in log_WKB])
            for _ in range(resamples if min(map(len, log_WKB)) > 1 else 0)
        ]
        or [mean_WB]
    )
    drawn = [_optima(log_size_W, one) for one in drawn_RWB]
    best_RB = np.array([[np.nan if one is None else one[0] for one in each] for each in drawn])
    found = tuple(
        _budget(float(flops_B[at]), log_size_W, mean_WB[:, at], whole[at], best_RB[:, at])
        for at in range(budgets)
        if np.isfinite(mean_WB[:, at]).sum() >= FEWEST_WIDTHS
    )
    best_B = np.array([np.nan if one is None else one[0] for one in whole])
    slope, slopes_R = _slope(flops_B, best_B), [_slope(flops_B, each) for each in best_RB]
    kept_R = np.array([each for each in slopes_R if each is not None])
    exponent = None
    if slope is not None and len(kept_R):
        exponent = _estimate(slope, kept_R)
    return Frontier(
        budgets=found,
        exponent=exponent,
        share=len(kept_R) / len(slopes_R),
        seeds=min(map(len, log_WKB)),
    )


def _reached(path: Path, flops_B: Array) -> Array:
    """Return log of the best loss so far at each budget, NaN where the run was not there."""
    log_flops, best = np.log(path.flops), np.log(np.minimum.accumulate(path.loss))
    reached: Array = np.interp(np.log(flops_B), log_flops, best, left=np.nan, right=np.nan)
    # The ends themselves are within, whatever rounding did to their logarithms.
    for at, end in ((0, 0), (-1, -1)):
        near_B = np.isclose(np.log(flops_B), log_flops[end], rtol=0, atol=1e-9)
        reached[near_B] = best[at]
    return reached


def _drawn(log_KB: Array, rng: np.random.Generator) -> Array:
    n = len(log_KB)
    mean_B = log_KB.mean(0)
    wide_KB = mean_B + np.sqrt(n / (n - 1)) * (log_KB - mean_B)
    drawn: Array = wide_KB[rng.integers(0, n, n)].mean(0)
    return drawn


_Optimum = tuple[float, float, tuple[float, float, float]] | None


def _optima(log_size_W: Array, log_WB: Array) -> list[_Optimum]:
    """Return log of the best size and of its loss, and the parabola, at each budget."""
    found: list[_Optimum] = []
    for log_W in log_WB.T:
        there = np.isfinite(log_W)
        if there.sum() < FEWEST_WIDTHS:
            found.append(None)
            continue
        # A parabola is right near the least point alone: further out data or size runs short.
        lowest = int(np.nanargmin(log_W))
        near = np.flatnonzero(there & (np.abs(np.arange(len(log_W)) - lowest) <= _NEIGHBOURS))
        if len(near) < FEWEST_WIDTHS:
            near = np.flatnonzero(there)
        a, b, c = np.polyfit(log_size_W[near], log_W[near], 2)
        best = -b / (2 * a) if a > 0 else np.nan
        inside = log_size_W[there][0] <= best <= log_size_W[there][-1]
        found.append((best, c - b**2 / (4 * a), (a, b, c)) if inside else None)
    return found


def _budget(
    flops: float, log_size_W: Array, log_W: Array, optimum: _Optimum, best_R: Array
) -> Budget:
    there = np.isfinite(log_W)
    best_R = best_R[np.isfinite(best_R)]
    best = None
    if optimum is not None and len(best_R):
        best = _estimate(optimum[0], best_R)
        best = Estimate(
            value=float(np.exp(best.value)), low=float(np.exp(best.low)),
            high=float(np.exp(best.high)),
        )  # fmt: skip
    return Budget(
        flops=flops,
        parameters=tuple(np.exp(log_size_W[there]).tolist()),
        loss=tuple(np.exp(log_W[there]).tolist()),
        best=best,
        least=float(np.exp(optimum[1])) if optimum is not None else None,
        measured=float(np.exp(log_size_W[there][log_W[there].argmin()])),
        curve=optimum[2] if optimum is not None else None,
    )


def _slope(flops_B: Array, best_B: Array) -> float | None:
    there = np.isfinite(best_B)
    if there.sum() < 3:
        return None
    return float(np.polyfit(np.log(flops_B[there]), best_B[there], 1)[0])


def _estimate(value: float, drawn_R: Array) -> Estimate:
    low, high = np.quantile(drawn_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value=value, low=float(min(low, value)), high=float(max(high, value)))
