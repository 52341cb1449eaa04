"""The leaderboard: which backbone and optimizer did how well on which data, how fast, at what size.

Repeats with other seeds make one row. Test metrics are those of the weights that validated best.
"""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.data.cache import atomic_path
from suite.record import RunRecord
from suite.report.across import Across, across
from suite.report.board import Board, Row, board_of
from suite.report.groups import Group, groups_of
from suite.report.reference import Reference
from suite.report.scores import Counting
from suite.standing import best_of

if TYPE_CHECKING:
    from rich.console import Console


_KINDS = {"published": "best published", "human": "people", "baseline": "best baseline"}
"""Kinds of references, with the name of their line in the matrix."""


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Boards by task and data set, and how many runs did not count.

    across: how entrants do over several data sets; None where none was run on two of them.
    """

    boards: Sequence[Board]
    across: Across | None = None
    failed: int = 0
    unfinished: int = 0
    notes: Sequence[str] = field(default_factory=tuple)

    def write(self, folder: Path) -> list[Path]:
        """Write leaderboard.md, .json, .csv and, where there are runs, .png; return the paths."""
        from suite.report import tables

        texts = {
            "leaderboard.md": tables.markdown(self),
            "leaderboard.json": json.dumps(_finite(asdict(self)), indent=1) + "\n",
            "leaderboard.csv": tables.comma_separated(self),
        }
        contents = {name: text.encode() for name, text in texts.items()}
        if self.boards:
            from suite.report.picture import leaderboard_png

            contents["leaderboard.png"] = leaderboard_png(self)
        for name, content in contents.items():
            with atomic_path(folder / name) as path:
                path.write_bytes(content)
        return [folder / name for name in contents]

    def print(self, console: "Console | None" = None) -> None:
        """Show all boards, and the table of backbones by data set, on the terminal."""
        from suite.report import terminal

        terminal.show(self, console)

    def aggregates(self) -> dict[str, float]:
        """Return its numbers by name, for a dashboard."""
        from suite.report import dashboard

        return dashboard.aggregates(self)

    def note(self) -> str:
        """Return the answers and tables in Markdown, short enough for a dashboard."""
        from suite.report import dashboard

        return dashboard.note(self)

    def matrix(self) -> dict[str, dict[str, Row]]:
        """Return the best row of each backbone (outer key) on each data set (board title)."""
        cells: dict[str, dict[str, Row]] = defaultdict(dict)
        for board in self.boards:
            for row in board.rows:  # best first
                cells[row.backbone].setdefault(board.title, row)
        return dict(sorted(cells.items()))

    def known(self) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Return the best reference of each kind (outer key) on each data set (board title).

        Of the primary metric; a kind that nothing is known of is left out.
        """
        lines: dict[str, dict[str, Mapping[str, Any]]] = {}
        for kind, name in _KINDS.items():
            for board in self.boards:
                found = [
                    r
                    for r in board.references
                    if r.get("kind") == kind and r["metric"] == board.metric
                ]
                if found:
                    best = best_of(found, board.direction)
                    lines.setdefault(name, {})[board.title] = best
        return lines

    def summary(self) -> list[str]:
        """Return in lines what the tables leave out."""
        lines = list(self.notes)
        if not self.boards:
            lines.append("no finished runs")
        left_out = [(self.failed, "failed"), (self.unfinished, "not finished")]
        told = [f"{count} {what}" for count, what in left_out if count]
        if told:
            lines.append(f"runs left out: {', '.join(told)}")
        return lines


def _finite(value: Any) -> Any:
    """Return it with infinities as the word: JSON has no number for them."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return "Infinity" if value == math.inf else value


def leaderboard(
    records: Sequence[RunRecord],
    reference: Reference | None = None,
    counting: Counting = Counting.median,
) -> Leaderboard:
    """Rank finished runs by the mean of their primary metric on the test split.

    reference: what scores over several data sets are taken against; by default the suite's own, of
        its recipes on the embedded sets. counting: what stands for repeats there.
    """
    places: dict[tuple[str, str], dict[str, list[Group]]] = defaultdict(lambda: defaultdict(list))
    measured = [r for r in records if f"test/{r.primary}" in r.metrics]
    groups = groups_of(measured)
    for group in groups:
        places[group.task, group.data][group.fingerprint].append(group)
    boards: list[Board] = []
    notes: list[str] = []
    for (task, data), versions in places.items():
        found = [board_of(members) for members in versions.values()]
        if len(versions) > 1:
            found = [replace(b, data=f"{b.data}, version {b.fingerprint[:6]}") for b in found]
            notes.append(f"{task} / {data}: {len(versions)} versions of the data, not compared")
        boards += found
    counts = [
        sum(record.status == status for record in records) for status in ("failed", "running")
    ]
    over_all = across(groups, reference or Reference.read(), counting)
    return Leaderboard(
        boards=boards,
        across=over_all if over_all.entrants else None,
        failed=counts[0],
        unfinished=counts[1],
        notes=notes,
    )
