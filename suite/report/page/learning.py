"""Learning curves of repeats: the mean and the range over runs, by step, second and natural unit.

Each journal is read once and thinned while it is read, so that time is linear in the journals' size
and memory does not depend on it.

Legend: P points of a curve, G points of the grid, R runs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ReadEvents = Callable[[Path], Iterable[Mapping[str, Any]]]
"""Takes the path of a journal and returns its events."""

CLOCKS = {
    "step": "steps",
    "training_seconds": "seconds on the training clock",
    "units": "natural units",
}
"""What curves run over, and in words."""
_ALIKE = 0.01
"""Share up to which steps of different runs stand for as many units."""
_MOST_POINTS = 64
"""Points kept of one run."""
_GRID = 28
"""Points of the curves that are drawn."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One run's validations: step, seconds on the training clock, and value, (P,) each.

    units_P: what was trained on by then, in the task's natural unit; None where that is not known.
    """

    step_P: Array
    training_seconds_P: Array
    value_P: Array
    units_P: Array | None = None


@dataclass(frozen=True)
class Band:
    """Repeats over one clock: mean, lowest and highest, on a grid that all repeats cover."""

    clock: str
    x_G: Array
    mean_G: Array
    low_G: Array
    high_G: Array

    def points(self) -> Iterable[tuple[float, float, float, float]]:
        """Return x, mean, lowest and highest, point by point."""
        columns = (self.x_G, self.mean_G, self.low_G, self.high_G)
        return zip(*(column.tolist() for column in columns), strict=True)


def read_curve(events: Iterable[Mapping[str, Any]], metric: str) -> Curve | None:
    """Return the validation curve of a metric, thinned; None where there are no two points.

    Of more than 64 points every second is dropped, again and again, so that those left are evenly
    spread; the last one stays.
    """
    name, stride, seen = f"validation/{metric}", 1, 0
    points: list[tuple[float, ...]] = []
    last: tuple[float, ...] | None = None
    for event in events:
        values = event.get("values") or {}
        if (
            event["event"] != "metrics"
            or name not in values
            or "time/training_seconds" not in values
        ):
            continue
        units = values.get("time/units", np.nan)
        last = float(event["step"]), values["time/training_seconds"], values[name], units
        if seen % stride == 0:
            points.append(last)
        seen += 1
        if len(points) > _MOST_POINTS:
            points, stride = points[::2], stride * 2
    if last is not None and points[-1] != last:
        points.append(last)
    if len(points) < 2:
        return None
    step_P, seconds_P, value_P, units_P = np.asarray(points, dtype=np.float64).T
    # Journals of before it was noted have none.
    return Curve(step_P, seconds_P, value_P, None if np.isnan(units_P).any() else units_P)


def band(curves: Sequence[Curve], clock: str) -> Band:
    """Return mean and range of repeats over a clock, between what the last begins and first ends.

    Between validations a curve is a straight line. Where all runs validated at the same steps, the
    grid is made of these.
    """
    at = [getattr(curve, f"{clock}_P") for curve in curves]
    low, high = max(x_P[0] for x_P in at), min(x_P[-1] for x_P in at)
    same = all(len(x_P) == len(at[0]) and np.array_equal(x_P, at[0]) for x_P in at)
    if same and len(at[0]) <= _GRID:
        x_G = at[0]
    else:
        x_G = np.linspace(min(low, high), high, _GRID)
    value_RG = np.stack(
        [np.interp(x_G, x_P, one.value_P) for x_P, one in zip(at, curves, strict=True)]
    )
    return Band(clock, x_G, value_RG.mean(0), value_RG.min(0), value_RG.max(0))


def bands(curves: Sequence[Curve]) -> list[Band]:
    """Return the band over each clock that all of these curves have."""
    told = [clock for clock in CLOCKS if all(getattr(c, f"{clock}_P") is not None for c in curves)]
    return [band(curves, clock) for clock in told]


def tell_apart(bands: Iterable[Sequence[Band]]) -> bool:
    """Return whether steps stand for other numbers of units from one configuration to the next.

    bands: of each configuration. Where they do not, curves over both look the same.
    """
    ends = [{one.clock: float(one.x_G[-1]) for one in own} for own in bands]
    each = [end["units"] / end["step"] for end in ends if end.get("units") and end["step"]]
    return bool(each) and max(each) > (1 + _ALIKE) * min(each)


def read_curves(folders: Iterable[Path], read_events: ReadEvents, metric: str) -> list[Curve]:
    """Return the curves of these runs; a journal that is not there or broken gives none."""
    curves = []
    for folder in folders:
        try:
            curve = read_curve(read_events(folder / "journal.jsonl"), metric)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if curve is not None:
            curves.append(curve)
    return curves
