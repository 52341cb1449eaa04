"""What a size costs: the exponent by which seconds, bytes, FLOPs or joules grow with it.

Legend: S sizes, R resamples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.insight.curve import Curve
from suite.insight.forms import PURE, Fits, fit
from suite.insight.resampling import Estimate, Noise, Resamples, resample

_RESAMPLES = 1_000


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A straight line through log cost against log size.

    exponent: its slope. first, last: slopes between the two smallest and the two largest sizes: far
        from each other where a fixed part weighs at small sizes, and the line is no law.
    off: the largest factor by which a size lies off the line.
    """

    name: str
    curve: Curve
    exponent: Estimate
    first: float
    last: float
    off: float
    fits: Fits
    drawn: Fits
    resamples: Resamples

    @property
    def constant(self) -> bool:
        """Whether it is the same at every size."""
        mean_S = self.curve.mean_S
        return bool(mean_S.max() < mean_S.min() * 1.001)

    def at(self, size: float) -> Estimate:
        """Return the cost that the line gives a size."""
        value, drawn_R = (one.at(np.array([size]))[:, 0] for one in (self.fits, self.drawn))
        return self.resamples.estimate(float(np.exp(value[0])), np.exp(drawn_R), log=True)

    def plain(self) -> dict[str, Any]:
        """Return its numbers for JSON."""
        return {
            "name": self.name, "exponent": self.exponent.plain(), "first_slope": self.first,
            "last_slope": self.last, "largest_factor_off": self.off,
            "sizes": self.curve.size_S.tolist(), "values": [list(v) for v in self.curve.values],
        }  # fmt: skip


def cost(name: str, curve: Curve, *, resamples: int = _RESAMPLES, seed: int = 0) -> Cost:
    """Fit the exponent of a cost to three sizes or more, with its interval.

    Raises `ValueError` where there are fewer.
    """
    if len(curve.size_S) < 3:
        raise ValueError(f"{name}: {len(curve.size_S)} sizes; an exponent needs 3 or more")
    weight_S = curve.count_S.astype(np.float64)
    fits = fit(PURE, curve.size_S, curve.log_S[None], weight_S=weight_S, delta=np.inf)
    fitted_S = fits.at(curve.size_S)[0]
    drawn_curves = resample(
        curve, Noise.of(curve, fitted_S, PURE.parameters), resamples=resamples, seed=seed
    )
    drawn = fit(PURE, curve.size_S, drawn_curves.log_RS, weight_S=weight_S, delta=np.inf)
    local = np.diff(curve.log_S) / np.diff(np.log(curve.size_S))
    return Cost(
        name=name,
        curve=curve,
        exponent=drawn_curves.estimate(-float(fits.exponent_R[0]), -drawn.exponent_R),
        first=float(local[0]),
        last=float(local[-1]),
        off=float(np.exp(np.abs(curve.log_S - fitted_S).max())),
        fits=fits,
        drawn=drawn,
        resamples=drawn_curves,
    )


def costs(by_name: Mapping[str, Mapping[float, list[float]]]) -> list[Cost]:
    """Return the exponent of each cost that was measured at three sizes or more."""
    found = []
    for name, by_size in by_name.items():
        known = {size: kept for size, v in by_size.items() if (kept := [x for x in v if x > 0])}
        if len(known) >= 3:
            found.append(cost(name, Curve.of(known)))
    return found
