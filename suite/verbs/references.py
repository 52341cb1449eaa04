"""`triathlon references`: what others reached on each data set, as conf/data/ tells."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.catalogue import Option, Tier, by_task, options
from suite.config import ReferenceConfig, ReferenceKind
from suite.config_folder import checked
from suite.errors import ConfigError, nearest
from suite.plugins import find

HEADINGS = ("data", "test", "metric", "value", "kind", "reference", "n", "uses", "source")
"""test: examples of the test split that the value is a result on."""
_NUMBERS = ("test", "value", "n")
_WIDTH_OF_A_LOG = 150

_INTRODUCTION = """\
# References

What others reached on the test split of each data set, as `conf/data/*.yaml` tells. `make
references` writes this page; a test fails where it is stale.

*test* is the number of test examples that the value is a result on: on a split of another size
nothing is compared. *kind* is published, human, or a baseline from hand-made features. *n* is the
number of runs or people behind the value, where the source tells. *uses* is what it used beyond the
training split, or what else differs. Values are shares; returns are sums of rewards.

A run *reproduces* the best published result where that lies in the 95% interval of the run's own,
over the test items; else it is *below* (worse) or *above* (better). It is *beyond people* where
theirs lies behind the whole interval.
"""


def main(arguments: list[str]) -> int:
    """Show published, human and baseline results, with their sources."""
    parser = argparse.ArgumentParser("triathlon references", description=main.__doc__)
    parser.add_argument("data", nargs="*", help="data sets to show (default: all)")
    parser.add_argument(
        "--markdown", action="store_true", help="print docs/references.md: the suite's own sets"
    )
    parser.add_argument(
        "--config-dir", type=Path, help="a folder of your own with data/NAME.yaml and the like"
    )
    chosen = parser.parse_args(arguments)
    folder = checked(chosen.config_dir)
    data = options("data", find(), own=chosen.markdown, folder=folder)
    unknown = [name for name in chosen.data if name not in data]
    if unknown:
        raise ConfigError(f"references {unknown[0]}: no such data set{nearest(unknown[0], data)}")
    if chosen.data:
        data = {name: data[name] for name in chosen.data}
    tasks = options("task", find(), own=chosen.markdown)
    if chosen.markdown:
        print(markdown(data, tasks), end="")
    else:
        _show(data, tasks)
    return 0


def markdown(data: Mapping[str, Option], tasks: Mapping[str, Option]) -> str:
    """Return the page: a table for each task, and the sets that nothing is known of."""
    from suite.report.tables import markdown_table

    parts = [_INTRODUCTION]
    for task, members in by_task(data, tasks).items():
        rows = [row for option in members for row in rows_of(option)]
        if rows or _silent(members):
            parts.append(f"## {task or 'Other tasks'}\n")
        if rows:
            parts.append(f"{markdown_table(HEADINGS, rows, _NUMBERS)}\n")
        if silent := _silent(members):
            names = ", ".join(f"`{name}`" for name in silent)
            parts.append(f"Nothing is known of {names}.\n")
    return "\n".join(parts)


def rows_of(option: Option) -> list[list[str]]:
    """Return a row for each reference of a data set: by metric and kind, the file's order."""
    kinds = list(ReferenceKind)
    known = option.references()
    metrics = list(dict.fromkeys(one.metric for one in known))
    ordered = sorted(known, key=lambda one: (metrics.index(one.metric), kinds.index(one.kind)))
    return [_row(option, one) for one in ordered]


def _row(option: Option, one: ReferenceConfig) -> list[str]:
    size = option.defaults.get("test_examples")
    test = f"{size:,}" if isinstance(size, int) else "any"
    n = f"n={one.n}" if one.n else ""
    metric = one.metric.replace("_", " ")
    kind, value = one.kind.value, f"{one.value:g}"
    return [option.name, test, metric, value, kind, one.name, n, one.uses, one.source]


def _silent(members: Sequence[Option]) -> list[str]:
    """Return the sets that have no references; nobody has results on the user's own files."""
    published = [one for one in members if one.tier is not Tier.YOURS]
    return [one.name for one in published if not one.references()]


def _show(data: Mapping[str, Option], tasks: Mapping[str, Option]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from suite.trust.terminal import Terminal

    console = Terminal()
    if not console.is_terminal:
        console = Terminal(width=_WIDTH_OF_A_LOG)
    for task, members in by_task(data, tasks).items():
        rows = [row for option in members for row in rows_of(option)]
        table = Table(title=task, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for heading in HEADINGS:
            justify: Any = "right" if heading in _NUMBERS else "left"
            table.add_column(heading, justify=justify, overflow="fold")
        for row in rows:
            table.add_row(*map(escape, row))
        if rows:
            console.print(table)
        if silent := _silent(members):
            console.print(f"{task}: nothing is known of {', '.join(silent)}\n", highlight=False)
