"""`triathlon insight RUN`: what a finished run's network learned, measured layer by layer."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite.cli import USAGE_ERROR, complaint
from suite.errors import DataError, TriathlonError

if TYPE_CHECKING:
    from suite.insight.finding import Finding, Table
    from suite.insight.sections import Options
    from suite.insight.subject import Subject

_ROWS = 20
"""Of a table, in the terminal."""


def main(arguments: list[str]) -> int:
    """Look into finished runs: what their layers hold, and how that compares with controls.

    Numbers, pictures and words go to insight/ in each run's folder, and to its run in MLflow. Of
    several runs of one configuration all numbers are told over their seeds, too.
    """
    chosen = _parser().parse_args(arguments)
    results = chosen.results.resolve()
    from suite.resumption import folder_of

    folders = [folder_of(results, name) for name in chosen.runs]  # before torch is imported
    for name in chosen.against:
        folder_of(results, name)
    if chosen.send:
        return max(_send(folder, []) for folder in folders)
    from dataclasses import replace

    from suite.insight.sections import SECTIONS, Options
    from suite.insight.sections import chosen as sections
    from suite.insight.writing import write
    from suite.study import open_run

    names = sections(chosen.only)
    options = Options(examples=chosen.examples, controls=chosen.controls)
    options = replace(options, against=[open_run(results, name) for name in chosen.against])
    broken = False
    for folder in folders:
        found, failed = _look(names, open_run(results, folder.name), options)
        broken = broken or failed
        if found:
            _send(folder, write(folder, found, list(SECTIONS)), told=True)
    if len(folders) > 1:
        _together(folders, chosen.to)
    return USAGE_ERROR if broken else 0


def _together(folders: Sequence[Path], to: Path | None) -> None:
    """Tell what repeats of one configuration have in common, and write it down."""
    from rich.console import Console

    from suite.insight.together import groups, over_seeds, write

    for records in groups(folders):
        for table in over_seeds(records, folders[0].parent):
            _show_table(Console(highlight=False), table)
        if to is not None:
            print(*write(records, folders[0].parent, to), sep="\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("triathlon insight", description=main.__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="name of a run's folder")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--only", help="sections, as in probes,similarity (default: all)")
    parser.add_argument(
        "--examples", type=int, help="of a split, at most (default: each section's own number)"
    )
    parser.add_argument(
        "--controls", type=int, help="untrained networks to compare with (default: 1 to 3)"
    )
    parser.add_argument(
        "--against", nargs="+", default=[], metavar="RUN",
        help="compare with these runs: of other seeds or backbones, or on data of the same labels",
    )  # fmt: skip
    parser.add_argument(
        "--to", type=Path, metavar="FOLDER",
        help="write what several runs of one configuration say together into this folder",
    )  # fmt: skip
    parser.add_argument(
        "--send", action="store_true", help="only send to MLflow what was found before"
    )
    return parser


def _look(
    names: Sequence[str], subject: "Subject", options: "Options"
) -> "tuple[list[Finding], bool]":
    """Return what sections find, and whether one of them could not look; print both."""
    from rich.console import Console

    from suite.insight.sections import look

    console = Console(highlight=False)
    found, failed = [], False
    for name in names:
        try:
            finding = look(name, subject, options)
        except TriathlonError as error:
            print(f"triathlon: {name}: {complaint(str(error))}", file=sys.stderr)
            failed = True
            continue
        if finding is None:
            console.print(f"{name}: does not apply to this model or task", markup=False)
            continue
        found.append(finding)
        _show(console, finding)
    return found, failed


def _show(console: "object", finding: "Finding") -> None:
    from rich.console import Console

    from suite.trust.text import printable

    assert isinstance(console, Console)
    console.print(f"\n{finding.title}", style="bold", markup=False)
    for line in finding.lines:
        console.print(printable(line), markup=False)
    for table in finding.tables:
        _show_table(console, table)


def _show_table(console: "object", table: "Table") -> None:
    from rich.console import Console
    from rich.table import Table as Shown

    from suite.trust.text import printable

    assert isinstance(console, Console)
    more = len(table.rows) - _ROWS
    caption = f"and {more} more rows in insight.md" if more > 0 else None
    shown = Shown(title=printable(table.title), caption=caption)
    for at, heading in enumerate(table.headings):
        shown.add_column(printable(heading), justify="right" if at else "left", overflow="fold")
    for row in table.rows[:_ROWS]:
        shown.add_row(*(printable(cell) for cell in row))
    console.print(shown)


def _send(folder: Path, written: Sequence[Path], *, told: bool = False) -> int:
    """Send all that a run's folder holds of what was found, and say where it lies."""
    from suite.insight.writing import FOLDER, NUMBERS, WORDS, metrics_of, read
    from suite.trust.paths import plain_name

    sections = read(folder)
    if not sections:
        raise DataError(f"{folder.name}: nothing was found of it yet; leave out --send")
    files = [folder / FOLDER / NUMBERS, folder / FOLDER / WORDS]
    named = [str(name) for section in sections for name in section.get("files", ())]
    files += [folder / FOLDER / name for name in named if plain_name(name)]
    if told:
        print(*written, sep="\n")
    from suite.tracking.afterwards import send

    warning = send(folder, metrics_of(sections), [f for f in files if f.is_file()], folder=FOLDER)
    if warning:
        print(warning, file=sys.stderr)
    return 1 if warning and not told else 0
