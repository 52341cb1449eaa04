"""Writes report.html: text and tables in HTML, charts for the script to draw, all in one file."""

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from markupsafe import Markup

from suite.data.cache import atomic_path
from suite.record import RunRecord
from suite.report.columns import (
    MISSING,
    columns_of,
    seeds_line,
    standing_line,
    target_line,
    words,
)
from suite.report.leaderboard import Leaderboard
from suite.report.page import charts, costs, evidence
from suite.report.page.answers import answer_of
from suite.report.page.charts import Chart
from suite.report.page.claims import claims
from suite.report.page.insights import insights
from suite.report.page.learning import CLOCKS, Band, ReadEvents, bands, read_curves, tell_apart
from suite.report.page.scaling import scaled
from suite.report.page.shown import MOST_ROWS, Contents
from suite.report.tables import across_headings, across_lines, across_notes
from suite.trust.text import printable

_MOST_CURVES = 12
"""Configurations whose learning curves are drawn on one board."""
MOST_FAILURES = 100
"""Failed runs that are listed."""
_HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a board's table: cells, and the number of its configuration, if it is of one."""

    row: int | None
    cells: Sequence[str]


def write_page(
    leaderboard: Leaderboard,
    records: Sequence[RunRecord],
    runs: Path,
    read_events: ReadEvents,
    path: Path,
) -> Path:
    """Write the page, whole or not at all; return its path. The same input gives the same bytes.

    runs: folder of the runs' folders, which are named after their ids; what is not there is not
    shown. What `triathlon scaling` wrote beside that folder is. read_events: reads a journal.
    """
    contents = Contents(leaderboard=leaderboard, records=records)
    page = _render(contents, runs, read_events)
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _render(contents: Contents, runs: Path, read_events: ReadEvents) -> str:
    import jinja2

    drawn = _charts(contents, runs, read_events)
    listed, confused = _confusions(contents, runs)
    drawn["confusion"] = listed
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    results = runs.parent
    told: dict[str, Sequence[object]] = {"scaling": scaled(results), "claims": claims(results)}
    scripts = {"script": _file("page.js"), "library": _library()}
    environment.filters["capitalize_first"] = lambda text: f"{text[:1].upper()}{text[1:]}"
    return environment.get_template("page.html.jinja").render(
        contents=contents,
        boards=list(enumerate(contents.boards)),
        answers=[answer_of(at, board) for at, board in enumerate(contents.boards)],
        tables=[_table(contents, at) for at in range(len(contents.boards))],
        charts=drawn,
        confused=confused,
        galleries=evidence.galleries(contents, runs),
        insights=insights(contents, runs),
        **told,
        absent=[name for name, found in told.items() if not found],
        across=contents.leaderboard.across,
        across_headings=across_headings,
        across_lines=lambda found: list(islice(across_lines(found), MOST_ROWS)),
        across_notes=across_notes,
        failures=_failures(contents.records),
        counts=_counts(contents),
        filters=_filters(contents),
        notes=_notes(contents),
        machines=_machines(contents.records),
        words=words,
        css=_file("page.css"),
        **scripts,
        script_hashes=Markup(" ").join(map(_source, scripts.values())),
        data=_data(contents, [chart for each in drawn.values() for chart in each]),
    )


def _readable(value: Any) -> Any:
    """Write control characters out, but of what is marked up already."""
    return printable(value) if type(value) is str else value


