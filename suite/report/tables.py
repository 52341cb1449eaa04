"""The leaderboard in files: Markdown and CSV; and the lines of its matrix."""

import csv
import io
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from suite.report.across import Across
from suite.report.board import Board, Row
from suite.report.columns import MISSING, columns_of, seeds_line, standing_line, target_line, words
from suite.report.leaderboard import Leaderboard
from suite.report.scores import MEASURES
from suite.trust.text import csv_cell, markdown_text


def matrix_headings(leaderboard: Leaderboard) -> list[tuple[str, str]]:
    """Return data set and metric of each column of the matrix."""
    return [(board.data, words(board.metric)) for board in leaderboard.boards]


def matrix_lines(leaderboard: Leaderboard) -> Iterator[tuple[str, list[str]]]:
    """Yield name and cells: a line for each backbone, then one for what is known of others."""
    titles = [board.title for board in leaderboard.boards]
    for backbone, rows in leaderboard.matrix().items():
        yield backbone, [_of_row(rows.get(title)) for title in titles]
    for name, known in leaderboard.known().items():
        yield name, [_of_reference(known.get(title)) for title in titles]


def _of_row(row: Row | None) -> str:
    return MISSING if row is None else f"{row.mean:.4f} (n={row.n})"


def _of_reference(reference: Mapping[str, Any] | None) -> str:
    return MISSING if reference is None else f"{reference['value']:.4f} ({reference['name']})"


def markdown(leaderboard: Leaderboard) -> str:
    """Return the leaderboard in Markdown."""
    parts = ["# Leaderboard\n"]
    parts += [_board_section(board) for board in leaderboard.boards]
    if len(leaderboard.boards) > 1:
        headings = ["backbone", *(f"{d}, {metric}" for d, metric in matrix_headings(leaderboard))]
        cells = [[name, *line] for name, line in matrix_lines(leaderboard)]
        heading = "## Backbone by data set, best optimizer of each"
        parts.append(f"{heading}\n\n{markdown_table(headings, cells)}\n")
    if leaderboard.across is not None:
        parts.append(_across_section(leaderboard.across))
    parts += [
        markdown_text(f"{line[0].upper()}{line[1:]}.") + "\n" for line in leaderboard.summary()
    ]
    return "\n".join(parts)


def across_headings(found: Across) -> list[str]:
    """Return the headings of the table over several data sets."""
    told = [MEASURES[measure] for measure in _measures(found)]
    headings = ["backbone + optimizer", "sets", "interquartile mean", "95% over seeds"]
    return headings + [f"score, {name}" for name in told]


def across_lines(found: Across) -> Iterator[list[str]]:
    """Yield the cells of each entrant in this table."""
    for one in found.entrants:
        quality, interval = one.quality, MISSING
        if quality is not None and quality.low is not None:
            interval = f"±{quality.mean - quality.low:.4f}"
        mean = MISSING if quality is None else f"{quality.mean:.4f}"
        scores = [one.scores.get(measure) for measure in _measures(found)]
        told = [MISSING if score is None else f"{score:.3f}" for score in scores]
        yield [one.name, f"{len(one.sets)}/{len(found.sets)}", mean, interval, *told]


def across_notes(found: Across) -> list[str]:
    """Say what the table's numbers are."""
    return [
        f"sets: {', '.join(found.sets)}; reference: {found.reference}",
        "interquartile mean of test results, 0 at chance and 1 at the reference's",
        "score: the integral of the performance profile, 1 at the reference's time to target, "
        f"0 at {found.cut:g} times as long or never; of repeats {_COUNTED[found.counting]}",
    ]


_COUNTED = {
    "median": "the median",
    "olympic": "the mean without the fastest and the slowest",
    "best": "the median over seeds of the fastest configuration",
}


def _measures(found: Across) -> list[str]:
    """Return the measures of the table; the others are in the JSON, and say much the same."""
    measures = ("training_seconds", "examples", "joules")
    return [name for name in measures if any(name in one.scores for one in found.entrants)]


