"""The law that a loss or an error falls by with size: L(n) = E + A n^-α, E at or above 0.

Hestness et al. 2017 (arXiv:1712.00409), Rosenfeld et al. 2020 (arXiv:1909.12673), Hoffmann et al.
2022 (arXiv:2203.15556). What is fitted and drawn again is in `forms.py` and `resampling.py`.

Legend: S sizes, R resamples, Q sizes that are asked for.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.insight.curve import Array, Curve
from suite.insight.forms import FORMS, POWER_LAW, PURE, Fits, Form, fit
from suite.insight.resampling import Estimate, Noise, Resamples, resample, student

FEWEST_SIZES = 3
RESAMPLES = 500
_ENOUGH_ORDERS = 1.5
_SATURATED = 0.8
"""Share of the limit in the value at the largest size, from which there is little left to see."""
_HUBER = 1.345
"""Standard deviations up to which Huber's loss is a square: 95% as efficient as least squares where
noise is normal. Hoffmann et al. set 10^-3, which nearly minimises absolute differences; with six
sizes of three seeds that would throw a third of the evidence away."""
_LEAST_DELTA = 1e-3
_MEDIAN_TO_DEVIATION = 1.4826
"""Of absolute differences, where noise is normal."""

NO_SCALING, RISES, FALLS = "no scaling", "rises with size", "falls with size"
UNRESOLVED = "not resolved: noise hides whether it scales"
_FLAT = 0.1
"""Slopes in log-log that a curve's interval must keep within to be said not to scale: over a decade
such a curve falls by a fifth."""
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Law:
    """A fitted law, and what it could be as well.

    exponent: α. limit: E. scale: A. share: of E in the value at the largest size. The law of three
        sizes has no limit: it and its share are None.
    slope: of a straight line in log-log, which needs no limit.
    verdict: which way it goes; where the interval of the slope holds 0, "no scaling" if that is
        narrow, else "not resolved".
    fits: of the curve itself; drawn: of R curves drawn anew.
    """

    curve: Curve
    fits: Fits
    drawn: Fits
    resamples: Resamples
    noise: Noise
    delta: float
    exponent: Estimate
    limit: Estimate | None
    scale: Estimate
    share: Estimate | None
    slope: Estimate
    verdict: str
    warnings: tuple[str, ...]

    @property
    def scales(self) -> bool:
        """Whether it surely falls or rises."""
        return self.verdict in (FALLS, RISES)

    def at(self, size: float) -> Estimate:
        """Return the law's own value at a size, with the interval of the law alone."""
        value, drawn_R = self.fits.at(np.array([size])), self.drawn.at(np.array([size]))
        return self.resamples.estimate(float(np.exp(value[0, 0])), np.exp(drawn_R[:, 0]), log=True)

    def predict(self, size: float, seeds: int = 1) -> Estimate:
        """Return what the mean of so many seeds should be at a size, its own noise included."""
        law = self.at(size)
        half = student(self.noise.seed_degrees or self.noise.degrees) * self.noise.of_mean(seeds)
        low, high = np.log(law.value / law.low), np.log(law.high / law.value)
        return Estimate(
            value=law.value,
            low=law.value * float(np.exp(-np.hypot(low, half))),
            high=law.value * float(np.exp(np.hypot(high, half))),
        )

    def plain(self) -> dict[str, Any]:
        """Return its numbers for JSON."""
        named = ("exponent", "limit", "scale", "share", "slope")
        estimates = {name: getattr(self, name) for name in named}
        return {name: one and one.plain() for name, one in estimates.items()} | {
            "verdict": self.verdict,
            "warnings": list(self.warnings),
            "seed_deviation_log": float(np.sqrt(self.noise.seed)),
            "scatter_deviation_log": float(np.sqrt(self.noise.scatter)),
        }


