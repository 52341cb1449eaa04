"""The leaderboard as tables: on the terminal, in Markdown, in CSV."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.report.leaderboard import Board, Leaderboard, Row

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MISSING = "—"
_WIDTH_OF_A_LOG = 150
_NARROW = 132
"""Columns of a terminal below which a table leaves out what matters least."""

_NAME = 20
"""Characters of a row's name that are kept in one line."""

_NUMBER = 11
"""Characters of the other columns of a narrow terminal; longer headings are folded."""


@dataclass(frozen=True)
class Column:
    """A column: its heading for a board, its cell for a row, and whether a narrow one keeps it."""

    heading: Callable[[Board], str]
    cell: Callable[[Row], str]
    always: bool = True


COLUMNS = (
    Column(lambda board: "backbone + optimizer", lambda row: row.name),
    Column(lambda board: f"test {words(board.metric)}", lambda row: f"{row.mean:.4f}"),
    Column(lambda board: "n", lambda row: f"n={row.n}"),
    Column(lambda board: "median", lambda row: _spread(row, row.median), always=False),
    Column(lambda board: "lowest", lambda row: _spread(row, row.lowest), always=False),
    Column(lambda board: "highest", lambda row: _spread(row, row.highest), always=False),
    Column(lambda board: "examples/s", lambda row: _number(row.examples_per_second)),
    Column(
        lambda board: _rate(board.unit), lambda row: _number(row.units_per_second), always=False
    ),
    Column(lambda board: "training s", lambda row: _number(row.training_seconds, 1)),
    Column(lambda board: "s to target", lambda row: _seconds_to_target(row)),
    Column(lambda board: "reached", lambda row: f"{row.reached}/{row.n}", always=False),
    Column(lambda board: "parameters", lambda row: _millions(row.parameters), always=False),
)


def words(name: str) -> str:
    """Return the name of a metric as words."""
    return name.replace("_", " ")


def _number(value: float | None, digits: int = 0) -> str:
    return MISSING if value is None else f"{value:,.{digits}f}"


def _millions(value: float | None) -> str:
    return MISSING if value is None else f"{value / 1e6:.3g}M"


def _seconds_to_target(row: Row) -> str:
    clocks = (row.target_training_seconds, row.target_wall_seconds)
    return " / ".join(_number(seconds, 1) for seconds in clocks) if row.reached else MISSING


def _spread(row: Row, value: float) -> str:
    return f"{value:.4f}" if row.n > 1 else MISSING


def _rate(unit: str) -> str:
    return "s of audio/s" if unit == "second" else f"{unit or 'unit'}s/s"


def target_line(board: Board) -> str:
    """Tell the target in words, and what the seconds to it are."""
    if not board.target:
        return "no target"
    sign = "≤" if board.target.get("direction") == "minimize" else "≥"
    target = f"{words(board.target['metric'])} {sign} {board.target['threshold']:g}"
    return f"target: validation {target}; seconds to it on the training clock / on the wall clock"


def matrix_cell(row: Row | None) -> str:
    """Return the mean and the number of runs behind it."""
    return MISSING if row is None else f"{row.mean:.4f} (n={row.n})"


def _reference_cells(reference: Mapping[str, Any], columns: int) -> list[str]:
    n = f"n={reference['n']}" if reference.get("n") else MISSING
    name = f"{reference['name']} ({reference['source']})"
    return [name, f"{reference['value']:.4f}", n] + [""] * (columns - 3)


# Terminal


def show(leaderboard: Leaderboard, console: "Console | None" = None) -> None:
    """Print all boards, and the table of backbones by data set."""
    from rich.console import Console

    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, _WIDTH_OF_A_LOG))
    for board in leaderboard.boards:
        console.print(board.title, style="bold", markup=False, highlight=False)
        console.print(_board_table(board, narrow=console.width < _NARROW))
        console.print(target_line(board) + "\n", markup=False, highlight=False)
    if len(leaderboard.boards) > 1:
        console.print(_matrix_table(leaderboard))
    for line in leaderboard.summary():
        console.print(line, markup=False, highlight=False)


def _board_table(board: Board, *, narrow: bool) -> "Table":
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    columns = [column for column in COLUMNS if column.always or not narrow]
    for number, one in enumerate(columns):
        justify: Any = "right" if number else "left"
        heading = escape(one.heading(board))
        table.add_column(heading, justify=justify, overflow="fold")
    longest = max(len(row.name) for row in board.rows)
    table.columns[0].min_width = min(longest, _NAME)
    if narrow:
        for number, column in enumerate(table.columns):
            column.max_width = _NUMBER if number else _NAME
    for number, row in enumerate(board.rows):
        style = "bold" if number == 0 else None
        table.add_row(*(escape(one.cell(row)) for one in columns), style=style)
    for reference in board.references:
        cells = _reference_cells(reference, len(columns))
        table.add_row(*map(escape, cells), style="dim")
    return table


def _matrix_table(leaderboard: Leaderboard) -> "Table":
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    title = "backbone by data set, best optimizer of each"
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("backbone")
    for board in leaderboard.boards:
        heading = f"{board.data}\n{words(board.metric)}"
        table.add_column(escape(heading), justify="right", overflow="fold")
    for backbone, row in leaderboard.matrix().items():
        cells = (matrix_cell(row.get(board.title)) for board in leaderboard.boards)
        table.add_row(escape(backbone), *cells)
    return table


# Files


def markdown(leaderboard: Leaderboard) -> str:
    """Return the leaderboard in Markdown."""
    parts = ["# Leaderboard\n"]
    for board in leaderboard.boards:
        cells = [[column.cell(row) for column in COLUMNS] for row in board.rows]
        cells += [_reference_cells(reference, len(COLUMNS)) for reference in board.references]
        headings = [column.heading(board) for column in COLUMNS]
        under = f"Mean of n runs that differ in their seed; {target_line(board)}."
        parts.append(f"## {board.title}\n\n{_markdown_table(headings, cells)}\n\n{under}\n")
    if len(leaderboard.boards) > 1:
        headings = ["backbone", *(f"{b.data}, {words(b.metric)}" for b in leaderboard.boards)]
        cells = [
            [backbone, *(matrix_cell(row.get(board.title)) for board in leaderboard.boards)]
            for backbone, row in leaderboard.matrix().items()
        ]
        heading = "## Backbone by data set, best optimizer of each"
        parts.append(f"{heading}\n\n{_markdown_table(headings, cells)}\n")
    parts += [f"{line[0].upper()}{line[1:]}.\n" for line in leaderboard.summary()]
    return "\n".join(parts)


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(headings) - 1)]
    lines = [headings, rule, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def comma_separated(leaderboard: Leaderboard) -> str:
    """Return one line for each row and each reference, as CSV."""
    buffer = io.StringIO()
    names = [name for name in Row.__dataclass_fields__ if name != "run_ids"]
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["task", "data", "synthetic", "metric", "direction", "unit", *names, "source"])
    for board in leaderboard.boards:
        place = [board.task, board.data, board.synthetic, board.metric, board.direction, board.unit]
        for row in board.rows:
            writer.writerow([*place, *(getattr(row, name) for name in names), ""])
        for reference in board.references:
            known = {
                "backbone": f"reference: {reference['name']}",
                "n": reference.get("n"),
                "mean": reference["value"],
            }
            writer.writerow([*place, *(known.get(name) for name in names), reference["source"]])
    return buffer.getvalue()
