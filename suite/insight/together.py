"""What was found in several runs of one configuration, with intervals over their seeds.

What one run tells has an interval over its test examples or units; whether another seed would have
told the same is another question, and this is where it is answered.

Legend: S seeds.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.data.cache import atomic_path
from suite.insight.effects import over_repeats
from suite.insight.finding import Table
from suite.insight.writing import FOLDER, metrics_of, read
from suite.record import RunRecord
from suite.trust.paths import plain_name
from suite.trust.text import markdown_text

_FEWEST = 2
"""Runs that have an interval."""
_OF_ONE_RUN = ("_low", "_high")
"""Ends of names of a run's own intervals, whose means over seeds say nothing."""


def groups(runs: Sequence[Path]) -> list[list[RunRecord]]:
    """Return the records of these runs by configuration, seeds in order; those alone left out."""
    found: dict[str, list[RunRecord]] = {}
    for folder in dict.fromkeys(runs):
        record = RunRecord.read(folder / "record.json")
        found.setdefault(record.group_hash, []).append(record)
    sorted_ = [sorted(records, key=lambda one: one.seed) for records in found.values()]
    return [records for records in sorted_ if len(records) >= _FEWEST]


def name_of(records: Sequence[RunRecord]) -> str:
    """Return what runs of one configuration are called, as a file may be."""
    first = records[0]
    name = f"{first.data_name}-{first.backbone}".replace(" ", "_").replace(",", "")
    return name if plain_name(name) else first.group_hash


def over_seeds(records: Sequence[RunRecord], runs: Path) -> list[Table]:
    """Return a table for each section: every number that all runs have, over their seeds.

    runs: the folder of their folders.
    """
    told = [read(runs / record.run_id) for record in records]
    tables = []
    for section in told[0]:
        name = section["name"]
        metrics = [
            {k.removeprefix(f"insight/{name}/"): v for k, v in metrics_of([one]).items()}
            for sections in told
            for one in sections
            if one["name"] == name
        ]
        if len(metrics) == len(records):
            tables.append(_table(section, metrics, [record.seed for record in records]))
    return [table for table in tables if table.rows]


def _table(
    section: Mapping[str, Any], metrics: Sequence[Mapping[str, float]], seeds: Sequence[int]
) -> Table:
    shared = [
        key
        for key in metrics[0]
        if all(key in one for one in metrics) and not key.endswith(_OF_ONE_RUN)
    ]
    rows = []
    for key in shared:
        value_S = [one[key] for one in metrics]
        effect = over_repeats(value_S)
        rows.append(
            [
                key.replace("_", " "),
                _number(effect.value),
                f"{_number(effect.low)} to {_number(effect.high)}",
                ", ".join(map(_number, value_S)),
            ]
        )
    told = ", ".join(map(str, seeds))
    return Table(
        title=f"{section['title']}, over seeds {told}",
        headings=["", "mean", "95% interval over seeds", "by seed"],
        rows=rows,
    )


def _number(value: float) -> str:
    plain = value == 0 or 1e-3 <= abs(value) < 1e5
    return f"{value:.3f}" if plain else f"{value:.1e}"


def write(records: Sequence[RunRecord], runs: Path, to: Path) -> list[Path]:
    """Write the tables into `<to>/<name>.md`, with the words and pictures of the first run."""
    first, name = records[0], name_of(records)
    folder = to / name
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"# What {markdown_text(first.backbone)} learned on {markdown_text(first.data_name)}",
        "",
        f"{len(records)} runs that differ in their seed alone; "
        f"test {first.primary.replace('_', ' ')} "
        + ", ".join(f"{record.metrics[f'test/{record.primary}']:.4f}" for record in records)
        + ". Intervals are Student's t over seeds.",
        "",
    ]
    for table in over_seeds(records, runs):
        lines += [f"## {markdown_text(table.title)}", "", _row(table.headings)]
        lines.append(_row(["---"] * len(table.headings)))
        lines += [_row([markdown_text(cell) for cell in row]) for row in table.rows]
        lines.append("")
    lines += [f"# The run of seed {first.seed}", ""]
    for section in read(runs / first.run_id):
        lines += [f"## {markdown_text(section['title'])}", ""]
        lines += [f"{markdown_text(line)}\n" for line in section["lines"]]
        for file in map(str, section["files"]):
            source = runs / first.run_id / FOLDER / file
            if plain_name(file) and source.suffix == ".png" and source.is_file():
                shutil.copyfile(source, folder / file)
                lines += [f"![{markdown_text(file)}]({name}/{file})", ""]
    path = to / f"{name}.md"
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")
    return [path]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