@lru_cache(maxsize=1)
def _library() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script; it takes a second to put together."""
    import vl_convert

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script.replace("</script", "<\\/script")


def _source(script: str) -> Markup:
    """Return what allows this script in a Content-Security-Policy, and so no other."""
    digest = hashlib.sha256(script.encode()).digest()
    return Markup("'sha256-{}'").format(base64.b64encode(digest).decode())


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _data(contents: Contents, drawn: Sequence[Chart]) -> str:
    """Return what the script draws from, as JSON that may stand in a script element."""
    rows = [
        {
            "board": shown.board,
            "name": shown.row.name,
            "backbone": shown.row.backbone,
            "optimizer": shown.row.optimizer,
            "sweeps": shown.sweeps,
        }
        for shown in contents.rows
    ]
    kinds = {chart.kind for chart in drawn}
    values = {
        "rows": rows,
        "backbones": contents.backbones,
        "optimizers": contents.optimizers,
        "specs": {kind: spec for kind, spec in charts.specifications().items() if kind in kinds},
        "charts": [chart.plain() for chart in drawn],
    }
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _charts(contents: Contents, runs: Path, read_events: ReadEvents) -> dict[str, list[Chart]]:
    """Return the charts by section."""
    drawn: dict[str, list[Chart]] = defaultdict(list)

    def draw(section: str, chart: Chart | None) -> None:
        drawn[section] += [] if chart is None else [chart]

    draw("heat", charts.heat_map(contents))
    draw("profile", costs.profile(contents))
    for at in range(len(contents.boards)):
        draw("quality", charts.quality(contents, at))
        curves = _bands(contents, at, runs, read_events)
        apart = tell_apart(curves.values())
        for clock in CLOCKS:
            if clock != "units" or apart:
                draw("learning", charts.learning(contents, at, clock, curves))
        draw("target", costs.time_to_targets(contents, at))
        draw("pareto", costs.pareto(contents, at))
        draw("throughput", costs.throughput(contents, at))
        draw("throughput", costs.where_time_goes(contents, at))
    return drawn


def _bands(
    contents: Contents, at: int, runs: Path, read_events: ReadEvents
) -> dict[int, list[Band]]:
    """Return the learning curves of the best of each backbone, optimizer and loss, by number."""
    metric = contents.boards[at].metric
    best: dict[tuple[str, str, str], int] = {}
    for shown in contents.of_board(at):
        loss = shown.runs[0].loss
        best.setdefault((shown.row.backbone, shown.row.optimizer, loss), shown.number)
    found = {}
    for number in list(best.values())[:_MOST_CURVES]:
        folders = [runs / run.run_id for run in contents.rows[number].runs]
        curves = read_curves(folders, read_events, metric)
        if curves:
            found[number] = bands(curves)
    return found


def _confusions(contents: Contents, runs: Path) -> tuple[list[Chart], list[dict[str, Any]]]:
    """Return confusion matrices, and lists of what the best configuration confuses most."""
    drawn, listed = [], []
    for at in range(len(contents.boards)):
        best = contents.best_by_backbone(at)[: evidence.MOST_BACKBONES]
        classes, counts = evidence.confusions(best, runs)
        chart = charts.confusion(contents, at, counts, classes)
        if chart is not None:
            drawn.append(chart)
        for number, cells in list(counts.items())[:1]:
            pairs = evidence.most_confused(cells, classes)
            if pairs:
                listed.append({"board": at, "shown": contents.rows[number], "pairs": pairs})
    return drawn, listed


def _table(contents: Contents, at: int) -> dict[str, Any]:
    """Return a board's table: configurations and results of others, best first."""
    board = contents.boards[at]
    columns = columns_of(board)
    placed: list[tuple[float, Line]] = []
    behind: list[Line] = []
    for shown in contents.of_board(at):
        cells = [column.cell(shown.row) for column in columns]
        placed.append((shown.row.mean, Line(row=shown.number, cells=cells)))
    for reference in board.references:
        line = Line(row=None, cells=[one.reference(board, reference) for one in columns])
        if reference["metric"] == board.metric:
            placed.append((float(reference["value"]), line))
        else:
            behind.append(line)
    placed.sort(key=lambda one: one[0], reverse=board.direction != "minimize")
    hidden = len(board.rows) - len(contents.of_board(at))
    told = [
        f"the best {len(contents.of_board(at))} of {len(board.rows)} configurations; "
        "leaderboard.csv has all" if hidden else "",
        "mean of n runs that differ in their seed",
        seeds_line(board),
        target_line(board),
        standing_line(board),
    ]  # fmt: skip
    under = "; ".join(filter(None, told))
    return {
        "board": at,
        "headings": [column.heading(board) for column in columns],
        "lines": [line for _, line in placed] + behind,
        "under": f"{under[0].upper()}{under[1:]}.",
    }


def _failures(records: Sequence[RunRecord]) -> dict[str, Any]:
    failed = sorted(
        (record for record in records if record.status == "failed"),
        key=lambda record: (record.started, record.run_id),
    )
    lines = [
        {
            "sweep": record.sweep or "",
            "backbone": record.backbone,
            "optimizer": record.optimizer,
            "cells": [record.name, record.task, record.data_name, record.backbone,
                      record.optimizer, str(record.seed), record.sweep or MISSING],
            "error": record.error or "no error was recorded",
        }
        for record in failed[:MOST_FAILURES]
    ]  # fmt: skip
    return {"count": len(failed), "lines": lines}


def _counts(contents: Contents) -> str:
    """Say how much the page is made from."""
    finished = sum(record.status == "finished" for record in contents.records)
    boards = contents.leaderboard.boards
    rows = sum(len(board.rows) for board in boards)
    return f"{finished:,} finished runs, {rows:,} configurations, {len(boards):,} data sets"


def _filters(contents: Contents) -> list[dict[str, Any]]:
    """Return the filters with their choices: value and name."""
    sweeps = sorted({sweep for shown in contents.rows for sweep in shown.sweeps})
    return [
        {"name": "board", "title": "Task",
         "values": [(str(at), board.title) for at, board in enumerate(contents.boards)]},
        {"name": "backbone", "title": "Backbone", "values": [(b, b) for b in contents.backbones]},
        {"name": "optimizer", "title": "Optimizer",
         "values": [(o, o) for o in contents.optimizers]},
        {"name": "sweep", "title": "Sweep",
         "values": [(sweep, sweep or "runs of no sweep") for sweep in sweeps]},
    ]  # fmt: skip


def _notes(contents: Contents) -> list[str]:
    """Return in lines what the page leaves out."""
    boards = contents.leaderboard.boards
    hidden = len(boards) - len(contents.boards)
    notes = [*contents.leaderboard.summary()]
    if hidden:
        notes.append(f"{hidden} more data sets are in leaderboard.md and leaderboard.csv")
    return notes


def _machines(records: Sequence[RunRecord]) -> list[tuple[str, int]]:
    """Return the machines that runs were made on, and how many were on each."""
    found: dict[str, int] = defaultdict(int)
    for record in records:
        machine = record.machine
        parts: list[Any] = [machine.get("accelerator") or machine.get("processor"),
                 machine.get("system")]  # fmt: skip
        threads = machine.get("threads")
        if threads:
            parts.append(f"{threads} {'thread' if threads == 1 else 'threads'}")
        told = ", ".join(str(part) for part in parts if part)
        if told and record.status == "finished":
            found[told] += 1
    return sorted(found.items(), key=lambda one: (-one[1], one[0]))
