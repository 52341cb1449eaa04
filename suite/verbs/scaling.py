"""`triathlon scaling`: fits the laws that runs over sizes follow."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.errors import ConfigError, DataError

if TYPE_CHECKING:
    from suite.insight.finding import Finding, Table

_ABOUT = """\
Fit the laws of scaling that finished runs follow: error and loss against training examples, width,
depth, input dimension, classes, parameters or FLOPs, with 95% intervals over seeds; foretell the
largest sizes from the smaller ones; hold a power law against other forms; say where curves cross,
what a size costs, which size a budget of FLOPs wants, and what is missing to reach people. Over
rate: over how many decades of the learning rate each optimizer and loss is nearly as good, and how
soon each is at the target.

Runs are grouped by all of their settings but the size and the seed. They are named by a results
folder, a JSON file of run records, or filters such as backbone=mlp,data=digits, which choose among
--results."""
_AXES = ("examples", "parameters", "width", "depth", "dimension", "classes", "flops")
_RATE = "rate"
_MOST_ROWS = 30
"""Rows of a table on the terminal; the files have all."""


def main(arguments: list[str]) -> int:
    """Fit, print and write scaling.md, scaling.json and scaling.png."""
    chosen = _parser().parse_args(arguments)
    if chosen.leave_out < 0:
        raise ConfigError(f"--leave-out {chosen.leave_out}: give 0 or more")
    from suite.report.sides import side
    from suite.scaling.findings import scaling
    from suite.scaling.rates import rates
    from suite.scaling.writing import write
    from suite.tracking.journal import read_journal

    def events(path: Path) -> Iterator[dict[str, Any]]:
        return (event for event, _ in read_journal(path))

    results = chosen.results
    if not chosen.runs and not results.exists():
        raise DataError(f"{results}: is not there; name a results folder, or give --results")
    named = chosen.runs or [str(results)]
    folders = [Path(one) for one in named if Path(one).is_dir()]
    results = folders[0] if folders else results
    sides = [side(one, results) for one in named]
    records = {
        run.run_id: run for one in sides for group in one.groups for run in group.runs
    }  # fmt: skip
    if chosen.over == _RATE:
        failed = {run.run_id: run for one in sides for run in one.broken}
        findings = rates([*records.values(), *failed.values()])
    else:
        findings = scaling(
            list(records.values()),
            over=chosen.over,
            metrics=chosen.metric,
            leave_out=chosen.leave_out,
            runs=results / "runs",
            read_events=events,
        )
    _show(findings)
    for path in write(findings, chosen.to or results):
        print(path)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "triathlon scaling",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "runs", nargs="*", metavar="RESULTS|FILTER", help="which runs (default: all of --results)"
    )
    parser.add_argument(
        "--over",
        choices=(*_AXES, _RATE),
        help="what was varied; by default all that was, by itself, but for the learning rate",
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        help="fit this (again for more), such as accuracy, loss or validation/loss; by default the "
        "primary test metric, what people were measured by, and the loss. Of what is better the "
        "higher, 1 less it",
    )
    parser.add_argument(
        "--leave-out",
        type=int,
        default=2,
        metavar="K",
        help="foretell the largest size with 1 to K of the largest left out (default: 2)",
    )
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="folder that filters choose from"
    )
    parser.add_argument("--to", type=Path, help="folder to write to (default: the results folder)")
    return parser


def _show(findings: "Sequence[Finding]") -> None:
    from suite.trust.terminal import Terminal

    console = Terminal()
    if not console.is_terminal:
        console = Terminal(width=max(console.width, 150))
    for one in findings:
        console.print(one.title, style="bold", markup=False, highlight=False)
        for line in one.lines:
            console.print(f"- {line}", markup=False, highlight=False)
        for table in one.tables:
            if table.rows and not table.title.startswith("forms"):  # long; the verdict has it
                console.print(_table(table))
        console.print()


def _table(table: "Table") -> Any:
    from rich import box
    from rich.markup import escape
    from rich.table import Table as Shown

    more = len(table.rows) - _MOST_ROWS
    shown = Shown(
        title=escape(table.title), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0),
        pad_edge=False, show_edge=False, caption=f"and {more} more" if more > 0 else None,
    )  # fmt: skip
    for heading in table.headings:
        shown.add_column(escape(heading), overflow="fold")
    for row in table.rows[:_MOST_ROWS]:
        shown.add_row(*map(escape, row))
    return shown
