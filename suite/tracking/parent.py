"""What a sweep's parent run in MLflow shows: numbers, a description with its tables, pictures.

They are made where the sweep ends, from a report that tracking knows nothing of, and are kept in
the sweep's folder, so that `triathlon sync` can send them when the tracker was away.
"""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Protocol

from suite.data.cache import atomic_path
from suite.record import RunRecord
from suite.tracking import store, sweep_run, views
from suite.tracking.describe import LONGEST_NOTE
from suite.tracking.rows import dataset_of, legal
from suite.tracking.sweep_run import Sweep, folder_of
from suite.trust.text import markdown_text

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from rich.console import Console

_NUMBERS, _NOTE = "aggregates.json", "note.md"
_LONGEST_TAG = 250


class Report(Protocol):
    """What a sweep's runs come to, as `suite.report.leaderboard.leaderboard` returns it."""

    def print(self, console: "Console | None" = None) -> None:
        """Show it on the terminal."""

    def write(self, folder: Path) -> list[Path]:
        """Write it as files; return them."""

    def aggregates(self) -> Mapping[str, float]:
        """Return its numbers by name."""

    def note(self) -> str:
        """Return its answers and tables in Markdown."""


def keep(folder: Path, report: Report) -> None:
    """Write into the sweep's folder what `send_summary` is to send."""
    report.write(folder)
    texts = {_NUMBERS: json.dumps(dict(report.aggregates()), indent=1), _NOTE: report.note()}
    for name, text in texts.items():
        with atomic_path(folder / name) as path:
            path.write_text(text + "\n", encoding="utf-8")


def send_summary(
    results: Path, sweep: Sweep, records: Sequence[RunRecord], failures: Mapping[str, str]
) -> None:
    """Give the sweep's parent run all it shows; raise whatever MLflow raises.

    records: of the sweep's runs. failures: errors of its jobs by their overrides.
    """
    if sweep.uri is None:
        return
    from mlflow.entities import Metric, RunTag

    folder = folder_of(results, sweep.id)
    client = store.connect(results, sweep.uri)
    place = store.experiment_id(client, results, sweep.uri, sweep.experiment)
    parent = sweep_run.find_or_create(client, results, place, sweep.uri, sweep.id)
    numbers, best = summarize(records)
    numbers |= _kept_numbers(folder)
    numbers["summary/runs_finished"] = sum(r.status == "finished" for r in records)
    numbers["summary/runs_failed"] = len(failures)
    stamp = int(time.time() * 1000)
    metrics = [Metric(legal(name), value, stamp, 0) for name, value in numbers.items()]
    for part in store.calls(metrics, store.METRICS_AT_ONCE):
        client.log_batch(parent, metrics=part)
    ids = {name: _mlflow_id(results, run) for name, run in best.items()}
    tags = _tags(records) | {f"best.{name}": run for name, run in ids.items()}
    tags["mlflow.note.content"] = _note(folder, place, parent, ids, failures)
    client.log_batch(parent, tags=[RunTag(name, value) for name, value in tags.items()])
    for path in sorted(folder.glob("leaderboard.*")):
        client.log_artifact(parent, str(path))
    _name_data(client, parent, records)
    views.offer(client, place, [record.primary for record in records])
    client.set_terminated(parent, "FAILED" if failures else "FINISHED", stamp)
    replace(Sweep.read(folder), reported=True).write(results)


def summarize(records: Sequence[RunRecord]) -> tuple[dict[str, float], dict[str, str]]:
    """Return the parent's metrics and, by task and data set, the run id of its best child.

    The primary metric on the test split: best, mean, and the number of runs behind them.
    """
    groups: dict[tuple[str, str, str], list[RunRecord]] = defaultdict(list)
    for record in records:
        if record.status == "finished" and f"test/{record.primary}" in record.metrics:
            groups[record.task, record.data_name, record.primary].append(record)
    metrics: dict[str, float] = {}
    best: dict[str, str] = {}
    for (task, data, primary), runs in groups.items():
        choose = min if runs[0].direction == "minimize" else max
        top = choose(runs, key=lambda run: run.metrics[f"test/{run.primary}"])
        place = f"summary/{task}.{data}"
        metrics[f"{place}/{primary}_best"] = top.metrics[f"test/{primary}"]
        metrics[f"{place}/{primary}_mean"] = fmean(r.metrics[f"test/{primary}"] for r in runs)
        metrics[f"{place}/runs"] = len(runs)
        best[f"{task}.{data}"] = top.run_id
    return metrics, best


def _kept_numbers(folder: Path) -> dict[str, float]:
    path = folder / _NUMBERS
    # A sweep of an earlier version has none.
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _tags(records: Sequence[RunRecord]) -> dict[str, str]:
    """Return what its runs have in common, and the values where they differ."""
    told: dict[str, list[str]] = {
        "task": [r.task for r in records],
        "data": [r.data_name for r in records],
        "backbone": [r.backbone for r in records],
        "optimizer": [r.optimizer for r in records],
        "seed": [str(seed) for seed in sorted({r.seed for r in records})],
        "machine": [str(r.machine.get("fingerprint") or "") for r in records],
        "git.commit": [str(r.git.get("commit") or "") for r in records],
    }
    joined = {name: ", ".join(dict.fromkeys(filter(None, v))) for name, v in told.items()}
    return {name: text[:_LONGEST_TAG] for name, text in joined.items() if text}


def _note(
    folder: Path,
    experiment: str,
    parent: str,
    best: Mapping[str, str],
    failures: Mapping[str, str],
) -> str:
    """Return the description: the answers, the picture, and where the rest lies."""
    path = folder / _NOTE
    parts = [path.read_text(encoding="utf-8").strip()] if path.exists() else []
    if best:
        links = [
            f"[{markdown_text(name.rpartition('.')[2])}](#/experiments/{experiment}/runs/{run})"
            for name, run in best.items()
        ]
        parts.append(f"Best runs: {', '.join(links)}.")
    if failures:
        parts.append(f"{len(failures)} of its runs failed.")
    if (folder / "leaderboard.png").exists():
        parts.append(f"![Leaderboard]({store.picture(parent, 'leaderboard.png')})")
    files = ", ".join(one.name for one in sorted(folder.glob("leaderboard.*")))
    if files:
        parts.append(f"Under Artifacts: {files}.")
    text = ""
    for part in filter(None, parts):
        if len(text) + len(part) + 2 <= LONGEST_NOTE:
            text += f"{part}\n\n"
    return text.strip()


def _name_data(client: "MlflowClient", parent: str, records: Sequence[RunRecord]) -> None:
    """Give the parent the data sets of its runs, for the table's column."""
    sets = {r.data_card["fingerprint"]: r for r in records if r.data_card.get("fingerprint")}
    if sets:
        client.log_inputs(parent, [dataset_of(record.plain()) for record in sets.values()])


def _mlflow_id(results: Path, run: str) -> str:
    try:
        state = json.loads((results / "runs" / run / "tracking.json").read_text())
        return str(state["run"] or run)
    except (OSError, ValueError, KeyError):
        return run
