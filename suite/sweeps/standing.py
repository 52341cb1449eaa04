"""How far sweeps are, read from their books alone."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from suite.errors import DataError, nearest
from suite.sweeps.books import Books, Entry, Status
from suite.sweeps.opening import running
from suite.sweeps.plan import Cell, Plan
from suite.tracking.sweep_run import Sweep

_SEED = "seed"
Place = tuple[str | None, ...]
"""A cell's values of the settings in which cells differ, without the seed."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A sweep as its books have it.

    open: a living process is at work on it. entries: by the key of the cell. parallel: None where
    a cluster decides. search: of a search, what its trials have come to.
    """

    name: str
    plan: Plan
    entries: Mapping[str, Entry]
    open: bool
    parallel: int | None
    started: float
    search: Mapping[str, Any] | None = None

    @property
    def count(self) -> dict[Status, int]:
        """Cells by how they stand."""
        found = Counter(entry.status for entry in self.entries.values())
        return {status: found[status] for status in Status}

    def cells(self, status: Status) -> list[tuple[Cell, Entry]]:
        """Return the cells that stand so."""
        found = [(cell, self.entries[cell.key]) for cell in self.plan.cells]
        return [(cell, entry) for cell, entry in found if entry.status is status]

    def seconds_left(self, now: float | None = None) -> float | None:
        """Estimate how long what is left takes; None where no cell has finished yet.

        A cell is taken to need the mean time of those finished that are most like it. What is
        left is divided by how many run at once, and is no shorter than its longest cell. A trial
        of a search is taken to need what those before it needed.
        """
        done = [(cell, entry.seconds) for cell, entry in self.cells(Status.finished)]
        if self.search is not None:
            return self._searching()
        if not done:
            return None
        now = time.time() if now is None else now
        keys = sorted(self.plan.varying() - {_SEED})
        known: dict[Place, list[float]] = defaultdict(list)
        for cell, seconds in done:
            known[_place(cell, keys)].append(seconds)

        def needed(cell: Cell) -> float:
            place = _place(cell, keys)
            if place not in known:
                known[place] = [_like(place, known)]
            return fmean(known[place])

        left = []
        for cell in self.plan.cells:
            entry = self.entries[cell.key]
            if entry.status is Status.running:
                left.append(max(needed(cell) - (now - entry.started), 0.0))
            elif entry.status in (Status.pending, Status.killed):
                left.append(needed(cell))
        at_once = self.parallel or max(self.count[Status.running], 1)
        return max(sum(left) / at_once, max(left)) if left else 0.0

    def _searching(self) -> float | None:
        assert self.search is not None
        told: int = sum(self.search["trials"].values())
        if not told:
            return None
        spent = sum(entry.seconds for entry in self.entries.values())
        at_once = self.parallel or max(self.count[Status.running], 1)
        left: int = max(self.search["n_trials"] - told, 0)
        return left * spent / told / at_once


def _place(cell: Cell, keys: Sequence[str]) -> Place:
    return tuple(cell.settings.get(key) for key in keys)


def _like(place: Place, known: Mapping[Place, Sequence[float]]) -> float:
    """Return the mean seconds of the cells that share most settings with a place."""
    shared = {other: sum(a == b for a, b in zip(place, other, strict=True)) for other in known}
    most = max(shared.values())
    return fmean(s for other, n in shared.items() if n == most for s in known[other])


def read_standing(folder: Path) -> Standing:
    """Read how the sweep in this folder stands; raise `DataError` where there is none."""
    plan = Plan.read(folder)
    if plan is None:
        raise DataError(f"{folder}: has no plan.json; it was not made by `triathlon -m`")
    sweep = Sweep.read(folder)
    open_ = running(folder)
    books = Books(folder)
    entries = {cell.key: books.entry(cell.key) for cell in plan.cells}
    return Standing(
        name=folder.name,
        plan=plan,
        entries=entries,
        open=open_,
        parallel=sweep.parallel,
        started=sweep.started,
        search=_search(folder, plan),
    )


def _search(folder: Path, plan: Plan) -> Mapping[str, Any] | None:
    """Return what `search.json` tells; None for a sweep that is no search or has not begun."""
    if not plan.space:
        return None
    try:
        found: Mapping[str, Any] = json.loads((folder / "search.json").read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DataError(f"{folder / 'search.json'}: unreadable ({error})") from error
    return found


def folders(results: Path) -> list[Path]:
    """Return the folders of all sweeps that have books, the newest first."""
    found = results.glob("sweeps/*/plan.json")
    by_age = sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.parent for path in by_age]


def folder_named(results: Path, name: str | None) -> Path:
    """Return the folder of a sweep, of the newest where no name is given."""
    known = folders(results)
    if not known:
        raise DataError(f"{results / 'sweeps'}: has no sweep; `triathlon -m …` makes one")
    if name is None:
        return known[0]
    for folder in known:
        if folder.name == name:
            return folder
    hint = nearest(name, [folder.name for folder in known])
    raise DataError(f"{name}: no such sweep in {results}{hint}; `triathlon sweep list` names them")
