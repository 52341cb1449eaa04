"""How much it matters which learning rate an optimizer (or a loss) is given.

A choice is judged over a range of learning rates and several seeds: how many of its runs come to
anything, how good the best rate is, how soon it is there, and over how many decades of the rate the
result is nearly as good. The last is what Wortsman et al. 2023 ("Small-scale proxies for
large-scale transformer training instabilities", section 2.2) and Sivaprasad et al. 2020 ("Optimizer
benchmarking needs to account for hyperparameter tuning") mean by sensitivity.

Independent are seeds, not runs: those of one seed share its first weights and its order. So seeds
are drawn again, each with its runs at all rates, and the best rate is chosen anew in each resample.
A run that failed or whose value is not finite has the worst value there is.

Legend: L learning rates, S seeds, R resamples.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.errors import DataError
from suite.statistics import LEVEL
from suite.task import Direction

_RESAMPLES = 2000
_ALL_UP_TO = 5
"""Seeds up to which every resample there is is taken once: 3125 of 5."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run. choice: the optimizer or loss. value: in the end; NaN where it failed.

    reached: steps or seconds to the common target; None where it was not reached.
    """

    choice: str
    lr: float
    seed: int
    value: float
    reached: float | None = None


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval over seeds; it may be infinite where runs came to nothing."""

    value: float
    low: float
    high: float

    def told(self, digits: int = 3) -> str:
        """Return it in words."""
        low, value, high = (f"{x:.{digits}g}" for x in (self.low, self.value, self.high))
        return f"{value} ({low} to {high})"


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What came of one choice.

    seeds, rates: how many. converged: share of all runs that came as far as the criterion.
    best: mean over seeds at the best rate, which is best_lr. decades: width of the range of rates
        around it whose mean is within the tolerance, between tried rates by straight lines over the
        logarithm; at_least: it ends at the end of what was tried, so that it may be wider.
    reached: median over seeds of the steps or seconds to the target, at the rate where it is least.
    """

    seeds: int
    rates: int
    converged: Estimate
    best: Estimate
    best_lr: float
    decades: Estimate
    at_least: bool
    reached: Estimate


@dataclass(frozen=True)
class Runs:
    """The runs of one choice as tables: rates by seeds. Rates are in ascending order."""

    lr_L: NDArray[np.float64]
    value_LS: NDArray[np.float64]
    reached_LS: NDArray[np.float64]

    @cached_property
    def seeds(self) -> int:
        """Number of seeds."""
        return int(self.value_LS.shape[1])

    def of(self, drawn_S: NDArray[np.int64]) -> "Runs":
        """Return the runs of these seeds, each as often as it is drawn."""
        return Runs(self.lr_L, self.value_LS[:, drawn_S], self.reached_LS[:, drawn_S])


def tables(trials: Iterable[Trial], direction: Direction) -> dict[str, Runs]:
    """Return the runs of each choice as tables; raise a `DataError` where a run is missing."""
    kept = list(trials)
    found = {}
    for choice in dict.fromkeys(trial.choice for trial in kept):
        own = {(t.lr, t.seed): t for t in kept if t.choice == choice}
        rates, seeds = (sorted(set(values)) for values in zip(*own, strict=True))
        missing = [key for key in itertools.product(rates, seeds) if key not in own]
        if missing:
            lr, seed = missing[0]
            raise DataError(f"{choice}: no run of lr={lr:g} seed={seed}; give each rate all seeds")
        grid = [[own[lr, seed] for seed in seeds] for lr in rates]
        worst = direction.worst
        value = [[t.value if math.isfinite(t.value) else worst for t in row] for row in grid]
        reached = [[math.inf if t.reached is None else t.reached for t in row] for row in grid]
        found[choice] = Runs(np.array(rates, float), np.array(value), np.array(reached, float))
    return found


def sensitivities(
    trials: Iterable[Trial], *, direction: Direction, criterion: float, within: float
) -> dict[str, Sensitivity]:
    """Return what came of each choice.

    criterion: the value at which a run has converged, or better. within: how far from the best mean
    a rate's mean may be to be as good.
    """
    found = {}
    for choice, runs in tables(trials, direction).items():
        drawn = [runs.of(drawn_S) for drawn_S in resamples(runs.seeds)]

        def estimate(measure: Any, runs: Runs = runs, drawn: list[Runs] = drawn) -> Estimate:
            return _estimate(measure(runs), [measure(one) for one in drawn])

        best, width = _best(runs, direction), _width(runs, direction, within)
        found[choice] = Sensitivity(
            seeds=runs.seeds,
            rates=len(runs.lr_L),
            converged=estimate(lambda one: _converged(one, direction, criterion)),
            best=estimate(lambda one: float(_mean(one)[_best(one, direction)])),
            best_lr=float(runs.lr_L[best]),
            decades=estimate(lambda one: _width(one, direction, within)[0]),
            at_least=width[1],
            reached=estimate(_reached),
        )
    return found


def wider_by(
    trials: Iterable[Trial], one: str, other: str, *, direction: Direction, within: float
) -> Estimate:
    """Return by how many decades the range of one choice is wider than that of another.

    A range that ends with the rates that were tried counts as it is, though it may be wider. Seeds
    are drawn together where both have as many, as each pair shares its data's order.
    """
    runs = tables(trials, direction)
    first, second = runs[one], runs[other]

    def width(runs: Runs) -> float:
        return _width(runs, direction, within)[0]

    if first.seeds == second.seeds:
        differences = [width(first.of(s)) - width(second.of(s)) for s in resamples(first.seeds)]
    else:
        apart = zip(
            resamples(first.seeds, seed=1), itertools.cycle(resamples(second.seeds)), strict=False
        )
        differences = [width(first.of(s)) - width(second.of(t)) for s, t in apart]
    return _estimate(width(first) - width(second), differences)


def trials_of(records: Iterable[Mapping[str, Any]], *, by: str = "optimizer") -> list[Trial]:
    """Return the runs of plain records.

    by: `optimizer`, or `loss`, or another group they differ in.
    The value is the primary metric on the validation split, at the weights that were kept; what was
    reached is the target, in steps. A run that failed has neither.
    """
    trials = []
    for record in records:
        metrics, reached = record.get("metrics") or {}, record.get("reached") or {}
        ended = record.get("status") == "finished"
        value = metrics.get(f"validation/{record.get('primary')}", math.nan)
        trials.append(
            Trial(
                choice=str(record[by]),
                lr=float(record["config"]["optimizer"]["lr"]),
                seed=int(record["seed"]),
                value=float(value) if ended else math.nan,
                reached=reached.get("step") if ended else None,
            )
        )
    return trials


def resamples(seeds: int, *, seed: int = 0) -> list[NDArray[np.int64]]:
    """Return which seeds are drawn in each resample: every one there is, where they are few."""
    if seeds <= _ALL_UP_TO:
        return [np.array(drawn) for drawn in itertools.product(range(seeds), repeat=seeds)]
    return list(np.random.default_rng(seed).integers(0, seeds, (_RESAMPLES, seeds)))


def _mean(runs: Runs) -> NDArray[np.float64]:
    mean_L: NDArray[np.float64] = runs.value_LS.mean(1)
    return mean_L


def _best(runs: Runs, direction: Direction) -> int:
    mean_L = _mean(runs)
    return int(mean_L.argmax() if direction is Direction.MAXIMIZE else mean_L.argmin())


def _converged(runs: Runs, direction: Direction, criterion: float) -> float:
    good_LS = (
        runs.value_LS >= criterion
        if direction is Direction.MAXIMIZE
        else runs.value_LS <= criterion
    )
    return float(good_LS.mean())


def _reached(runs: Runs) -> float:
    ordered_LS = np.sort(runs.reached_LS, axis=1)
    # Of an even number the later of both in the middle: a mean would be infinite or misleading.
    return float(ordered_LS[:, runs.seeds // 2].min())


def _width(runs: Runs, direction: Direction, within: float) -> tuple[float, bool]:
    """Return the width in decades around the best rate, and whether it ends where the rates do."""
    mean_L = _mean(runs) if direction is Direction.MAXIMIZE else -_mean(runs)
    best = int(mean_L.argmax())
    if not math.isfinite(mean_L[best]):
        return 0.0, False
    least, log_L = mean_L[best] - within, np.log10(runs.lr_L)
    low, open_low = _edge(mean_L[best::-1], log_L[best::-1], least)
    high, open_high = _edge(mean_L[best:], log_L[best:], least)
    return float(high - low), open_low or open_high


def _edge(
    mean_L: NDArray[np.float64], log_L: NDArray[np.float64], least: float
) -> tuple[float, bool]:
    """Return where the mean first falls below `least`; the end, and True, where it never does."""
    for k in range(1, len(mean_L)):
        if mean_L[k] < least:
            if not math.isfinite(mean_L[k]):
                return float(log_L[k - 1]), False
            share = (mean_L[k - 1] - least) / (mean_L[k - 1] - mean_L[k])
            return float(log_L[k - 1] + share * (log_L[k] - log_L[k - 1])), False
    return float(log_L[-1]), True


def _estimate(value: float, drawn: Sequence[float]) -> Estimate:
    # Of resamples themselves, not between them: infinity is a value here.
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    low = float(np.quantile(drawn, ends[0], method="inverted_cdf"))
    high = float(np.quantile(drawn, ends[1], method="inverted_cdf"))
    return Estimate(value, low, high)
