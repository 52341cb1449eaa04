"""The loss along the straight line from the first weights to the best.

Goodfellow, Vinyals and Saxe 2015, "Qualitatively characterizing neural network optimization
problems", found it to fall all the way, as if nothing stood between; a barrier would be a point
above an earlier one.

Legend: A points of the line, P parts of the examples, R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.insight.surface import Height, Surface, Weights, between
from suite.statistics import LEVEL
from suite.task import Split

MONOTONE = 0.01
"""A line that climbs by at most this share of its whole fall counts as falling all the way."""
_RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Barrier:
    """What stands in the way along a line, and its 95% interval over examples.

    climb: the most that the loss rises above an earlier point. at: shares of the way at the bottom
        and at the top of it. fall: from the start to the end. above_chord: the most that it lies
        above the straight line between the losses of both ends.
    """

    climb: float
    low: float
    high: float
    at: tuple[float, float]
    fall: float
    above_chord: float

    @property
    def share(self) -> float:
        """The climb as a share of the fall; infinite where the loss did not fall."""
        return self.climb / self.fall if self.fall > 0 else float("inf")

    @property
    def monotone(self) -> bool:
        """Whether the loss falls all the way."""
        return self.share <= MONOTONE

    def plain(self) -> dict[str, Any]:
        """Return it as JSON takes it; a share that is infinite is null."""
        share = self.share if self.fall > 0 else None
        return {**vars(self), "at": list(self.at), "share": share, "monotone": self.monotone}


@dataclass(frozen=True, kw_only=True)
class Line:
    """Losses and the primary metric of a split along the line, by share of the way."""

    shares: Sequence[float]
    heights: Sequence[Height]

    @property
    def losses(self) -> list[float]:
        """The mean losses."""
        return [height.mean for height in self.heights]


def along(
    surface: Surface, start: Weights, end: Weights, *, points: int = 21, beyond: float = 0.25
) -> dict[Split, Line]:
    """Walk from start to end and `beyond` as a share of the way; return what is there by split."""
    step = 1 / (points - 1)
    shares = [number * step for number in range(points + round(beyond / step))]
    heights: dict[Split, list[Height]] = {Split.TRAIN: [], Split.VALIDATION: []}
    for share in shares:
        surface.put(between(start, end, share))
        for split, found in heights.items():
            found.append(surface.height(split, primary=True))
    return {split: Line(shares=shares, heights=found) for split, found in heights.items()}


def barrier(line: Line, *, seed: int = 0) -> Barrier:
    """Return what stands between both ends of a line, beyond the second of which nothing counts."""
    kept = [k for k, share in enumerate(line.shares) if share <= 1 + 1e-9]
    shares = [line.shares[k] for k in kept]
    total_AP = np.stack([line.heights[k].total_P for k in kept])
    count_AP = np.stack([line.heights[k].count_P for k in kept])
    loss_A = total_AP.sum(1) / count_AP.sum(1)
    bottom, top = _climb(loss_A)
    chord_A = loss_A[0] + (loss_A[-1] - loss_A[0]) * np.array(shares)
    rng = np.random.default_rng(seed)
    parts = total_AP.shape[1]
    drawn_RP = rng.integers(0, parts, (_RESAMPLES, parts))

    def mean_R(point: int) -> NDArray[np.float64]:
        ratio: NDArray[np.float64] = total_AP[point][drawn_RP].sum(1) / count_AP[point][
            drawn_RP
        ].sum(1)
        return ratio

    # Both ends of the climb stay where they are: drawn again, the largest would lie higher still.
    climb_R = mean_R(top) - mean_R(bottom)
    low, high = np.quantile(climb_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Barrier(
        climb=float(loss_A[top] - loss_A[bottom]),
        low=float(low),
        high=float(high),
        at=(shares[bottom], shares[top]),
        fall=float(loss_A[0] - loss_A[-1]),
        above_chord=float(max((loss_A - chord_A).max(), 0.0)),
    )


def _climb(loss_A: NDArray[np.float64]) -> tuple[int, int]:
    """Return the points, in order, between which the loss rises most; the same where it never does.

    A loss that is not a number counts as higher than any.
    """
    loss_A = np.where(np.isfinite(loss_A), loss_A, np.finfo(np.float64).max / 4)
    lowest_A = np.minimum.accumulate(loss_A)
    top = int((loss_A - lowest_A).argmax())
    return int(loss_A[: top + 1].argmin()), top
