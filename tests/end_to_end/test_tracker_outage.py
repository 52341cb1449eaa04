"""A run through a server that is killed again and again: no row is lost, none is doubled."""

import json
import math
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

DEATHS = 5
RUN = ["backbone=mlp", "backbone.width=16", "trainer.epochs=null", "trainer.steps=300",
       "trainer.evaluate_every=150", "trainer.log_every=1", "hardware=cpu_single"]  # fmt: skip

SERVER = Path(__file__).parents[2] / "benchmarks" / "mortal_server.py"


@pytest.fixture
def server(tmp_path):
    from suite.tracking.store import connect, default_uri

    results = tmp_path / "results"
    connect(results, default_uri(results))
    artifacts = (tmp_path / "served").as_uri()
    # Each life ends with the fourth change, stored and not acknowledged.
    often = ["--deaths", str(DEATHS), "--requests", "4"]
    command = [sys.executable, str(SERVER), default_uri(results), artifacts, *often]
    with (tmp_path / "server.log").open("w") as log, subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
    ) as process:  # fmt: skip
        yield process
        os.killpg(process.pid, 9)


def stored(database):
    """Return the rows of the run in MLflow, and how many runs there are."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows = list(connection.execute("SELECT key, step, timestamp, value, is_nan FROM metrics"))
    runs = list(connection.execute("SELECT status, lifecycle_stage FROM runs"))
    connection.close()
    return Counter((k, s, t, "nan" if n else v) for k, s, t, v, n in rows), runs


def told(journal):
    """Return the rows that the journal tells of."""
    from suite.tracking.rows import legal, totals_of

    for event in map(json.loads, journal.read_text().splitlines()):
        values, step = event.get("values", {}), event.get("step")
        if event["event"] == "end":
            values, step = totals_of(event["record"]), event["record"]["steps"]
        for name, value in values.items():
            stamp = int(event["time"] * 1000)
            yield legal(name), step, stamp, "nan" if math.isnan(value) else value


def test_five_deaths_of_the_server_lose_and_double_nothing(triathlon, server, tmp_path):
    uri = f"http://127.0.0.1:{int(server.stdout.readline())}"
    said = triathlon(tmp_path, *RUN, f"tracking.uri={uri}")
    assert (said.code, said.error) == (0, ""), said
    (journal,) = tmp_path.glob("results/runs/*/journal.jsonl")
    rows, runs = stored(tmp_path / "results" / "mlflow.db")
    assert sum(rows.values()) > 300 * 5
    assert rows == Counter(told(journal))
    # A run whose creation was not acknowledged was created again, and one of the two deleted.
    assert runs.count(("FINISHED", "active")) == 1
    assert [stage for _, stage in runs].count("active") == 1
    # All of them while the run sent.
    os.set_blocking(server.stdout.fileno(), False)
    assert os.read(server.stdout.fileno(), 1000).decode().split() == ["killed"] * DEATHS
    assert json.loads(journal.with_name("tracking.json").read_text())["done"]
