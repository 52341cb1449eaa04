"""`triathlon sweep`: how far sweeps are."""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suite.sweeps.books import Status
from suite.sweeps.standing import Standing, folder_named, folders, read_standing

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def main(arguments: list[str]) -> int:
    """Tell how far a sweep is, or list all sweeps of a results folder."""
    parser = argparse.ArgumentParser("triathlon sweep", description=main.__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="status|list")
    status = verbs.add_parser("status", help="what is done, running, failed and left of a sweep")
    status.add_argument("name", nargs="?", help="name of the sweep (default: the newest)")
    every = verbs.add_parser("list", help="all sweeps, the newest first")
    for one in (status, every):
        one.add_argument("--results", type=Path, default=Path("results"))
        one.add_argument("--json", action="store_true", help="for programs to read")
    chosen = parser.parse_args(arguments)
    if chosen.verb == "list":
        _list([read_standing(folder) for folder in folders(chosen.results)], chosen.json)
    else:
        _status(read_standing(folder_named(chosen.results, chosen.name)), chosen.json)
    return 0


def _status(standing: Standing, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_plain(standing) | {"cells": _cells(standing)}, indent=1))
        return
    print(f"{standing.name}: {state_of(standing)}")
    print(f"  {counts_of(standing)}")
    for line in search_of(standing):
        print(f"  {line}")
    left = standing.seconds_left()
    if left and standing.open:
        at_once = "" if standing.parallel is None else f", {standing.parallel} at once"
        print(f"  about {duration(left)} left{at_once}")
    now = time.time()
    rows = []
    for cell, entry in standing.cells(Status.running):
        note = f"{duration(now - entry.started)}, {entry.place}"
        rows.append(("running", standing.plan.name(cell), note))
    for status in (Status.failed, Status.killed):
        for cell, entry in standing.cells(status):
            rows.append((status.value, standing.plan.name(cell), entry.error or ""))
    if rows:
        _table(("", "run", "note"), rows)
    if not standing.open and any(not e.status.settled for e in standing.entries.values()):
        print("The same command goes on with what is left.")


def _list(standings: Sequence[Standing], as_json: bool) -> None:
    if as_json:
        print(json.dumps([_plain(one) for one in standings], indent=1))
        return
    rows = [(one.name, _when(one.started), state_of(one), counts_of(one)) for one in standings]
    if rows:
        _table(("sweep", "begun", "", "runs"), rows)
    else:
        print("no sweeps; `triathlon -m …` makes one")


def state_of(standing: Standing) -> str:
    """Return in a word or two whether it runs, and whether it is done."""
    if standing.open:
        return "running"
    left = [entry.status for entry in standing.entries.values() if not entry.status.settled]
    search = standing.search
    if search is not None and sum(search["trials"].values()) < search["n_trials"]:
        return "stopped"
    if not left:
        return "done" if standing.entries else "stopped"
    if Status.running in left:
        return "stopped, with runs still at work"
    return "done, with failures" if set(left) == {Status.failed} else "stopped"


def counts_of(standing: Standing) -> str:
    """Return how many cells stand how."""
    order = (Status.finished, Status.pruned, Status.running, Status.failed, Status.killed)
    count = standing.count
    parts = [f"{count[status]} {status.value}" for status in order if count[status]]
    parts += [f"{count[Status.pending]} pending"] if count[Status.pending] else []
    return f"{len(standing.entries)} runs: {', '.join(parts) or 'none yet'}"


def search_of(standing: Standing) -> list[str]:
    """Return what a search has found so far."""
    search = standing.search
    if search is None:
        return []
    told = [f"{n} {name}" for name, n in search["trials"].items() if n]
    lines = [f"{search['n_trials']} trials: {', '.join(told) or 'none over yet'}"]
    best = search["best"]
    if best is not None:
        params = " ".join(f"{key}={value}" for key, value in best["params"].items())
        seeds = f"mean of {search['seeds']} seeds" if search["seeds"] > 1 else "one seed"
        lines.append(f"best {search['metric']} {best['value']:.4f}, {seeds}: {params}")
    return lines


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(5), duration(200), duration(9000)
    ('5 s', '3 min', '2 h 30 min')
    """
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    return f"{seconds // _DAY:.0f} d {seconds % _DAY // _HOUR:.0f} h"


def _when(started: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(started)) if started else ""


def _plain(standing: Standing) -> dict[str, Any]:
    return {
        "name": standing.name,
        "identity": standing.plan.identity,
        "running": standing.open,
        "started": standing.started,
        "parallel": standing.parallel,
        "seconds_left": standing.seconds_left(),
        "search": standing.search,
        "runs": {status.value: n for status, n in standing.count.items()},
    }


def _cells(standing: Standing) -> list[dict[str, Any]]:
    return [
        {
            "key": cell.key,
            "overrides": list(cell.overrides),
            "status": standing.entries[cell.key].status.value,
            "run": standing.entries[cell.key].run,
            "seconds": standing.entries[cell.key].seconds,
            "error": standing.entries[cell.key].error,
        }
        for cell in standing.plan.cells
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from suite.trust.terminal import Terminal

    table = Table(box=None, pad_edge=False, show_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Terminal().print(table)
