"""How far what was fitted to a curve could lie from the truth: curves drawn anew from its noise.

Two kinds of noise are told apart. *Seeds*: runs of one size differ; they are drawn again within
their size. *Scatter*: sizes lie off the form by more than their seeds explain (another subset of
the data, a step of the architecture), or there is one seed each; residuals are drawn again. What is
drawn again spreads by √((n - 1) / n) too little, so deviations are widened by its inverse, and an
interval from few of them is stretched by Student's t over the normal quantile, with Satterthwaite's
degrees of freedom, as `triathlon report` does for means (docs/statistics.md).

Legend: S sizes, R resamples, K seeds of a size.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.insight.curve import Array, Curve

LEVEL = 0.95
_NORMAL = 1.959964


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its 95% interval. Either end may be infinite."""

    value: float
    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def plain(self) -> dict[str, Any]:
        """Return it for JSON, which has no infinity: None."""
        return {
            name: value if np.isfinite(value) else None
            for name, value in (("value", self.value), ("low", self.low), ("high", self.high))
        }


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What makes values differ. Variances of logarithms.

    seed: of one run, pooled over sizes with several; 0 where there are none.
    scatter: of a size as a whole, beyond its seeds.
    residual_S: of the fit, to draw scatter from. degrees: of the scatter.
    """

    seed: float
    seed_degrees: int
    scatter: float
    degrees: int
    residual_S: Array

    @classmethod
    def of(cls, curve: Curve, fitted_S: Array, parameters: int) -> "Noise":
        """Tell seeds and scatter apart around a fit, by an analysis of variance."""
        count_S, residual_S = curve.count_S, curve.log_S - fitted_S
        within = sum(float(((np.log(v) - np.log(v).mean()) ** 2).sum()) for v in curve.values)
        seed_degrees = int((count_S - 1).sum())
        seed = within / seed_degrees if seed_degrees else 0.0
        degrees = len(count_S) - parameters
        scatter = 0.0
        if degrees > 0:
            between = float((count_S * residual_S**2).sum()) / degrees
            scatter = max(0.0, between - seed) / float(count_S.mean())
        return cls(
            seed=seed, seed_degrees=seed_degrees, scatter=scatter, degrees=max(degrees, 1),
            residual_S=residual_S,
        )  # fmt: skip

    def of_mean(self, seeds: float) -> float:
        """Return the standard deviation of a mean over seeds at one size."""
        return float(np.sqrt(self.seed / max(seeds, 1) + self.scatter))


@dataclass(frozen=True, kw_only=True)
class Resamples:
    """Curves drawn anew: mean logarithms (R, S), by what moved them.

    degrees_S: of the seeds of each size. scatter_degrees: of the scatter of all.
    """

    log_S: Array
    seeds_RS: Array
    scatter_RS: Array
    degrees_S: Array
    scatter_degrees: int

    @property
    def log_RS(self) -> Array:
        """The curves."""
        return self.log_S + self.seeds_RS + self.scatter_RS

    def degrees(self, drawn_R: Array) -> float:
        """Return Satterthwaite's degrees of freedom of what was computed of each curve."""
        known_R = np.isfinite(drawn_R)
        if known_R.sum() < 3:
            return 1.0
        off_R = drawn_R[known_R] - drawn_R[known_R].mean()

        def part(moved_RS: Array) -> Array:
            moved_RS = moved_RS[known_R] - moved_RS[known_R].mean(0)
            variance_S = (moved_RS**2).mean(0)
            covariance_S = (moved_RS * off_R[:, None]).mean(0)
            squared_S: Array = np.where(
                variance_S > 0, covariance_S**2 / np.maximum(variance_S, 1e-300), 0.0
            )
            return squared_S

        seeds_S, scatter = part(self.seeds_RS), float(part(self.scatter_RS).sum())
        total = float(seeds_S.sum()) + scatter
        below = float((seeds_S**2 / self.degrees_S).sum()) + scatter**2 / self.scatter_degrees
        return max(1.0, total**2 / below) if below > 0 else float(self.degrees_S.sum())

    def estimate(
        self, value: float, drawn_R: Array, *, log: bool = False, least: float = -np.inf
    ) -> Estimate:
        """Return a number with its interval. log: for what is above 0 and differs by factors."""
        stretch = student(self.degrees(np.log(drawn_R) if log else drawn_R)) / _NORMAL
        with np.errstate(invalid="ignore"):
            low, high = np.quantile(drawn_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
            if log:
                low, high = value * (low / value) ** stretch, value * (high / value) ** stretch
            else:
                low, high = value + stretch * (low - value), value + stretch * (high - value)
        return Estimate(
            value=float(value), low=float(max(least, min(low, value))), high=float(max(high, value))
        )


def resample(curve: Curve, noise: Noise, *, resamples: int, seed: int) -> Resamples:
    """Draw curves anew."""
    rng = np.random.default_rng(seed)
    sizes = len(curve.size_S)
    seeds_RS = np.zeros((resamples, sizes))
    for at, values in enumerate(curve.values):
        n = len(values)
        if n > 1:
            log_K = np.log(values)
            wide_K = np.sqrt(n / (n - 1)) * (log_K - log_K.mean())
            seeds_RS[:, at] = wide_K[rng.integers(0, n, (resamples, n))].mean(1)
        elif noise.seed > 0:
            seeds_RS[:, at] = rng.normal(0, np.sqrt(noise.seed), resamples)
    residual_S = noise.residual_S - noise.residual_S.mean()
    spread = float(np.sqrt((residual_S**2).mean()))
    scatter_RS = np.zeros((resamples, sizes))
    if noise.scatter > 0 and spread > 0:
        scaled_S = residual_S / spread * np.sqrt(noise.scatter)
        scatter_RS = scaled_S[rng.integers(0, sizes, (resamples, sizes))]
    own_S = curve.count_S - 1
    degrees_S = np.where(own_S > 0, own_S, max(noise.seed_degrees, 1)).astype(np.float64)
    return Resamples(
        log_S=curve.log_S, seeds_RS=seeds_RS, scatter_RS=scatter_RS, degrees_S=degrees_S,
        scatter_degrees=noise.degrees,
    )  # fmt: skip


def student(degrees: float) -> float:
    """Return the quantile of Student's t that 95% lie within."""
    from scipy.stats import t

    return float(t.ppf((1 + LEVEL) / 2, max(degrees, 1.0)))
