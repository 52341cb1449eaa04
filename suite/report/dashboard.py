"""What a leaderboard says on a dashboard: numbers by name, and a text in Markdown.

A dashboard shows one chart for each name, so names are the same whoever else takes part.
"""

import math
import re
from collections.abc import Iterator

from suite.report.across import Across
from suite.report.board import Board, Row
from suite.report.columns import brief_columns, seeds_line, target_line, words
from suite.report.leaderboard import Leaderboard
from suite.report.page.answers import answer_of
from suite.report.tables import markdown_table
from suite.trust.text import markdown_text

MOST_ROWS = 50
"""Rows of a board that have numbers of their own; the files have all."""
_LONGEST_ENTRANT = 100
_LONGEST_NOTE = 6000
"""Characters; MLflow takes 8,000, and pictures and links come behind it."""


def aggregates(leaderboard: Leaderboard) -> dict[str, float]:
    """Return the numbers of each row, of each backbone and over all data sets, by name.

    summary/<task>.<data>/<what>/<entrant>, so that a dashboard puts entrants beside each other.
    What is the mean over seeds of each test metric with `_low` and `_high` of its 95% interval
    where there is one; `n`, `reached`, medians of `seconds_to_target` and `training_seconds` on the
    training clock and of `examples_per_second`. A median time that is infinite, as half of the runs
    or more missed, is left out.
    summary/<task>.<data>/<metric>_of_best/<backbone>: the primary metric of its best row.
    across/<what>/<entrant>: the interquartile mean with its interval, and the scores.
    """
    numbers: dict[str, float] = {}
    for board in leaderboard.boards:
        place = f"{board.task}.{slug(board.data)}"
        for row, entrant in _named(board):
            for name, value in _of_row(row):
                numbers[f"summary/{place}/{name}/{entrant}"] = value
            best = f"summary/{place}/{board.metric}_of_best/{slug(row.backbone)}"
            numbers.setdefault(best, row.mean)
    if leaderboard.across is not None:
        numbers |= dict(_of_all(leaderboard.across))
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def slug(text: str) -> str:
    """Return it as part of a metric's name: letters, digits and - _ . alone.

    >>> slug("lstm + muon (trainer.batch_size=64)")
    'lstm-muon-trainer.batch_size-64'
    """
    return re.sub(r"[^\w.]+", "-", text).strip("-")[:_LONGEST_ENTRANT]


def _named(board: Board) -> Iterator[tuple[Row, str]]:
    """Yield the best rows with their entrants' names; two of one name have their keys behind it."""
    rows = board.rows[:MOST_ROWS]
    names = [slug(row.entrant) for row in rows]
    for row, name in zip(rows, names, strict=True):
        yield row, name if names.count(name) == 1 else f"{name}-{row.key[:6]}"


def _of_row(row: Row) -> Iterator[tuple[str, float]]:
    for name, one in row.statistics.items():
        split, _, short = name.partition("/")
        if split == "test" and short != "loss":
            yield f"{short}_mean", one.mean
            if one.low is not None and one.high is not None:
                yield f"{short}_low", one.low
                yield f"{short}_high", one.high
    yield "n", row.n
    yield "reached", row.reached
    yield "training_seconds", row.training_seconds
    if row.examples_per_second is not None:
        yield "examples_per_second", row.examples_per_second
    if "training_seconds" in row.to_target:
        yield "seconds_to_target", row.to_target["training_seconds"]


def _of_all(found: Across) -> Iterator[tuple[str, float]]:
    for entrant in found.entrants[:MOST_ROWS]:
        name, quality = slug(entrant.name), entrant.quality
        if quality is not None:
            yield f"across/interquartile_mean/{name}", quality.mean
            if quality.low is not None and quality.high is not None:
                yield f"across/interquartile_mean_low/{name}", quality.low
                yield f"across/interquartile_mean_high/{name}", quality.high
        for measure, score in entrant.scores.items():
            yield f"across/score_{measure}/{name}", score


def note(leaderboard: Leaderboard) -> str:
    """Return in Markdown, for each board, its answer in words and its table.

    At most some 6,000 characters: of large boards the best rows alone.
    """
    boards = leaderboard.boards
    most = max((len(board.rows) for board in boards), default=0)
    for rows in range(min(most, MOST_ROWS), 0, -1):
        text = "\n\n".join(_section(at, board, rows) for at, board in enumerate(boards))
        if len(text) <= _LONGEST_NOTE:
            return text
    return _answers(leaderboard)


def _section(at: int, board: Board, most: int) -> str:
    answer = answer_of(at, board)
    columns = brief_columns(board)
    rows = board.rows[:most]
    cells = [[column.cell(row) for column in columns] for row in rows]
    table = markdown_table([column.heading(board) for column in columns], cells)
    left = len(board.rows) - len(rows)
    told = [f"{left} more in leaderboard.md" if left else "", seeds_line(board), target_line(board)]
    under = "; ".join(line for line in told if line)
    # Without marks: a table of runs shows the beginning as it stands.
    sentence = markdown_text(f"{answer.sentence} {answer.told}".strip())
    return f"{sentence}\n\n{table}\n\n{markdown_text(f'{under[0].upper()}{under[1:]}.')}"


def _answers(leaderboard: Leaderboard) -> str:
    """Return the best row of as many boards as fit."""
    lines: list[str] = []
    for board in leaderboard.boards:
        best = board.rows[0]
        told = f"{board.title}: {best.name}, test {words(board.metric)} {best.mean:.4f}"
        line = f"- {markdown_text(told)}"
        if sum(map(len, lines)) + len(lines) + len(line) > _LONGEST_NOTE:
            lines.append(f"- {len(leaderboard.boards) - len(lines)} more in leaderboard.md")
            break
        lines.append(line)
    return "\n".join(lines)
