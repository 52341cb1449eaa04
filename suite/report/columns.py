"""What a board's table shows: its columns, in words and numbers, whatever it is written in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.report.board import Board, Row
from suite.standing import Comparison, label_of

MISSING = "—"

Reference = Mapping[str, Any]


def _nothing(board: Board, reference: Reference) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its heading for a board, its cell for a row, and its cell for a reference.

    rank: what matters most has the lowest; a narrow terminal leaves out the highest.
    folds: whether a cell may be broken between its words.
    """

    heading: Callable[[Board], str]
    cell: Callable[[Row], str]
    rank: int
    reference: Callable[[Board, Reference], str] = _nothing
    folds: bool = True


def words(name: str) -> str:
    """Return the name of a metric as words."""
    return name.replace("_", " ")


def reference_name(reference: Reference) -> str:
    """Say of which kind a reference is, what it used beside the training split, and its source."""
    kind = f"{reference['kind']}: " if reference.get("kind") else ""
    return f"{kind}{label_of(reference)} ({reference['source']})"


REFERENCE_HEADINGS = ("reference", "kind", "metric", "value", "n", "uses", "source")
"""Of a table of references alone."""


def reference_cells(board: Board, reference: Reference) -> list[str]:
    """Return a cell for each of these headings; the primary metric goes without saying."""
    metric = words(reference["metric"]) if reference["metric"] != board.metric else ""
    n = f"n={reference['n']}" if reference.get("n") else ""
    value = f"{reference['value']:.4f}"
    words_of = (reference.get("kind") or "", reference.get("uses") or "", reference["source"])
    kind, uses, source = map(str, words_of)
    return [str(reference["name"]), kind, metric, value, n, uses, source]


def target_line(board: Board) -> str:
    """Tell the target in words, and what the seconds to it are."""
    if not board.target:
        return "no target"
    sign = "≤" if board.target.get("direction") == "minimize" else "≥"
    target = f"{words(board.target['metric'])} {sign} {board.target['threshold']:g}"
    return f"target: validation {target}; seconds to it on the training clock / on the wall clock"


def standing_line(board: Board) -> str:
    """Say what the interval, the gaps and the verdicts are of; empty where there are none."""
    if not any(row.interval for row in board.rows):
        return ""
    items = f"{board.test_examples:,} test items" if board.test_examples else "test items"
    return (
        f"95% interval over {items}, not over seeds; it, gaps and verdicts are of the median run; "
        "above is better than the reference and below worse, whichever way the metric goes"
    )


def columns_of(board: Board) -> list[Column]:
    """Return the columns that the board has anything to show in."""
    rows = board.rows
    shown = [_NAME, _MEAN, _RUNS, *_SPREAD]
    if board.compared != board.metric:
        shown.append(_COMPARED)
    shown += [_variant(name) for name in board.variants]
    if any(row.interval for row in rows):
        shown.append(_INTERVAL)
    if any(row.standing and row.standing.published for row in rows):
        shown.append(_PUBLISHED)
    if any(row.standing and row.standing.people for row in rows):
        shown.append(_PEOPLE)
    return [*shown, *_SPEED]


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


def _interval(row: Row) -> str:
    return "{:.4f}–{:.4f}".format(*row.interval[:2]) if row.interval else MISSING


def _against(row: Row, kind: str) -> str:
    comparison: Comparison | None = getattr(row.standing, kind, None)
    if comparison is None:
        return MISSING
    verdict = (comparison.verdict or "").removesuffix(" people")
    return f"{comparison.gap:+.4f} {verdict}".rstrip()


def _value_of(reference: Reference, metric: str) -> str:
    return f"{reference['value']:.4f}" if reference["metric"] == metric else ""


_NAME = Column(
    heading=lambda board: "backbone + optimizer",
    cell=lambda row: row.name,
    reference=lambda board, reference: reference_name(reference),
    rank=0,
)
_MEAN = Column(
    heading=lambda board: f"test {words(board.metric)}",
    cell=lambda row: f"{row.mean:.4f}",
    reference=lambda board, reference: _value_of(reference, board.metric),
    rank=1,
)
_RUNS = Column(
    heading=lambda board: "n",
    cell=lambda row: f"n={row.n}",
    reference=lambda board, reference: f"n={reference['n']}" if reference.get("n") else MISSING,
    rank=2,
)
_COMPARED = Column(
    heading=lambda board: f"test {words(board.compared)}",
    cell=lambda row: _number(row.standing.value, 4) if row.standing else MISSING,
    reference=lambda board, reference: _value_of(reference, board.compared),
    rank=3,
)


def _variant(name: str) -> Column:
    return Column(
        heading=lambda board: f"test {words(name)}",
        cell=lambda row: _number(row.variants.get(name), 4),
        rank=3,
    )


_INTERVAL = Column(heading=lambda board: "95% interval", cell=_interval, rank=4, folds=False)
_PUBLISHED = Column(
    heading=lambda board: "gap to best published",
    cell=lambda row: _against(row, "published"),
    rank=5,
)
_PEOPLE = Column(
    heading=lambda board: "gap to people",
    cell=lambda row: _against(row, "people"),
    rank=6,
)
_SPREAD: Sequence[Column] = (
    Column(heading=lambda board: "median", cell=lambda row: _spread(row, row.median), rank=13),
    Column(heading=lambda board: "lowest", cell=lambda row: _spread(row, row.lowest), rank=14),
    Column(heading=lambda board: "highest", cell=lambda row: _spread(row, row.highest), rank=15),
)
_SPEED: Sequence[Column] = (
    Column(
        heading=lambda board: "examples/s",
        cell=lambda row: _number(row.examples_per_second),
        rank=8,
    ),
    Column(
        heading=lambda board: _rate(board.unit),
        cell=lambda row: _number(row.units_per_second),
        rank=11,
    ),
    Column(
        heading=lambda board: "training s",
        cell=lambda row: _number(row.training_seconds, 1),
        rank=9,
    ),
    Column(heading=lambda board: "s to target", cell=_seconds_to_target, rank=7, folds=False),
    Column(heading=lambda board: "reached", cell=lambda row: f"{row.reached}/{row.n}", rank=12),
    Column(heading=lambda board: "parameters", cell=lambda row: _millions(row.parameters), rank=10),
)
