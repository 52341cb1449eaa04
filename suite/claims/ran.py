"""What the runs of the claims came to, for the experiments to read."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.claims.cells import Cell
from suite.record import RunRecord
from suite.task import Split


@dataclass(frozen=True, kw_only=True)
class Done:
    """A finished run and the cell that asked for it. looked: what was seen in it, by name."""

    cell: Cell
    record: RunRecord
    folder: Path
    looked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def error(self) -> float:
        """The share of test items that it gets wrong, in the terms of the task's primary metric.

        Never below half an item, so that it has a logarithm.
        """
        value = self.record.metrics[f"test/{self.record.primary}"]
        wrong = value if self.record.direction == "minimize" else 1 - value
        items = int(self.record.data_card["sizes"][Split.TEST.value])
        return max(wrong, 0.5 / items)

    @property
    def quality(self) -> float:
        """One less its error, which may be below 0 where errors are a rate."""
        return 1 - self.error

    @property
    def loss(self) -> float:
        """Its loss on the test split."""
        return self.record.metrics["test/loss"]


class Ran:
    """The finished runs of one claim on one set."""

    def __init__(self, done: Sequence[Done]) -> None:
        self._by_study: dict[str, list[Done]] = defaultdict(list)
        for one in done:
            self._by_study[one.cell.study].append(one)

    def of(self, study: str, **axes: object) -> list[Done]:
        """Return the runs of a study, at this place, ordered by seed."""
        found = [
            one
            for one in self._by_study[study]
            if all(one.cell.axes.get(axis) == value for axis, value in axes.items())
        ]
        return sorted(found, key=lambda one: one.cell.seed)

    def by_seed(self, study: str, **axes: object) -> dict[int, list[Done]]:
        """Return the runs of a study, at this place, by seed."""
        found: dict[int, list[Done]] = defaultdict(list)
        for one in self.of(study, **axes):
            found[one.cell.seed].append(one)
        return dict(found)

    def best(self, study: str, axis: str, **axes: object) -> list[Done]:
        """Return the runs at the place on an axis (a learning rate) of the best mean on validation.

        The test split has no say in what is chosen.
        """
        places: dict[object, list[Done]] = defaultdict(list)
        for one in self.of(study, **axes):
            places[one.cell.axes[axis]].append(one)
        return max(places.values(), key=lambda runs: _mean([_validated(one) for one in runs]))


def _validated(one: Done) -> float:
    value = one.record.metrics[f"validation/{one.record.primary}"]
    return -value if one.record.direction == "minimize" else value


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if all(map(math.isfinite, values)) else -math.inf
