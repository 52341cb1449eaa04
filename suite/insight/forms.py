"""Forms that a loss may fall in, and how each is fitted to a curve, to thousands of them at once.

Every form is a scale times a shape that is 1 at the largest size n_S. Shapes are given by the mean
slope b between the ends of the curve, in logarithms, which data tell well, and by the share s of
the limit in the value at n_S, as t = -log(1 - s). For E + A n^-α that is

    α = log((exp(b L) - s) / (1 - s)) / L,  L = log(n_S / n_1),  E = s f(n_S).

In α and E the best fit lies in a narrow bent valley; in b and t it is round, and b = 0 (nothing
falls) is an inner point, so that an interval of the exponent can hold 0.

Legend: S sizes, R curves that are fitted at once, G candidates, Q sizes that are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from suite.insight.curve import Array

Shape = Callable[[Array, Array, Array, float, float], Array]
"""Takes b and t (each (…, 1)), sizes (Q,), n_1 and n_S; returns log f / f(n_S) (…, Q)."""

_NEARLY_ALL = 7.0
"""A limit of 99.9% of what is left is no different from one of all of it."""
_LONG_GONE = 100.0
"""What falls exponentially can be at its limit a hundred times over."""
_TINY = 1e-9


def _growth(b: Array, t: Array, first: float, last: float) -> Array:
    """Return log of how much more than at the end there is above the limit at the beginning."""
    share = -np.expm1(-t)
    above = np.exp(b * np.log(last / first)) - share
    # Where a curve rises by more than what is above its limit there is no such form.
    log_above: Array = np.log(np.maximum(above, 1e-6)) + t
    return log_above


def _power(b: Array, t: Array, size_Q: Array, first: float, last: float) -> Array:
    reach = np.log(last / size_Q) / np.log(last / first)
    return _with_limit(_growth(b, t, first, last) * reach, t)


def _exponential(b: Array, t: Array, size_Q: Array, first: float, last: float) -> Array:
    reach = (last - size_Q) / (last - first)
    return _with_limit(_growth(b, t, first, last) * reach, t)


def _logarithmic(b: Array, t: Array, size_Q: Array, first: float, last: float) -> Array:
    reach = np.log(last / size_Q) / np.log(last / first)
    # Far out a straight line in log n falls below 0, which no loss does.
    line: Array = np.log(np.maximum(1 + np.expm1(b * np.log(last / first)) * reach, _TINY))
    return line


def _constant(b: Array, t: Array, size_Q: Array, first: float, last: float) -> Array:
    return np.zeros(np.broadcast_shapes(b.shape, size_Q.shape))


def _with_limit(exponent: Array, t: Array) -> Array:
    """Return log((1 - s) exp(exponent) + s)."""
    log_s = np.log(np.maximum(-np.expm1(-t), 1e-300))
    both: Array = np.logaddexp(exponent - t, log_s)
    return both


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form. parameters: how many are fitted, the scale included. largest_t: of its limit."""

    name: str
    formula: str
    parameters: int
    shape: Shape
    largest_t: float = 0.0

    @property
    def falls(self) -> bool:
        """Whether it has a slope."""
        return self.parameters > 1

    @property
    def limited(self) -> bool:
        """Whether it has a limit."""
        return self.parameters > 2


POWER_LAW = Form(
    name="power law with a limit",
    formula="E + A n^-α",
    parameters=3,
    shape=_power,
    largest_t=_NEARLY_ALL,
)
PURE = Form(name="power law", formula="A n^-α", parameters=2, shape=_power)
LOGARITHMIC = Form(name="logarithmic", formula="a - b log n", parameters=2, shape=_logarithmic)
EXPONENTIAL = Form(
    name="exponential",
    formula="E + A exp(-n / c)",
    parameters=3,
    shape=_exponential,
    largest_t=_LONG_GONE,
)
CONSTANT = Form(name="constant", formula="E", parameters=1, shape=_constant)
FORMS = (POWER_LAW, PURE, LOGARITHMIC, EXPONENTIAL, CONSTANT)


@dataclass(frozen=True, kw_only=True)
class Fits:
    """A form fitted to R curves: log of the value at the largest size, b and t, (R,) each.

    first, last: least and largest size of the curves. cost_R: what was minimised.
    """

    form: Form
    first: float
    last: float
    log_R: Array
    b_R: Array
    t_R: Array
    cost_R: Array

    def at(self, size_Q: Array) -> Array:
        """Return (R, Q) logarithms of the fitted values."""
        size_Q = np.atleast_1d(np.asarray(size_Q, dtype=np.float64))
        shape_RQ = self.form.shape(
            self.b_R[:, None], self.t_R[:, None], size_Q, self.first, self.last
        )
        log_RQ: Array = self.log_R[:, None] + shape_RQ
        return log_RQ

    @property
    def exponent_R(self) -> Array:
        """α of a power law."""
        growth_R = _growth(self.b_R, self.t_R, self.first, self.last)
        exponent_R: Array = growth_R / np.log(self.last / self.first)
        return exponent_R

    @property
    def limit_R(self) -> Array:
        """E: what is left however large n becomes."""
        limit: Array = -np.expm1(-self.t_R) * np.exp(self.log_R)
        return limit

    @property
    def scale_R(self) -> Array:
        """A of a power law: what is above the limit at n = 1."""
        scale: Array = np.exp(self.log_R - self.t_R + self.exponent_R * np.log(self.last))
        return scale


