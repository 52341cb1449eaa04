"""How far a model is from people, and what the law says would close the gap.

Legend: R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.insight.cost import Cost
from suite.insight.power_law import Law
from suite.insight.resampling import Estimate, student

_NEVER = 0.5
"""Share of resamples whose law never gets there, from which "never" is said."""


@dataclass(frozen=True, kw_only=True)
class People:
    """A gap to people.

    error: theirs, on the same test split, taken as exact. name: of the reference.
    gap: the model's error at the largest size less theirs, with its interval over seeds; None of
        one with a single seed. needed: the size at which the law reaches it, infinite where it
        never does; None where nothing scales, or people are reached already. beyond: it over the
        largest size measured. never: share of resamples whose limit is above people.
    flops: training FLOPs that this size would cost, by the line through those measured.
    """

    name: str
    error: float
    size: float
    gap: float
    interval: Estimate | None
    needed: Estimate | None
    beyond: float | None
    never: float | None
    flops: Estimate | None
    verdict: str

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        beyond = self.beyond if self.beyond is not None and np.isfinite(self.beyond) else None
        return {
            "name": self.name, "human_error": self.error, "size": self.size, "gap": self.gap,
            "interval": self.interval and self.interval.plain(),
            "needed": self.needed and self.needed.plain(), "beyond": beyond, "never": self.never,
            "flops": self.flops and self.flops.plain(), "verdict": self.verdict,
        }  # fmt: skip


def people(law: Law, name: str, error: float, flops: Cost | None = None) -> People:
    """Say how far a law is from people's error. Raises `ValueError` unless that is above 0."""
    if not error > 0:
        raise ValueError(
            f"{name}: error {error}: must be above 0, which no law in logarithms reaches"
        )
    values = np.asarray(law.curve.values[-1])
    gap, interval = float(values.mean() - error), None
    if len(values) > 1:
        half = student(len(values) - 1) * float(values.std(ddof=1)) / np.sqrt(len(values))
        interval = Estimate(value=gap, low=gap - half, high=gap + half)
    size = float(law.curve.size_S[-1])
    needed = beyond = never = needed_flops = None
    if (interval.high if interval else gap) < 0:
        verdict = "beyond people"
    elif (interval.low if interval else gap) <= 0:
        verdict = "like people"
    elif not law.scales:
        verdict = "below people, and no scaling to tell what is missing"
    else:
        own, drawn_R = (_size_at(one, error) for one in (law.fits, law.drawn))
        # Without a limit in the law nothing says whether there is one.
        never = float(np.isinf(drawn_R).mean()) if law.limit is not None else None
        needed = _wide(law, float(own[0]), drawn_R)
        beyond = needed.value / size
        verdict = "below people"
        if np.isinf(needed.value) or (never is not None and never >= _NEVER):
            verdict = "never, by this law"
        if flops is not None and np.isfinite(needed.value):
            costs = [flops.at(one) for one in (needed.value, needed.low)]
            high = flops.at(needed.high).high if np.isfinite(needed.high) else np.inf
            needed_flops = Estimate(value=costs[0].value, low=costs[1].low, high=high)
    return People(
        name=name, error=error, size=size, gap=gap, interval=interval, needed=needed,
        beyond=beyond, never=never, flops=needed_flops, verdict=verdict,
    )  # fmt: skip


def _size_at(fits: Any, error: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (R,) the size at which each law reaches an error; infinite where it never does."""
    above_R = error - fits.limit_R
    reaches_R = (above_R > 0) & (fits.exponent_R > 0)
    ratio_R = fits.scale_R / np.where(reaches_R, above_R, 1.0)
    exponent_R = np.where(reaches_R, fits.exponent_R, 1.0)
    log_R = np.log(ratio_R) / exponent_R
    # A size of 10^100 is never.
    sizes_R: np.ndarray[Any, np.dtype[np.float64]] = np.where(
        reaches_R & (log_R < 230), np.exp(np.minimum(log_R, 230.0)), np.inf
    )
    return sizes_R


def _wide(law: Law, value: float, drawn_R: np.ndarray[Any, np.dtype[np.float64]]) -> Estimate:
    """Return the size with its interval: percentiles, stretched where they are finite."""
    low, high = np.quantile(drawn_R, [0.025, 0.975], method="nearest")
    finite_R = np.where(np.isinf(drawn_R), np.nan, np.log(drawn_R))
    stretch = student(law.resamples.degrees(finite_R)) / 1.959964
    if np.isfinite(value):
        low = value * (low / value) ** stretch
        high = value * (high / value) ** stretch if np.isfinite(high) else high
    return Estimate(value=value, low=float(min(low, value)), high=float(max(high, value)))


def sentence(one: People, of: str) -> str:
    """Say it in words. of: what sizes are, in the plural."""
    told = f"{one.verdict} ({one.name}, error {one.error:.4g}): gap {_signed(one)}"
    if one.needed is None or one.beyond is None:
        return told
    if np.isinf(one.needed.value):
        return f"{told}; the limit is above people in {one.never or 0:.0%} of resamples"
    return (
        f"{told}; the law gets there at {_span(one.needed)} {of}, {_times(one.beyond)} the largest "
        "measured: an extrapolation"
    )


def table_rows(found: Sequence[People]) -> list[list[str]]:
    """Return cells: people, gap, what is missing, how far outside the range, FLOPs, verdict."""
    return [
        [
            f"{one.name}: {one.error:.4f}",
            _signed(one),
            _span(one.needed),
            "—" if one.beyond is None else _times(one.beyond),
            "—" if one.never is None else f"{one.never:.0%}",
            _span(one.flops),
            one.verdict,
        ]
        for one in found
    ]


HEADINGS = (
    "people's error", "gap (95% over seeds)", "size needed (95%), extrapolated",
    "times the largest measured", "never, share of resamples", "training FLOPs (95%)", "verdict",
)  # fmt: skip


def _signed(one: People) -> str:
    told = (
        " (one seed)"
        if one.interval is None
        else f" ({one.interval.low:+.4f} to {one.interval.high:+.4f})"
    )
    return f"{one.gap:+.4f}{told}"


def _span(one: Estimate | None) -> str:
    if one is None:
        return "—"
    if np.isinf(one.low):
        return "never"
    return f"{short(one.value)} ({short(one.low)} to {short(one.high)})"


def _times(value: float) -> str:
    return "never" if np.isinf(value) else f"{short(value)}×"


def short(value: float) -> str:
    """Return a number that a reader can take in."""
    if np.isinf(value):
        return "never" if value > 0 else "-∞"
    return f"{value:,.0f}" if 100 <= abs(value) < 1e7 else f"{value:.3g}"