def power_law(
    curve: Curve, *, weight_S: Array | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> Law:
    """Fit the law to a curve of three sizes or more, with intervals over its seeds.

    weight_S: of each size; by default its seeds. Raises `ValueError` where there are fewer sizes,
    or where neither a second seed nor a fourth size tells what noise is.
    """
    sizes = len(curve.size_S)
    if sizes < FEWEST_SIZES:
        raise ValueError(f"{sizes} sizes: a law needs {FEWEST_SIZES} or more")
    if sizes == FEWEST_SIZES and curve.count_S.max() < 2:
        raise ValueError("3 sizes with one seed each: give more seeds or sizes")
    weight_S = curve.count_S.astype(np.float64) if weight_S is None else weight_S
    log_1S, size_S = curve.log_S[None], curve.size_S
    # With three sizes the limit would go through any three.
    form = POWER_LAW if sizes > FEWEST_SIZES else PURE
    delta = huber_delta(form, curve, weight_S)
    fits = fit(form, size_S, log_1S, weight_S=weight_S, delta=delta)
    noise = Noise.of(curve, fits.at(size_S)[0], form.parameters)
    drawn_curves = resample(curve, noise, resamples=resamples, seed=seed)
    drawn = fit(form, size_S, drawn_curves.log_RS, weight_S=weight_S, delta=delta)

    def line(log_RS: Array) -> Array:
        return fit(PURE, size_S, log_RS, weight_S=weight_S, delta=np.inf).exponent_R

    # Whether it falls at all is asked of whatever form it has.
    _, least = noise_of_best(curve, weight_S, form)
    bent = resample(curve, least, resamples=resamples, seed=seed)

    def told(value_1: Array, value_R: Array, **options: Any) -> Estimate:
        return drawn_curves.estimate(float(value_1[0]), value_R, **options)

    exponent = told(fits.exponent_R, drawn.exponent_R)
    slope = bent.estimate(float(line(log_1S)[0]), line(bent.log_RS))
    limit = share = None
    if form.limited:
        limit = told(fits.limit_R, drawn.limit_R, least=0.0)
        share = told(-np.expm1(-fits.t_R), -np.expm1(-drawn.t_R), least=0.0)
        share = Estimate(value=share.value, low=share.low, high=min(1.0, share.high))
    return Law(
        curve=curve,
        fits=fits,
        drawn=drawn,
        resamples=drawn_curves,
        noise=noise,
        delta=delta,
        exponent=exponent,
        limit=limit,
        scale=told(fits.scale_R, drawn.scale_R, log=True),
        share=share,
        slope=slope,
        verdict=_verdict(slope),
        warnings=_warnings(curve, share, slope),
    )


def huber_delta(form: Form, curve: Curve, weight_S: Array) -> float:
    """Return up to which difference in log Huber's loss is a square.

    Noise is measured so that one bad size does not hide itself: around a fit by absolute
    differences, which goes through as many sizes as it has parameters, by the median of the rest.
    """
    log_S, count = curve.log_S, form.parameters
    rough = fit(form, curve.size_S, log_S[None], weight_S=weight_S, delta=_LEAST_DELTA)
    off_S = np.sort(np.abs(log_S - rough.at(curve.size_S)[0]))[count:]
    spread = _MEDIAN_TO_DEVIATION * float(np.median(off_S)) if len(off_S) else 0.0
    seeds = Noise.of(curve, log_S, len(log_S)).of_mean(float(curve.count_S.mean()))
    return max(_HUBER * max(spread, seeds), _LEAST_DELTA)


def aicc(form: Form, curve: Curve, weight_S: Array) -> float | None:
    """Return Akaike's criterion with Hurvich and Tsai's correction, by least squares in log.

    None where there are too few sizes for it.
    """
    n, parameters = len(curve.size_S), form.parameters + 1
    if n <= parameters + 1:
        return None
    fits = fit(form, curve.size_S, curve.log_S[None], weight_S=weight_S, delta=np.inf)
    off_S = curve.log_S - fits.at(curve.size_S)[0]
    squares = float((weight_S / weight_S.mean() * off_S**2).sum())
    fitted = n * np.log(max(squares, 1e-300) / n) + 2 * parameters
    return float(fitted + 2 * parameters * (parameters + 1) / (n - parameters - 1))


def noise_of_best(curve: Curve, weight_S: Array, form: Form) -> tuple[Form, Noise]:
    """Return the noise around the form that AICc prefers, or around this one if that is less.

    How far sizes lie off a wrong form is no noise.
    """
    known = [(value, at) for at, one in enumerate(FORMS)
             if (value := aicc(one, curve, weight_S)) is not None]  # fmt: skip
    tried = [FORMS[min(known)[1]]] if known else []
    found = []
    for one in (*tried, form):
        fits = fit(one, curve.size_S, curve.log_S[None], weight_S=weight_S, delta=np.inf)
        found.append((one, Noise.of(curve, fits.at(curve.size_S)[0], one.parameters)))
    return min(found, key=lambda each: each[1].scatter)


def _verdict(slope: Estimate) -> str:
    # A curve without any noise is straight up to rounding.
    if slope.low <= _ROUNDING and slope.high >= -_ROUNDING:
        return NO_SCALING if max(-slope.low, slope.high) < _FLAT else UNRESOLVED
    return FALLS if slope.value > 0 else RISES


def _warnings(curve: Curve, share: Estimate | None, slope: Estimate) -> tuple[str, ...]:
    """Say what the curve cannot tell."""
    found = []
    if curve.orders < _ENOUGH_ORDERS:
        found.append(
            f"sizes span {curve.orders:.2f} orders of magnitude; an exponent wants "
            f"{_ENOUGH_ORDERS} or more"
        )
    if share is None:
        found.append("three sizes: no limit was fitted, as it would go through any three")
    elif 0 not in slope:
        if share.low <= 0:
            found.append("the limit is not resolved: its interval reaches 0")
        if share.low > _SATURATED:
            found.append(
                f"saturated: at the largest size {share.low:.0%} or more is the limit already"
            )
    if curve.count_S.max() < 2:
        found.append("one seed a size: intervals are from how far sizes lie off the law")
    if curve.lifted:
        found.append(f"{curve.lifted} values at the floor of half an error")
    return tuple(found)