def _across_section(found: Across) -> str:
    table = markdown_table(across_headings(found), list(across_lines(found)))
    under = "; ".join(across_notes(found))
    told = markdown_text(f"{under[0].upper()}{under[1:]}")
    return f"## Across data sets\n\n{table}\n\n{told}.\n"


def _board_section(board: Board) -> str:
    columns = columns_of(board)
    cells = [[column.cell(row) for column in columns] for row in board.rows]
    cells += [
        [one.reference(board, reference) for one in columns] for reference in board.references
    ]
    table = markdown_table([column.heading(board) for column in columns], cells)
    told = [
        "mean of n runs that differ in their seed",
        seeds_line(board),
        target_line(board),
        standing_line(board),
    ]
    under = "; ".join(line for line in told if line)
    told_under = markdown_text(f"{under[0].upper()}{under[1:]}")
    return f"## {markdown_text(board.title)}\n\n{table}\n\n{told_under}.\n"


def markdown_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Container[str] | None = None
) -> str:
    """Return a table. numbers: headings of columns set to the right; None is all but the first."""
    right = headings[1:] if numbers is None else numbers
    rule = ["---:" if heading in right else "---" for heading in headings]
    cells = [[markdown_text(cell) for cell in row] for row in (headings, *rows)]
    lines = [cells[0], rule, *cells[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_PLACE = ("task", "data", "synthetic", "metric", "direction", "unit")
_DIFFERENCE = ("n", "mean", "low", "high", "p", "p_corrected", "paired", "verdict")
_ROW = (
    "key", "backbone", "optimizer", "settings", "n", "mean", "median", "deviation", "seeds_low",
    "seeds_high", "method", *(f"against_best_{name}" for name in _DIFFERENCE), "lowest", "highest",
    "parameters", "examples_per_second", "units_per_second", "training_seconds", "reached",
    *(f"target_{measure}" for measure in MEASURES), "on_front", "variants",
)  # fmt: skip
_STANDING = (
    "compared", "value", "low", "high", "interval_method", "gap_to_published",
    "verdict_published", "gap_to_people", "verdict_people",
)  # fmt: skip
_REFERENCE = ("kind", "uses", "source")


def comma_separated(leaderboard: Leaderboard) -> str:
    """Return one line for each row and each reference, as CSV."""
    buffer = io.StringIO()
    names = [*_PLACE, *_ROW, *_STANDING, *_REFERENCE]
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    for board in leaderboard.boards:
        place = {name: getattr(board, name) for name in _PLACE}
        for row in board.rows:
            writer.writerow(_safe(place | _flat(row) | _flat_standing(row)))
        for reference in board.references:
            known = {name: reference.get(name) for name in ("n", *_REFERENCE)}
            known |= {"backbone": f"reference: {reference['name']}", "metric": reference["metric"]}
            writer.writerow(_safe(place | known | {"mean": reference["value"]}))
    return buffer.getvalue()


def _safe(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {name: csv_cell(value) for name, value in cells.items()}


def _flat(row: Row) -> dict[str, Any]:
    cells = {name: getattr(row, name, None) for name in _ROW}
    cells |= {name: getattr(row.seeds, name) for name in ("deviation", "method")}
    cells["seeds_low"], cells["seeds_high"] = row.seeds.low, row.seeds.high
    if row.against_best is not None:
        for name in _DIFFERENCE:
            cells[f"against_best_{name}"] = getattr(row.against_best, name)
    cells |= {f"target_{measure}": value for measure, value in row.to_target.items()}
    cells["variants"] = " ".join(f"{k}={v:g}" for k, v in row.variants.items())
    return cells


def _flat_standing(row: Row) -> dict[str, Any]:
    if row.standing is None:
        return {}
    cells: dict[str, Any] = {"compared": row.standing.metric, "value": row.standing.value}
    if row.standing.interval:
        cells["low"], cells["high"], cells["interval_method"] = row.standing.interval
    for kind in ("published", "people"):
        other = getattr(row.standing, kind)
        if other is not None:
            cells |= {f"gap_to_{kind}": other.gap, f"verdict_{kind}": other.verdict}
    return cells
