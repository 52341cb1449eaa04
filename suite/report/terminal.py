"""The leaderboard on the terminal: what fits its width; what matters least is left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.report.across import Across
from suite.report.board import Board
from suite.report.columns import (
    REFERENCE_HEADINGS,
    Column,
    columns_of,
    reference_cells,
    seeds_line,
    standing_line,
    target_line,
)
from suite.report.leaderboard import Leaderboard
from suite.report.tables import (
    across_headings,
    across_lines,
    across_notes,
    matrix_headings,
    matrix_lines,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDTH_OF_A_LOG = 150
_NAME = 20
"""Characters of a row's name that are kept in one line."""
_BETWEEN = 2
"""Characters from one column to the next."""
_MATRIX_COLUMN = 16
"""Characters that a data set has at least in the matrix; longer cells are folded."""


def show(leaderboard: Leaderboard, console: "Console | None" = None) -> None:
    """Print all boards, and the table of backbones by data set."""
    from suite.trust.terminal import Terminal

    console = console or Terminal()
    if not console.is_terminal:
        console = Terminal(file=console.file, width=max(console.width, _WIDTH_OF_A_LOG))
    for board in leaderboard.boards:
        console.print(board.title, style="bold", markup=False, highlight=False)
        console.print(_board_table(board, console.width))
        told = (seeds_line(board), target_line(board), standing_line(board))
        lines = "\n".join(line for line in told if line)
        console.print(lines + "\n", markup=False, highlight=False)
        if board.references:
            console.print(_reference_table(board))
            console.print()
    if len(leaderboard.boards) > 1:
        for table in _matrix_tables(leaderboard, console.width):
            console.print(table)
    if leaderboard.across is not None:
        console.print(_across_table(leaderboard.across, console.width))
        console.print(
            "\n".join(across_notes(leaderboard.across)) + "\n", markup=False, highlight=False
        )
    for line in leaderboard.summary():
        console.print(line, markup=False, highlight=False)


@dataclass(eq=False)
class _Fitted:
    """A column with its cells. width: characters it is given; wanted: those it would like."""

    column: Column
    heading: str
    cells: list[str]
    width: int
    wanted: int

    @classmethod
    def of(cls, column: Column, board: Board) -> "_Fitted":
        """Make the cells, and give the least width that can be read."""
        heading = column.heading(board)
        cells = [column.cell(row) for row in board.rows]
        least = _longest(word for cell in cells for word in cell.split())
        if column.rank == 0:
            least = min(_longest(cells), _NAME)
        elif not column.folds:
            least = _longest(cells)
        width = max(least, _longest(heading.split()))
        return cls(column, heading, cells, width, _longest([heading, *cells]))


def _fit(board: Board, width: int) -> list[_Fitted]:
    """Return the columns that fit, in the table's order."""
    columns = [_Fitted.of(column, board) for column in columns_of(board)]
    left = width + _BETWEEN
    kept: list[_Fitted] = []
    for one in sorted(columns, key=lambda one: one.column.rank):
        if kept and left < one.width + _BETWEEN:
            break
        left -= one.width + _BETWEEN
        kept.append(one)
    for one in kept:
        gain = max(0, min(left, one.wanted - one.width))
        one.width += gain
        left -= gain
    return [one for one in columns if one in kept]


def _table(**options: Any) -> "Table":
    from rich import box
    from rich.table import Table

    plain: Any = {"padding": (0, 1, 0, 0), "pad_edge": False, "show_edge": False}
    return Table(box=box.SIMPLE_HEAD, **plain, **options)


def _board_table(board: Board, width: int) -> "Table":
    from rich.markup import escape

    table = _table()
    fitted = _fit(board, width)
    for number, one in enumerate(fitted):
        justify: Any = "right" if number else "left"
        table.add_column(escape(one.heading), justify=justify, overflow="fold", width=one.width)
    for number in range(len(board.rows)):
        style = "bold" if number == 0 else None
        table.add_row(*(escape(one.cells[number]) for one in fitted), style=style)
    return table


def _reference_table(board: Board) -> "Table":
    """Return what others reached; their names and sources would not fit the rows' columns."""
    from rich.markup import escape

    table = _table(style="dim", header_style="dim")
    cells = [reference_cells(board, reference) for reference in board.references]
    for number, heading in enumerate(REFERENCE_HEADINGS):
        if any(line[number] for line in cells):
            justify: Any = "right" if heading in ("value", "n") else "left"
            table.add_column(heading, justify=justify, overflow="fold")
    for line in cells:
        shown = [cell for n, cell in enumerate(line) if any(other[n] for other in cells)]
        table.add_row(*map(escape, shown))
    return table


def _across_table(found: Across, width: int) -> "Table":
    """Return as many columns as fit: the scores go first, from the left."""
    from rich.markup import escape

    headings, lines = across_headings(found), list(across_lines(found))
    least = [
        max(_longest(heading.split()), _longest(line[number] for line in lines))
        for number, heading in enumerate(headings)
    ]
    wanted, least[0] = least[0], min(least[0], _NAME)
    shown = list(range(len(headings)))
    while (left := width + _BETWEEN - sum(least[n] + _BETWEEN for n in shown)) < 0:
        if len(shown) <= 4:
            break
        del shown[4]
    least[0] += min(max(0, left), wanted - least[0])
    table = _table(title="across data sets", title_justify="left", title_style="bold")
    for number in shown:
        justify: Any = "right" if number else "left"
        table.add_column(
            escape(headings[number]), justify=justify, overflow="fold", width=least[number]
        )
    for line in lines:
        table.add_row(*(escape(line[number]) for number in shown))
    return table


def _matrix_tables(leaderboard: Leaderboard, width: int) -> Iterator["Table"]:
    """Yield the matrix in as many tables as it takes for its columns to be readable."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    lines = list(matrix_lines(leaderboard))
    first = _longest(name for name, _ in lines) + 3
    at_once = max(1, (width - first) // (_MATRIX_COLUMN + 3))
    headings = matrix_headings(leaderboard)
    title: str | None = "backbone by data set, best optimizer of each"
    for start in range(0, len(headings), at_once):
        part = slice(start, start + at_once)
        table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        table.add_column("backbone")
        for data, metric in headings[part]:
            table.add_column(escape(f"{data}\n{metric}"), justify="right", overflow="fold")
        for name, cells in lines:
            table.add_row(escape(name), *map(escape, cells[part]))
        yield table
        title = None


def _longest(texts: Iterable[str]) -> int:
    return max(map(len, texts), default=0)
