"""What a sweep is to do: its cells, and the identity that follows from them.

A cell is one run. It is known by its configuration's hash, so a sweep is known by the set of these:
the order of its cells, where results go and how it is launched do not change it. Nothing here
imports torch.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.config import RunConfig
from suite.data.cache import atomic_path
from suite.errors import DataError
from suite.tracking.rows import flatten

_MOST_SHOWN = 3
Settings = Mapping[str, str]
"""What of a configuration can change the result, by dotted key."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run of a sweep.

    key: its configuration's hash; of one that is refused, a hash of its overrides.
    settings: empty where it is refused. error: why it is refused.
    """

    key: str
    overrides: tuple[str, ...]
    settings: Settings = field(default_factory=dict)
    error: str | None = None

    @classmethod
    def of(cls, config: RunConfig, overrides: Iterable[str]) -> "Cell":
        """Return the cell of a checked configuration."""
        settings = flatten(config.identity())
        return cls(key=config.hash(), overrides=tuple(overrides), settings=settings)

    @classmethod
    def refused(cls, error: str, overrides: Iterable[str]) -> "Cell":
        """Return a cell that cannot be run."""
        given = tuple(overrides)
        return cls(key=f"refused-{digest(sorted(given))}", overrides=given, error=error)

    @property
    def name(self) -> str:
        """Its overrides in a line."""
        return " ".join(self.overrides) or "the configuration as it is"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The cells of a sweep.

    command: the overrides that it was asked for with, those of Hydra and of `sweep` left out.
    space: of a sweep that chooses its cells while it runs, what it chooses from; then that, and not
        the cells found so far, is its identity.
    """

    command: tuple[str, ...]
    cells: tuple[Cell, ...]
    space: Settings = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """12 hex digits that change with any cell."""
        if self.space:
            return digest(dict(self.space))
        return digest(sorted(cell.key for cell in self.cells))

    def extended(self, other: "Plan") -> "Plan":
        """Return this plan with the cells of another that it lacks."""
        known = {cell.key for cell in self.cells}
        added = tuple(cell for cell in other.cells if cell.key not in known)
        return Plan(
            command=self.command, cells=self.cells + added, space={**self.space, **other.space}
        )

    def varying(self) -> set[str]:
        """Return the settings in which its cells differ."""
        valid = [cell.settings for cell in self.cells if cell.settings]
        common = set.intersection(*(set(one.items()) for one in valid)) if valid else set()
        return {key for one in valid for key in one} - {key for key, _ in common}

    def name(self, cell: Cell) -> str:
        """Return what of a cell's overrides not all cells have."""
        common = set.intersection(*(set(one.overrides) for one in self.cells))
        own = " ".join(one for one in cell.overrides if one not in common)
        return own or cell.name

    def write(self, folder: Path) -> None:
        """Write `plan.json`, whole or not at all; what all cells share is written once."""
        varying = self.varying()
        common: dict[str, str] = {}
        for cell in self.cells:
            common |= {k: v for k, v in cell.settings.items() if k not in varying}
        plain = {
            "identity": self.identity,
            "command": self.command,
            "space": dict(self.space),
            "common": common,
            "cells": [
                {
                    "key": cell.key,
                    "overrides": cell.overrides,
                    "settings": {k: v for k, v in cell.settings.items() if k in varying},
                    "error": cell.error,
                }
                for cell in self.cells
            ],
        }
        with atomic_path(folder / "plan.json") as path:
            path.write_text(json.dumps(plain, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Plan | None":
        """Read `plan.json`; None where there is none."""
        path = folder / "plan.json"
        try:
            plain = json.loads(path.read_text())
            common = plain["common"]
            cells = tuple(
                Cell(
                    key=one["key"],
                    overrides=tuple(one["overrides"]),
                    settings={} if one["error"] else {**common, **one["settings"]},
                    error=one["error"],
                )
                for one in plain["cells"]
            )
            return cls(command=tuple(plain["command"]), cells=cells, space=plain["space"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: not a sweep's plan ({error})") from error


def distinct(cells: Sequence[Cell]) -> tuple[tuple[Cell, ...], list[str]]:
    """Return the cells without those that are the same run as an earlier one; tell of these."""
    seen: dict[str, Cell] = {}
    notes = []
    for cell in cells:
        first = seen.setdefault(cell.key, cell)
        if first is not cell:
            notes.append(f"{cell.name}: the same run as {first.name}, so it is made once")
    return tuple(seen.values()), notes


def difference(old: Plan, new: Plan) -> str:
    """Tell in a line in what two plans differ: settings, cells added, cells gone."""
    if old.space or new.space:
        return "; ".join(_changes([(old.space, new.space)], ""))
    known, asked = ({cell.key: cell for cell in plan.cells} for plan in (old, new))
    gone = [cell for key, cell in known.items() if key not in asked]
    added = [cell for key, cell in asked.items() if key not in known]
    # A cell that was changed has a partner that is like it in all that a sweep varies.
    varying = old.varying() | new.varying()

    def place(cell: Cell) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((k, v) for k, v in cell.settings.items() if k in varying))

    partners = {place(cell): cell for cell in gone if cell.settings}
    pairs = [(partners[place(cell)], cell) for cell in added if place(cell) in partners]
    changed = {cell.key for pair in pairs for cell in pair}
    parts = _changes([(one.settings, other.settings) for one, other in pairs], " run")
    for word, plan, cells in (("added", new, added), ("gone", old, gone)):
        names = [plan.name(cell) for cell in cells if cell.key not in changed]
        if names:
            more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
            parts.append(f"{len(names)} {word}: {', '.join(names[:_MOST_SHOWN])}{more}")
    return "; ".join(parts)


def _changes(pairs: Sequence[tuple[Settings, Settings]], unit: str) -> list[str]:
    """Return a line for each change of a setting, with how many runs it concerns."""
    count: dict[tuple[str, str, str], int] = defaultdict(int)
    for old, new in pairs:
        for key in sorted(old.keys() | new.keys()):
            before, now = old.get(key, "absent"), new.get(key, "absent")
            if before != now:
                count[key, before, now] += 1
    return [
        f"{key}: {before}, now {now}" + (f" ({n}{unit}{'s' if n > 1 else ''})" if unit else "")
        for (key, before, now), n in count.items()
    ]


def digest(value: Any) -> str:
    """Return 12 hex digits of what can be written as JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
