"""What a board's table shows: its columns, in words and numbers, whatever it is written in."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.report.board import Board, Row
from suite.report.repeats import FEWEST
from suite.standing import Comparison, label_of

MISSING = "—"
_ALIKE = 1.01
"""Factor up to which examples of different rows stand for as many units."""

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


def target_words(board: Board) -> str:
    """Return what is to be reached, e.g. "accuracy ≥ 0.98"; the board must have a target."""
    sign = "≤" if board.target.get("direction") == "minimize" else "≥"
    return f"{words(board.target['metric'])} {sign} {board.target['threshold']:g}"


def direction_words(board: Board) -> str:
    """Return which way the metric is better."""
    return "lower is better" if board.direction == "minimize" else "higher is better"


def target_line(board: Board) -> str:
    """Tell the target in words, and what the seconds to it are."""
    if not board.target:
        return "no target"
    target = target_words(board)
    return f"target: validation {target}; seconds to it on the training clock / on the wall clock"


def standing_line(board: Board) -> str:
    """Say what the interval, the gaps and the verdicts are of; empty where there are none."""
    if not any(row.interval for row in board.rows):
        return ""
    items = f"{board.test_examples:,} test items" if board.test_examples else "test items"
    return (
        f"95% interval over {items}, not over seeds; it, gaps and their verdicts are of the median "
        "run; above is better than the reference and below worse, whichever way the metric goes"
    )


def seeds_line(board: Board) -> str:
    """Say what the interval over seeds and the comparison with the best row are; empty without."""
    told = []
    if any(row.seeds.interval for row in board.rows):
        told.append(f"± 95% interval of the mean over seeds, from n={FEWEST}: Student's t")
    tested = [row.against_best for row in board.rows if _tested(row)]
    if tested:
        paired = all(one.paired for one in tested if one)
        how = "paired by seed" if paired else "paired by seed where 3 or more are shared"
        pairs = len(board.rows) * (len(board.rows) - 1) // 2
        corrected = f", corrected for {pairs} pairs of rows" if pairs > 1 else ""
        told.append(f"against best: mean difference from the first row, {how}{corrected}")
    return "; ".join(told)


def columns_of(board: Board) -> list[Column]:
    """Return the columns that the board has anything to show in."""
    rows = board.rows
    shown = [_NAME, _MEAN, _RUNS]
    if any(row.seeds.interval for row in rows):
        shown.append(_OVER_SEEDS)
    if any(map(_tested, rows)):
        shown.append(_AGAINST_BEST)
    shown += _SPREAD
    if board.compared != board.metric:
        shown.append(_COMPARED)
    shown += [_variant(name) for name in board.variants]
    if any(row.interval for row in rows):
        shown.append(_INTERVAL)
    if any(row.standing and row.standing.published for row in rows):
        shown.append(_PUBLISHED)
    if any(row.standing and row.standing.people for row in rows):
        shown.append(_PEOPLE)
    shown += _SPEED
    if _steps_differ(rows):
        shown.append(_UNITS_TO_TARGET)
    if any(row.on_front is not None for row in rows):
        shown.append(_FRONT)
    return shown


def _steps_differ(rows: Sequence[Row]) -> bool:
    """Return whether an example stands for more units in some rows: then these do not compare."""
    ways = [row.to_target for row in rows if math.isfinite(row.to_target.get("units", math.inf))]
    each = [way["units"] / way["examples"] for way in ways if way.get("examples")]
    return bool(each) and max(each) > _ALIKE * min(each)


def brief_columns(board: Board) -> list[Column]:
    """Return the columns that answer which row is best, how surely, and how soon."""
    return [column for column in columns_of(board) if column.rank <= 4 or column in _RACE]


def _number(value: float | None, digits: int = 0) -> str:
    if value == math.inf:
        return "∞"
    return MISSING if value is None else f"{value:,.{digits}f}"


def _millions(value: float | None) -> str:
    return MISSING if value is None else f"{value / 1e6:.3g}M"


def _seconds_to_target(row: Row) -> str:
    clocks = [row.to_target.get(f"{clock}_seconds") for clock in ("training", "wall")]
    if set(clocks) == {math.inf}:
        return "∞"
    return " / ".join(_number(seconds, 1) for seconds in clocks) if any(clocks) else MISSING


def _over_seeds(row: Row) -> str:
    interval = row.seeds.interval
    return MISSING if interval is None else f"±{interval[1] - row.mean:.4f}"


def _tested(row: Row) -> bool:
    return row.against_best is not None and row.against_best.p is not None


def _against_best(row: Row) -> str:
    if row.against_best is None:
        return "best"
    return f"{row.against_best.mean:+.4f} {row.against_best.verdict}"


def _front(row: Row) -> str:
    return MISSING if row.on_front is None else "yes" if row.on_front else "no"


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
    rank=5,
)


def _variant(name: str) -> Column:
    return Column(
        heading=lambda board: f"test {words(name)}",
        cell=lambda row: _number(row.variants.get(name), 4),
        rank=5,
    )


_OVER_SEEDS = Column(heading=lambda board: "95% over seeds", cell=_over_seeds, rank=3, folds=False)
_AGAINST_BEST = Column(heading=lambda board: "against best", cell=_against_best, rank=4)
_INTERVAL = Column(heading=lambda board: "95% over items", cell=_interval, rank=6, folds=False)
_PUBLISHED = Column(
    heading=lambda board: "gap to best published",
    cell=lambda row: _against(row, "published"),
    rank=7,
)
_PEOPLE = Column(
    heading=lambda board: "gap to people",
    cell=lambda row: _against(row, "people"),
    rank=8,
)
_SPREAD: Sequence[Column] = (
    Column(heading=lambda board: "median", cell=lambda row: _spread(row, row.median), rank=15),
    Column(heading=lambda board: "lowest", cell=lambda row: _spread(row, row.lowest), rank=16),
    Column(heading=lambda board: "highest", cell=lambda row: _spread(row, row.highest), rank=17),
)
_SPEED: Sequence[Column] = (
    Column(
        heading=lambda board: "examples/s",
        cell=lambda row: _number(row.examples_per_second),
        rank=10,
    ),
    Column(
        heading=lambda board: _rate(board.unit),
        cell=lambda row: _number(row.units_per_second),
        rank=13,
    ),
    Column(
        heading=lambda board: "training s",
        cell=lambda row: _number(row.training_seconds, 1),
        rank=11,
    ),
    Column(heading=lambda board: "s to target", cell=_seconds_to_target, rank=9, folds=False),
    Column(heading=lambda board: "reached", cell=lambda row: f"{row.reached}/{row.n}", rank=14),
    Column(heading=lambda board: "parameters", cell=lambda row: _millions(row.parameters), rank=12),
)
_RACE = [column for column in _SPEED if column.rank in (9, 11, 14)]
"""Time to target, training time, and how many reached the target."""
_UNITS_TO_TARGET = Column(
    heading=lambda board: f"{board.unit or 'unit'}s to target",
    cell=lambda row: _number(row.to_target.get("units")),
    rank=19,
)
_FRONT = Column(heading=lambda board: "Pareto front", cell=_front, rank=18)
