"""The leaderboard: which backbone and optimizer did how well on which data, how fast, at what size.

Repeats with other seeds make one row. Test metrics are those of the weights that validated best.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from suite.data.cache import atomic_path
from suite.record import RunRecord

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, kw_only=True)
class Row:
    """Runs that differ in their seed alone. Rates and times are medians over them.

    reached: how many of the n runs reached the target; the seconds to it are medians over those,
    None where none did. settings: which features, where they are hand-made, and the overrides that
    tell it from others of its backbone and optimizer.
    """

    backbone: str
    optimizer: str
    settings: str
    n: int
    mean: float
    median: float
    lowest: float
    highest: float
    parameters: float | None
    examples_per_second: float | None
    units_per_second: float | None
    training_seconds: float
    reached: int
    target_training_seconds: float | None
    target_wall_seconds: float | None
    run_ids: list[str]

    @property
    def name(self) -> str:
        """Backbone and optimizer, and what else sets it apart."""
        return f"{self.backbone} + {self.optimizer}" + (
            f" ({self.settings})" if self.settings else ""
        )


@dataclass(frozen=True, kw_only=True)
class Board:
    """One data set of one task: its rows, best first, and what others reached on it.

    references: of the primary metric only.
    """

    task: str
    data: str
    metric: str
    direction: str
    unit: str
    synthetic: bool
    fingerprint: str
    target: Mapping[str, Any]
    references: Sequence[Mapping[str, Any]]
    rows: Sequence[Row]

    @property
    def title(self) -> str:
        """Task and data set, marked where the data is synthetic."""
        return f"{self.task} / {self.data}" + (" (synthetic data)" if self.synthetic else "")


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Boards by task and data set, and how many runs did not count."""

    boards: Sequence[Board]
    failed: int = 0
    unfinished: int = 0
    notes: Sequence[str] = field(default_factory=tuple)

    def write(self, folder: Path) -> list[Path]:
        """Write leaderboard.md, .json, .csv and, where there are runs, .png; return the paths."""
        from suite.report import tables

        texts = {
            "leaderboard.md": tables.markdown(self),
            "leaderboard.json": json.dumps(asdict(self), indent=1) + "\n",
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
        from suite.report import tables

        tables.show(self, console)

    def matrix(self) -> dict[str, dict[str, Row]]:
        """Return the best row of each backbone (outer key) on each data set (board title)."""
        cells: dict[str, dict[str, Row]] = defaultdict(dict)
        for board in self.boards:
            for row in board.rows:  # best first
                cells[row.backbone].setdefault(board.title, row)
        return dict(sorted(cells.items()))

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


def leaderboard(records: Sequence[RunRecord]) -> Leaderboard:
    """Rank finished runs by the mean of their primary metric on the test split."""
    places: dict[tuple[str, str], list[RunRecord]] = defaultdict(list)
    # A run repeated with the same seed is no further evidence: the newest counts.
    for record in {
        r.config_hash or r.run_id: r for r in records if r.status == "finished"
    }.values():
        if f"test/{record.primary}" in record.metrics:
            places[record.task, record.data_name].append(record)
    boards: list[Board] = []
    notes: list[str] = []
    for (task, data), runs in sorted(places.items()):
        versions: dict[str, list[RunRecord]] = defaultdict(list)
        for run in runs:
            versions[str(run.data_card.get("fingerprint", ""))].append(run)
        boards += [_board(members) for members in versions.values()]
        if len(versions) > 1:
            notes.append(f"{task} / {data}: {len(versions)} versions of the data, not compared")
    counts = [
        sum(record.status == status for record in records) for status in ("failed", "running")
    ]
    return Leaderboard(boards=boards, failed=counts[0], unfinished=counts[1], notes=notes)


def _board(runs: Sequence[RunRecord]) -> Board:
    last = runs[-1]
    groups: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        groups[run.group_hash or run.run_id].append(run)
    several = _several(groups.values())
    rows = [_row(members, several) for members in groups.values()]
    minimize = last.direction == "minimize"
    return Board(
        task=last.task,
        data=last.data_name,
        metric=last.primary,
        direction=last.direction,
        unit=last.unit,
        synthetic=bool(last.data_card.get("synthetic")),
        fingerprint=str(last.data_card.get("fingerprint", "")),
        target=last.target,
        references=[r for r in last.references if r["metric"] == last.primary],
        rows=sorted(rows, key=lambda row: row.mean, reverse=not minimize),
    )


def _row(runs: Sequence[RunRecord], several: set[tuple[str, str, str]]) -> Row:
    first = runs[0]
    values = [run.metrics[f"test/{run.primary}"] for run in runs]
    reached = [run.reached for run in runs if run.reached]
    return Row(
        backbone=first.backbone,
        optimizer=first.optimizer,
        settings=_settings(first, several=_key(first) in several),
        n=len(runs),
        mean=fmean(values),
        median=median(values),
        lowest=min(values),
        highest=max(values),
        parameters=first.model.get("parameters"),
        examples_per_second=_median([run.throughput.get("examples_per_second") for run in runs]),
        units_per_second=_median([run.throughput.get("units_per_second") for run in runs]),
        training_seconds=median(run.training_seconds for run in runs),
        reached=len(reached),
        target_training_seconds=_median([r.get("training_seconds") for r in reached]),
        target_wall_seconds=_median([r.get("wall_seconds") for r in reached]),
        run_ids=[run.run_id for run in runs],
    )


def _key(run: RunRecord) -> tuple[str, str, str]:
    """Return what a row is named by where nothing else sets it apart."""
    return run.backbone, run.optimizer, str(run.hand_made.get("features", ""))


def _several(groups: Any) -> set[tuple[str, str, str]]:
    """Return the names that more than one group shares."""
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    for members in groups:
        counts[_key(members[0])] += 1
    return {name for name, count in counts.items() if count > 1}


def _settings(run: RunRecord, *, several: bool) -> str:
    """Return what the other columns do not tell: the features and, of several, the overrides."""
    features = str(run.hand_made.get("features", ""))
    if not several:
        return features
    told = {"task", "data", "backbone", "optimizer", "seed", "results", "name", "cache"}
    groups = {"hydra", "tracking"}
    if features:
        told |= {"backbone.features", "backbone.kernel"}
        groups |= {"loss", "optimizer", "schedule", "trainer", "precision"}
    kept = []
    for override in run.overrides:
        key = override.lstrip("+~").partition("=")[0]
        if key not in told and key.partition(".")[0] not in groups:
            kept.append(override)
    return " ".join([*([features] if features else []), *(kept or [run.group_hash])])


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
