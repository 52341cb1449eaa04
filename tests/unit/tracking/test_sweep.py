import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.tracking import store, sweep_run
from suite.tracking.sweep_run import Sweep
from suite.tracking.sync import sync

ROOT = Path(__file__).parents[3]

CONFIG = """
defaults:
  - _self_
  - hydra: triathlon
  - override hydra/hydra_logging: none
  - override hydra/job_logging: none
hydra:
  searchpath: [pkg://conf]
results: results
seed: 0
tracking: {enabled: true, uri: null, experiment: null}
"""

APP = """
import sys, hydra
from pathlib import Path

@hydra.main(version_base="1.3", config_path=".", config_name="config")
def main(config):
    from suite.record import RunRecord
    from suite.tracking import store
    from suite.tracking.journal import Journal
    from suite.tracking.sender import Sender
    from suite.tracking.sweep_run import current_sweep

    if config.seed == 1:
        raise ValueError("no seed [1]")
    sweep, results = current_sweep(), Path(config.results)
    record = RunRecord(
        run_id=f"run{config.seed}", name=f"seed {config.seed}", task="image_recognition",
        data="digits", backbone="mlp", optimizer="adamw", seed=config.seed, sweep=sweep.id,
        primary="accuracy", direction="maximize", group_hash="g", config_hash=f"{config.seed}",
    )
    folder = results / "runs" / record.run_id
    journal = Journal(folder)
    journal.start(record)
    if sweep.uri:
        sender = Sender(folder, results=results, uri=sweep.uri, experiment=sweep.experiment)
        sender.start()
    record.status, record.metrics = "finished", {"test/accuracy": 0.5 + config.seed / 10}
    journal.metrics(1, record.metrics)
    journal.end(record)
    if sweep.uri:
        print("warning:", sender.close())

if __name__ == "__main__":
    main()
    from suite.tracking.sweep import failed_jobs
    sys.exit(1 if failed_jobs() else 0)
"""


@pytest.fixture
def app(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "app.py").write_text(APP)

    def start(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, str(folder / "app.py"), *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return start


def test_a_sweep_from_start_to_end(
    app: Callable[..., subprocess.CompletedProcess[str]], results: Path, tmp_path: Path
) -> None:
    done = app("-m", f"results={results}", "seed=0,1,2")
    assert done.returncode == 1, done.stderr
    # The table of runs, and that of failures.
    assert "mlp + adamw" in done.stdout
    assert "0.6000  n=2" in done.stdout
    assert "ValueError: no seed [1]" in done.stdout
    assert done.stdout.count("warning: None") == 2
    assert "Traceback" not in done.stderr
    # Nothing lies about where the command was given.
    assert {path.name for path in tmp_path.iterdir()} == {"app", "results"}

    (folder,) = (results / "sweeps").iterdir()
    sweep = Sweep.read(folder)
    assert (sweep.id, sweep.ended, sweep.reported) == (folder.name, True, True)
    client = store.connect(results, store.default_uri(results))
    place_id = client.get_experiment_by_name("sweeps").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([place_id])}
    parent = runs.pop(sweep.id)
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    assert set(runs) == {"digits · mlp · adamw · seed 0", "digits · mlp · adamw · seed 2"}
    place = "summary/image_recognition.digits"
    assert parent.data.metrics == {
        f"{place}/accuracy_best": 0.7,
        f"{place}/accuracy_mean": 0.6,
        f"{place}/accuracy_mean/mlp-adamw": 0.6,
        f"{place}/accuracy_of_best/mlp": 0.6,
        f"{place}/n/mlp-adamw": 2,
        f"{place}/reached/mlp-adamw": 0,
        f"{place}/training_seconds/mlp-adamw": 0,
        f"{place}/runs": 2,
        "summary/runs_finished": 2,
        "summary/runs_failed": 1,
    }
    assert parent.info.status == "FAILED"
    best = parent.data.tags["best.image_recognition.digits"]
    assert best == runs["digits · mlp · adamw · seed 2"].info.run_id
    note = parent.data.tags["mlflow.note.content"]
    assert note.startswith("mlp + adamw is best on image_recognition / digits: test accuracy 0.600")
    assert "| backbone + optimizer | test accuracy |" in note
    assert f"[digits](#/experiments/{place_id}/runs/{best})" in note
    assert f"(get-artifact?path=leaderboard.png&run_uuid={parent.info.run_id})" in note
    assert "1 of its runs failed." in note
    artifacts = {a.path for a in client.list_artifacts(parent.info.run_id)}
    assert "leaderboard.png" in artifacts


def test_parallel_jobs_know_their_sweep(
    app: Callable[..., subprocess.CompletedProcess[str]], results: Path
) -> None:
    parallel = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "tracking.enabled=false")
    done = app("-m", f"results={results}", "seed=0,2", *parallel)
    assert done.returncode == 0, done.stderr
    records = [json.loads(path.read_text()) for path in results.glob("runs/*/record.json")]
    (folder,) = (results / "sweeps").iterdir()
    assert [record["sweep"] for record in records] == [folder.name] * 2
    assert "n=2" in done.stdout


@pytest.fixture
def ended(results: Path, finished: Callable[..., Path]) -> Sweep:
    """A sweep whose tracker was away: nothing of it is sent."""
    sweep = Sweep(id="s1", uri=store.default_uri(results), experiment="sweeps", ended=True)
    sweep.write(results)
    for run_id in ("one", "two"):
        finished(run_id, sweep="s1")
    return sweep


def test_sync_makes_up_for_a_sweep(results: Path, ended: Sweep) -> None:
    summary = sync(results)
    assert summary.sent == ["one", "two", "sweep s1"]
    assert sync(results).sent == []
    parent = Sweep.read(sweep_run.folder_of(results, "s1")).parent
    client = store.connect(results, str(ended.uri))
    assert client.get_run(parent).data.metrics["summary/runs_finished"] == 2


def test_a_parent_is_created_once(results: Path, ended: Sweep) -> None:
    client = store.connect(results, str(ended.uri))
    place = store.prepare(results, str(ended.uri), "sweeps")

    def parent() -> str:
        return sweep_run.find_or_create(client, results, place, str(ended.uri), "s1")

    first = parent()
    assert parent() == first
    # Even where the sweep's folder was lost.
    (sweep_run.folder_of(results, "s1") / "sweep.json").unlink()
    assert parent() == first
    # Nor is one named that the tracker does not have, as after it lost its database.
    replace(ended, parent="f" * 32).write(results)
    assert parent() == first


def test_current_sweep(results: Path, ended: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sweep_run.VARIABLE, raising=False)
    assert sweep_run.current_sweep() is None
    monkeypatch.setenv(sweep_run.VARIABLE, str(sweep_run.folder_of(results, "s1")))
    current: Any = sweep_run.current_sweep()
    assert current == ended
