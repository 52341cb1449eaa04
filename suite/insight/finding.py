"""What an insight found: what it says, tables, pictures, and the numbers behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from suite.task import Figure


@dataclass(frozen=True, kw_only=True)
class Table:
    """Cells as they are shown, under headings; title says in words what they are."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One part of what was found out about a run or a set of runs.

    name: of its files, and in addresses: `probes`. title: in words.
    lines: what it says, a sentence each, plain text.
    numbers: all that tables and figures show, as JSON takes it.
    metrics: by name, what MLflow gets under `insight/<name>/`.
    """

    name: str
    title: str
    lines: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
