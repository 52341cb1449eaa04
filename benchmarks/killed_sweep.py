"""A sweep of 3 tasks × 3 backbones × 2 optimizers × 3 seeds, killed half-way and run again.

    python benchmarks/killed_sweep.py --to killed     # 54 runs; 12 minutes on two cores

Starts `triathlon -m …` with two jobs at once, kills it with all its processes (SIGKILL) when half
of the cells are done, gives the same command again, and counts in the MLflow database what is
there: a finished child for each cell, and each metric row of each journal once.
"""

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from suite.sweeps.books import Status
from suite.sweeps.standing import Standing, folders, read_standing
from suite.tracking.rows import legal, totals_of

COMMAND = [
    "-m",
    "experiment=demo/digits,demo/language_names,demo/spoken_words",
    "backbone=mlp,convnet,lstm",
    "optimizer=adamw,sgd",
    "seed=0,1,2",
    "hardware=cpu_single",
    "hydra/launcher=joblib",
]
TRIATHLON = [sys.executable, "-m", "suite.cli"]
_SECONDS_BETWEEN = 0.5
_AT_WORK_SECONDS = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, required=True, help="folder of the results folder")
    parser.add_argument("--jobs", type=int, default=2, help="jobs at once")
    parser.add_argument("more", nargs="*", help="further overrides")
    chosen = parser.parse_args()
    chosen.to.mkdir(parents=True, exist_ok=True)
    command = [*TRIATHLON, *COMMAND, f"hydra.launcher.n_jobs={chosen.jobs}", *chosen.more]
    results = chosen.to / "results"
    began = time.monotonic()
    before = killed_half_way(command, chosen.to, results)
    half = time.monotonic() - began
    done = {entry.run for _, entry in before.cells(Status.finished)}
    told = {status.value: n for status, n in before.count.items() if n}
    print(f"killed after {half:.0f} s: {told}; rows in MLflow: {dict(counted(results))}")
    began = time.monotonic()
    with (chosen.to / "second.log").open("wb") as log:
        code = subprocess.run(
            command, cwd=chosen.to, stdout=log, stderr=subprocess.STDOUT, check=False
        ).returncode
    rest = time.monotonic() - began
    after = standing(results)
    assert after is not None
    again = {entry.run for _, entry in after.cells(Status.finished)}
    print(f"again: exit code {code} after {rest:.0f} s; in all {(half + rest) / 60:.1f} minutes")
    print(f"cells: {len(after.entries)}, finished {after.count[Status.finished]}")
    print(f"runs of before the kill that stay: {len(done & again)} of {len(done)}")
    print(f"runs made by the second command: {len(again - done)}")
    for line in audit(results):
        print(line)


def standing(results: Path) -> Standing | None:
    for folder in folders(results):
        return read_standing(folder)
    return None


def killed_half_way(command: list[str], cwd: Path, results: Path) -> Standing:
    """Start the sweep, kill it and all that it started when half is done; return how it stands."""
    with (cwd / "first.log").open("wb") as log:
        sweep = subprocess.Popen(
            command, cwd=cwd, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        while sweep.poll() is None:
            now = standing(results)
            if now is not None and half_way(now):
                os.killpg(sweep.pid, signal.SIGKILL)
                sweep.wait()
            time.sleep(_SECONDS_BETWEEN)
    if sweep.returncode != -signal.SIGKILL:
        raise SystemExit(f"the sweep ended by itself ({sweep.returncode}): see {log.name}")
    found = standing(results)
    assert found is not None
    return found


def half_way(now: Standing) -> bool:
    """Return whether half of the cells are done and others have been at work for a while."""
    begun = [entry.started for _, entry in now.cells(Status.running)]
    at_work = any(time.time() - started > _AT_WORK_SECONDS for started in begun)
    return now.count[Status.finished] * 2 >= len(now.entries) and at_work


def counted(results: Path) -> Counter[tuple[str, str]]:
    """Return how many children the database has by status and stage."""
    query = (
        "select status, lifecycle_stage from runs join tags using (run_uuid) "
        "where key = 'mlflow.parentRunId'"
    )
    return Counter(rows(results, query))


def audit(results: Path) -> Iterator[str]:
    """Yield what the database has of the sweep, and what of the journals it lacks or has twice."""
    yield f"parents: {len(rows(results, _PARENTS))}"
    yield f"children by status and stage: {dict(counted(results))}"
    active = rows(results, _CHILDREN)
    yield f"distinct cells among the finished: {len({cell for _, _, cell in active})}"
    missing = twice = sent = 0
    for uuid, run, _ in active:
        told = Counter(journal_rows(results / "runs" / run / "journal.jsonl"))
        query = f"select key, step from metrics where run_uuid = '{uuid}'"
        here = Counter(rows(results, query))
        missing += sum((told - here).values())
        twice += sum((here - told).values())
        sent += sum(here.values())
    yield f"metric rows of the finished: {sent}, missing {missing}, too many {twice}"


_PARENTS = "select distinct value from tags where key = 'mlflow.parentRunId'"
_CHILDREN = """
select runs.run_uuid, r.value, c.value from runs
join tags p on p.run_uuid = runs.run_uuid and p.key = 'mlflow.parentRunId'
join tags r on r.run_uuid = runs.run_uuid and r.key = 'triathlon.run_id'
join tags c on c.run_uuid = runs.run_uuid and c.key = 'config_hash'
where runs.status = 'FINISHED' and runs.lifecycle_stage = 'active'
"""


def journal_rows(path: Path) -> Iterator[tuple[str, int]]:
    for line in path.read_text().splitlines():
        event = json.loads(line)
        values, step = event.get("values", {}), event.get("step")
        if event["event"] == "end":  # the totals of the run
            values, step = totals_of(event["record"]), event["record"]["steps"]
        yield from ((legal(name), step) for name in values)


def rows(results: Path, query: str) -> list[tuple[str, ...]]:
    uri = f"file:{results / 'mlflow.db'}?mode=ro"
    with sqlite3.connect(uri, uri=True) as database:
        return list(database.execute(query))


if __name__ == "__main__":
    main()
