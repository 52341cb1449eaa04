"""`triathlon list`: tasks, data sets, backbones, optimizers and the rest, a line each."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from suite.catalogue import Option, Tier, by_task, options
from suite.config_folder import checked
from suite.plugins import find

GROUPS = ("task", "data", "backbone", "loss", "optimizer", "schedule", "precision", "hardware",
          "trainer", "tracking", "experiment")  # fmt: skip

_TIERS = """\
  embedded: comes with the suite. standard: the files as published, in <cache>/data/<set> or in the
  folder data.path=…, or fetched with data.download=true where it says so. yours: your own files, by
  the options it names. `triathlon references` tells what others reached."""


def main(arguments: list[str]) -> int:
    """List what `conf/` and the plugins offer."""
    parser = argparse.ArgumentParser("triathlon list", description=main.__doc__)
    parser.add_argument("group", nargs="*", choices=[*GROUPS, []], help="groups to list")
    parser.add_argument(
        "--config-dir", type=Path, help="a folder of your own with data/NAME.yaml and the like"
    )
    given = parser.parse_args(arguments)
    found, folder = find(), checked(given.config_dir)
    faults: list[str] = []
    for group in given.group or GROUPS:
        offered = options(group, found, folder=folder)
        wrong = [one for one in offered.values() if one.fault]
        faults += [f"{group}={one.name} cannot be read: {one.fault}" for one in wrong]
        if group == "data":
            tables = data_tables(offered, options("task", found, folder=folder))
        else:
            tables = {group: [[one.name, one.line] for one in offered.values()]}
        for title, rows in tables.items():
            if rows:
                print(f"\n{title}")
                print(*_aligned(rows), sep="\n")
        if group == "data":
            print(f"\n{_TIERS}")
    for name, error in found.broken.items():
        faults.append(f"plugin {found.origin.get(name, name)} does not load: {error}")
    for line in (*faults, *found.clashing):
        print(f"\n{line}")
    return 0


def data_tables(
    data: Mapping[str, Option], tasks: Mapping[str, Option]
) -> dict[str, list[list[str]]]:
    """Return rows of name, tier, what is needed, and the line, by a heading for each task."""
    order = list(Tier)
    tables = {}
    for task, members in by_task(data, tasks).items():
        title = f"data of task={task}" if task else "data of other tasks"
        members = sorted(members, key=lambda one: (order.index(one.tier), one.name))
        tables[title] = [[one.name, one.tier.value, needs(one), one.line] for one in members]
    return tables


def needs(option: Option) -> str:
    """Say what a data set needs before it can be used: its options, or a download."""
    if option.tier is Tier.YOURS:
        return ", ".join(option.required) or "-"
    if option.tier is Tier.STANDARD:
        return "path or download" if option.downloads else "path"
    return "-"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells)}".rstrip()
