"""Where one curve overtakes another, such as a deep network a shallow one as data grow.

Legend: G sizes of a grid, R resamples.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.insight.curve import Array, Curve
from suite.insight.resampling import Estimate, Noise, Resamples, resample

_RESAMPLES = 2_000
CROSS, APART, OPEN = "cross", "do not cross within the measured range", "not told apart"


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Which of two curves is lower where, over the sizes that both were measured at or between.

    small, large: log of the first over the second at the least and the largest shared size; below 0
        where the first is better. share: of resamples whose better one changes between these ends.
    size: where they cross, with the interval over resamples that do; None where they do not.
    verdict: "cross" where each is surely better at one end; "do not cross within the measured
        range" where one is surely better at both ends; else "not told apart".
    """

    first: str
    second: str
    least: float
    largest: float
    small: Estimate
    large: Estimate
    share: float
    size: Estimate | None
    verdict: str

    def sentence(self, of: str) -> str:
        """Say it in words. of: what sizes are, in the plural."""
        span = f"from {self.least:,.0f} to {self.largest:,.0f} {of}"
        if self.verdict == CROSS and self.size is not None:
            one, other = (self.first, self.second)[:: 1 if self.small.value < 0 else -1]
            return (
                f"{one} is better with few {of} and {other} with many: they cross at "
                f"{self.size.value:,.0f} (95%: {self.size.low:,.0f} to {self.size.high:,.0f})"
            )
        if self.verdict == APART:
            one, other = (self.first, self.second)[:: 1 if self.large.value < 0 else -1]
            return f"{one} is better than {other} at both ends {span}: they do not cross there"
        return (
            f"{self.first} and {self.second}: not told apart at an end of the range {span}; "
            f"{self.share:.0%} of resamples cross"
        )

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "first": self.first, "second": self.second, "least": self.least,
            "largest": self.largest, "small": self.small.plain(), "large": self.large.plain(),
            "share": self.share, "size": self.size and self.size.plain(), "verdict": self.verdict,
        }  # fmt: skip


def crossing(
    first: Curve,
    second: Curve,
    names: tuple[str, str] = ("first", "second"),
    *,
    fixed: tuple[bool, bool] = (False, False),
    seed: int = 0,
) -> Crossing:
    """Find where two curves cross; between sizes they are straight in log-log.

    fixed: of each, whether no seed has a part in it, as in a support vector machine.
    Nothing is told apart where another curve has one seed a size: its noise is unknown.
    Raises `ValueError` where they share no range of sizes.
    """
    low = max(first.size_S[0], second.size_S[0])
    high = min(first.size_S[-1], second.size_S[-1])
    if not low < high:
        raise ValueError(f"{names[0]} and {names[1]}: share no range of sizes")
    inner = np.union1d(first.size_S, second.size_S)
    grid_G = np.log(inner[(inner >= low) & (inner <= high)])
    drawn = [_drawn(one, seed + at) for at, one in enumerate((first, second))]
    gap_G = np.subtract(*(_between(one, one.log_S[None], grid_G)[0] for one in (first, second)))
    gap_RG = np.subtract(
        *(
            _between(curve, one.log_RS, grid_G)
            for curve, one in zip((first, second), drawn, strict=True)
        )
    )
    both = Resamples(
        log_S=np.concatenate([one.log_S for one in drawn]),
        seeds_RS=np.concatenate([one.seeds_RS for one in drawn], axis=1),
        scatter_RS=np.concatenate([one.scatter_RS for one in drawn], axis=1),
        degrees_S=np.concatenate([one.degrees_S for one in drawn]),
        scatter_degrees=1,
    )
    small = both.estimate(float(gap_G[0]), gap_RG[:, 0])
    large = both.estimate(float(gap_G[-1]), gap_RG[:, -1])
    verdict = OPEN
    seeded = [one.count_S.max() > 1 for one in (first, second)]
    several = any(seeded) and all(s or f for s, f in zip(seeded, fixed, strict=True))
    if several and 0 not in small and 0 not in large:
        verdict = CROSS if small.value * large.value < 0 else APART
    at, at_R = _where(gap_G[None], grid_G)[0], _where(gap_RG, grid_G)
    crossed_R = np.isfinite(at_R)
    size = None
    if np.isfinite(at) and crossed_R.any():
        off_R = np.where(crossed_R, at_R, at)
        found = both.estimate(float(at), off_R)
        # Beyond the range nothing was measured.
        ends = np.clip([found.value, found.low, found.high], grid_G[0], grid_G[-1])
        size = Estimate(value=float(np.exp(ends[0])), low=float(np.exp(ends[1])),
                        high=float(np.exp(ends[2])))  # fmt: skip
    return Crossing(
        first=names[0],
        second=names[1],
        least=float(low),
        largest=float(high),
        small=small,
        large=large,
        share=float(crossed_R.mean()),
        size=size,
        verdict=verdict,
    )


def _drawn(curve: Curve, seed: int) -> Resamples:
    # The curve is what it is, whatever its form: all of its noise is between seeds.
    noise = Noise.of(curve, curve.log_S, len(curve.size_S))
    return resample(curve, noise, resamples=_RESAMPLES, seed=seed)


def _between(curve: Curve, log_RS: Array, grid_G: Array) -> Array:
    """Return (R, G) values on straight lines between sizes."""
    log_size_S = np.log(curve.size_S)
    right_G = np.clip(np.searchsorted(log_size_S, grid_G), 1, len(log_size_S) - 1)
    left_G = right_G - 1
    part_G = (grid_G - log_size_S[left_G]) / (log_size_S[right_G] - log_size_S[left_G])
    between: Array = log_RS[:, left_G] * (1 - part_G) + log_RS[:, right_G] * part_G
    return between


def _where(gap_RG: Array, grid_G: Array) -> Array:
    """Return log of the size at which the better one changes, NaN where the ends agree.

    Of several changes the middle one.
    """
    found = np.full(len(gap_RG), np.nan)
    for at, gap_G in enumerate(gap_RG):
        if gap_G[0] * gap_G[-1] < 0:
            (turns,) = np.nonzero(gap_G[:-1] * gap_G[1:] <= 0)
            turn = int(turns[len(turns) // 2])
            rise = gap_G[turn + 1] - gap_G[turn]
            part = -gap_G[turn] / rise if rise else 0.5
            found[at] = grid_G[turn] + part * (grid_G[turn + 1] - grid_G[turn])
    return found
