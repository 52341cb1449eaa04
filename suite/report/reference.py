"""The fixed reference that scores over several data sets are taken against: data, not an entrant.

It is a YAML file (`reference.yaml` beside this one, or your own), so that no run, and nobody who
enters later, changes a score.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from suite.errors import DataError
from suite.report.scores import MEASURES

EMBEDDED = Path(__file__).with_name("reference.yaml")
"""The reference of the suite: its recipes on the sets that need no download."""


@dataclass(frozen=True, kw_only=True)
class ReferenceSet:
    """One data set of a reference.

    fingerprint: of the version of the data. target: the threshold of the metric, on validation,
        that times are taken to. floor: what answering without a look at the input gets on the test
        split. quality: what the reference gets there. to_target: values over its repeats, by
        measure (`suite.report.scores.MEASURES`).
    """

    task: str
    data: str
    fingerprint: str
    metric: str
    direction: str
    target: float
    floor: float
    quality: float
    to_target: Mapping[str, tuple[float, ...]]

    def normalized(self, value: float) -> float:
        """Return a test value on a scale from 0, the floor, to 1, the reference's quality.

        (value - floor) / (quality - floor), which serves metrics of either direction.
        """
        return (value - self.floor) / (self.quality - self.floor)

    def median(self, measure: str) -> float | None:
        """Return the median of what the reference took; None where that was not measured."""
        values = self.to_target.get(measure)
        return median(values) if values else None


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A fixed reference. machine: fingerprint of that its seconds and joules are of; "" is none."""

    name: str
    machine: str
    sets: tuple[ReferenceSet, ...]

    @classmethod
    def read(cls, path: Path = EMBEDDED) -> "Reference":
        """Read a reference; raise `DataError` that names the file, the key and the fix."""
        import yaml

        try:
            values = yaml.safe_load(path.read_text())
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            told = str(error).splitlines()[0]
            raise DataError(f"{path}: not a reference ({told}); see {EMBEDDED}") from error
        if not isinstance(values, dict) or not isinstance(values.get("sets"), dict):
            raise DataError(f"{path}: not a reference: sets is missing; see {EMBEDDED}")
        sets = tuple(_set(path, str(data), one) for data, one in values["sets"].items())
        if not sets:
            raise DataError(f"{path}: sets is empty; name one data set at least")
        machine = str(values.get("machine") or "")
        return cls(name=str(values.get("name") or path.stem), machine=machine, sets=sets)


def _set(path: Path, data: str, values: Any) -> ReferenceSet:
    place = f"{path}: sets.{data}"
    if not isinstance(values, dict):
        raise DataError(f"{place}: must hold keys and values; see {EMBEDDED}")
    for key in ("task", "fingerprint", "metric"):
        if not isinstance(values.get(key), str) or not values[key]:
            raise DataError(f"{place}.{key}={values.get(key)}: give a name")
    if values.get("direction") not in ("maximize", "minimize"):
        raise DataError(f"{place}.direction={values.get('direction')}: maximize or minimize")
    numbers = {key: _number(f"{place}.{key}", values.get(key)) for key in _NUMBERS}
    sign = -1 if values["direction"] == "minimize" else 1
    if sign * (numbers["quality"] - numbers["floor"]) <= 0:
        raise DataError(
            f"{place}.quality={numbers['quality']}: must be better than floor={numbers['floor']}"
        )
    return ReferenceSet(
        task=values["task"],
        data=data,
        fingerprint=values["fingerprint"],
        metric=values["metric"],
        direction=values["direction"],
        to_target=_times(place, values.get("to_target")),
        **numbers,
    )


_NUMBERS = ("target", "floor", "quality")


def _times(place: str, values: Any) -> dict[str, tuple[float, ...]]:
    if not isinstance(values, dict) or not values.keys() <= MEASURES.keys():
        known = ", ".join(MEASURES)
        raise DataError(f"{place}.to_target={values}: must hold lists of numbers by {known}")
    times = {}
    for measure, repeats in values.items():
        key = f"{place}.to_target.{measure}"
        if not isinstance(repeats, list) or not repeats:
            raise DataError(f"{key}={repeats}: give a list, one number a repeat")
        times[measure] = tuple(_number(key, one) for one in repeats)
        if not median(times[measure]) > 0:
            raise DataError(f"{key}={repeats}: must be above 0")
    return times


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"{key}={value}: must be a number")
    return float(value)