def fit(
    form: Form, size_S: Array, log_RS: Array, *, weight_S: Array | None = None, delta: float
) -> Fits:
    """Fit a form to curves by the Huber loss of differences in log, as Hoffmann et al. 2022 do
    (arXiv:2203.15556, section 3.3, equation 3).

    delta: up to which difference the loss is a square. Theirs is 10^-3, about the sum of absolute
    differences; infinity gives least squares.
    A grid over both shape parameters stands for many starts; the best of each curve is then refined
    on finer and finer grids. The scale, a Huber location, is solved for at each point.
    """
    weight_S = np.ones(len(size_S)) if weight_S is None else np.asarray(weight_S, np.float64)
    weight_S = weight_S / weight_S.mean()
    parts = [
        _fit(form, size_S, log_RS[start : start + _AT_ONCE], weight_S, delta)
        for start in range(0, len(log_RS), _AT_ONCE)
    ]
    log_R, b_R, t_R, cost_R = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Fits(
        form=form, first=float(size_S[0]), last=float(size_S[-1]), log_R=log_R, b_R=b_R, t_R=t_R,
        cost_R=cost_R,
    )  # fmt: skip


_ROUNDS = 22
"""Refinements: the last step is 1e-4 of the first."""
_AT_ONCE = 128
"""Curves that are fitted at a time, which bounds memory and keeps arrays in the cache."""


def _fit(
    form: Form, size_S: Array, log_RS: Array, weight_S: Array, delta: float
) -> tuple[Array, Array, Array, Array]:
    """Return log of the value at the largest size, b, t and the cost, (R,) each."""
    first, last = float(size_S[0]), float(size_S[-1])
    ends_R = (log_RS[:, 0] - log_RS[:, -1]) / np.log(last / first)
    centre_S = np.log(size_S) - np.log(size_S).mean()
    slope_R = -(log_RS @ centre_S) / (centre_S @ centre_S)
    width_R = 0.5 * np.abs(slope_R) + np.abs(ends_R - slope_R) + 0.02

    def costs(b_RG: Array, v_RG: Array, rounds: int) -> tuple[Array, Array]:
        shape_RGS = form.shape(b_RG[..., None], np.expm1(v_RG)[..., None], size_S, first, last)
        return _location(log_RS[:, None, :] - shape_RGS, weight_S, delta, rounds)

    # In v = log(1 + t) steps are fine where t is small, and yet reach far.
    b_R, v_R, largest_v = slope_R, np.zeros(len(log_RS)), float(np.log1p(form.largest_t))
    if form.falls:
        step_b_R, step_v = width_R / 6, 0.16
        over_v = np.arange(0.0, largest_v + 1e-9, step_v)
        grid_b, grid_v = (one.ravel() for one in np.meshgrid(np.arange(-9.0, 10.0), over_v))
        near_b, near_v = (
            one.ravel()
            for one in np.meshgrid(
                np.arange(-1.0, 2.0), np.arange(-1.0, 2.0) if form.limited else np.zeros(1)
            )
        )
        move_b_RG, move_v_G, rounds = grid_b * step_b_R[:, None], grid_v, 1
        for _ in range(1 + _ROUNDS):
            b_RG = b_R[:, None] + move_b_RG
            v_RG = np.broadcast_to(np.clip(v_R[:, None] + move_v_G, 0, largest_v), b_RG.shape)
            best_R = costs(b_RG, v_RG, rounds)[1].argmin(1)
            rows = np.arange(len(b_R))
            b_R, v_R = b_RG[rows, best_R], v_RG[rows, best_R]
            move_b_RG, move_v_G, rounds = near_b * step_b_R[:, None], near_v * step_v, 3
            step_b_R, step_v = step_b_R / 1.5, step_v / 1.5
    location_RG, cost_RG = costs(b_R[:, None], v_R[:, None], 12)
    return location_RG[:, 0], b_R, np.expm1(v_R), cost_RG[:, 0]


def _location(rest_RGS: Array, weight_S: Array, delta: float, rounds: int) -> tuple[Array, Array]:
    """Return Huber's location of what is left, and its loss, by weighted means in turn."""
    where_RG = (rest_RGS * weight_S).mean(-1)
    if np.isinf(delta):
        cost_RG = (0.5 * weight_S * (rest_RGS - where_RG[..., None]) ** 2).sum(-1)
        return where_RG, cost_RG
    for _ in range(rounds):
        size_RGS = np.abs(rest_RGS - where_RG[..., None])
        factor_RGS = weight_S * np.minimum(1.0, delta / np.maximum(size_RGS, 1e-300))
        where_RG = (factor_RGS * rest_RGS).sum(-1) / factor_RGS.sum(-1)
    size_RGS = np.abs(rest_RGS - where_RG[..., None])
    inner_RGS = np.minimum(size_RGS, delta)
    cost_RG = (weight_S * inner_RGS * (size_RGS - 0.5 * inner_RGS)).sum(-1)
    return where_RG, cost_RG
