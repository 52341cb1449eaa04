"""What every part of the configuration can do: name its place, and check its values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

from suite.errors import ConfigError

MISSING = "???"
"""What omegaconf takes for a value that the user has to give."""


@dataclass(kw_only=True)
class Node:
    """A part of the configuration. `group` is its place, for messages."""

    group: ClassVar[str] = ""
    came_later: ClassVar[tuple[str, ...]] = ()
    """Fields that runs were made without, which at their default did what it does: there they have
    no part in a run's hash, so that those runs keep theirs."""

    def unused(self) -> list[str]:
        """Return the fields that came later and are at their default."""
        defaults = {f.name: f.default for f in fields(self)}
        return [name for name in self.came_later if getattr(self, name) == defaults[name]]

    def require(self, name: str, valid: bool, rule: str) -> None:
        """Raise a `ConfigError` that names the key, the value and the rule, unless `valid`."""
        if not valid:
            value = getattr(self, name)
            raise ConfigError(f"{self.group}.{name}={shown(value)}: must be {rule}")

    def require_positive(self, *names: str) -> None:
        """Require each of these numbers, where it is given, to be above zero."""
        for name in names:
            value = getattr(self, name)
            self.require(name, value is None or value > 0, "above 0")

    def require_fraction(self, *names: str) -> None:
        """Require each of these numbers to be at least 0 and below 1."""
        for name in names:
            self.require(name, 0 <= getattr(self, name) < 1, "at least 0 and below 1")


def shown(value: object) -> str:
    """Return a value as it is written on the command line."""
    return "null" if value is None else str(value)
