"""What the page shows: boards, and the configurations on them by number.

A chart's rows name a configuration by its number, so that name, colour and filter are told once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from suite.record import RunRecord
from suite.report.board import Board, Row
from suite.report.groups import Group, groups_of
from suite.report.leaderboard import Leaderboard

MOST_BOARDS = 24
"""Data sets that are shown: with more the page would be too large, and nobody would read it."""
MOST_ROWS = 40
"""Rows of a board that are shown, the best; the leaderboard's other files have all."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A row of a board. number: its place in `Contents.rows`. board: number of its board.

    runs: its repeats. sweeps: those that they are of; "" stands for none.
    """

    number: int
    board: int
    row: Row
    runs: Sequence[RunRecord]
    sweeps: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Everything that the page is made of, but for what lies in the runs' folders."""

    leaderboard: Leaderboard
    records: Sequence[RunRecord]

    @cached_property
    def boards(self) -> Sequence[Board]:
        """The boards that are shown."""
        return self.leaderboard.boards[:MOST_BOARDS]

    @cached_property
    def runs(self) -> Mapping[str, RunRecord]:
        """All records by the run's id."""
        return {record.run_id: record for record in self.records}

    @cached_property
    def rows(self) -> Sequence[Shown]:
        """All rows that are shown, in the order of the boards, best first."""
        shown: list[Shown] = []
        for at, board in enumerate(self.boards):
            for row in self._rows_of(board):
                runs = [self.runs[run_id] for run_id in row.run_ids]
                sweeps = sorted({run.sweep or "" for run in runs})
                shown.append(Shown(number=len(shown), board=at, row=row, runs=runs, sweeps=sweeps))
        return shown

    def of_board(self, at: int) -> Sequence[Shown]:
        """Return the rows of one board."""
        return [shown for shown in self.rows if shown.board == at]

    @cached_property
    def backbones(self) -> Sequence[str]:
        """Names of the backbones, in the order that gives them their colours."""
        return sorted({shown.row.backbone for shown in self.rows})

    @cached_property
    def optimizers(self) -> Sequence[str]:
        """Names of the optimizers, in the order that gives them their shapes."""
        return sorted({shown.row.optimizer for shown in self.rows})

    @cached_property
    def groups(self) -> Mapping[tuple[str, ...], Group]:
        """All groups by the ids of their runs."""
        found = groups_of([self.runs[i] for shown in self.rows for i in shown.row.run_ids])
        return {tuple(run.run_id for run in group.runs): group for group in found}

    @cached_property
    def entrants(self) -> Mapping[str, Sequence[int]]:
        """Numbers of the rows of each entrant of the scores over data sets."""
        found: dict[str, list[int]] = {}
        for shown in self.rows:
            group = self.groups[tuple(shown.row.run_ids)]
            found.setdefault(group.entrant, []).append(shown.number)
        return found

    def best_by_backbone(self, at: int) -> Sequence[Shown]:
        """Return the best row of each backbone on a board, best first."""
        best: dict[str, Shown] = {}
        for shown in self.of_board(at):
            best.setdefault(shown.row.backbone, shown)
        return list(best.values())

    @staticmethod
    def _rows_of(board: Board) -> Sequence[Row]:
        """Return the best rows, among them the best of every backbone and optimizer."""
        first: dict[tuple[str, str], Row] = {}
        for row in board.rows:
            first.setdefault((row.backbone, row.optimizer), row)
        keys = dict.fromkeys([row.key for row in first.values()] + [row.key for row in board.rows])
        chosen = set(list(keys)[:MOST_ROWS])
        return [row for row in board.rows if row.key in chosen]
