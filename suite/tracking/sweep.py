"""What happens around a sweep: its folder and its parent run before, its summary after.

Hydra calls `SweepCallback` (see `conf/hydra/triathlon.yaml`). A job that fails leaves its error in
the sweep's folder and lets the others go on, whichever launcher runs them.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from suite.data.cache import atomic_path
from suite.errors import unwritable
from suite.record import RunRecord, read_records
from suite.sweeps import tracker
from suite.sweeps.books import Books, Status
from suite.sweeps.opening import EXPERIMENT
from suite.sweeps.plan import Plan
from suite.tracking import parent, store, sweep_run
from suite.tracking.parent import Report
from suite.tracking.sweep_run import Sweep, folder_of

_OUR_SWEEPERS = "hydra_plugins.triathlon."


class SweepCallback(Callback):
    """Keeps a sweep's books. report: makes the final tables from the records of its runs."""

    def __init__(self, report: Callable[[Sequence[RunRecord]], Report]) -> None:
        self.report = report

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        os.environ.pop(sweep_run.VARIABLE, None)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Open the books of a sweep whose sweeper knows nothing of them."""
        if str(config.hydra.sweeper._target_).startswith(_OUR_SWEEPERS):
            return
        results = Path(config.results)
        tracking = config.tracking
        name = Path(config.hydra.sweep.dir).name
        uri = store.uri_of(results, tracking.uri) if tracking.enabled else None
        experiment = tracking.experiment or EXPERIMENT
        sweep = Sweep(id=name, uri=uri, experiment=experiment, parallel=None, started=time.time())
        try:
            sweep.write(results)
        except OSError as error:
            # Of any other error here Hydra makes a warning, and goes on.
            print(f"triathlon: {unwritable(results, error)}", file=sys.stderr)
            raise SystemExit(2) from error
        # Workers of joblib inherit the environment; so do jobs that submitit starts.
        os.environ[sweep_run.VARIABLE] = str(folder_of(results, name).resolve())
        tracker.prepare(results, sweep)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        if config.hydra.mode != RunMode.MULTIRUN or job_return.status != JobStatus.FAILED:
            return
        folder = folder_of(Path(config.results), Path(config.hydra.sweep.dir).name)
        if Plan.read(folder) is None:  # else the job itself has noted it
            error = job_return._return_value
            failure = {
                "job": config.hydra.job.num,
                "overrides": list(job_return.overrides or ()),
                "error": f"{type(error).__name__}: {store.first_line(error)}",
            }
            with atomic_path(folder / "failures" / f"{config.hydra.job.num}.json") as path:
                path.write_text(json.dumps(failure, indent=1) + "\n")
        # Hydra would raise the first failure after the last job and tell of none of the others.
        job_return.return_value = float("nan")
        job_return.status = JobStatus.COMPLETED

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        results = Path(config.results)
        folder = folder_of(results, Path(config.hydra.sweep.dir).name)
        records: list[RunRecord] = []
        failures: dict[str, str] = {}
        if (folder / "sweep.json").exists():
            sweep = replace(Sweep.read(folder), ended=True, reported=False)
            sweep.write(results)
            records = records_of(results, sweep)
            failures = failures_of(folder, records)
        if not records and not failures:
            globs = [one for one in config.hydra.overrides.task if "glob(" in one]
            what = " ".join(globs) or "the sweep"
            print(
                f"triathlon: {what}: matches nothing, so no job was run; a glob sees the files of "
                "one folder, without those of folders in it",
                file=sys.stderr,
            )
            raise SystemExit(2)
        report = self.report(records)
        parent.keep(folder, report)
        report.print()
        if failures:
            _print_failures(failures)
        try:
            tracker.withdraw(results, sweep)
            tracker.catch_up(results, sweep, [record.run_id for record in records])
            parent.send_summary(results, sweep, records, failures)
        except Exception as error:  # the tables are on the terminal and in the folder
            _warn(
                f"MLflow at {store.shown(sweep.uri or '')} did not take the sweep's summary "
                f"({store.first_line(error)}); it is in {folder}"
            )


def failed_jobs() -> int:
    """Return how many cells of this process's sweep failed, for the command's exit code."""
    folder = os.environ.get(sweep_run.VARIABLE)
    return len(_noted(Path(folder))) if folder else 0


def records_of(results: Path, sweep: Sweep) -> list[RunRecord]:
    """Return the records of the sweep's runs, oldest first; of runs made again the last alone."""
    folder = folder_of(results, sweep.id)
    plan = Plan.read(folder)
    if plan is None:
        return [record for record in read_records(results) if record.sweep == sweep.id]
    books = Books(folder)
    runs = [books.entry(cell.key).run for cell in plan.cells]
    paths = [results / "runs" / run / "record.json" for run in runs if run is not None]
    records = [RunRecord.read(path) for path in paths if path.exists()]
    return sorted(records, key=lambda record: record.started)


def failures_of(folder: Path, records: Sequence[RunRecord]) -> dict[str, str]:
    """Return the error of each job that failed, by its overrides, whoever noted it."""
    failures = _noted(folder)
    for record in records:
        if record.status == "failed":
            failures.setdefault(" ".join(record.overrides), record.error or "failed")
    return failures


def _noted(folder: Path) -> dict[str, str]:
    """Return the failures that the sweep's books tell of, in the order of its cells."""
    plan, books = Plan.read(folder), Books(folder)
    failures = {}
    for cell in plan.cells if plan is not None else ():
        entry = books.entry(cell.key)
        if entry.status in (Status.failed, Status.killed):
            failures[" ".join(cell.overrides)] = entry.error or entry.status.value
    for path in sorted(folder.glob("failures/*.json"), key=lambda path: int(path.stem)):
        failure = json.loads(path.read_text())
        failures[" ".join(failure["overrides"])] = failure["error"]
    return failures


def _print_failures(failures: Mapping[str, str]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from suite.trust.terminal import Terminal

    table = Table(title=f"{len(failures)} failed", title_style="bold red", title_justify="left")
    table.add_column("job", overflow="fold")
    table.add_column("error", overflow="fold")
    for overrides, error in failures.items():
        table.add_row(escape(overrides), escape(error))
    Terminal().print(table)


def _warn(message: str) -> None:
    print(f"warning: {message}; `triathlon sync` sends what is missing", file=sys.stderr)
