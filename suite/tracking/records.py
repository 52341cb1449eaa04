"""Runs read back from an MLflow store: a server, sqlite or PostgreSQL.

Each run carries its whole record in tags, so that the database alone gives the leaderboard; curves
come from its metrics, and what there is to look at from its artifacts.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.errors import DataError
from suite.record import RunRecord
from suite.tracking import store
from suite.tracking.rows import legal, unpacked

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_AT_ONCE = 1000
_LOOKED_AT = ("mistakes", "figures/confusion_matrix.json")
"""Artifacts that the page shows."""


def records_of_store(uri: str, scratch: Path) -> list[RunRecord]:
    """Return the records of all runs that have ended, oldest first, as `read_records` has them.

    scratch: a folder for what connecting leaves behind. Raises `DataError` where the store is not
    there, cannot be reached, or holds a record that is broken.
    """
    return [record for record, _ in _ended(_reach(uri, scratch))]


def restore(uri: str, results: Path) -> list[RunRecord]:
    """Write into a results folder what reports read of each run; return the records.

    Records, validation curves, mistakes and confusion counts. Raises what `records_of_store` does.
    """
    client = _reach(uri, results)
    records = []
    for record, run in _ended(client):
        folder = results / "runs" / record.run_id
        # The name comes from elsewhere and must not reach out of the folder.
        if folder.name != record.run_id or folder.parent != results / "runs":
            raise DataError(f"{store.shown(uri)}: {record.run_id!r} is no name of a run")
        record.write(folder)
        if record.status == "finished":
            _write_journal(client, run, record, folder / "journal.jsonl")
            _fetch(client, run.info.run_id, folder)
        records.append(record)
    return records


def _reach(uri: str, scratch: Path) -> "MlflowClient":
    path = store.sqlite_path(uri)
    if path is not None and not path.exists():
        raise DataError(f"{uri}: there is no such database")
    problem = store.problem(scratch, uri)
    if problem:
        raise DataError(problem)
    return store.connect(scratch, uri)


def _ended(client: "MlflowClient") -> "Iterator[tuple[RunRecord, Run]]":
    """Yield the runs with a record, by their start and then by their id."""
    places = [one.experiment_id for one in _pages(client.search_experiments)]
    found: dict[str, tuple[RunRecord, Run]] = {}
    for run in _pages(client.search_runs, places) if places else ():
        plain = unpacked(run.data.tags)
        if plain is not None:
            record = RunRecord.of(plain)
            found[record.run_id] = record, run
    yield from sorted(found.values(), key=lambda pair: (pair[0].started, pair[0].run_id))


def _pages(search: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
    """Yield what a search finds, page by page."""
    token = None
    while True:
        page = search(*arguments, max_results=_AT_ONCE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _write_journal(client: "MlflowClient", run: "Run", record: RunRecord, path: Path) -> None:
    """Write the validations with their clock, which is what curves are drawn from."""
    rows: dict[tuple[int, int], dict[str, float]] = defaultdict(dict)
    for name in (f"validation/{record.primary}", "time/training_seconds"):
        if legal(name) in run.data.metrics:
            for one in client.get_metric_history(run.info.run_id, legal(name)):
                rows[one.timestamp, one.step][name] = one.value
    with path.open("w", encoding="utf-8") as file:
        for (stamp, step), values in sorted(rows.items()):
            event = {"time": stamp / 1000, "event": "metrics", "step": step, "values": values}
            file.write(json.dumps(event) + "\n")


def _fetch(client: "MlflowClient", run: str, folder: Path) -> None:
    """Copy what there is to look at. Nothing rests on it, so what cannot be had is left out."""
    from mlflow.exceptions import MlflowException

    for name in _LOOKED_AT:
        try:
            shutil.rmtree(folder / ".fetched", ignore_errors=True)
            (folder / ".fetched").mkdir()
            came = Path(client.download_artifacts(run, name, str(folder / ".fetched")))
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            came.rename(folder / name)
        except (MlflowException, OSError):
            continue
        finally:
            shutil.rmtree(folder / ".fetched", ignore_errors=True)
