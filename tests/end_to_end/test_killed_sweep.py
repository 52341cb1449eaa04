"""A sweep whose processes are killed goes on where it stood, and counts every cell once."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable

import pytest

COMMAND = [
    "-m", "backbone=mlp", "optimizer=adamw,sgd", "seed=0,1,2", "hardware=cpu_single",
    "trainer.epochs=10", "trainer.evaluate_every=5", "trainer.log_every=50",
    "hydra/launcher=joblib", "hydra.launcher.n_jobs=2",
]  # fmt: skip
CELLS = 6
PATIENCE_SECONDS = 120


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)


def entries(folder) -> list[dict]:
    return [json.loads(p.read_text()) for p in sorted(folder.glob("results/sweeps/*/cells/*.json"))]


def rows(folder, query: str) -> list[tuple]:
    with sqlite3.connect(f"file:{folder}/results/mlflow.db?mode=ro", uri=True) as database:
        return database.execute(query).fetchall()


@pytest.fixture(scope="module")
def killed(script, cache, tmp_path_factory) -> tuple:
    """A sweep killed with all its processes, and the runs that were at work."""
    folder = tmp_path_factory.mktemp("killed")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("TRIATHLON_SWEEP", None)
    with subprocess.Popen(
        [str(script), *COMMAND],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as sweep:

        def early() -> bool:
            """Whether a run has only just begun to train: it is at work when the kill comes."""
            running = [one["run"] for one in entries(folder) if one["status"] == "running"]
            journals = [folder / "results/runs" / run / "journal.jsonl" for run in running]
            begun = [path.read_text() for path in journals if path.exists()]
            return any(1 <= text.count('"event": "metrics"') <= 2 for text in begun)

        def finished() -> list[str]:
            return [one["run"] for one in entries(folder) if one["status"] == "finished"]

        until(lambda: len(finished()) >= 2 and early())
        os.killpg(sweep.pid, signal.SIGKILL)
        sweep.communicate()
    return folder, [one["run"] for one in entries(folder) if one["status"] == "running"]


@pytest.fixture(scope="module")
def resumed(killed, triathlon):
    """The same command again."""
    folder, victims = killed
    # The kill may fall between a journal's end and what is written after it.
    journals = folder.glob("results/runs/*/journal.jsonl")
    done = {path.parent.name for path in journals if '"event": "end"' in path.read_text()}
    assert 2 <= len(done) < CELLS
    assert set(victims) - done
    return folder, triathlon(folder, *COMMAND), set(victims) - done, done


def test_only_what_was_missing_is_run(resumed):
    folder, said, victims, done = resumed
    assert said.code == 0, said
    assert f"{CELLS} runs, {len(done)} done before" in said.out
    assert f"{len(victims)} killed before, now gone on with" in said.out
    runs = {path.parent.name for path in folder.glob("results/runs/*/record.json")}
    assert done < runs
    assert len(runs) == CELLS
    records = [json.loads(p.read_text()) for p in folder.glob("results/runs/*/record.json")]
    assert len({record["config_hash"] for record in records}) == CELLS
    assert {record["status"] for record in records} == {"finished"}
    assert victims <= runs  # they were gone on with


def test_the_database_has_every_cell_once(resumed):
    folder = resumed[0]
    children = rows(
        folder,
        "select runs.run_uuid, runs.status, runs.lifecycle_stage, t.value from runs "
        "join tags t on t.run_uuid = runs.run_uuid and t.key = 'config_hash' "
        "join tags p on p.run_uuid = runs.run_uuid and p.key = 'mlflow.parentRunId'",
    )
    assert len(rows(folder, "select distinct value from tags where key='mlflow.parentRunId'")) == 1
    counted = [row for row in children if row[2] == "active"]
    assert Counter(row[1] for row in counted) == {"FINISHED": CELLS}
    assert len({row[3] for row in counted}) == CELLS
    assert not [row for row in children if row[2] == "deleted"]


def test_no_row_is_lost_or_there_twice(resumed):
    folder = resumed[0]
    for journal in folder.glob("results/runs/*/journal.jsonl"):
        events = [json.loads(line) for line in journal.read_text().splitlines()]
        told = [e["step"] for e in events if "train/loss" in e.get("values", {})]
        (run,) = rows(folder, f"select run_uuid from tags where value = '{journal.parent.name}'")
        sent = rows(
            folder,
            f"select step from metrics where key = 'train/loss' and run_uuid = '{run[0]}'",
        )
        assert sorted(step for (step,) in sent) == sorted(told)


def test_a_third_time_runs_nothing(resumed, triathlon):
    folder = resumed[0]
    said = triathlon(folder, *COMMAND)
    assert said.code == 0, said
    assert f"{CELLS} runs, {CELLS} done before" in said.out
    assert len(list(folder.glob("results/runs/*"))) == CELLS
    assert "image_recognition / digits" in said.out
