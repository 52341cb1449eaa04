"""What a journal tells already of the steps that a resumed run makes once more."""

import json
import math
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_CLOCKS = ("throughput/", "hardware/", "time/")
"""Prefixes of what no two runs have in common."""
Key = tuple[int, tuple[str, ...]]
Values = Mapping[str, float]


class Told:
    """Values by step and names, each to be asked for once, and artifacts."""

    def __init__(self) -> None:
        self._values: dict[Key, deque[tuple[int, Values]]] = {}
        self.artifacts: set[str] = set()

    @classmethod
    def of(cls, journal: Path, position: int) -> "Told":
        """Return what a journal tells behind so many bytes."""
        told = cls()
        with journal.open("rb") as file:
            file.seek(position)
            offset = position
            for line in file:
                with suppress(ValueError, KeyError, TypeError):  # no event, or none of ours
                    told._note(json.loads(line), offset)
                offset += len(line)
        return told

    def _note(self, event: dict[str, Any], offset: int) -> None:
        if event["event"] == "metrics":
            key = _key(event["step"], event["values"])
            self._values.setdefault(key, deque()).append((offset, event["values"]))
        elif event["event"] == "artifact":
            self.artifacts.add(event["path"])

    def take(self, step: int, values: Values) -> Values | None:
        """Return what was told under these names at this step; None where nothing was."""
        key = _key(step, values) if self._values else None
        if key is None or key not in self._values:
            return None
        known = self._values[key]
        _, before = known.popleft()
        if not known:
            del self._values[key]
        return before

    def first(self) -> int | None:
        """Return how many bytes lie before what was not yet asked for; None where all was."""
        return min((known[0][0] for known in self._values.values()), default=None)


def difference(step: int, before: Values, now: Values) -> str:
    """Return in words what differs, clocks left out; empty where nothing does."""
    for name, value in now.items():
        if name.startswith(_CLOCKS):
            continue
        same = before[name] == value or (math.isnan(before[name]) and math.isnan(value))
        if not same:
            return f"{name} at step {step} was {before[name]}, and is {value} now"
    return ""


def _key(step: int, values: Values) -> Key:
    # Another machine may tell of other clocks: MFU, say.
    own = [name for name in values if not name.startswith(_CLOCKS)]
    return step, tuple(sorted(own or values))
